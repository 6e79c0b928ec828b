//! An error on its way out: the core's data, with what only the host can hold.

use js_sys::{JSON, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error::Error;

/// An [`Error`] with the response's headers and the host's own error.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    headers: JsValue,
    cause: JsValue,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, headers: JsValue::UNDEFINED, cause: JsValue::UNDEFINED }
    }
}

impl Failure {
    /// The same, with the error of the host that led to it.
    #[must_use]
    pub fn caused_by(mut self, cause: JsValue) -> Self {
        self.cause = cause;
        self
    }

    /// The same, with the headers of the response that reported it.
    #[must_use]
    pub fn with_headers(mut self, headers: web_sys::Headers) -> Self {
        self.headers = headers.into();
        self
    }

    /// The same, with the keys taken out of everything that is shown to people.
    #[must_use]
    pub fn redact(mut self, secrets: &[String]) -> Self {
        self.error = secrets.iter().fold(self.error, |error, secret| error.redact(secret));
        self
    }
}

/// The form in which errors leave: `{ kind, message, status?, upstreamStatus?, code?, error?, headers?, cause? }`.
impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let Failure { error, headers, cause } = failure;
        let data =
            error.serialize(&serde_wasm_bindgen::Serializer::new()).unwrap_or_else(|_| js_sys::Object::new().into());
        let body = error.body.and_then(|text| JSON::parse(&text).ok()).unwrap_or(JsValue::UNDEFINED);
        for (name, value) in [("error", body), ("headers", headers), ("cause", cause)] {
            if !value.is_undefined() {
                // A plain object that was made here takes any property.
                let _ = Reflect::set(&data, &name.into(), &value);
            }
        }
        data
    }
}
