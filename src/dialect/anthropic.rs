//! Anthropic's Messages: OpenAI's requests in its form, and its answers in OpenAI's. AIHubMix's native endpoint for Claude
//! speaks the same.
//!
//! Requests: `request` has what is said once, `thinking` how much is thought, `messages` the conversation, `assistant` the
//! turns of Claude in it and `content` what messages hold, `tools` what the model may call, and `schema` what may be said of the form of JSON.
//! Answers: `response` reads whole ones and errors, `events` streams; `chunks` and `end` write what those come to, `usage`
//! has what is counted, `citations` what a text rests on, `custom` the inputs of custom tools, and `kept` what must be
//! whole before it is told. Reasoning goes both ways byte for byte: what `blocks` writes into `reasoning_details`,
//! it writes back into a request.
//!
//! <https://platform.claude.com/docs/en/api/messages>

mod assistant;
pub mod blocks;
mod chunks;
mod citations;
mod content;
mod custom;
mod end;
mod events;
mod kept;
mod messages;
mod request;
mod response;
mod schema;
mod thinking;
mod tools;
mod usage;

pub use events::Events;
pub use request::write_request;
pub use response::{read_error, read_response};

/// Who makes the reasoning of this dialect, by OpenRouter's name: the `format` of its `reasoning_details`.
///
/// <https://openrouter.ai/docs/use-cases/reasoning-tokens>
pub const FORMAT: &str = "anthropic-claude-v1";
