//! Errors as Google's APIs report them, in OpenAI's form.
//!
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://cloud.google.com/apis/design/errors>

use std::borrow::Cow;

use crate::dialect::openai::ErrorObject;
use crate::dialect::translate::is_string;
use crate::json::{Tree, Value, Writer};
use crate::text::{decimal, find};

/// The status of a failure that says no other: of the server behind the one that was asked.
const FAILURE: u16 = 502;

/// The HTTP statuses of Google's codes.
const STATUSES: [(&str, u16); 13] = [
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

/// Reads the error out of a body, `{"error": {…}}` or a list of such, that came with this HTTP status. `None` when the
/// body reports none.
///
/// The status is that of the response unless that is one of success; an API key that is no key counts as 401, though it
/// comes with 400. What Google says of when to try again is in the object as `retry_after_ms`.
///
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>
#[must_use]
pub fn read_error(body: &str, status: u16) -> Option<ErrorObject> {
    let mut tree = Tree::default();
    let root = tree.add(body).ok()?;
    error_of(tree.value(root), status)
}

/// The same, of a body that was read.
pub fn error_of(body: Value<'_>, status: u16) -> Option<ErrorObject> {
    let mut object = body;
    while object.starts(b'[') {
        object = object.items().next()?;
    }
    let error = object.get("error")?;
    let text = |name| error.at(name).string().map(|text| text.text()).unwrap_or_default();
    let (mut message, name) = match error.string() {
        Some(plain) if !plain.raw().is_empty() => (plain.text(), Cow::Borrowed("")),
        None if error.starts(b'{') => (text("message"), text("status")),
        _ => return None,
    };
    if message.is_empty() {
        message = Cow::Borrowed(error.raw());
    }
    let code = error.at("code");
    let said = decimal(code.bytes()).and_then(|code| u16::try_from(code).ok()).filter(|code| matches!(code, 400..=599));
    let named = STATUSES.iter().find(|(known, _)| *known == name).map(|&(_, status)| status);
    let mut meant = match status {
        200..=299 => said.or(named).unwrap_or(FAILURE),
        _ => status,
    };
    let details = error.at("details");
    let is_no_key = details.items().any(|detail| is_string(detail.at("reason"), "API_KEY_INVALID"));
    if meant == 400 && (is_no_key || find(&message, "API key not valid").is_some()) {
        meant = 401;
    }
    let mut out = Writer::default();
    out.begin_object();
    out.member("message", &message);
    out.member("type", kind(meant));
    out.member_raw("param", "null");
    out.key("code");
    match code {
        _ if !name.is_empty() => out.string(&name),
        // Who stands between Google and its callers has codes of its own.
        word if word.starts(b'"') => out.copy(word),
        _ => out.raw("null"),
    }
    let delay = details.items().find_map(|detail| detail.at("retryDelay").string());
    if let Some(delay) = delay.and_then(|delay| milliseconds(delay.raw())) {
        out.key("retry_after_ms");
        out.number(delay.into());
    }
    out.member_copy("details", details);
    out.end_object();
    Some(ErrorObject { json: out.into_json(), message: message.into_owned(), status: Some(meant) })
}

/// The error of an answer that is none, in the same form.
pub fn failure(message: &str, code: &str) -> ErrorObject {
    let mut out = Writer::default();
    out.begin_object();
    out.member("message", message);
    out.member("type", kind(FAILURE));
    out.member_raw("param", "null");
    out.member("code", code);
    out.end_object();
    ErrorObject { json: out.into_json(), message: message.to_owned(), status: Some(FAILURE) }
}

/// The type that OpenAI's errors of a status have.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

/// A duration as Google's JSON has it, such as `34.4s`, in whole milliseconds and rather too long than too short.
fn milliseconds(text: &str) -> Option<u32> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut milliseconds = decimal(whole.as_bytes())?.checked_mul(1000)?;
    let mut unit = 100;
    for digit in fraction.bytes() {
        let digit = u32::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        if unit == 0 {
            return milliseconds.checked_add(u32::from(digit > 0));
        }
        milliseconds = milliseconds.checked_add(digit * unit)?;
        unit /= 10;
    }
    Some(milliseconds)
}
