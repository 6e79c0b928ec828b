//! Anthropic's Messages: its answers in OpenAI's form. AIHubMix's native endpoint for Claude speaks the same.
//!
//! Answers: `response` reads whole ones and errors, `events` streams; `chunks` and `end` write what those come to,
//! `usage` has what is counted, `citations` what a text rests on, `custom` the inputs of custom tools, and `kept` what
//! must be whole before it is told. Reasoning goes both ways byte for byte: what `blocks` writes into
//! `reasoning_details`, it writes back into a request.
//!
//! <https://platform.claude.com/docs/en/api/messages>

pub mod blocks;
mod chunks;
mod citations;
mod custom;
mod end;
mod events;
mod kept;
mod response;
mod usage;

pub use events::Events;
pub use response::{read_error, read_response};

/// Who makes the reasoning of this dialect, by OpenRouter's name: the `format` of its `reasoning_details`.
///
/// <https://openrouter.ai/docs/use-cases/reasoning-tokens>
pub const FORMAT: &str = "anthropic-claude-v1";
