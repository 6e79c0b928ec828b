//! A response of the host or of a caller's `fetch`, whatever class it is of: its status, headers and error body.

use gloo_net::http::Response;
use js_sys::{Array, Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::attempt::Attempt;
use super::failure::{Failure, Result, failure, invalid};
use super::host;
use crate::error::Kind;
use crate::text;

/// A response whose headers have arrived, and the try that it answers.
pub struct Reply {
    host: JsValue,
    response: Response,
    /// The response once more, with a body of its own, where it may have to be handed over after it was read.
    copy: Option<JsValue>,
    attempt: Box<Attempt>,
}

impl Reply {
    /// Takes what `fetch` resolved to. Never an `instanceof`: a caller's `fetch` has a Response class of its own.
    ///
    /// # Errors
    /// When it is no response of any class, which shows in its lack of a status.
    pub fn new(host: JsValue, attempt: Box<Attempt>) -> Result<Self> {
        if host::get_number(&host, "status").is_none() {
            return Err(invalid("`fetch` did not return a response."));
        }
        let response: Response = host.clone().unchecked_into::<web_sys::Response>().into();
        Ok(Self { host, response, copy: None, attempt })
    }

    /// Keeps the response as it is, where it can be had twice.
    pub fn keep_copy(&mut self) {
        self.copy = host::get_function(&self.host, "clone").and_then(|clone| clone.call0(&self.host).ok());
    }

    /// The HTTP status; 0 where a browser hides a redirect.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// Whether the status says that all went well.
    pub fn is_success(&self) -> bool {
        matches!(self.status(), 200..=299)
    }

    /// One header, where there is any. A response made by hand, as in tests of callers, may lack them.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = host::get(&self.host, "headers");
        host::get_function(&headers, "get")?.call1(&headers, &name.into()).ok()?.as_string()
    }

    /// The media type of the body, in lower case and without parameters; empty where the response does not say.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        text::before(&value, |byte| byte == b';').trim_ascii().to_ascii_lowercase()
    }

    /// The body as a stream of the web, or as an async iterable, which Node's streams are.
    pub fn body(&self) -> Option<JsValue> {
        let body = host::get(&self.host, "body");
        let iterator = js_sys::Reflect::get(&body, &js_sys::Symbol::async_iterator());
        let is_stream = host::has_function(&body, "getReader") || iterator.is_ok_and(|next| next.is_function());
        is_stream.then_some(body)
    }

    /// The controller that ends the request.
    pub fn controller(&self) -> AbortController {
        self.attempt.controller().clone()
    }

    /// Stops the clock: a stream may take as long as it takes.
    pub fn stop_clock(&self) {
        self.attempt.stop_clock();
    }

    /// Lets go of the caller's signal.
    pub fn close(&self) {
        self.attempt.end();
    }

    /// The failure as it may be shown: with the headers of this response, without the keys of its request.
    pub fn finish(&self, failure: Box<Failure>) -> Box<Failure> {
        let failure = failure.redact(&self.attempt.secrets);
        let headers = host::get(&self.host, "headers");
        if host::has_function(&headers, "get") { failure.with_headers(headers) } else { failure }
    }

    /// The response once more, unread, where it is a 503 and can be copied.
    pub fn copy(&self) -> Option<&JsValue> {
        self.copy.as_ref()
    }

    /// The response itself, as `fetch` gave it.
    pub fn host(&self) -> &JsValue {
        &self.host
    }

    /// Gives the body no longer than this.
    pub fn hurry(&mut self, ms: f64) {
        self.attempt.hurry(ms);
    }

    /// Whether the body can be had as a text.
    pub fn gives_text(&self) -> bool {
        host::has_function(&self.host, "text")
    }

    /// The body as one JavaScript string, or, of a response that gives no text, parsed by itself; and whether that is all
    /// of it: little more than `max` bytes are read, and the rest is cancelled.
    pub async fn read(&self, max: f64) -> Result<(JsValue, bool)> {
        // The host reads it faster, where it is known to stop in time.
        let reader = if self.length().is_some_and(|length| length <= max) { None } else { self.reader() };
        let mut text = Text { decoder: host::TextDecoder::new(), text: "".into(), left: max };
        let outcome = loop {
            let pending = match &reader {
                Some(reader) => host::call(reader, "read").unwrap_or(JsValue::UNDEFINED),
                None => self.unread()?,
            };
            let part = self.attempt.race(&pending).await;
            if reader.is_none() {
                return part.map(|body| (body, true));
            }
            match part.and_then(|part| text.add(&part)) {
                Ok(false) if text.left >= 0.0 => {}
                outcome => break outcome,
            }
        };
        if let Some(reader) = reader {
            if !matches!(outcome, Ok(true)) {
                if let Some(left) = host::call(&reader, "cancel") {
                    forget(left);
                }
                // To cancel is not enough in Firefox and Bun.
                self.attempt.controller().abort();
            }
            let _ = host::call(&reader, "releaseLock");
        }
        outcome.map(|is_whole| (text.text, is_whole))
    }

    /// How many bytes the body has, where that can be relied on: a browser does not say of another origin's answer
    /// whether they are compressed.
    fn length(&self) -> Option<f64> {
        let length = host::number(&self.header("content-length")?.into())?;
        let is_cut = host::get_text(&self.host, "type").is_some_and(|kind| kind == "cors");
        (!is_cut && self.header("content-encoding").is_none()).then_some(length)
    }

    fn unread(&self) -> Result<JsValue> {
        let pending = host::call(&self.host, if self.gives_text() { "text" } else { "json" });
        pending.ok_or_else(|| invalid("`fetch` resolved to a response without a body to read."))
    }

    /// The reader of the body; none where the body is no stream of the web, or where somebody else is reading it.
    fn reader(&self) -> Option<JsValue> {
        let body = host::get(&self.host, "body");
        host::get_function(&body, "getReader")?.call0(&body).ok()
    }
}

/// The text of a body that is read part by part.
struct Text {
    decoder: host::TextDecoder,
    text: JsValue,
    /// How many bytes more may be read.
    left: f64,
}

impl Text {
    /// Adds what a reader gave, and says whether it was the last.
    fn add(&mut self, read: &JsValue) -> Result<bool> {
        let part = host::get(read, "value");
        let is_last = host::is_true(read, "done") || !part.is_object();
        let more = Object::new();
        host::set(&more, "stream", &(!is_last).into());
        let bytes = if is_last { JsValue::UNDEFINED } else { part };
        self.left -= host::get_number(&bytes, "byteLength").unwrap_or_default();
        // Fails for what is not bytes, and for more than a string can hold.
        self.text = self
            .decoder
            .decode(&bytes, &more)
            .and_then(|decoded| host::concat(&self.text, &decoded))
            .map_err(|cause| failure(Kind::TooLarge, "The answer cannot be held as a text.").caused_by(cause))?;
        Ok(is_last)
    }
}

/// Lets the connection of a response go without reading its body.
pub fn cancel(response: &JsValue) {
    let body = host::get(response, "body");
    for name in ["cancel", "destroy"] {
        if let Some(left) = host::call(&body, name) {
            return forget(left);
        }
    }
}

/// Keeps a rejection that nobody waits for from being reported as unhandled.
fn forget(promise: JsValue) {
    let _ = Promise::all_settled(&Array::of2(&promise, &JsValue::UNDEFINED));
}
