//! What the dialects have in common when they translate: where a request goes, what is lost on the way there, what the
//! way back must know of it, and how an answer is written in OpenAI's form.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use crate::error::{Error, Kind};
use crate::json::{RawString, Value, Writer};
use crate::request::invalid;
use crate::text::{self, concat, push_decimal};

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The id of the model, as it is sent.
    pub model: &'a str,
    /// Whether it goes to AIHubMix, which speaks the dialects of other vendors with suffixes of its own to the ids.
    pub is_aihubmix: bool,
    /// Whether anything that would be lost is an error instead.
    pub is_strict: bool,
}

/// What has become of something that a dialect cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is not sent.
    Dropped,
    /// It is sent as the nearest value that there is.
    Clamped,
    /// It is sent in another place, where it means nearly the same.
    Moved,
    /// Something else is sent, which has nearly the same effect.
    Emulated,
    /// The caller has not said it, and the dialect needs it: nothing is lost, but it may be another value than was thought.
    Assumed,
}

impl Action {
    /// The action as one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Clamped => "clamped",
            Self::Moved => "moved",
            Self::Emulated => "emulated",
            Self::Assumed => "assumed",
        }
    }
}

/// One thing that is not sent as the caller said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What it is: its path in the request, such as `messages[0].content[1].image_url.detail`.
    pub param: String,
    /// What has become of it.
    pub action: Action,
    /// Why.
    pub reason: String,
}

