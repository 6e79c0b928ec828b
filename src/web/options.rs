//! What a call takes. The façade has made the options whole: the base URL is resolved and checked, a key that comes
//! from the environment is in place.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::failure::{Result, invalid};
use super::host;
use crate::request;
use crate::retry;
use crate::sse::MAX_EVENT_BYTES;

#[wasm_bindgen]
extern "C" {
    /// The options of one call; their TypeScript is `src/js/options.ts`.
    #[wasm_bindgen(typescript_type = "CallOptions")]
    pub type CallOptions;

    #[wasm_bindgen(method, getter, js_name = baseURL)]
    fn base_url(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = apiKey)]
    fn api_key(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = appCode)]
    fn app_code(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn timeout(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = maxRetries)]
    fn max_retries(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = maxEventBytes)]
    fn max_event_bytes(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn signal(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn fetch(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = defaultHeaders)]
    fn default_headers(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn headers(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = defaultQuery)]
    fn default_query(this: &CallOptions) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn query(this: &CallOptions) -> JsValue;
}

/// The options, read and checked. They are the façade's own object, so that reading them calls nothing of the caller's.
pub struct Options {
    /// The root of the API, without a slash at its end.
    pub base_url: String,
    /// The key, or a function that gives it for each try.
    pub api_key: JsValue,
    /// AIHubMix's partner code.
    pub app_code: Option<String>,
    /// Time allowed for a try, in milliseconds.
    pub timeout_ms: f64,
    /// How often a failed try is repeated.
    pub max_retries: u32,
    /// The most bytes that one event of a stream may have.
    pub max_event_bytes: usize,
    /// The caller's signal.
    pub signal: Option<AbortSignal>,
    /// The caller's `fetch`, or the host's.
    pub fetch: Function,
    /// The client's headers and the call's, which win.
    pub headers: [JsValue; 2],
    /// The client's query parameters and the call's, which win.
    pub query: [JsValue; 2],
}

impl Options {
    /// Reads the options of a call.
    pub fn read(options: &CallOptions) -> Result<Self> {
        let fetch = Some(options.fetch()).filter(|fetch| !host::is_absent(fetch));
        let fetch = fetch.unwrap_or_else(|| host::get(&js_sys::global(), "fetch"));
        Ok(Self {
            base_url: options.base_url().as_string().ok_or_else(|| invalid("`baseURL` must be a string."))?,
            api_key: options.api_key(),
            app_code: match options.app_code() {
                code if host::is_absent(&code) => None,
                code => Some(code.as_string().ok_or_else(|| invalid("`appCode` must be a string."))?),
            },
            timeout_ms: read_number(&options.timeout(), request::TIMEOUT_MS)
                .ok_or_else(|| invalid("`timeout` must be a number of milliseconds, 0 or more."))?,
            max_retries: read_number(&options.max_retries(), f64::from(retry::MAX_RETRIES))
                .filter(|number| number.fract() == 0.0)
                .map(saturate)
                .ok_or_else(|| invalid("`maxRetries` must be a whole number, 0 or more."))?,
            max_event_bytes: read_number(&options.max_event_bytes(), f64::from(MAX_EVENT_BYTES as u32))
                .map(|number| saturate(number) as usize)
                .ok_or_else(|| invalid("`maxEventBytes` must be a number of bytes, 0 or more."))?,
            signal: match options.signal() {
                signal if host::is_absent(&signal) => None,
                signal if host::has_function(&signal, "addEventListener") => Some(signal.unchecked_into()),
                _ => return Err(invalid("`signal` must be an AbortSignal.")),
            },
            fetch: fetch
                .dyn_into()
                .map_err(|_| invalid("`fetch` is not a function, and this host has none of its own."))?,
            headers: [options.default_headers(), options.headers()],
            query: [options.default_query(), options.query()],
        })
    }

    /// Whether the caller has aborted.
    pub fn is_aborted(&self) -> bool {
        self.signal.as_ref().is_some_and(|signal| host::is_true(signal, "aborted"))
    }
}

/// A number that is not negative; infinity is one.
fn read_number(value: &JsValue, default: f64) -> Option<f64> {
    if host::is_absent(value) {
        return Some(default);
    }
    value.as_f64().filter(|&number| number >= 0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, and that is meant")]
fn saturate(number: f64) -> u32 {
    number as u32
}
