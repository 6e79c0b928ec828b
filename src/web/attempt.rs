//! One try of a request: its abort controller, its timer, and the caller's signal. Dropping it leaves nothing behind. The
//! pause between two tries is one as well, in which nothing is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use js_sys::{Array, Date, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

use super::failure::{Failure, Result, failure, invalid};
use super::host;
use super::options::{CallOptions, Options};
use crate::error::Kind;
use crate::retry;
use crate::text::concat;

/// The longest time that a host's timer can count, in milliseconds; beyond it `setTimeout` fires at once.
const MAX_TIMER_MS: f64 = 2_147_483_647.0;

/// A try in flight.
pub struct Attempt {
    controller: AbortController,
    /// Resolves to the controller when it is aborted. Custom `fetch` functions may ignore the signal; racing against
    /// this keeps a call from hanging on them.
    aborted: Promise,
    timer: JsValue,
    limit: (f64, &'static str),
    /// When it is over, in milliseconds of the clock.
    deadline: f64,
    signal: Option<AbortSignal>,
    abort: Function,
    /// The options as the façade has them.
    given: CallOptions,
    /// Where the request went.
    pub url: String,
    /// The keys that the request was sent with, for they must not be shown.
    pub secrets: Vec<String>,
}

/// A promise of the host, waited for no longer than a try may last. Not an `async fn`: each place that awaits one would
/// have a copy of it.
pub struct Race<'a> {
    attempt: &'a Attempt,
    first: JsFuture,
}

impl Future for Race<'_> {
    type Output = Result<JsValue>;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.first).poll(context).map(|outcome| match outcome {
            Ok(value) if value == *AsRef::<JsValue>::as_ref(&self.attempt.controller) => {
                Err(self.attempt.failure(JsValue::UNDEFINED))
            }
            Ok(value) => Ok(value),
            Err(cause) => Err(self.attempt.failure(cause)),
        })
    }
}

impl Attempt {
    /// Starts the clock. The try is aborted after the milliseconds of its `limit`, which the option of this name sets, or
    /// when the caller's signal is. The façade learns what ends it, for it must when the instance is lost.
    pub fn start(limit: (f64, &'static str), options: &Options) -> Result<Box<Self>> {
        let controller =
            AbortController::new().map_err(|cause| invalid("This host has no AbortController.").caused_by(cause))?;
        let aborted = Promise::new_typed::<JsValue>(&mut |resolve, _| {
            let resolve: Function =
                resolve.unchecked_into::<Function>().bind1(&JsValue::UNDEFINED, &controller).unchecked_into();
            listen(&controller.signal(), &resolve);
        });
        // Bound with its argument: a listener is called with an event, which would become the reason.
        let abort: Function = host::get(&controller, "abort").unchecked_into();
        let abort: Function = abort.bind1(&controller, &JsValue::UNDEFINED).unchecked_into();
        options.given.set_abort(&abort);
        let timer = if limit.0 < MAX_TIMER_MS { host::set_timeout(&abort, limit.0) } else { JsValue::UNDEFINED };
        options.given.set_timer(&timer);
        if let Some(signal) = &options.signal {
            listen(signal, &abort);
            if host::is_true(signal, "aborted") {
                // Throws only where it cannot be called.
                let _ = abort.call0(&JsValue::UNDEFINED);
            }
        }
        let signal = options.signal.clone();
        Ok(Box::new(Self {
            controller,
            aborted,
            timer,
            limit,
            deadline: Date::now() + limit.0,
            signal,
            abort,
            given: JsValue::from(&options.given).unchecked_into(),
            url: String::new(),
            secrets: Vec::new(),
        }))
    }

    /// The controller that ends this try.
    pub fn controller(&self) -> &AbortController {
        &self.controller
    }

    /// A promise of the host, to be waited for no longer than this try may last.
    pub fn race(&self, promise: &JsValue) -> Race<'_> {
        Race { attempt: self, first: Promise::race(&Array::of2(promise, &self.aborted)).into() }
    }

    /// The end of the time, or the caller's abort.
    pub fn over(&self) -> Race<'_> {
        self.race(&self.aborted)
    }

    /// Gives what is still to come no longer than this.
    pub fn hurry(&mut self, ms: f64) {
        self.stop_clock();
        self.timer = host::set_timeout(&self.abort, ms.min(self.deadline - Date::now()));
        self.given.set_timer(&self.timer);
    }

    /// Stops the clock: a stream may take as long as it takes.
    pub fn stop_clock(&self) {
        host::clear_timeout(&self.timer);
    }

    /// What it means that the host's promise was rejected with `cause`, or that the wait was cut short (`undefined`).
    /// An error that has nothing to do with an abort keeps its own meaning, even when an abort came at the same time.
    fn failure(&self, cause: JsValue) -> Box<Failure> {
        let name = host::get_text(&cause, "name");
        let cut_short = cause.is_undefined() || matches!(name.as_deref(), Some("AbortError" | "TimeoutError"));
        let is_reason =
            |signal| host::is_true(signal, "aborted") && (cut_short || host::get(signal, "reason") == cause);
        match &self.signal {
            Some(signal) if is_reason(signal) => aborted(signal),
            _ if cut_short && host::is_true(&self.controller.signal(), "aborted") => {
                let (ms, name) = self.limit;
                failure(
                    Kind::Timeout,
                    &concat(&["Request timed out: no answer within ", &host::whole(ms), " ms (`", name, "`)."]),
                )
            }
            _ => {
                // Node's parser keeps the bytes that were no HTTP, which may repeat the request and its key.
                let _ = Reflect::delete_property(&host::get(&cause, "cause").into(), &"data".into());
                let inner = host::get(&cause, "cause");
                let code = host::get_text(&cause, "code").or_else(|| host::get_text(&inner, "code"));
                let (said, code) = (describe(&cause), code.unwrap_or_default());
                let mut failure = if cut_short && cause.is_object() || retry::is_timeout(&code, &said) {
                    failure(Kind::Timeout, &concat(&["Request timed out: ", &said]))
                } else {
                    failure(Kind::Connection, &said)
                };
                let syscall = host::get_text(&inner, "syscall");
                failure.reach = retry::reach(&code, syscall.as_deref(), &said);
                failure.caused_by(cause)
            }
        }
    }

    /// Leaves nothing behind; what is still waited for is not cut short.
    pub fn end(&self) {
        self.stop_clock();
        if let Some(signal) = &self.signal {
            let _ = signal.remove_event_listener_with_callback("abort", &self.abort);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end();
    }
}

/// The failure for a caller's signal that was aborted.
pub fn aborted(signal: &AbortSignal) -> Box<Failure> {
    failure(Kind::Abort, "Request was aborted.").caused_by(host::get(signal, "reason"))
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
