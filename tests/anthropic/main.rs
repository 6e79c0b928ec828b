//! Anthropic's answers in OpenAI's form.
#![cfg(not(target_arch = "wasm32"))]

mod answers;
mod blocks;
mod hostile;
mod order;
#[cfg(feature = "fixtures")]
mod recorded;
mod streams;
mod support;
