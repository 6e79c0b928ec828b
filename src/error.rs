//! What can go wrong, as data: a kind, a message for a person, and what the server said.
//!
//! The kinds name the culprit. Rust returns errors, JavaScript throws them: each kind belongs to one class there.

use serde::ser::{Serialize, Serializer};

use crate::dialect::openai;
use crate::json::{self, Reader};
use crate::plain::Plain;
use crate::text::{self, concat};

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// The fewest characters of a key that is taken out: a shorter one guards nothing, and blotting it out would make text
/// unreadable.
const MIN_SECRET: usize = 6;

/// How much of an error body that is not JSON goes into a message, in characters.
const MAX_QUOTE: usize = 500;

/// Who or what failed. Serialised as its [name](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's request or options cannot be sent as they are; nothing was sent.
    InvalidRequest,
    /// There is no API key for this base URL, or it cannot be used.
    MissingApiKey,
    /// 400
    BadRequest,
    /// 401
    Authentication,
    /// 403
    PermissionDenied,
    /// 404, and a model that the provider does not have.
    NotFound,
    /// 409
    Conflict,
    /// 422
    UnprocessableEntity,
    /// 429
    RateLimit,
    /// 500 and above.
    InternalServer,
    /// The provider reported an error with any other status.
    Api,
    /// The server redirects, which is not followed.
    Redirect,
    /// The server answered with success, but not with what was asked for.
    MalformedResponse,
    /// The server sent more than the caller allows.
    TooLarge,
    /// The connection could not be made or was lost.
    Connection,
    /// The time allowed ran out.
    Timeout,
    /// The stream took longer than allowed.
    StreamTimeout,
    /// The stream ended in the middle.
    StreamTruncated,
    /// The caller aborted.
    Abort,
}

impl Kind {
    /// The kind of an error response with this status.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            300..=303 | 307 | 308 => Self::Redirect,
            400 => Self::BadRequest,
            401 => Self::Authentication,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::Conflict,
            422 => Self::UnprocessableEntity,
            429 => Self::RateLimit,
            500.. => Self::InternalServer,
            _ => Self::Api,
        }
    }

    /// The kind as one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MissingApiKey => "missing_api_key",
            Self::BadRequest => "bad_request",
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::UnprocessableEntity => "unprocessable_entity",
            Self::RateLimit => "rate_limit",
            Self::InternalServer => "internal_server",
            Self::Api => "api",
            Self::Redirect => "redirect",
            Self::MalformedResponse => "malformed_response",
            Self::TooLarge => "too_large",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::StreamTimeout => "stream_timeout",
            Self::StreamTruncated => "stream_truncated",
            Self::Abort => "abort",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One failure. Serialised without what is absent, and without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Who or what failed.
    pub kind: Kind,
    /// What happened and what to do, for a person; never the API key. The status is not in it.
    pub message: String,
    /// The HTTP status, or the one that the provider's error object stands for.
    pub status: Option<u16>,
    /// The HTTP status as it arrived, where [`status`](Self::status) says something else.
    pub upstream_status: Option<u16>,
    /// The code that this error goes by, where the provider's own says less.
    pub code: Option<&'static str>,
    /// The provider's error object, as JSON text.
    pub body: Option<String>,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = [
            ("kind", Plain::Text(self.kind.name())),
            ("message", Plain::Text(&self.message)),
            ("status", self.status.map_or(Plain::Absent, Plain::Integer)),
            ("upstreamStatus", self.upstream_status.map_or(Plain::Absent, Plain::Integer)),
            ("code", self.code.map_or(Plain::Absent, Plain::Text)),
        ];
        Plain::Map(&members).serialize(serializer)
    }
}

