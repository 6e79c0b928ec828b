//! chatmux: every chat model behind one call, anywhere JavaScript runs.
//!
//! The crate is one core with two faces. Natively it is this library: pure functions and state machines that do no IO,
//! read no clock and draw no random number. On `wasm32` the `web` module adds the host:
//! `fetch`, timers, abort signals and the functions that JavaScript calls.
//!
//! ```text
//!     JS call ─▶ request ─▶ dialect ─▶ fetch (web) ────────────▶ bytes
//!                                                                 │ feed
//!     your for await ◀─ batch ◀─ stream ◀─ shape, or else dialect and repair ◀─ sse
//!                                  └─▶ partial
//! ```
//!
//! The modules, in the order in which data flows:
//!
//! - [`request`]: what is checked at the door, and where a request goes.
//! - [`retry`]: whether to try again, and when.
//! - [`error`]: what can go wrong, as data with a kind.
//! - [`dialect`]: how each vendor's protocol reads on the wire; [`repair`]: what some of its speakers get wrong.
//! - [`sse`]: bytes to events; [`json`]: text that is read in place, once, into a tree of where the values stand.
//! - [`stream`]: events to chunks, and the verdict on how a stream ended; [`shape`]: events that are alike, read by their
//!   differences; [`partial`]: the completion as assembled so far; [`batch`]: the chunks of one read, as JavaScript takes them over.
//! - [`translator`]: another provider's stream to OpenAI's, bytes to bytes; [`template`]: its events that are alike, written
//!   by their differences.
//! - [`catalogue`]: the models that AIHubMix offers.
//! - `web` (wasm only): the one place that names the host; `web_dialects`: the face of the second module, that of the
//!   dialects, which takes bytes and gives bytes.

#![forbid(unsafe_code)]

pub mod batch;
pub mod catalogue;
pub mod dialect;
pub mod error;
pub mod json;
pub mod partial;
mod plain;
pub mod repair;
pub mod request;
pub mod retry;
pub mod shape;
pub mod sse;
pub mod stream;
#[cfg(feature = "dialects")]
pub mod template;
mod text;
#[cfg(feature = "dialects")]
pub mod translator;
#[cfg(all(target_arch = "wasm32", feature = "client"))]
pub mod web;
#[cfg(all(target_arch = "wasm32", feature = "dialects"))]
pub mod web_dialects;

pub use error::{Error, Kind};

#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
