//! How each vendor's protocol reads on the wire: one file a dialect, functions over arguments, no state but what the
//! caller hands in.
//!
//! Those of other vendors than OpenAI are translated, and have one door: `Dialect`.

#[cfg(feature = "dialects")]
pub mod anthropic;
#[cfg(feature = "dialects")]
mod back;
#[cfg(feature = "dialects")]
mod door;
#[cfg(feature = "dialects")]
pub mod gemini;
#[cfg(feature = "dialects")]
pub mod layout;
#[cfg(feature = "dialects")]
pub mod models;
pub mod openai;
#[cfg(feature = "dialects")]
mod schemas;
#[cfg(feature = "dialects")]
pub mod translate;
#[cfg(feature = "dialects")]
mod translated;

#[cfg(feature = "dialects")]
pub use translated::{Dialect, Events};
