//! What a call takes. The façade has made these whole: the base URL is resolved and checked, a key that comes from the
//! environment is in place.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The options of one call; their TypeScript is `src/js/options.ts`.
    #[wasm_bindgen(typescript_type = "CallOptions")]
    pub type CallOptions;

    /// The root of the API, without a slash at its end.
    #[wasm_bindgen(method, getter, js_name = baseURL)]
    pub fn base_url(this: &CallOptions) -> String;

    /// The key, or a function that gives it for each try.
    #[wasm_bindgen(method, getter, js_name = apiKey)]
    pub fn api_key(this: &CallOptions) -> JsValue;

    /// AIHubMix's partner code.
    #[wasm_bindgen(method, getter, js_name = appCode)]
    pub fn app_code(this: &CallOptions) -> Option<String>;

    /// Time allowed for a try, in milliseconds.
    #[wasm_bindgen(method, getter)]
    pub fn timeout(this: &CallOptions) -> Option<f64>;

    /// How often a failed try is repeated.
    #[wasm_bindgen(method, getter, js_name = maxRetries)]
    pub fn max_retries(this: &CallOptions) -> Option<f64>;

    /// The caller's signal.
    #[wasm_bindgen(method, getter)]
    pub fn signal(this: &CallOptions) -> Option<web_sys::AbortSignal>;

    /// The caller's `fetch`.
    #[wasm_bindgen(method, getter)]
    pub fn fetch(this: &CallOptions) -> JsValue;

    /// The client's headers.
    #[wasm_bindgen(method, getter, js_name = defaultHeaders)]
    pub fn default_headers(this: &CallOptions) -> JsValue;

    /// The call's headers, which win over the client's.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &CallOptions) -> JsValue;

    /// The client's query parameters.
    #[wasm_bindgen(method, getter, js_name = defaultQuery)]
    pub fn default_query(this: &CallOptions) -> JsValue;

    /// The call's query parameters, which win over the client's.
    #[wasm_bindgen(method, getter)]
    pub fn query(this: &CallOptions) -> JsValue;
}
