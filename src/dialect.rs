//! How each vendor's protocol reads on the wire: one file a dialect, functions over arguments, no state but what the
//! caller hands in.

pub mod gemini;
pub mod models;
pub mod openai;
pub mod translate;
