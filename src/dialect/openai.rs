//! OpenAI's chat completions, the format that chatmux speaks by itself: requests and answers pass through unchanged,
//! so what is read here is only what the client must know of them.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use std::borrow::Cow;

use crate::json::{self, Kind, Member, RawString, Reader};
use crate::text::decimal;

/// The data that ends a stream.
pub const DONE: &str = "[DONE]";

/// The highest choice index that is followed; the API allows `n` up to 128.
const MAX_CHOICES: u32 = 128;

/// Which choices of a stream have appeared, and which of them have finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    seen: u128,
    finished: u128,
}

impl Progress {
    /// Whether every choice that appeared has given its finish reason, and at least one did.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.seen != 0 && self.seen == self.finished
    }

    fn note(&mut self, index: u32, finished: bool) {
        if index < MAX_CHOICES {
            self.seen |= 1 << index;
            self.finished |= u128::from(finished) << index;
        }
    }
}

/// A chunk of an answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Its members.
    pub members: Vec<Member<'a>>,
    /// The text of the first choice.
    pub text: Option<RawString<'a>>,
}

/// What one event of a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A chunk of the answer.
    Chunk(Chunk<'a>),
    /// The error of a request that had begun to answer.
    Error,
    /// The end.
    Done,
}

/// Reads one event: `name` is its type, `data` its data.
///
/// # Errors
/// Those of [`json`], when the data is no JSON, or no object.
pub fn read_event<'a>(name: &str, data: &'a str, progress: &mut Progress) -> json::Result<Message<'a>> {
    if data == DONE {
        return Ok(Message::Done);
    }
    let mut reader = Reader::new(data);
    if name == "error" {
        // A plain text is a message; JSON that is cut short may quote what the model wrote, and is malformed.
        if let Ok(Kind::Object | Kind::Array | Kind::String) = reader.peek() {
            reader.skip().and_then(|_| reader.end())?;
        }
        return Ok(Message::Error);
    }
    let members = json::members(data, &["choices", "error"])?;
    let (mut chunk, mut text) = (Progress::default(), None);
    for &(key, value) in &members {
        if key == *"error" && is_truthy(value) {
            return Ok(Message::Error);
        }
        if key == *"choices" {
            Reader::new(value).array(&mut |reader| read_choice(reader, &mut chunk, &mut text))?;
        }
    }
    progress.seen |= chunk.seen;
    progress.finished |= chunk.finished;
    Ok(Message::Chunk(Chunk { members, text }))
}

fn read_choice<'a>(
    reader: &mut Reader<'a>,
    progress: &mut Progress,
    text: &mut Option<RawString<'a>>,
) -> json::Result<()> {
    let (mut index, mut finished, mut content) = (None, false, None);
    reader.object(&mut |reader, key| {
        if key == *"index" {
            index = reader.integer()?;
        } else if key == *"finish_reason" {
            finished = is_truthy(reader.skip()?);
        } else if key == *"delta" {
            content = None;
            reader.object(&mut |reader, key| {
                if key == *"content" {
                    content = reader.string()?;
                    Ok(())
                } else {
                    reader.skip().map(drop)
                }
            })?;
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    let index = index.unwrap_or(0);
    progress.note(index, finished);
    if index == 0 {
        *text = text.or(content);
    }
    Ok(())
}

/// Truth as JavaScript has it, for the forms that servers use to say "nothing".
fn is_truthy(json: &str) -> bool {
    !matches!(json, "null" | "false" | "0" | "\"\"")
}

/// Whether a body reports an error: a JSON object whose `error` says something, or a list of such.
#[must_use]
pub fn is_error(body: &str) -> bool {
    let mut reader = Reader::new(body);
    let mut found = false;
    let mut look = |reader: &mut Reader<'_>| {
        reader.object(&mut |reader, key| {
            let value = reader.skip()?;
            if key == *"error" {
                found = is_truthy(value);
            }
            Ok(())
        })
    };
    let read = match reader.peek() {
        Ok(Kind::Array) => reader.array(&mut |reader| look(reader)),
        _ => look(&mut reader),
    };
    read.is_ok() && reader.end().is_ok() && found
}

/// An error object, in any of the forms that OpenAI-compatible servers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorObject<'a> {
    /// The object itself, or the string that stood for it.
    pub json: &'a str,
    /// Its message; its whole text when it has none.
    pub message: Cow<'a, str>,
    /// The HTTP status that the object stands for, where it says so.
    pub status: Option<u16>,
}

/// Reads the error out of a body: `{"error": {…}}` as OpenAI sends it, `{"error": "text"}`, a list of one of these as
/// Google's compatible endpoint sends it, or an object that is itself the error (`message` or `detail`). `None` when
/// the body is no JSON object of any of these forms.
#[must_use]
pub fn read_error(body: &str) -> Option<ErrorObject<'_>> {
    let mut reader = Reader::new(body);
    let whole = reader.skip().ok()?;
    reader.end().ok()?;
    read_error_value(whole)
}

fn read_error_value(json: &str) -> Option<ErrorObject<'_>> {
    let mut reader = Reader::new(json);
    match reader.peek().ok()? {
        Kind::Array => {
            let mut first = None;
            reader.array(&mut |reader| reader.skip().map(|item| first = first.or(Some(item)))).ok()?;
            read_error_value(first?)
        }
        Kind::Object => {
            let mut inner = None;
            reader
                .object(&mut |reader, key| {
                    let value = reader.skip()?;
                    if key == *"error" {
                        inner = is_truthy(value).then_some(value);
                    }
                    Ok(())
                })
                .ok()?;
            read_error_object(inner.unwrap_or(json))
        }
        _ => None,
    }
}

fn read_error_object(json: &str) -> Option<ErrorObject<'_>> {
    if let Some(text) = Reader::new(json).string().ok()? {
        return Some(ErrorObject { json, message: text.text(), status: None });
    }
    let (mut message, mut named, mut numeric) = (None, None, None);
    Reader::new(json)
        .object(&mut |reader, key| {
            let value = reader.skip()?;
            let string = Reader::new(value).string()?.map(RawString::text).filter(|text| !text.is_empty());
            match &*key.text() {
                "message" => {
                    message = string.or_else(|| is_truthy(value).then_some(Cow::Borrowed(value))).or(message.take())
                }
                "detail" => message = message.take().or(string),
                "type" => named = named.or(string.and_then(|name| status_of_name(&name))),
                "code" | "status" | "status_code" => {
                    numeric = numeric.or(status_of_number(string.as_deref().unwrap_or(value)));
                    named = string.and_then(|name| status_of_name(&name)).or(named);
                }
                _ => {}
            }
            Ok(())
        })
        .ok()?;
    Some(ErrorObject { json, message: message.unwrap_or(Cow::Borrowed(json)), status: numeric.or(named) })
}

/// A number is a status only where HTTP has it for errors; other codes are the vendor's own.
fn status_of_number(text: &str) -> Option<u16> {
    decimal(text.as_bytes()).and_then(|status| status.try_into().ok()).filter(|status| matches!(status, 400..=599))
}

/// The status that OpenAI's error types and codes come with:
/// <https://platform.openai.com/docs/guides/error-codes>; `overloaded_error` and the like are Anthropic's:
/// <https://platform.claude.com/docs/en/api/errors>.
fn status_of_name(name: &str) -> Option<u16> {
    Some(match name {
        "invalid_request_error" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "permission_error" | "insufficient_user_quota" => 403,
        "not_found_error" | "model_not_found" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "server_error" | "api_error" => 500,
        "overloaded_error" => 503,
        "timeout_error" => 504,
        _ => return None,
    })
}
