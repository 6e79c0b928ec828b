//! What every JavaScript host has under the same name: a window, a worker, Node, Deno, Bun, workerd.

use js_sys::{Function, JsString, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The timer of the host; a number in browsers, an object in Node.
    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(callback: &Function, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    pub fn clear_timeout(timer: &JsValue);

    /// `String(value)`, which a symbol or an odd `toString` can make throw.
    #[wasm_bindgen(js_name = String, catch)]
    pub fn to_text(value: &JsValue) -> Result<JsString, JsValue>;

    /// `Number(value)`: not a number where the text is none.
    #[wasm_bindgen(js_name = Number)]
    pub fn to_number(text: &str) -> f64;
}

/// `object[name]`; `undefined` where the value is no object or its getter throws.
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// `object[name]`, when it is a string with something in it.
pub fn get_text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string().filter(|text| !text.is_empty())
}

/// `object[name]`, when it is a function.
pub fn get_function(object: &JsValue, name: &str) -> Option<Function> {
    get(object, name).dyn_into().ok()
}

/// A number, or a text that holds one; nothing for anything else.
pub fn number(value: &JsValue) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_string().filter(|text| !text.trim_ascii().is_empty()).map(|text| to_number(&text)))
        .filter(|number| number.is_finite())
}
