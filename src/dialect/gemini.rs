//! Google's `generateContent`: what it takes, and what it answers, whole and streamed.
//!
//! <https://ai.google.dev/api/generate-content>

mod config;
mod contents;
mod media;
mod replay;
mod request;
mod schema;
mod thinking;
mod tools;

pub use request::write_request;

/// What marks the reasoning that Gemini has made: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
const FORMAT: &str = "google-gemini-v1";
