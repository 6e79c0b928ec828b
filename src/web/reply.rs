//! A response of the host or of a caller's `fetch`, whatever class it is of: its status, headers and error body.

use gloo_net::http::{Headers, Response};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

use super::attempt::Attempt;
use super::failure::Failure;
use super::host;
use crate::error::Kind;
use crate::text;

/// How much of an error body is read, in bytes; the rest is cancelled.
const MAX_ERROR_BODY: usize = 1 << 20;

/// A response whose headers have arrived.
pub struct Reply {
    host: web_sys::Response,
    response: Response,
}

impl Reply {
    /// Takes what `fetch` resolved to. Never an `instanceof`: a caller's `fetch` has a Response class of its own.
    pub fn new(host: JsValue) -> Self {
        let host: web_sys::Response = host.unchecked_into();
        Self { response: Clone::clone(&host).into(), host }
    }

    /// The HTTP status; 0 where a browser hides a redirect.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// The headers. A response made by hand, as in tests of callers, may lack them.
    pub fn headers(&self) -> Option<Headers> {
        host::get_function(&host::get(&self.host, "headers"), "get").map(|_| self.response.headers())
    }

    /// One header, where there is any.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers()?.get(name)
    }

    /// The media type of the body, in lower case and without parameters; empty where the response does not say.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        text::before(&value, |byte| byte == b';').trim_ascii().to_ascii_lowercase()
    }

    /// The body as a web stream; nothing where it is of another kind.
    pub fn body(&self) -> Option<ReadableStream> {
        self.response.body().filter(|body| host::get_function(body, "getReader").is_some())
    }

    /// The failure, with the headers of this response.
    pub fn describe(&self, failure: Failure) -> Failure {
        match self.headers() {
            Some(headers) => failure.with_headers(headers.into_raw()),
            None => failure,
        }
    }

    /// The whole body, parsed by the host.
    pub fn json(&self) -> Promise {
        self.host.json().unwrap_or_else(|cause| Promise::reject(&cause))
    }

    /// Lets the connection go without reading the body.
    pub fn cancel(&self) {
        if let Some(body) = self.body() {
            forget(body.cancel());
        }
    }

    /// The body of an error as text, up to [`MAX_ERROR_BODY`]. A body that breaks off says as much as an empty one,
    /// since the status alone is already an error; an abort or the end of the time allowed counts.
    pub async fn text(&self, attempt: &Attempt) -> Result<String, Failure> {
        match self.read_text(attempt).await {
            Err(failure) if failure.error.kind == Kind::Connection => Ok(String::new()),
            read => read,
        }
    }

    async fn read_text(&self, attempt: &Attempt) -> Result<String, Failure> {
        let Some(reader) = self.body().and_then(|body| ReadableStreamDefaultReader::new(&body).ok()) else {
            let text = self.host.text().unwrap_or_else(|cause| Promise::reject(&cause));
            return Ok(attempt.wait(&text).await?.as_string().unwrap_or_default());
        };
        let mut bytes = Vec::new();
        while bytes.len() < MAX_ERROR_BODY {
            let result = attempt.wait(&reader.read()).await?;
            match host::get(&result, "value").dyn_into::<Uint8Array>() {
                Ok(part) if !host::get(&result, "done").is_truthy() => bytes.extend(part.to_vec()),
                _ => break,
            }
        }
        bytes.truncate(MAX_ERROR_BODY);
        forget(reader.cancel());
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Keeps a rejection that nobody waits for from being reported as unhandled.
fn forget(promise: Promise) {
    wasm_bindgen_futures::spawn_local(async move {
        let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
    });
}
