//! The order of what an answer holds. OpenAI's messages have the text, the pictures and the calls apart from each other;
//! those of other vendors have them in one list, with thoughts in between, and some vendors refuse to take thoughts back
//! in any other place. So each item of `reasoning_details` says what of the message came before it:
//!
//! `"after":{"text_bytes":12,"images":1,"calls":2}`, each of which is left out where it is 0.
//!
//! Between two items the text comes first, then the pictures, then the calls. Where it was otherwise, an item without
//! anything else in it, a mark, stands between what would change places.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>

use super::translate::{count, said};
use crate::json::{Value, Writer};

/// How much of a message comes before something in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Of its text, in bytes of UTF-8.
    pub text_bytes: usize,
    /// Of its pictures.
    pub images: usize,
    /// Of its calls.
    pub calls: usize,
}

impl Position {
    /// After everything.
    pub const END: Self = Self { text_bytes: usize::MAX, images: usize::MAX, calls: usize::MAX };

    /// Writes it as a member of an item; none at the beginning.
    pub fn write(self, out: &mut Writer) {
        let members = [("text_bytes", self.text_bytes), ("images", self.images), ("calls", self.calls)];
        if members.iter().all(|(_, amount)| *amount == 0) {
            return;
        }
        out.key("after");
        out.begin_object();
        for (name, amount) in members.into_iter().filter(|(_, amount)| *amount > 0) {
            out.key(name);
            out.number(amount as u64);
        }
        out.end_object();
    }

    /// That of an item: the beginning, where it says nothing.
    #[must_use]
    pub fn read(item: Value<'_>) -> Self {
        let after = item.at("after");
        let amount = |name| usize::try_from(count(after.at(name))).unwrap_or(usize::MAX);
        Self { text_bytes: amount("text_bytes"), images: amount("images"), calls: amount("calls") }
    }
}

/// Whether an item is a mark: it says where things stand, and nothing else.
#[must_use]
pub fn is_mark(item: Value<'_>) -> bool {
    let says = |name| said(item, name).is_some_and(|value| value.bytes() != b"\"\"");
    item.at("after").starts(b'{') && !["text", "signature", "data", "part", "image"].into_iter().any(says)
}

/// What a message holds besides thoughts, in the order in which it is taken between two items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// A part of the text.
    #[default]
    Text,
    /// A picture.
    Image,
    /// A call of a tool.
    Call,
}

/// What has come of a message so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    at: Position,
    last: Content,
}

impl Layout {
    /// The place that is reached.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// Whether there must be a mark before this, which would be taken before what came last.
    #[must_use]
    pub fn needs_mark(&self, next: Content) -> bool {
        next < self.last
    }

    /// An item stands here. Where that is.
    pub fn mark(&mut self) -> Position {
        self.last = Content::Text;
        self.at
    }

    /// So much more has come.
    pub fn add(&mut self, content: Content, amount: usize) {
        let known = match content {
            Content::Text => &mut self.at.text_bytes,
            Content::Image => &mut self.at.images,
            Content::Call => &mut self.at.calls,
        };
        *known = known.saturating_add(amount);
        self.last = self.last.max(content);
    }
}
