//! Anthropic's Messages: its answers in OpenAI's form. AIHubMix's native endpoint for Claude speaks the same.
//!
//! Reasoning goes both ways byte for byte: what `blocks` writes into `reasoning_details`, it writes back into a request.
//!
//! <https://platform.claude.com/docs/en/api/messages>

pub mod blocks;

/// Who makes the reasoning of this dialect, by OpenRouter's name: the `format` of its `reasoning_details`.
///
/// <https://openrouter.ai/docs/use-cases/reasoning-tokens>
pub const FORMAT: &str = "anthropic-claude-v1";
