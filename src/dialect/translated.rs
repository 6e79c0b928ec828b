//! The one door to the dialects that are translated to and from OpenAI's.

use super::openai::{ErrorObject, Malformed};
use super::translate::{Outgoing, Step, Target, WayBack};
use super::{anthropic, gemini};
use crate::error::Error;
use crate::json::{Length, Writer};
use crate::translator;

/// A dialect that is translated to and from OpenAI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// <https://platform.claude.com/docs/en/api/messages>
    Anthropic,
    /// <https://ai.google.dev/api/generate-content>
    Gemini,
}

impl Dialect {
    /// The body of OpenAI's request in the provider's form, and where it goes.
    ///
    /// # Errors
    /// Where it cannot be sent.
    pub fn write_request(self, request: &str, target: &Target<'_>) -> Result<Outgoing, Error> {
        match self {
            Self::Anthropic => anthropic::write_request(request, target),
            Self::Gemini => gemini::write_request(request, target),
        }
    }

    /// A whole answer as OpenAI's completion, made at this time (in seconds since 1970).
    ///
    /// # Errors
    /// That which the body reports, and one of [`Kind::MalformedResponse`](crate::Kind::MalformedResponse) where it is no
    /// answer.
    pub fn read_response(self, body: &str, back: &WayBack, created: u64) -> Result<String, Error> {
        match self {
            Self::Anthropic => anthropic::read_response(body, back, created),
            Self::Gemini => gemini::read_response(body, back, created),
        }
    }

    /// The error in a body that came with this status, in OpenAI's form.
    #[must_use]
    pub fn read_error(self, body: &str, status: u16) -> Option<ErrorObject> {
        match self {
            Self::Anthropic => anthropic::read_error(body, status),
            Self::Gemini => gemini::read_error(body, status),
        }
    }

    /// The reader of the events of one stream, begun at this time (in seconds since 1970).
    #[must_use]
    pub fn events(self, back: WayBack, created: u64) -> Events {
        match self {
            Self::Anthropic => Events::Anthropic(Box::new(anthropic::Events::new(back, created))),
            Self::Gemini => Events::Gemini(Box::new(gemini::Events::new(back, created))),
        }
    }
}

/// The reader of the events of one stream, in any of the dialects.
#[derive(Debug)]
pub enum Events {
    /// See [`Dialect::Anthropic`].
    Anthropic(Box<anthropic::Events>),
    /// See [`Dialect::Gemini`].
    Gemini(Box<gemini::Events>),
}

impl translator::Events for Events {
    fn read_event(&mut self, name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed> {
        match self {
            Self::Anthropic(events) => events.read_event(name, data, out),
            Self::Gemini(events) => events.read_event(name, data, out),
        }
    }

    fn finish(&mut self, out: &mut Writer) -> Step {
        match self {
            Self::Anthropic(events) => events.finish(out),
            Self::Gemini(events) => events.finish(out),
        }
    }

    fn revision(&self) -> u32 {
        match self {
            Self::Anthropic(events) => events.revision(),
            Self::Gemini(events) => events.revision(),
        }
    }

    fn counts(&self) -> Option<&'static str> {
        match self {
            Self::Anthropic(_) => None,
            Self::Gemini(_) => Some("usageMetadata"),
        }
    }

    fn read_counts(&mut self, data: &str) {
        match self {
            Self::Anthropic(_) => {}
            Self::Gemini(events) => events.read_usage(data),
        }
    }

    fn add_length(&mut self, choice: u32, length: Length) {
        match self {
            Self::Anthropic(events) => events.add_length(length),
            Self::Gemini(events) => events.add_length(choice, length),
        }
    }
}
