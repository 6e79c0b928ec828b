//! A response of the host or of a caller's `fetch`, whatever class it is of: its status, headers and error body.

use gloo_net::http::Response;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::attempt::Attempt;
use super::failure::Failure;
use super::host;
use crate::error::Kind;
use crate::request::invalid;
use crate::text;

/// How much of an error body is read, in bytes; the rest is cancelled.
const MAX_ERROR_BODY: usize = 1 << 20;

/// A response whose headers have arrived.
pub struct Reply {
    host: JsValue,
    response: Response,
}

impl Reply {
    /// Takes what `fetch` resolved to. Never an `instanceof`: a caller's `fetch` has a Response class of its own.
    ///
    /// # Errors
    /// When it is no response of any class, which shows in its lack of a status.
    pub fn new(host: JsValue) -> Result<Self, Failure> {
        if host::get(&host, "status").as_f64().is_none() {
            return Err(invalid("`fetch` did not return a response.").into());
        }
        Ok(Self { response: host.clone().unchecked_into::<web_sys::Response>().into(), host })
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
        let is_stream =
            host::get_function(&body, "getReader").is_some() || iterator.is_ok_and(|next| next.is_function());
        is_stream.then_some(body)
    }

    /// The failure, with the headers of this response.
    pub fn describe(&self, failure: Failure) -> Failure {
        match host::get_function(&host::get(&self.host, "headers"), "get") {
            Some(_) => failure.with_headers(self.response.headers().into_raw()),
            None => failure,
        }
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
        host::get_function(&self.host, "text").is_some()
    }

    /// The body of a success as one JavaScript string, or, of a response that gives no text, parsed by itself.
    pub async fn whole(&self, attempt: &Attempt) -> Result<JsValue, Failure> {
        let pending = host::call(&self.host, if self.gives_text() { "text" } else { "json" });
        attempt.wait(&pending.ok_or_else(|| invalid("`fetch` resolved to a response without a body to read."))?).await
    }

    /// The body of an error as text, up to [`MAX_ERROR_BODY`]. A body that breaks off says as much as an empty one,
    /// since the status alone is already an error; an abort or the end of the time allowed counts.
    pub async fn text(&self, attempt: &Attempt) -> Result<String, Failure> {
        match self.read_text(attempt).await {
            Err(failure) if failure.error.kind == Kind::Connection => Ok(String::new()),
            read => read,
        }
    }

    /// The reader of the body; none where the body is no stream of the web, or where somebody else is reading it.
    fn reader(&self) -> Option<JsValue> {
        let body = host::get(&self.host, "body");
        host::get_function(&body, "getReader")?.call0(&body).ok()
    }

    async fn read_text(&self, attempt: &Attempt) -> Result<String, Failure> {
        let Some(reader) = self.reader() else {
            let whole = self.whole(attempt).await?;
            let written = js_sys::JSON::stringify(&whole).unwrap_or_default();
            return Ok(whole.as_string().unwrap_or_else(|| written.into()));
        };
        let mut bytes = Vec::new();
        while bytes.len() < MAX_ERROR_BODY {
            let result = attempt.wait(&host::call(&reader, "read").unwrap_or(JsValue::UNDEFINED)).await?;
            if host::get(&result, "done").is_truthy() {
                break;
            }
            // A copy, so that bytes of another realm, which are no instance of this one's class, are read as well.
            bytes.extend(Uint8Array::new(&host::get(&result, "value")).to_vec());
        }
        bytes.truncate(MAX_ERROR_BODY);
        if let Some(left) = host::call(&reader, "cancel") {
            forget(left);
        }
        // As `Response.text()` decodes: without the byte-order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Keeps a rejection that nobody waits for from being reported as unhandled.
fn forget(promise: JsValue) {
    wasm_bindgen_futures::spawn_local(async move {
        let _ = wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&promise)).await;
    });
}
