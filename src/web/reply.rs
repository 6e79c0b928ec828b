//! A response of the host or of a caller's `fetch`, whatever class it is of: its status, headers and error body.

use gloo_net::http::Response;
use js_sys::{Array, JSON, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::attempt::Attempt;
use super::failure::{Failure, Result, invalid};
use super::host;
use crate::error::Kind;
use crate::text;

/// How much of an error body is read, in bytes; the rest is cancelled.
const MAX_ERROR_BODY: usize = 1 << 20;

/// A response whose headers have arrived, and the try that it answers.
pub struct Reply {
    host: JsValue,
    response: Response,
    attempt: Box<Attempt>,
}

impl Reply {
    /// Takes what `fetch` resolved to. Never an `instanceof`: a caller's `fetch` has a Response class of its own.
    ///
    /// # Errors
    /// When it is no response of any class, which shows in its lack of a status.
    pub fn new(host: JsValue, attempt: Box<Attempt>) -> Result<Self> {
        if host::get(&host, "status").as_f64().is_none() {
            return Err(invalid("`fetch` did not return a response."));
        }
        Ok(Self { response: host.clone().unchecked_into::<web_sys::Response>().into(), host, attempt })
    }

    /// The HTTP status; 0 where a browser hides a redirect.
    pub fn status(&self) -> u16 {
        self.response.status()
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

    /// Lets the connection go without reading the body.
    pub fn cancel(&self) {
        let body = host::get(&self.host, "body");
        for name in ["cancel", "destroy"] {
            if let Some(left) = host::call(&body, name) {
                return forget(left);
            }
        }
    }

    /// Whether the body can be had as a text.
    pub fn gives_text(&self) -> bool {
        host::has_function(&self.host, "text")
    }

    /// The body of a success as one JavaScript string, or, of a response that gives no text, parsed by itself.
    pub async fn whole(&self) -> Result<JsValue> {
        let pending = self.unread()?;
        self.attempt.outcome(self.attempt.race(&pending).await)
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

    /// The body of an error as text, up to [`MAX_ERROR_BODY`]. A body that breaks off says as much as an empty one,
    /// since the status alone is already an error; an abort or the end of the time allowed counts.
    pub async fn text(&self) -> Result<String> {
        let reader = self.reader();
        let mut bytes = Vec::new();
        while bytes.len() < MAX_ERROR_BODY {
            let pending = match &reader {
                Some(reader) => host::call(reader, "read").unwrap_or(JsValue::UNDEFINED),
                None => self.unread()?,
            };
            let pending = self.attempt.race(&pending);
            let result = match self.attempt.outcome(pending.await) {
                Err(failure) if failure.error.kind == Kind::Connection => return Ok(String::new()),
                outcome => outcome?,
            };
            if reader.is_none() {
                let written = || JSON::stringify(&result).ok().and_then(|text| text.as_string());
                return Ok(result.as_string().or_else(written).unwrap_or_default());
            }
            if host::is_true(&result, "done") {
                break;
            }
            let part = host::get(&result, "value");
            if !part.is_object() {
                break;
            }
            // A copy, so that bytes of another realm, which are no instance of this one's class, are read as well.
            bytes.extend(Uint8Array::new(&part).to_vec());
        }
        bytes.truncate(MAX_ERROR_BODY);
        if let Some(left) = reader.and_then(|reader| host::call(&reader, "cancel")) {
            forget(left);
        }
        // As `Response.text()` decodes: without the byte-order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        Ok(text::decode(bytes).into_owned())
    }
}

/// Keeps a rejection that nobody waits for from being reported as unhandled.
fn forget(promise: JsValue) {
    let _ = Promise::all_settled(&Array::of2(&promise, &JsValue::UNDEFINED));
}
