//! JSON text, written member by member: most of what is written was read before, and is copied as it stood.
//!
//! <https://www.rfc-editor.org/rfc/rfc8259>

use super::{Value, escape, inside};
use crate::text::push_decimal;

/// What was copied from a [`Tree`](super::Tree): so that an event like the one it came in can be written by copying alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where it begins among the texts of the tree, without the quote if it is the inside of a string.
    pub source: usize,
    /// How many bytes it has.
    pub length: usize,
    /// Where it begins in what was written.
    pub output: usize,
    /// Of which choice it is text, where it is text of an answer.
    pub choice: Option<u32>,
}

/// Writes JSON texts, one after the other.
///
/// ```
/// use chatmux::json::{Tree, Writer};
/// let mut tree = Tree::default();
/// let name = tree.add(r#""ad\u0061""#)?;
/// let mut out = Writer::default();
/// out.begin_text();
/// out.begin_object();
/// out.key("name");
/// out.copy(tree.value(name));
/// out.key("tags");
/// out.begin_list();
/// out.string("x\"y");
/// out.number(7);
/// out.end_list();
/// out.end_object();
/// assert_eq!(out.json(), r#"{"name":"ad\u0061","tags":["x\"y",7]}"#);
/// # Ok::<(), chatmux::json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    /// Whether what comes next needs a comma before it.
    follows: bool,
    copied: Vec<Copied>,
    starts: Vec<usize>,
}

impl Writer {
    /// Begins another text.
    pub fn begin_text(&mut self) {
        self.starts.push(self.out.len());
        self.follows = false;
    }

    /// The texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().enumerate().map(|(at, &start)| {
            let end = self.starts.get(at + 1).copied().unwrap_or(self.out.len());
            self.out.get(start..end).unwrap_or_default()
        })
    }

    /// Where each of the texts begins.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Everything that was written.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.out
    }

    /// The same, for good.
    #[must_use]
    pub fn into_json(self) -> String {
        self.out
    }

    /// What was copied, in the order in which it was written.
    #[must_use]
    pub fn copied(&self) -> &[Copied] {
        &self.copied
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.out.clear();
        self.copied.clear();
        self.starts.clear();
        self.follows = false;
    }

    fn separate(&mut self) {
        if self.follows {
            self.out.push(',');
        }
        self.follows = true;
    }

    /// Begins an object.
    pub fn begin_object(&mut self) {
        self.separate();
        self.out.push('{');
        self.follows = false;
    }

    /// Ends it.
    pub fn end_object(&mut self) {
        self.out.push('}');
        self.follows = true;
    }

    /// Begins a list.
    pub fn begin_list(&mut self) {
        self.separate();
        self.out.push('[');
        self.follows = false;
    }

    /// Ends it.
    pub fn end_list(&mut self) {
        self.out.push(']');
        self.follows = true;
    }

    /// The name of a member, of which the value comes next.
    pub fn key(&mut self, name: &str) {
        self.string(name);
        self.out.push(':');
        self.follows = false;
    }

    /// The same, as it stands in what was read.
    pub fn copy_key(&mut self, member: Value<'_>) {
        self.separate();
        self.out.push('"');
        self.out.push_str(member.key().raw());
        self.out.push_str("\":");
        self.follows = false;
    }

    /// A value, or several with commas between them, that is JSON already; nothing if that is empty.
    pub fn raw(&mut self, json: &str) {
        if !json.is_empty() {
            self.separate();
            self.out.push_str(json);
        }
    }

    /// A part of a text that is not looked at. What comes next needs no comma.
    pub fn part(&mut self, json: &str) {
        self.out.push_str(json);
        self.follows = false;
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) {
        self.separate();
        push_decimal(&mut self.out, number);
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.begin_string();
        self.push_text(text);
        self.end_string();
    }

    /// A value as it was read.
    pub fn copy(&mut self, value: Value<'_>) {
        self.separate();
        self.note(value.start(), value.raw());
    }

    /// Begins a string, the parts of which come next.
    pub fn begin_string(&mut self) {
        self.separate();
        self.out.push('"');
    }

    /// Ends it.
    pub fn end_string(&mut self) {
        self.out.push('"');
    }

    /// A part of a string: this text.
    pub fn push_text(&mut self, text: &str) {
        escape(&mut self.out, text);
    }

    /// A part of a string: one that was read, as it stood between its quotes; nothing of any other value.
    pub fn copy_text(&mut self, value: Value<'_>) {
        if value.starts(b'"') {
            self.note(value.start() + 1, std::str::from_utf8(inside(value.bytes())).unwrap_or_default());
        }
    }

    /// The same, where that is text of this choice of an answer.
    pub fn copy_content(&mut self, value: Value<'_>, choice: u32) {
        let before = self.copied.len();
        self.copy_text(value);
        if let Some(copied) = self.copied.get_mut(before) {
            copied.choice = Some(choice);
        }
    }

    /// A part of a string: a value as JSON, without blanks.
    pub fn push_json(&mut self, value: Value<'_>) {
        let mut rest = value.raw();
        while !rest.is_empty() {
            // A string begins at its quote, and what is before that has no escapes.
            let length = if rest.starts_with('"') {
                1 + string_length(rest.as_bytes().get(1..).unwrap_or_default())
            } else {
                rest.bytes().position(|byte| matches!(byte, b'"' | b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(rest.len())
            };
            let (part, after) = rest.split_at_checked(length.max(1)).unwrap_or((rest, ""));
            if length > 0 {
                escape(&mut self.out, part);
            }
            rest = after;
        }
    }

    /// A member that is a string.
    pub fn member(&mut self, name: &str, text: &str) {
        self.key(name);
        self.string(text);
    }

    /// A member as it was read, under this name; none where there is no value.
    pub fn member_copy(&mut self, name: &str, value: Value<'_>) {
        if !value.bytes().is_empty() {
            self.key(name);
            self.copy(value);
        }
    }

    /// A member that is JSON already.
    pub fn member_raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.raw(json);
    }

    fn note(&mut self, source: usize, json: &str) {
        self.copied.push(Copied { source, length: json.len(), output: self.out.len(), choice: None });
        self.out.push_str(json);
    }
}

/// How long a string is of which the first quote was read, with the last one.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += if byte == b'\\' { 2 } else { 1 };
        if byte == b'"' {
            break;
        }
    }
    at
}
