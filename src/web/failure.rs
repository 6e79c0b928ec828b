//! An error on its way out: the core's data, with what only the host can hold.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::host;
use crate::error::{Error, Kind};
use crate::retry::Reach;

/// What may fail. The failure is in a box, so that the many places that hand it on move one word.
pub type Result<T> = std::result::Result<T, Box<Failure>>;

/// An [`Error`] with the response's headers and the host's own error.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// Present: the call may be tried again, after as many milliseconds.
    pub again: Option<f64>,
    /// Whether anybody has seen the request, where it was not answered.
    pub reach: Reach,
    /// How many tries came before the one that failed.
    pub retries: u32,
    headers: JsValue,
    cause: JsValue,
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Box::new(Failure {
            error,
            again: None,
            reach: Reach::Maybe,
            retries: 0,
            headers: JsValue::UNDEFINED,
            cause: JsValue::UNDEFINED,
        })
    }
}

/// A failure of this kind.
pub fn failure(kind: Kind, message: &str) -> Box<Failure> {
    Error::new(kind, message).into()
}

/// A failure of the caller's making.
pub fn invalid(message: &str) -> Box<Failure> {
    failure(Kind::InvalidRequest, message)
}

impl Failure {
    /// The same, with the error of the host that led to it.
    #[must_use]
    pub fn caused_by(mut self: Box<Self>, cause: JsValue) -> Box<Self> {
        self.cause = cause;
        self
    }

    /// The same, with the headers of the response that reported it.
    #[must_use]
    pub fn with_headers(mut self: Box<Self>, headers: JsValue) -> Box<Self> {
        self.headers = headers;
        self
    }

    /// The same, with the keys taken out of everything that is shown to people.
    #[must_use]
    pub fn redact(mut self: Box<Self>, secrets: &[String]) -> Box<Self> {
        for secret in secrets {
            self.error = self.error.redact(secret);
        }
        self
    }
}

/// The form in which errors leave:
/// `{ kind, message, retryCount, status?, upstreamStatus?, code?, error?, headers?, cause? }`.
impl From<Box<Failure>> for JsValue {
    fn from(failure: Box<Failure>) -> Self {
        let Failure { error, retries, headers, cause, .. } = *failure;
        let data = error
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .unwrap_or_else(|_| js_sys::Object::new().into());
        if let Some(body) = error.body.and_then(|text| host::parse_json(&text.into()).ok()) {
            host::set(&data, "error", &body);
        }
        host::set(&data, "retryCount", &retries.into());
        host::set(&data, "headers", &headers);
        host::set(&data, "cause", &cause);
        data
    }
}
