//! What every JavaScript host has under the same name: a window, a worker, Node, Deno, Bun, workerd.
//!
//! Whatever comes from a caller is touched through functions that catch: an exception that crossed the core would end
//! the process, and its call would never be answered.

use js_sys::{Array, Function, JsString, Promise, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The timer of the host; a number in browsers, an object in Node.
    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(callback: &Function, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    pub fn clear_timeout(timer: &JsValue);

    /// `String(value)`, which an odd `toString` can make throw.
    #[wasm_bindgen(js_name = String, catch)]
    pub fn to_text(value: &JsValue) -> Result<JsString, JsValue>;

    /// `Number(value)`: not a number where the text is none.
    #[wasm_bindgen(js_name = Number)]
    pub fn to_number(text: &str) -> f64;

    /// The number that a text begins with.
    #[wasm_bindgen(js_name = parseFloat)]
    pub fn parse_float(text: &str) -> f64;

    /// The members of an object as pairs.
    #[wasm_bindgen(js_namespace = Object, catch)]
    pub fn entries(object: &JsValue) -> Result<Array, JsValue>;

    /// The items of an iterable.
    #[wasm_bindgen(js_namespace = Array, js_name = from, catch)]
    pub fn items(iterable: &JsValue) -> Result<Array, JsValue>;

    /// Two texts as one; fails where that is too long for a string of the host.
    #[wasm_bindgen(js_namespace = ["String", "prototype", "concat"], js_name = call, catch)]
    pub fn concat(text: &JsValue, more: &JsValue) -> Result<JsValue, JsValue>;

    /// The decoder of UTF-8, whose texts stay the host's.
    pub type TextDecoder;

    #[wasm_bindgen(constructor)]
    pub fn new() -> TextDecoder;

    /// Where there are no bytes (`undefined`): what is left of a character that was cut.
    #[wasm_bindgen(method, catch)]
    pub fn decode(this: &TextDecoder, bytes: &JsValue, options: &JsValue) -> Result<JsValue, JsValue>;

    /// `JSON.parse` of a text of the host's, which need not be copied to be parsed.
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub fn parse_json(text: &JsValue) -> Result<JsValue, JsValue>;
}

/// `object[name]`; `undefined` where the value is no object or its getter throws.
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// `object[name]`, when it is a string with something in it.
pub fn get_text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string().filter(|text| !text.is_empty())
}

/// `object[name]`, when it is a number.
pub fn get_number(object: &JsValue, name: &str) -> Option<f64> {
    get(object, name).as_f64()
}

/// `object[name]`, when it is a function.
pub fn get_function(object: &JsValue, name: &str) -> Option<Function> {
    get(object, name).dyn_into().ok()
}

/// Whether `object[name]` is a function.
pub fn has_function(object: &JsValue, name: &str) -> bool {
    get_function(object, name).is_some()
}

/// Whether `object[name]` is there and says yes.
pub fn is_true(object: &JsValue, name: &str) -> bool {
    get(object, name).is_truthy()
}

/// `object[name] = value`, for a plain object that was made here; `undefined` is left out.
pub fn set(object: &JsValue, name: &str, value: &JsValue) {
    if !value.is_undefined() {
        // Such an object takes any property.
        let _ = Reflect::set(object, &JsValue::from_str(name), value);
    }
}

/// `object[name]()`, when there is such a function; what it throws becomes a rejection.
pub fn call(object: &JsValue, name: &str) -> Option<JsValue> {
    get_function(object, name).map(|function| or_rejected(function.call0(object)))
}

/// A rejected promise for what was thrown.
pub fn or_rejected(result: Result<JsValue, JsValue>) -> JsValue {
    result.unwrap_or_else(|cause| Promise::reject(&cause).into())
}

/// A number as a person reads it.
pub fn whole(number: f64) -> String {
    to_text(&number.round().into()).map(String::from).unwrap_or_default()
}

/// Whether an option was left out.
pub fn is_absent(value: &JsValue) -> bool {
    value.is_null() || value.is_undefined()
}

/// A number, or a text that holds one; nothing for anything else.
pub fn number(value: &JsValue) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_string().filter(|text| !text.trim_ascii().is_empty()).map(|text| to_number(&text)))
        .filter(|number| number.is_finite())
}
