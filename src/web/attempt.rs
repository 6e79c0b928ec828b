//! One try of a request: its abort controller, its timer, and the caller's signal. Dropping it leaves nothing behind.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

use super::failure::Failure;
use super::host;
use crate::error::{Error, Kind};

/// The longest time that a host's timer can count, in milliseconds; beyond it `setTimeout` fires at once.
const MAX_TIMER_MS: f64 = 2_147_483_647.0;

/// A try in flight.
pub struct Attempt {
    controller: AbortController,
    /// Resolves to the controller when it is aborted. Custom `fetch` functions may ignore the signal; racing against
    /// this keeps a call from hanging on them.
    aborted: Promise,
    timer: JsValue,
    timeout_ms: f64,
    signal: Option<AbortSignal>,
    abort: Function,
}

impl Attempt {
    /// Starts the clock. The try is aborted after `timeout_ms`, or when the caller's `signal` is.
    pub fn start(timeout_ms: f64, signal: Option<AbortSignal>) -> Result<Self, JsValue> {
        let controller = AbortController::new()?;
        let aborted = Promise::new(&mut |resolve: Function, _| {
            let resolve: Function = resolve.bind1(&JsValue::UNDEFINED, &controller).unchecked_into();
            listen(&controller.signal(), &resolve);
        });
        // Bound with its argument: a listener is called with an event, which would become the reason.
        let abort: Function = host::get_function(&controller, "abort").ok_or(JsValue::UNDEFINED)?;
        let abort: Function = abort.bind1(&controller, &JsValue::UNDEFINED).unchecked_into();
        let timer = if timeout_ms < MAX_TIMER_MS { host::set_timeout(&abort, timeout_ms) } else { JsValue::UNDEFINED };
        if let Some(signal) = &signal {
            listen(signal, &abort);
            if host::get(signal, "aborted").is_truthy() {
                controller.abort();
            }
        }
        Ok(Self { controller, aborted, timer, timeout_ms, signal, abort })
    }

    /// The controller that ends this try.
    pub fn controller(&self) -> AbortController {
        self.controller.clone()
    }

    /// Waits for a promise of the host, but no longer than this try may last.
    pub async fn wait(&self, promise: &JsValue) -> Result<JsValue, Failure> {
        let race = Promise::race(&Array::of2(promise, &self.aborted));
        match JsFuture::from(race).await {
            Ok(value) if value == *AsRef::<JsValue>::as_ref(&self.controller) => Err(self.failure(JsValue::UNDEFINED)),
            Ok(value) => Ok(value),
            Err(cause) => Err(self.failure(cause)),
        }
    }

    /// Stops the clock: a stream may take as long as it takes.
    pub fn stop_clock(&self) {
        host::clear_timeout(&self.timer);
    }

    /// What it means that the host's promise was rejected with `cause`, or that the wait was cut short (`undefined`).
    /// An error that has nothing to do with an abort keeps its own meaning, even when an abort came at the same time.
    fn failure(&self, cause: JsValue) -> Failure {
        let name = host::get_text(&cause, "name");
        let cut_short = cause.is_undefined() || matches!(name.as_deref(), Some("AbortError" | "TimeoutError"));
        match &self.signal {
            Some(signal) if cut_short && host::get(signal, "aborted").is_truthy() => aborted(signal),
            _ if cut_short && self.controller.signal().aborted() => {
                let ms = host::to_text(&self.timeout_ms.into()).map(String::from).unwrap_or_default();
                Error::new(Kind::Timeout, ["Request timed out: no answer within ", &ms, " ms (`timeout`)."].concat())
                    .into()
            }
            _ => {
                // Node's parser keeps the bytes that were no HTTP, which may repeat the request and its key.
                let _ = Reflect::delete_property(&host::get(&cause, "cause").into(), &"data".into());
                Failure::from(Error::new(Kind::Connection, describe(&cause))).caused_by(cause)
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.stop_clock();
        if let Some(signal) = &self.signal {
            let _ = signal.remove_event_listener_with_callback("abort", &self.abort);
        }
    }
}

/// The failure for a caller's signal that was aborted.
pub fn aborted(signal: &AbortSignal) -> Failure {
    Failure::from(Error::new(Kind::Abort, "Request was aborted.")).caused_by(host::get(signal, "reason"))
}

/// Sleeps between two tries; an abort of the caller's ends it early.
pub async fn sleep(ms: f64, signal: Option<&AbortSignal>) {
    let mut timer = JsValue::UNDEFINED;
    let mut wake = None;
    let slept = Promise::new(&mut |resolve: Function, _| {
        timer = host::set_timeout(&resolve, ms);
        if let Some(signal) = signal {
            listen(signal, &resolve);
        }
        wake = Some(resolve);
    });
    // A promise that is only ever resolved.
    let _ = JsFuture::from(slept).await;
    host::clear_timeout(&timer);
    if let (Some(signal), Some(wake)) = (signal, wake) {
        let _ = signal.remove_event_listener_with_callback("abort", &wake);
    }
}

fn listen(signal: &AbortSignal, callback: &Function) {
    // Fails only for a type that is no event target; the abort is then noticed between tries.
    let _ = signal.add_event_listener_with_callback("abort", callback);
}

/// What the host says of a failed connection. Node hides the reason in the cause of a bare "fetch failed".
fn describe(error: &JsValue) -> String {
    let inner = host::get(error, "cause");
    let said = host::get_text(&inner, "message").or_else(|| host::get_text(&inner, "code"));
    said.or_else(|| host::get_text(error, "message"))
        .or_else(|| host::to_text(error).ok().map(String::from))
        .unwrap_or_default()
}
