//! OpenAI's chat completions, the format that chatmux speaks by itself: requests and answers pass through unchanged,
//! so what is read here is only what the client must know of them.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use crate::json::{self, Children, RawString, Tree, Value};
use crate::repair::{BadIndex, Calls, MAX_INDEX, Repair, Repairs, index_of};
use crate::text::decimal;

/// The data that ends a stream.
pub const DONE: &str = "[DONE]";

/// Which choices of a stream have appeared, which of them have finished, and which tools they have called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    seen: [u64; 2],
    finished: [u64; 2],
    calls: Calls,
}

impl Progress {
    /// From now on calls that have no id get those of this seed.
    pub fn seed(&mut self, seed: u64) {
        self.calls.seed(seed);
    }

    /// Whether every choice that appeared has given its finish reason, and at least one did.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.has_choices() && self.seen == self.finished
    }

    /// Whether any choice has appeared.
    #[must_use]
    pub fn has_choices(&self) -> bool {
        self.seen != [0; 2]
    }

    fn note(&mut self, index: u32, finished: bool) {
        let word = usize::from(index >= 64);
        self.seen[word] |= 1 << (index % 64);
        self.finished[word] |= u64::from(finished) << (index % 64);
    }
}

/// What one event of a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A chunk of the answer.
    Chunk {
        /// Its number in the tree.
        number: usize,
        /// The number of the text of the first choice.
        text: Option<usize>,
        /// Whether it is no longer what the event said.
        is_repaired: bool,
        /// Whether events that are like earlier ones may need a repair from now on, though those did not.
        is_turn: bool,
    },
    /// The error of a request that had begun to answer.
    Error,
    /// The end.
    Done,
}

/// Why an event cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Its data is no JSON, or no object.
    Json(json::Error),
    /// The index of a choice or a call cannot be one, or there are more of them than indexes.
    Index,
}

impl From<json::Error> for Malformed {
    fn from(error: json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<BadIndex> for Malformed {
    fn from(_: BadIndex) -> Self {
        Self::Index
    }
}

/// Reads one event: `name` is its type, `data` its data, which goes into the `tree`, repaired where it must be.
///
/// # Errors
/// When it cannot be read.
pub fn read_event(name: &str, data: &str, tree: &mut Tree, progress: &mut Progress) -> Result<Message, Malformed> {
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
    let mut number = tree.add(data)?;
    let chunk = tree.value(number);
    if !chunk.starts(b'{') {
        return Err(json::Error::Syntax.into());
    }
    if chunk.get("error").is_some_and(is_truthy) {
        return Ok(Message::Error);
    }
    progress.calls.begin_event();
    let (repairs, mut text) = read_choices(chunk, progress)?;
    let is_repaired = !repairs.is_empty();
    if is_repaired {
        let repaired = repairs.apply(chunk, &mut progress.calls);
        number = tree.replace(number, &repaired)?;
        // Read by somebody who knows nothing of the stream, it says where its text is now.
        (_, text) = read_choices(tree.value(number), &mut Progress::default())?;
    }
    Ok(Message::Chunk { number, text, is_repaired, is_turn: progress.calls.have_turned() })
}

/// Notes what the choices of a chunk say. Returns what must be changed in it, and where the text of the first choice is.
fn read_choices(chunk: Value<'_>, progress: &mut Progress) -> Result<(Repairs, Option<usize>), BadIndex> {
    let (mut repairs, mut text) = (Repairs::default(), None);
    let choices = chunk.at("choices");
    let is_missing = match choices.bytes() {
        b"" => chunk.at("object").bytes() == br#""chat.completion.chunk""#,
        _ => choices.starts(b'n'),
    };
    if is_missing {
        repairs.add(chunk, "choices", Repair::Choices);
    }
    for choice in items(choices)? {
        let index = index_of(choice)?.unwrap_or(0);
        let (finish, delta) = (choice.at("finish_reason"), choice.at("delta"));
        progress.note(index, !finish.bytes().is_empty() && is_truthy(finish));
        for call in items(delta.at("tool_calls"))? {
            if call.starts(b'{') {
                progress.calls.read(index, call, &mut repairs)?;
            }
        }
        if progress.calls.are_in(index) && finish.string().is_some_and(|reason| reason == *"stop") {
            repairs.add(choice, "finish_reason", Repair::Finish);
        }
        let content = delta.at("content");
        if text.is_none() && index == 0 && content.starts(b'"') {
            text = Some(content.number());
        }
    }
    Ok((repairs, text))
}

/// The items of a list that is one.
///
/// # Errors
/// When there are more than indexes for them.
fn items(list: Value<'_>) -> Result<Children<'_>, BadIndex> {
    let items = list.items();
    if items.clone().count() > MAX_INDEX as usize + 1 { Err(BadIndex) } else { Ok(items) }
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
