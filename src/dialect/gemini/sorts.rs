//! What the parts of an answer are.

use crate::dialect::translate::said;
use crate::json::Value;

/// What a part of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A part of the answer's text, or a signature alone.
    Text,
    /// A part of the thoughts.
    Thought,
    /// A call of a function, or a part of one.
    Call,
    /// A picture.
    Image,
    /// One for which OpenAI has no form.
    Other,
    /// One that says nothing.
    Nothing,
}

impl Sort {
    /// That of a part.
    pub fn of(part: Value<'_>) -> Self {
        let is_thought = part.at("thought").bytes() == b"true";
        let is_text = has_text(part);
        if part.at("functionCall").starts(b'{') {
            return Self::Call;
        }
        // A member that is null says nothing.
        let mut others = part.children().filter(|member| !member.starts(b'n'));
        if !is_text && let Some(member) = others.find(|member| !KNOWN.iter().any(|name| member.is(name))) {
            let is_image = member.is("inlineData") && is_image(member) && !is_thought;
            return if is_image { Self::Image } else { Self::Other };
        }
        match (is_thought, is_text || said(part, "thoughtSignature").is_some()) {
            (_, false) => Self::Nothing,
            (true, true) => Self::Thought,
            (false, true) => Self::Text,
        }
    }
}

/// Whether there is a text in a part.
pub fn has_text(part: Value<'_>) -> bool {
    let text = part.at("text");
    text.starts(b'"') && text.bytes().len() > 2
}

/// The members of a part that is a text.
const KNOWN: [&str; 3] = ["text", "thought", "thoughtSignature"];

fn is_image(data: Value<'_>) -> bool {
    data.at("mimeType").string().is_some_and(|media| media.raw().starts_with("image"))
}
