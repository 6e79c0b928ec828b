//! Google's `generateContent`: what it takes, and what it answers, whole and streamed.
//!
//! <https://ai.google.dev/api/generate-content>

mod arguments;
mod candidate;
mod citations;
mod error;
mod logprobs;
mod response;
mod sorts;

pub use error::read_error;
pub use response::{Events, read_response};

/// What marks the reasoning that Gemini has made: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
const FORMAT: &str = "google-gemini-v1";
