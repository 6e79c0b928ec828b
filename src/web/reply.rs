//! A response of the host or of a caller's `fetch`, whatever class it is of: its status, headers and error body.

use gloo_net::http::Response;
use js_sys::{Array, JSON, Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::attempt::Attempt;
use super::failure::{Failure, Result, failure, invalid};
use super::host;
use crate::error::{Error, Kind};
use crate::text;

/// How much of an error body is read, in bytes; the rest is cancelled.
const MAX_ERROR_BODY: f64 = 1_048_575.0;

/// How long an error body may take, in milliseconds.
const ERROR_BODY_MS: f64 = 5_000.0;

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

    /// The response once more, with a body of its own, where it can be had.
    pub fn copy(&self) -> Option<JsValue> {
        host::get_function(&self.host, "clone")?.call0(&self.host).ok()
    }

    /// The response itself, as `fetch` gave it.
    pub fn host(&self) -> &JsValue {
        &self.host
    }

    /// Whether the body can be had as a text.
    pub fn gives_text(&self) -> bool {
        host::has_function(&self.host, "text")
    }

    /// The body of a success as one JavaScript string, or, of a response that gives no text, parsed by itself.
    ///
    /// # Errors
    /// [`Kind::TooLarge`] when it has more than `max` bytes, which are not read.
    pub async fn whole(&self, max: f64) -> Result<JsValue> {
        // The host reads it faster, where it is known to stop in time.
        let reader = if self.length().is_some_and(|length| length <= max) { None } else { self.reader() };
        let Some(reader) = reader else {
            let pending = self.unread()?;
            return self.attempt.outcome(self.attempt.race(&pending).await);
        };
        let (text, is_whole) = self.read(&reader, max).await?;
        if !is_whole {
            let message = "The answer has more bytes than `maxResponseBytes` allows.";
            return Err(Error::new(Kind::TooLarge, message).with_status(self.status()).into());
        }
        Ok(text)
    }

    /// How many bytes the body has, where that can be relied on: a browser does not say of another origin's answer
    /// whether they are compressed, and what a caller's `fetch` says has been checked by nobody.
    fn length(&self) -> Option<f64> {
        let is_checked = host::get_text(&self.host, "type").is_some_and(|kind| kind == "basic");
        if !is_checked || self.header("content-encoding").is_some() {
            return None;
        }
        host::number(&self.header("content-length")?.into())
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

    /// Reads a little over `max` bytes at most, and says whether these were all. The rest is cancelled.
    async fn read(&self, reader: &JsValue, max: f64) -> Result<(JsValue, bool)> {
        let (decoder, more) = (host::TextDecoder::new(), Object::new());
        host::set(&more, "stream", &true.into());
        let (mut text, mut length) = (JsValue::from(""), 0.0);
        let outcome = loop {
            let pending = host::call(reader, "read").unwrap_or(JsValue::UNDEFINED);
            let result = match self.attempt.outcome(self.attempt.race(&pending).await) {
                Ok(result) => result,
                Err(failure) => break Err(failure),
            };
            let part = host::get(&result, "value");
            let is_last = host::is_true(&result, "done") || !part.is_object();
            let decoded = if is_last { decoder.end() } else { decoder.decode(&part, &more) };
            // Fails for what is not bytes, and for more than a string can hold.
            match decoded.and_then(|decoded| host::concat(&text, &decoded)) {
                Ok(longer) => text = longer,
                Err(cause) => {
                    break Err(failure(Kind::TooLarge, "The answer cannot be held as a text.").caused_by(cause));
                }
            }
            if is_last {
                let _ = host::call(reader, "releaseLock");
                return Ok((text, true));
            }
            length += host::get(&part, "byteLength").as_f64().unwrap_or_default();
            if length > max {
                break Ok((text, false));
            }
        };
        if let Some(left) = host::call(reader, "cancel") {
            forget(left);
        }
        let _ = host::call(reader, "releaseLock");
        // To cancel is not enough in Firefox and Bun.
        self.attempt.controller().abort();
        outcome
    }

    /// The body of an error as text, up to [`MAX_ERROR_BODY`]. A body that breaks off, or does not come, says as
    /// much as an empty one, since the status alone is already an error; an abort counts.
    pub async fn text(&mut self) -> Result<String> {
        self.attempt.hurry(ERROR_BODY_MS);
        let outcome = match self.reader() {
            Some(reader) => self.read(&reader, MAX_ERROR_BODY).await.map(|(text, _)| text),
            None => {
                let pending = self.unread()?;
                self.attempt.outcome(self.attempt.race(&pending).await)
            }
        };
        match outcome {
            Err(failure) if matches!(failure.error.kind, Kind::Connection | Kind::Timeout) => Ok(String::new()),
            Err(failure) => Err(failure),
            Ok(body) => {
                let written = || JSON::stringify(&body).ok().and_then(|text| text.as_string());
                Ok(body.as_string().or_else(written).unwrap_or_default())
            }
        }
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
