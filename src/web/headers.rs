//! The headers of a request: the client's own, the caller's defaults, the call's.

use gloo_net::http::Headers;
use js_sys::{Array, Reflect, Symbol};
use wasm_bindgen::prelude::*;

use super::failure::{Failure, Result, invalid};
use super::host;
use crate::request::check_header;
use crate::text::concat;

/// The headers that carry a key: OpenAI's, Anthropic's, Azure's, Google's, a proxy's, a site's.
pub const KEY_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie"];

/// Merges the caller's headers in: a `Headers`, a list of pairs, or an object. They win over what is there; a name that
/// a list gives twice has both values, of an object the later counts. `null` removes a header and `undefined` leaves it as
/// it is, also among several values, which are joined as HTTP does it.
pub fn merge(headers: &Headers, from: &JsValue) -> Result<()> {
    if host::is_absent(from) {
        return Ok(());
    }
    if !from.is_object() {
        return Err(invalid("`headers` must be a Headers, an array of pairs or an object."));
    }
    let is_iterable = Reflect::get(from, &Symbol::iterator()).is_ok_and(|iterator| iterator.is_function());
    let pairs = if is_iterable { host::items(from) } else { host::entries(from) };
    let seen = Headers::new();
    for pair in pairs.map_err(|cause| unreadable().caused_by(cause))? {
        let name = host::get(&pair, "0").as_string().ok_or_else(unreadable)?.to_ascii_lowercase();
        let value = host::get(&pair, "1");
        let value = if Array::is_array(&value) { joined(&value)? } else { value };
        if value.is_null() {
            check_header(&name, "")?;
            headers.delete(&name);
        } else if !value.is_undefined() {
            let value = written(&value)?;
            check_header(&name, &value)?;
            if is_iterable && seen.has(&name) {
                headers.append(&name, &value);
            } else {
                headers.set(&name, &value);
            }
            seen.set(&name, "");
        }
    }
    Ok(())
}

/// The keys that these headers carry, for they must not be shown.
pub fn secrets(headers: &Headers) -> Vec<String> {
    let mut secrets = Vec::new();
    for name in &KEY_HEADERS {
        if let Some(key) = headers.get(name) {
            secrets.push(key.strip_prefix("Bearer ").unwrap_or(&key).to_owned());
        }
    }
    secrets
}

/// Several values as one; `null` is that of those that end with it, and takes away those before it.
fn joined(values: &JsValue) -> Result<JsValue> {
    let mut texts = JsValue::UNDEFINED;
    for value in host::items(values).map_err(|cause| unreadable().caused_by(cause))? {
        if value.is_null() {
            texts = value;
        } else if !value.is_undefined() {
            let text = written(&value)?;
            texts = match texts.as_string() {
                Some(before) => concat(&[&before, ", ", &text]).into(),
                None => text.into(),
            };
        }
    }
    Ok(texts)
}

fn written(value: &JsValue) -> Result<String> {
    host::to_text(value).map(String::from).map_err(|cause| unreadable().caused_by(cause))
}

fn unreadable() -> Box<Failure> {
    invalid("`headers` holds something that is not a pair of a name and a value.")
}
