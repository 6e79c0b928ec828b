//! Google's `generateContent`: what it takes, and what it answers, whole and streamed.
//!
//! <https://ai.google.dev/api/generate-content>

mod arguments;
mod candidate;
mod citations;
mod config;
mod contents;
mod error;
mod logprobs;
mod media;
mod replay;
mod request;
mod response;
mod schema;
mod sorts;
mod thinking;
mod tools;

pub use error::read_error;
pub use request::write_request;
pub use response::{Events, read_response};

/// What marks the reasoning that Gemini has made: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
const FORMAT: &str = "google-gemini-v1";
