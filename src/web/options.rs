//! What a call takes. The façade has made the options whole and checked them: the base URL is resolved, a key that comes
//! from the environment is in place, numbers are numbers, and there is a `fetch`.

use js_sys::{Array, Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::host;
use crate::request;
use crate::retry;
use crate::sse::MAX_EVENT_BYTES;
use crate::stream::MAX_BYTES;

#[wasm_bindgen]
extern "C" {
    /// The options of one call; their TypeScript is `src/js/options.ts`.
    #[wasm_bindgen(typescript_type = "CallOptions")]
    pub type CallOptions;
}

impl CallOptions {
    /// Whether a request that is no chat is answered with an event stream.
    pub fn is_stream(&self) -> bool {
        host::is_true(self, "stream")
    }
}

/// The options, read. They are the façade's own object, which has checked them, so that reading them calls nothing of the
/// caller's.
pub struct Options {
    /// The options as the façade has them.
    pub given: JsValue,
    /// The roots of the API, without a slash at their ends: the first, and those to fall back to.
    pub base_urls: Vec<String>,
    /// Which of them is used: an object that the calls of a client share, with `at`, its number, and `since`, when the
    /// first was left or looked at last.
    pub bases: JsValue,
    /// The HTTP method, where the caller says it.
    pub method: Option<String>,
    /// The path under the root, or a whole URL, where the caller says it.
    pub path: Option<String>,
    /// The query, as it stands in a URL, with its question mark.
    pub search: String,
    /// Whether the request can be sent once only, for its body is a stream.
    pub is_once: bool,
    /// Whether that is a URL of another place, where the client's key does not belong.
    pub is_foreign: bool,
    /// The body as JSON.
    pub json: JsValue,
    /// A body that is no JSON, in whatever form the host sends it.
    pub body: JsValue,
    /// Called with the response of a success; says whether that is all that is wanted.
    pub on_response: Option<Function>,
    /// The key, or a function that gives it for each try.
    pub api_key: JsValue,
    /// Whether the caller says how long a try may take.
    pub has_timeout: bool,
    /// Time allowed for a try, in milliseconds.
    pub timeout_ms: f64,
    /// Time allowed until the first event of a stream, between two of its lines, and for the call, in milliseconds.
    pub first_event_ms: f64,
    /// See above.
    pub idle_ms: f64,
    /// See above.
    pub total_ms: f64,
    /// How often a failed try is repeated.
    pub max_retries: u32,
    /// Whether a try that may have been billed is never repeated.
    pub unbilled: bool,
    /// The most bytes that one event of a stream may have.
    pub max_event_bytes: usize,
    /// The most bytes that an answer may have.
    pub max_response_bytes: u32,
    /// The caller's signal.
    pub signal: Option<AbortSignal>,
    /// The caller's `fetch`, or the host's.
    pub fetch: Function,
    /// More of what `fetch` is called with.
    pub fetch_options: JsValue,
    /// The headers that other options stand for, the client's, and the call's; the later win.
    pub headers: [JsValue; 3],
}

impl Options {
    /// Reads the options of a call.
    pub fn read(options: &CallOptions) -> Self {
        let get = |name| host::get(options, name);
        let text = |name| host::get_text(options, name);
        let number = |name, default| host::get_number(options, name).unwrap_or(default);
        let mut base_urls = vec![text("baseURL").unwrap_or_default()];
        let fallbacks = get("fallbackBaseURLs");
        if Array::is_array(&fallbacks) {
            base_urls.extend(fallbacks.unchecked_into::<Array>().into_iter().filter_map(|url| url.as_string()));
        }
        let bases = Some(get("bases")).filter(JsValue::is_object);
        let timeout = get("timeout");
        let timeout_ms = timeout.as_f64().unwrap_or(request::TIMEOUT_MS);
        let idle_ms = request::IDLE_MS.min(timeout_ms);
        Self {
            given: options.into(),
            base_urls,
            bases: bases.unwrap_or_else(|| Object::new().into()),
            method: text("method"),
            path: text("path"),
            search: text("search").unwrap_or_default(),
            is_once: get("isOnce").is_truthy(),
            is_foreign: host::is_true(options, "isForeign"),
            json: get("json"),
            body: get("body"),
            on_response: host::get_function(options, "onResponse"),
            api_key: get("apiKey"),
            has_timeout: !host::is_absent(&timeout),
            timeout_ms,
            first_event_ms: number("firstEventTimeout", idle_ms),
            idle_ms: number("idleTimeout", idle_ms),
            total_ms: number("totalTimeout", f64::INFINITY),
            max_retries: saturate(number("maxRetries", f64::from(retry::MAX_RETRIES))),
            unbilled: text("retry").as_deref() == Some("unbilled"),
            max_event_bytes: saturate(number("maxEventBytes", f64::from(MAX_EVENT_BYTES as u32))) as usize,
            max_response_bytes: saturate(number("maxResponseBytes", f64::from(MAX_BYTES as u32))),
            signal: Some(get("signal")).filter(JsValue::is_object).map(JsCast::unchecked_into),
            fetch: get("fetch").unchecked_into(),
            fetch_options: get("fetchOptions"),
            headers: ["ownHeaders", "defaultHeaders", "headers"].map(get),
        }
    }

    /// Whether the caller has aborted.
    pub fn is_aborted(&self) -> bool {
        self.signal.as_ref().is_some_and(|signal| host::is_true(signal, "aborted"))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, and that is meant")]
fn saturate(number: f64) -> u32 {
    number as u32
}
