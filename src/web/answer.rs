//! Successful responses, read: whole JSON, or the start of a stream.

use js_sys::{Array, JSON};
use wasm_bindgen::prelude::*;

use super::failure::{Failure, Result};
use super::host;
use super::reply::Reply;
use crate::dialect::openai;
use crate::error::{Error, Kind};
use crate::text::concat;

/// What was read of a body, and whether it is all.
type Read = Result<(JsValue, bool)>;

/// The whole body, parsed by the host; `undefined` where there is none. Where `is_any`, a body that is not called JSON is
/// a text, and any JSON may be an answer.
pub fn json(reply: &Reply, read: Read, is_any: bool) -> Result<JsValue> {
    let (whole, is_whole) = read.map_err(|failure| lost(reply, failure))?;
    if !is_whole {
        let message = "The answer has more bytes than `maxResponseBytes` allows.";
        return Err(Error::new(Kind::TooLarge, message).with_status(reply.status()).into());
    }
    if whole == "" {
        return Ok(JsValue::UNDEFINED);
    }
    if is_any && whole.is_string() {
        let kind = reply.media_type();
        if !kind.ends_with("/json") && !kind.ends_with("+json") {
            return Ok(whole);
        }
    }
    let value = if whole.is_string() { host::parse_json(&whole).map_err(|_| no_json(reply))? } else { whole };
    // A thing of the API says what it is, and may have failed itself.
    let is_thing = is_any && (host::is_true(&value, "object") || host::is_true(&value, "id"));
    if !is_thing && (host::is_true(&value, "error") || Array::is_array(&value)) {
        let text = JSON::stringify(&value).map(String::from).unwrap_or_default();
        if openai::is_error(&text) {
            return Err(Error::from_response(reply.status(), &text).into());
        }
    }
    if !is_any && (!value.is_object() || Array::is_array(&value)) {
        return Err(unexpected(reply, "a JSON value that is no object"));
    }
    Ok(value)
}

/// The body of an error as text. One that breaks off, or does not come, says as much as an empty one, since the status
/// alone is already an error; an abort counts.
pub fn error_text(read: Read) -> Result<String> {
    match read {
        Err(failure) if matches!(failure.error.kind, Kind::Connection | Kind::Timeout) => Ok(String::new()),
        Err(failure) => Err(failure),
        Ok((body, _)) => {
            let written = || JSON::stringify(&body).ok().and_then(|text| text.as_string());
            Ok(body.as_string().or_else(written).unwrap_or_default())
        }
    }
}

/// The media types of event streams. Some servers send events without a type or as plain text; such a stream is judged by
/// what is in it.
const STREAMS: [&str; 4] = ["", "text/event-stream", "text/plain", "application/octet-stream"];

/// The body of an answer that can be read as a stream of chunks; what is plainly no event stream has none.
pub fn event_stream(reply: &Reply) -> Option<JsValue> {
    if STREAMS.contains(&reply.media_type().as_str()) { reply.body() } else { None }
}

/// What it means that an answer with this text came where a stream was asked for.
pub fn no_stream(reply: &Reply, text: &str) -> Box<Failure> {
    if openai::is_error(text) {
        return Error::from_response(reply.status(), text).into();
    }
    misfit(reply, &STREAMS, "a body that is no stream", "`, not an event stream")
}

/// The host's own message would quote the body, which may hold what must not be logged.
fn no_json(reply: &Reply) -> Box<Failure> {
    misfit(reply, &["", "application/json"], "a body that is empty, cut short or no valid JSON", "`, not JSON")
}

/// What it means that the body could not be read to its end.
fn lost(reply: &Reply, mut failure: Box<Failure>) -> Box<Failure> {
    if failure.error.kind != Kind::Connection {
        return failure;
    }
    if !reply.gives_text() {
        // The response parses its own body; what it says of it may quote it.
        return no_json(reply);
    }
    failure.error.message = concat(&[
        "Connection error: the connection was lost while the answer was being read (",
        &failure.error.message,
        ").",
    ]);
    failure
}

/// What it means that a body was not what was wanted: where it is called one of these types, the body itself is wrong.
fn misfit(reply: &Reply, types: &[&str], wrong: &str, wanted: &str) -> Box<Failure> {
    match reply.media_type().as_str() {
        fit if types.contains(&fit) => unexpected(reply, wrong),
        other => unexpected(reply, &concat(&["`", other, wanted])),
    }
}

fn unexpected(reply: &Reply, what: &str) -> Box<Failure> {
    let message = concat(&[
        "The server answered with success, but sent ",
        what,
        ". Check that `baseURL` names the API itself, usually a path that ends in `/v1`.",
    ]);
    Error::new(Kind::MalformedResponse, message).with_status(reply.status()).into()
}