/// The loss report of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Reports one.
    pub fn add(&mut self, param: impl Into<String>, action: Action, reason: impl Into<String>) {
        self.0.push(Loss { param: param.into(), action, reason: reason.into() });
    }

    /// What was reported, in its order.
    #[must_use]
    pub fn list(&self) -> &[Loss] {
        &self.0
    }

    /// Checks that nothing is lost, where that is what the caller wants. What was merely assumed is no loss.
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`], with the list in its message.
    pub fn check(&self, is_strict: bool) -> Result<(), Error> {
        let mut list = String::new();
        for Loss { param, action, reason } in &self.0 {
            if *action != Action::Assumed {
                list.push_str(if list.is_empty() { "" } else { "; " });
                let reason = reason.trim_end_matches('.');
                list.push_str(&concat(&["`", param, "` would be ", action.name(), ": ", reason]));
            }
        }
        if !is_strict || list.is_empty() {
            return Ok(());
        }
        Err(invalid(&concat(&["The request cannot be sent as it is, and `strict` allows no losses: ", &list, "."])))
    }
}

/// A request as a provider takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The path under the provider's base URL, with what belongs to its query.
    pub path: String,
    /// The headers that the dialect itself wants; the credentials are not among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body, as JSON.
    pub body: String,
    /// What is not sent as the caller said it.
    pub losses: Losses,
    /// What the reader of the answer must know.
    pub back: WayBack,
}

/// What the reader of an answer must know of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WayBack {
    /// The model that was asked.
    pub model: String,
    /// The names of the custom tools, which were sent as functions of one string.
    pub customs: Vec<String>,
    /// Whether a tool stands for the form of the answer: what is said to it is the answer.
    pub has_answer_tool: bool,
    /// Whether the caller wants the usage of a stream.
    pub include_usage: bool,
    /// Whether the answer may cite sources by the bytes of its text, which must be kept then.
    pub may_cite: bool,
}

/// The name of the tool that stands for the form of an answer.
pub const ANSWER_TOOL: &str = "json";

/// What an event of a stream has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The stream goes on.
    Going,
    /// Everything was said.
    Finished,
    /// The stream has failed, with this body: OpenAI's `{"error":{…}}`.
    Failed(String),
}

/// A request that cannot be sent.
#[must_use]
pub fn refuse(param: &str, reason: &str) -> Error {
    let mut out = Writer::default();
    let message = concat(&["`", param, "`: ", reason]);
    write_error(&mut out, &message, "invalid_request_error", Some(param));
    Error { body: Some(out.into_json()), ..Error::new(Kind::InvalidRequest, message) }
}

/// Writes an error object in OpenAI's form: <https://platform.openai.com/docs/guides/error-codes>.
pub fn write_error(out: &mut Writer, message: &str, kind: &str, param: Option<&str>) {
    out.begin_object();
    out.member("message", message);
    out.member("type", kind);
    match param {
        Some(param) => out.member("param", param),
        None => out.member_raw("param", "null"),
    }
    out.member_raw("code", "null");
    out.end_object();
}

/// The body of an error that a stream ends in.
#[must_use]
pub fn error_body(message: &str, kind: &str) -> String {
    let mut out = Writer::default();
    out.begin_object();
    out.key("error");
    write_error(&mut out, message, kind, None);
    out.end_object();
    out.into_json()
}

/// The path of an item, and of what is in it: `messages`, 3, `.content` is `messages[3].content`.
#[must_use]
pub fn path_of(list: &str, index: usize, rest: &str) -> String {
    let mut path = concat(&[list, "["]);
    push_decimal(&mut path, index as u64);
    path.push(']');
    path.push_str(rest);
    path
}

/// Whether a value says no more than its absence does: null, false, zero, and what is empty.
#[must_use]
pub fn is_neutral(value: Value<'_>) -> bool {
    let says_something = value.children().next().is_some();
    matches!(value.bytes(), b"" | b"null" | b"false" | b"0" | b"0.0" | b"\"\"")
        || matches!(value.bytes().first(), Some(b'{' | b'[')) && !says_something
}

/// Whether it makes no difference to the answer that a member of what stands at this path is not sent: it is neutral, it
/// says what goes without saying, or it is there to find the whole by.
#[must_use]
pub fn is_idle(member: Value<'_>, path: &str) -> bool {
    const USUAL: [(&str, &str); 3] =
        [("prompt_cache_retention", "in_memory"), ("search_context_size", "medium"), ("verbosity", "medium")];
    let is_usual = |(name, usual): &(&str, &str)| member.is(name) && is_string(member, usual);
    let is_place = !path.is_empty() && (member.is("id") || member.is("index"));
    is_neutral(member) || is_place || USUAL.iter().any(is_usual)
}

/// The member of an object that says something: one that is null counts as absent.
#[must_use]
pub fn said<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    object.get(name).filter(|value| !value.starts(b'n'))
}

/// The name of a tool, or of the one that a choice names.
pub(crate) fn name_of(tool: Value<'_>) -> Value<'_> {
    said(tool, "function").or(said(tool, "custom")).unwrap_or(tool).at("name")
}

/// Whether a value is this string.
#[must_use]
pub fn is_string(value: Value<'_>, text: &str) -> bool {
    value.string().is_some_and(|string| string == *text)
}

/// A count of tokens: 0 where it is none.
#[must_use]
pub fn count(value: Value<'_>) -> u64 {
    let digit = |count: u64, byte: &u8| match byte {
        b'0'..=b'9' => Some(count.saturating_mul(10).saturating_add(u64::from(byte - b'0'))),
        _ => None,
    };
    value.bytes().iter().try_fold(0, digit).unwrap_or(0)
}

/// The number of tokens of one answer, in OpenAI's terms: the prompt's include the cached ones, the completion's the
/// reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All tokens that were read, those of the cache included.
    pub prompt: u64,
    /// Those that came from the cache.
    pub cached: u64,
    /// Those that were written to it, where the provider tells.
    pub cache_write: Option<u64>,
    /// All tokens that were written, those of the reasoning included.
    pub completion: u64,
    /// Those of the reasoning, where the provider tells.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Writes the members of OpenAI's `usage`: <https://platform.openai.com/docs/api-reference/chat/object#usage>. No part
    /// is more than its whole, whatever the provider says.
    pub fn write(&self, out: &mut Writer) {
        out.key("prompt_tokens");
        out.number(self.prompt);
        out.key("completion_tokens");
        out.number(self.completion);
        out.key("total_tokens");
        out.number(self.prompt.saturating_add(self.completion));
        out.key("prompt_tokens_details");
        out.begin_object();
        out.key("cached_tokens");
        out.number(self.cached.min(self.prompt));
        if let Some(written) = self.cache_write {
            out.key("cache_write_tokens");
            out.number(written.min(self.prompt));
        }
        out.end_object();
        if let Some(reasoning) = self.reasoning {
            out.key("completion_tokens_details");
            out.begin_object();
            out.key("reasoning_tokens");
            out.number(reasoning.min(self.completion));
            out.end_object();
        }
    }
}

/// The data of a `data:` URL in base64: its media type in lower case, and the data. `None` for any other URL.
///
/// <https://www.rfc-editor.org/rfc/rfc2397>
#[must_use]
pub fn data_url(url: &str) -> Option<(String, &str)> {
    let scheme = url.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"))?;
    let rest = url.get(scheme.len()..)?;
    let head = text::before(rest, |byte| byte == b',');
    let data = rest.get(head.len() + 1..)?;
    let cut = head.len().checked_sub(7)?;
    head.get(cut..).filter(|end| end.eq_ignore_ascii_case(";base64"))?;
    let media = text::before(head, |byte| byte == b';').to_ascii_lowercase();
    Some((media, data))
}

/// The bytes that base64 stands for; `None` where it is none.
///
/// <https://www.rfc-editor.org/rfc/rfc4648#section-4>
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// Whether two ids are of the same model, so that one takes the opaque reasoning of the other: its date, AIHubMix's
/// suffixes, and a vendor before a slash make no other model of it.
#[must_use]
pub fn is_same_model(one: &str, other: &str) -> bool {
    fn name(id: &str) -> &str {
        let mut name = id.rsplit('/').next().unwrap_or(id);
        for suffix in ["-think", "-nothink", "-search", "-latest"] {
            name = name.strip_suffix(suffix).unwrap_or(name);
        }
        let dated = name.len().checked_sub(9).and_then(|at| name.split_at_checked(at));
        match dated {
            Some((name, date)) if matches!(date.as_bytes(), [b'-' | b'@', digits @ ..] if digits.iter().all(u8::is_ascii_digit)) => {
                name
            }
            _ => name,
        }
    }
    name(one).eq_ignore_ascii_case(name(other))
}

/// The text of a string for a person, whatever the value is.
#[must_use]
pub fn shown(value: Value<'_>) -> String {
    value.string().unwrap_or(value.as_string()).text().into_owned()
}

/// Who made an item of `reasoning_details`, as the item says: its `format` and its `model`.
#[must_use]
pub fn is_made_by(item: Value<'_>, format: &str, model: &str) -> bool {
    let made_by: Option<RawString<'_>> = item.at("model").string();
    is_string(item.at("format"), format) && made_by.is_none_or(|made_by| is_same_model(&made_by.text(), model))
}
