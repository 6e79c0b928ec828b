//! AIHubMix's catalogue, read from its own form into typed items: <https://docs.aihubmix.com/en/api/Models-API>.
//!
//! The documentation and the service differ in small things (numbers as texts, lists as comma texts), so every field
//! is read by what it holds.

use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::failure::{Result, failure};
use super::host::{self, get, get_text, number};
use crate::catalogue::{CatalogueModel, Pricing, split_list};
use crate::error::{Error, Kind};

/// The models in the reply `{ data, success, message }`. Its numbers are taken over as JavaScript has them.
pub fn read(reply: JsValue) -> Result<JsValue> {
    let data = get(&reply, "data");
    if get(&reply, "success") == JsValue::FALSE || !Array::is_array(&data) {
        let said = get_text(&reply, "message");
        let message =
            said.unwrap_or_else(|| "The server's reply is no model catalogue: it has no list `data`.".to_owned());
        return Err(Error::new(Kind::MalformedResponse, message).with_status(200).into());
    }
    let models = Array::new();
    let unreadable = |cause: serde_wasm_bindgen::Error| {
        failure(Kind::MalformedResponse, "The catalogue is unreadable.").caused_by(cause.into())
    };
    for item in data.unchecked_into::<Array>() {
        if let Some(model) = read_model(&item) {
            let model = model.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(unreadable)?;
            models.set(models.length(), model);
        }
    }
    Ok(models.into())
}

/// An item without an id cannot be called and is left out.
fn read_model(item: &JsValue) -> Option<CatalogueModel> {
    let id = get_text(item, "model_id")?;
    let prices = get(item, "pricing");
    let price = |name| number(&get(&prices, name));
    let tokens = |name| number(&get(item, name)).filter(|&tokens| tokens > 0.0);
    let list = |name| match get(item, name) {
        list if Array::is_array(&list) => read_list(list),
        text => split_list(&text.as_string().unwrap_or_default()),
    };
    Some(CatalogueModel {
        name: get_text(item, "model_name").unwrap_or_else(|| id.clone()),
        developer: text(&get(item, "developer_id")),
        description: get_text(item, "desc").unwrap_or_default(),
        types: list("types"),
        features: list("features"),
        input_modalities: list("input_modalities"),
        endpoints: list("endpoints"),
        context_length: tokens("context_length"),
        max_output: tokens("max_output"),
        pricing: Pricing {
            input: price("input").unwrap_or(f64::NAN),
            output: price("output").unwrap_or(f64::NAN),
            cache_read: price("cache_read"),
            cache_write: price("cache_write"),
        },
        id,
    })
}

/// The texts of a list.
fn read_list(list: JsValue) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in list.unchecked_into::<Array>() {
        texts.extend(entry.as_string());
    }
    texts
}

/// A text, or a number written out.
fn text(value: &JsValue) -> String {
    if value.is_null() || value.is_undefined() {
        return String::new();
    }
    host::to_text(value).map(String::from).unwrap_or_default()
}