impl Error {
    /// An error of this kind with this message and nothing else.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, upstream_status: None, code: None, body: None }
    }

    /// The same, with a status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The error that a response or a stream event reports: `status` is the HTTP status it came with, `body` its
    /// text, JSON or not.
    ///
    /// Two habits of AIHubMix are read here, on any host: an error object under a status of success counts by what the
    /// object says, and a 503 "No available channel" is a model id that does not exist (see
    /// <https://docs.aihubmix.com/en/FAQs/HTTP-Codes>).
    ///
    /// ```
    /// use chatmux::{Error, Kind};
    /// let error = Error::from_response(503, r#"{"error":{"message":"No available channel for model gtp-4"}}"#);
    /// assert_eq!((error.kind, error.status, error.upstream_status), (Kind::NotFound, Some(404), Some(503)));
    /// ```
    #[must_use]
    pub fn from_response(status: u16, body: &str) -> Self {
        let Some(object) = openai::read_error(body) else {
            return Self::new(Kind::of_status(status), quote(body)).with_status(status);
        };
        let meant = match status {
            200..=299 => object.status.unwrap_or(status),
            _ => status,
        };
        let mut error = Self::new(Kind::of_status(meant), object.message).with_status(meant);
        if matches!(status, 200..=299 | 503) && is_no_channel(&error.message) {
            error.kind = Kind::NotFound;
            error.status = Some(404);
            error.code = Some("model_not_found");
        }
        if error.status != Some(status) {
            error.upstream_status = Some(status);
        }
        error.body = Some(object.json);
        error
    }

    /// Takes a secret out of everything that is shown to people.
    #[must_use]
    pub fn redact(mut self, secret: &str) -> Self {
        if secret.len() < MIN_SECRET {
            return self;
        }
        if matches!(self.message.as_bytes().first(), Some(b'{' | b'[')) {
            // An error object without a message stands for itself, as JSON.
            self.message = redact_json(&self.message, secret);
        }
        self.message = text::replace(&self.message, secret, REDACTED);
        // A quote may have been cut in the middle of the secret.
        for length in (MIN_SECRET..secret.len()).rev() {
            if let Some(rest) = secret.get(..length).and_then(|part| self.message.strip_suffix(part)) {
                self.message = concat(&[rest, REDACTED]);
                break;
            }
        }
        self.body = self.body.map(|body| redact_json(&body, secret));
        self
    }
}

/// Takes a secret out of the strings of a JSON text, however they write it.
fn redact_json(json: &str, secret: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(quote) = text::find(rest, "\"") {
        let (before, after) = (rest.get(..quote).unwrap_or_default(), rest.get(quote..).unwrap_or_default());
        let mut reader = Reader::new(after);
        let Ok(Some(raw)) = reader.string() else { break };
        let string = after.get(..reader.position()).unwrap_or_default();
        let value = raw.text();
        out.push_str(before);
        if text::find(&value, secret).is_some() {
            json::write_string(&mut out, &text::replace(&value, secret, REDACTED));
        } else {
            out.push_str(string);
        }
        rest = after.get(string.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// AIHubMix's way to say that no route serves a model id, in both languages it uses.
fn is_no_channel(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    ["no available channel", "无可用渠道"].into_iter().any(|words| text::find(&lower, words).is_some())
}

/// What to say of a body that is no JSON: a page by its title, other text by its beginning.
fn quote(body: &str) -> String {
    let text = body.trim_ascii();
    if text.as_bytes().first() == Some(&b'<') {
        return match title(text) {
            Some(title) => concat(&["The server answered with an HTML page, `", title, "`, instead of JSON."]),
            None => "The server answered with an HTML page instead of JSON.".to_owned(),
        };
    }
    text::clip(text, MAX_QUOTE).to_owned()
}

fn title(html: &str) -> Option<&str> {
    // ASCII lower-casing keeps every byte in its place, so the positions hold in the original.
    let lower = html.to_ascii_lowercase();
    let open = text::find(&lower, "<title")?;
    let start = open + text::find(lower.get(open..)?, ">")? + 1;
    let title = text::before(html.get(start..)?, |byte| byte == b'<').trim_ascii();
    (!title.is_empty() && text::clip(title, MAX_QUOTE) == title).then_some(title)
}
