//! OpenAI's chat completions, the format that chatmux speaks by itself: requests and answers pass through unchanged,
//! so what is read here is only what the client must know of them.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use crate::json::{self, RawString, Tree, Value};
use crate::text::decimal;

/// The data that ends a stream.
pub const DONE: &str = "[DONE]";

/// The highest choice index that is followed; the API allows `n` up to 128.
const MAX_CHOICES: u32 = 128;

/// Which choices of a stream have appeared, and which of them have finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    seen: [u64; 2],
    finished: [u64; 2],
}

impl Progress {
    /// Whether every choice that appeared has given its finish reason, and at least one did.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.seen != [0; 2] && self.seen == self.finished
    }

    fn note(&mut self, index: u32, finished: bool) {
        let word = usize::from(index >= 64);
        if index < MAX_CHOICES {
            self.seen[word] |= 1 << (index % 64);
            self.finished[word] |= u64::from(finished) << (index % 64);
        }
    }
}

/// What one event of a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A chunk of the answer: its number in the tree, and that of the text of the first choice.
    Chunk(usize, Option<usize>),
    /// The error of a request that had begun to answer.
    Error,
    /// The end.
    Done,
}

/// Reads one event: `name` is its type, `data` its data, which goes into the `tree`.
///
/// # Errors
/// Those of [`json`], when the data is no JSON, or no object.
pub fn read_event(name: &str, data: &str, tree: &mut Tree, progress: &mut Progress) -> json::Result<Message> {
    if data == DONE {
        return Ok(Message::Done);
    }
    if name == "error" {
        // A plain text is a message; JSON that is cut short may quote what the model wrote, and is malformed.
        let first = data.bytes().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        if let Some(b'{' | b'[' | b'"') = first {
            tree.add(data)?;
        }
        return Ok(Message::Error);
    }
    let number = tree.add(data)?;
    let chunk = tree.value(number);
    if !chunk.starts(b'{') {
        return Err(json::Error::Syntax);
    }
    let (mut choices, mut text) = (None, None);
    for member in chunk.children() {
        if member.is("choices") {
            choices = Some(member);
        } else if member.is("error") && is_truthy(member) {
            return Ok(Message::Error);
        }
    }
    for choice in list(choices) {
        let (mut index, mut finished, mut content) = (0, false, None);
        for member in choice.children() {
            if member.is("index") {
                index = decimal(member.bytes()).unwrap_or(0);
            } else if member.is("finish_reason") {
                finished = is_truthy(member);
            } else if member.is("delta") {
                content = member.get("content").filter(|content| content.starts(b'"'));
            }
        }
        progress.note(index, finished);
        if index == 0 {
            text = text.or(content);
        }
    }
    Ok(Message::Chunk(number, text.map(Value::number)))
}

/// The items of a list that is one.
fn list(value: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    value.filter(|value| value.starts(b'[')).into_iter().flat_map(Value::children)
}

/// Truth as JavaScript has it, for the forms that servers use to say "nothing".
fn is_truthy(value: Value<'_>) -> bool {
    !["null", "false", "0", "\"\""].contains(&value.raw())
}

/// Whether a body reports an error: a JSON object whose `error` says something, or a list of such.
#[must_use]
pub fn is_error(body: &str) -> bool {
    let mut tree = Tree::default();
    let Ok(root) = tree.add(body) else { return false };
    let root = tree.value(root);
    // The items of a list have no names.
    let says = |value: Value<'_>| value.get("error").is_some_and(|error| is_truthy(error));
    says(root) || root.starts(b'[') && root.children().any(says)
}

/// An error object, in any of the forms that OpenAI-compatible servers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorObject {
    /// The object itself, or the string that stood for it.
    pub json: String,
    /// Its message; its whole text when it has none.
    pub message: String,
    /// The HTTP status that the object stands for, where it says so.
    pub status: Option<u16>,
}

/// Reads the error out of a body: `{"error": {…}}` as OpenAI sends it, `{"error": "text"}`, a list of one of these as
/// Google's compatible endpoint sends it, or an object that is itself the error (`message` or `detail`). `None` when
/// the body is no JSON object of any of these forms.
#[must_use]
pub fn read_error(body: &str) -> Option<ErrorObject> {
    let mut tree = Tree::default();
    let root = tree.add(body).ok()?;
    let mut object = tree.value(root);
    while object.starts(b'[') {
        object = object.children().next()?;
    }
    if !object.starts(b'{') {
        return None;
    }
    let object = object.get("error").filter(|error| is_truthy(*error)).unwrap_or(object);
    let (mut message, mut detail, mut named, mut numeric) = (object.string(), None, None, None);
    for member in object.children() {
        let string = member.string().filter(|text| !text.raw().is_empty());
        if member.is("message") {
            message = string.or_else(|| is_truthy(member).then(|| member.as_string()));
        } else if member.is("detail") {
            detail = string;
        } else if member.is("type") {
            named = named.or(status_of_name(string));
        } else if ["code", "status", "status_code"].iter().any(|name| member.is(name)) {
            let digits = string.unwrap_or(member.as_string());
            numeric = numeric.or(status_of_number(digits.raw()));
            named = status_of_name(string).or(named);
        }
    }
    Some(ErrorObject {
        json: object.raw().to_owned(),
        message: message.or(detail).unwrap_or(object.as_string()).text().into_owned(),
        status: numeric.or(named),
    })
}

/// A number is a status only where HTTP has it for errors; other codes are the vendor's own.
fn status_of_number(text: &str) -> Option<u16> {
    decimal(text.as_bytes()).and_then(|status| status.try_into().ok()).filter(|status| matches!(status, 400..=599))
}

/// The statuses that OpenAI's error types and codes come with:
/// <https://platform.openai.com/docs/guides/error-codes>; `overloaded_error` and the like are Anthropic's:
/// <https://platform.claude.com/docs/en/api/errors>.
const NAMED: [(&str, u16); 15] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("permission_error", 403),
    ("insufficient_user_quota", 403),
    ("not_found_error", 404),
    ("model_not_found", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("insufficient_quota", 429),
    ("server_error", 500),
    ("api_error", 500),
    ("overloaded_error", 503),
    ("timeout_error", 504),
];

fn status_of_name(name: Option<RawString<'_>>) -> Option<u16> {
    NAMED.iter().find(|(named, _)| name.is_some_and(|name| name == **named)).map(|&(_, status)| status)
}
