//! Whole answers of Anthropic's in OpenAI's form, and errors.
//!
//! <https://platform.claude.com/docs/en/api/messages>

use super::events::Events;
use crate::dialect::openai::{self, ErrorObject};
use crate::dialect::translate::{WayBack, is_string, said, shown};
use crate::error::{Error, Kind};
use crate::json::{Tree, Writer};
use crate::partial::Partial;

/// Anthropic's types of errors, with OpenAI's and the status of each: <https://platform.claude.com/docs/en/api/errors>.
const ERRORS: [(&str, &str, u16); 10] = [
    ("invalid_request_error", "invalid_request_error", 400),
    ("authentication_error", "authentication_error", 401),
    ("billing_error", "insufficient_quota", 402),
    ("permission_error", "permission_error", 403),
    ("not_found_error", "not_found_error", 404),
    ("request_too_large", "request_too_large", 413),
    ("rate_limit_error", "rate_limit_error", 429),
    ("api_error", "server_error", 500),
    ("overloaded_error", "overloaded_error", 503),
    ("timeout_error", "timeout_error", 504),
];

/// Reads an error body that came with this status: `{"type":"error","error":{"type","message"}}`. What is of another
/// form is `None`.
///
/// The status is that of the response, but for Anthropic's own 529; under one of success it is what the error says.
#[must_use]
pub fn read_error(body: &str, status: u16) -> Option<ErrorObject> {
    let mut tree = Tree::default();
    let root = tree.add(body).ok()?;
    let root = tree.value(root);
    let error = root.get("error").filter(|error| matches!(error.bytes(), [b'{', ..] | [b'"', _, _, ..]))?;
    let known = ERRORS.iter().find(|(name, ..)| is_string(error.at("type"), name));
    let status = match status {
        200..=299 => known.map(|&(.., status)| status).or_else(|| openai::read_error(body)?.status),
        529 => Some(503),
        _ => Some(status),
    };
    let message = shown(said(error, "message").unwrap_or(error));
    let mut out = Writer::default();
    out.begin_object();
    out.member("message", &message);
    match (known, said(error, "type").filter(|kind| kind.starts(b'"'))) {
        (Some((_, kind, _)), _) => out.member("type", kind),
        (None, Some(kind)) => out.member_copy("type", kind),
        (None, None) => out.member("type", "server_error"),
    }
    // An endpoint that is not Anthropic's own may say these.
    for name in ["param", "code"] {
        out.member_raw(name, error.get(name).map_or("null", |value| value.raw()));
    }
    if let Some(id) = said(root, "request_id") {
        out.member_copy("request_id", id);
    }
    out.end_object();
    Some(ErrorObject { json: out.into_json(), message, status })
}

/// Reads a whole answer, and writes it as OpenAI's `chat.completion`, made at this time (in seconds since 1970).
///
/// It is read as the blocks of a stream would be that come whole, so that both come to the same.
///
/// # Errors
/// That which the body reports, and one of [`Kind::MalformedResponse`] where it is no answer.
pub fn read_response(body: &str, back: &WayBack, created: u64) -> Result<String, Error> {
    let malformed = || Error::new(Kind::MalformedResponse, "The answer is not one of Anthropic's Messages API.");
    let mut tree = Tree::whole();
    let root = tree.add(body).map_err(|_| malformed())?;
    let root = tree.value(root);
    if !root.at("content").starts(b'[') {
        return Err(read_error(body, 200).map_or_else(malformed, |error| {
            let upstream_status = error.status.map(|_| 200);
            Error { upstream_status, ..Error::from_response(error.status.unwrap_or(200), &error.json) }
        }));
    }
    let mut events = Events::new(WayBack { include_usage: true, ..back.clone() }, created);
    let mut out = Writer::default();
    events.read_message(root, &mut out).map_err(|_| malformed())?;
    events.end(&mut out);
    let mut completion = Partial::default();
    for chunk in out.texts() {
        completion.add(chunk);
    }
    Ok(completion.json())
}
