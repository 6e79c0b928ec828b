//! The headers of a request: the client's own, the caller's defaults, the call's.

use gloo_net::http::Headers;
use js_sys::{Array, Object, Reflect, Symbol};
use wasm_bindgen::prelude::*;

use super::failure::Failure;
use super::host;
use crate::request::{check_header, invalid};

/// Sets `name` to `value` where both can be sent.
pub fn set(headers: &Headers, name: &str, value: &str) -> Result<(), Failure> {
    check_header(name, value)?;
    headers.set(name, value);
    Ok(())
}

/// Merges the caller's headers in: a `Headers`, a list of pairs, or an object. In an object `null` removes a header
/// and `undefined` leaves it as it is; a list of values is joined as HTTP does it.
pub fn merge(headers: &Headers, from: &JsValue) -> Result<(), Failure> {
    if from.is_undefined() || from.is_null() {
        return Ok(());
    }
    if !from.is_object() {
        return Err(invalid("`headers` must be a Headers, an array of pairs or an object.").into());
    }
    let is_iterable = Reflect::get(from, &Symbol::iterator()).is_ok_and(|iterator| iterator.is_function());
    let pairs = if is_iterable { Array::from(from) } else { Object::entries(from.unchecked_ref()) };
    for pair in pairs.iter() {
        if !Array::is_array(&pair) {
            return Err(unreadable());
        }
        let pair = Array::from(&pair);
        let (name, value) = (pair.get(0).as_string().ok_or_else(unreadable)?, pair.get(1));
        if value.is_null() {
            check_header(&name, "")?;
            headers.delete(&name);
        } else if !value.is_undefined() {
            set(headers, &name, &text(&value)?)?;
        }
    }
    Ok(())
}

fn text(value: &JsValue) -> Result<String, Failure> {
    let text = if Array::is_array(value) { Ok(Array::from(value).join(", ")) } else { host::to_text(value) };
    text.map(String::from).map_err(|cause| unreadable().caused_by(cause))
}

fn unreadable() -> Failure {
    invalid("`headers` holds something that is not a pair of a name and a value.").into()
}
