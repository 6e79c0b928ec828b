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

    // A function for each: a name that the host knows is found ten times as fast as one that it is told.

    /// Says what ends the current try, for the façade must when the instance is lost.
    #[wasm_bindgen(method, setter)]
    pub fn set_abort(this: &CallOptions, abort: &JsValue);

    /// The timer of the current try.
    #[wasm_bindgen(method, setter)]
    pub fn set_timer(this: &CallOptions, timer: &JsValue);

    #[wasm_bindgen(method, getter, js_name = baseURL)]
    fn base_url(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = apiKey)]
    fn api_key(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = fallbackBaseURLs)]
    fn fallback_base_urls(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn bases(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn method(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn path(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn search(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = isOnce)]
    fn is_once(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = isForeign)]
    fn is_foreign(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn json(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn body(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = onResponse)]
    fn on_response(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn timeout(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = firstEventTimeout)]
    fn first_event_timeout(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = idleTimeout)]
    fn idle_timeout(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = totalTimeout)]
    fn total_timeout(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn retry(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = maxRetries)]
    fn max_retries(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = maxEventBytes)]
    fn max_event_bytes(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = maxResponseBytes)]
    fn max_response_bytes(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn signal(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn fetch(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = fetchOptions)]
    fn fetch_options(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = ownHeaders)]
    fn own_headers(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = defaultHeaders)]
    fn default_headers(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn headers(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn stream(this: &CallOptions) -> JsValue;
}

impl CallOptions {
    /// Whether a request that is no chat is answered with an event stream.
    pub fn is_stream(&self) -> bool {
        self.stream().is_truthy()
    }
}

/// The options, read. They are the façade's own object, which has checked them, so that reading them calls nothing of the
/// caller's.
pub struct Options {
    /// The options as the façade has them.
    pub given: CallOptions,
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
        let mut base_urls = vec![options.base_url().as_string().unwrap_or_default()];
        let fallbacks = options.fallback_base_urls();
        if Array::is_array(&fallbacks) {
            base_urls.extend(fallbacks.unchecked_into::<Array>().into_iter().filter_map(|url| url.as_string()));
        }
        let bases = Some(options.bases()).filter(JsValue::is_object);
        let timeout = options.timeout();
        let timeout_ms = number(&timeout, request::TIMEOUT_MS);
        let idle_ms = request::IDLE_MS.min(timeout_ms);
        Self {
            given: JsValue::from(options).unchecked_into(),
            base_urls,
            bases: bases.unwrap_or_else(|| Object::new().into()),
            method: options.method().as_string(),
            path: options.path().as_string(),
            search: options.search().as_string().unwrap_or_default(),
            is_once: options.is_once().is_truthy(),
            is_foreign: options.is_foreign().is_truthy(),
            json: options.json(),
            body: options.body(),
            on_response: options.on_response().dyn_into().ok(),
            api_key: options.api_key(),
            has_timeout: !host::is_absent(&timeout),
            timeout_ms,
            first_event_ms: number(&options.first_event_timeout(), idle_ms),
            idle_ms: number(&options.idle_timeout(), idle_ms),
            total_ms: number(&options.total_timeout(), f64::INFINITY),
            max_retries: saturate(number(&options.max_retries(), f64::from(retry::MAX_RETRIES))),
            unbilled: options.retry() == "unbilled",
            max_event_bytes: saturate(number(&options.max_event_bytes(), f64::from(MAX_EVENT_BYTES as u32))) as usize,
            max_response_bytes: saturate(number(&options.max_response_bytes(), f64::from(MAX_BYTES as u32))),
            signal: Some(options.signal()).filter(JsValue::is_object).map(JsCast::unchecked_into),
            fetch: options.fetch().unchecked_into(),
            fetch_options: options.fetch_options(),
            headers: [options.own_headers(), options.default_headers(), options.headers()],
        }
    }

    /// Whether the caller has aborted.
    pub fn is_aborted(&self) -> bool {
        self.signal.as_ref().is_some_and(|signal| host::is_true(signal, "aborted"))
    }
}

/// A number, which is `default` where it was left out.
fn number(value: &JsValue, default: f64) -> f64 {
    value.as_f64().unwrap_or(default)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, and that is meant")]
fn saturate(number: f64) -> u32 {
    number as u32
}
