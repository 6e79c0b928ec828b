//! What the tests of a lost instance need: ways to lose it. Only in the build that they run, with the feature `test-traps`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

/// Loses the instance: by a `trap`, by an `overflow` of the stack, or for want of `memory`.
#[wasm_bindgen(js_name = forceTrap)]
pub fn force_trap(how: &str) {
    match how {
        "overflow" => {
            dive();
        }
        "memory" => loop {
            black_box(vec![0_u8; 1 << 16].leak());
        },
        _ => core::arch::wasm32::unreachable(),
    }
}

/// The same, in a future, when the promise is kept.
#[wasm_bindgen(js_name = forceTrapLater)]
pub fn force_trap_later(how: String, after: Promise) -> Promise {
    future_to_promise(async move {
        let kept = JsFuture::from(after).await;
        force_trap(&how);
        kept
    })
}

/// Takes all the memory that there is but for these last bytes.
#[wasm_bindgen(js_name = fillMemory)]
pub fn fill_memory(leave: usize) {
    let last = black_box(Vec::<u8>::with_capacity(leave));
    let mut size = 1 << 20;
    while size >= 8 {
        let mut block = Vec::<u8>::new();
        if block.try_reserve_exact(size).is_ok() {
            black_box(block.leak());
        } else {
            size /= 2;
        }
    }
    drop(last);
}

/// Calls itself for as long as the host's stack lasts: no optimiser can tell that it ends. What it counts is kept apart, for
/// else the stack of Rust, which is in the module's memory, could be full before.
#[inline(never)]
fn dive() -> u32 {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    if DEPTH.fetch_add(1, Relaxed) == u32::MAX { 0 } else { dive() + DEPTH.load(Relaxed) }
}
