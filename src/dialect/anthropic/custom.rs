//! The input of a custom tool, which Claude says as JSON: `{"input":"…"}`. What is between the quotes is the input.
//!
//! <https://platform.openai.com/docs/guides/function-calling#custom-tools>

use crate::json::{RawString, Tree, Value, Writer};

/// How many bytes may come before the input begins; with more it is not looked for any longer.
const MAX_OPENING: usize = 256;

/// Writes the input, as a part of a string: of what has another form all of it.
pub fn write_input(out: &mut Writer, json: Value<'_>) {
    match json.get("input").filter(|input| input.starts(b'"')) {
        Some(input) => out.copy_text(input),
        None => out.push_json(json),
    }
}

/// Hands out what a call began with, where nothing was said to it since; for nothing an object without members.
pub fn with_whole(input: &str, write: impl FnOnce(Value<'_>)) {
    let mut tree = Tree::whole();
    if let Ok(root) = tree.add(if input.is_empty() { "{}" } else { input }) {
        write(tree.value(root));
    }
}

/// The input of a custom tool, of which the JSON comes in parts.
#[derive(Debug, Default)]
pub struct Input {
    /// What has come and was not written.
    text: String,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// What has come may become an object with an input.
    #[default]
    Before,
    Inside,
    After,
}

impl Input {
    /// What can be written after another part has come.
    pub fn add(&mut self, part: &str) -> String {
        if self.state == State::After {
            return String::new();
        }
        self.text.push_str(part);
        if self.state == State::Before
            && self.text.len() - part.len() <= MAX_OPENING
            && let Some(rest) = after_opening(&self.text)
        {
            self.text = rest.to_owned();
            self.state = State::Inside;
        }
        if self.state == State::Inside { self.take(false) } else { String::new() }
    }

    /// Writes the rest, as a part of a string.
    pub fn finish(&mut self, out: &mut Writer) {
        match self.state {
            State::After => {}
            State::Inside => {
                let rest = self.take(true);
                out.push_text(&rest);
            }
            State::Before => {
                let mut tree = Tree::whole();
                match tree.add(&self.text) {
                    Ok(root) => write_input(out, tree.value(root)),
                    Err(_) => out.push_text(&self.text),
                }
            }
        }
    }

    /// The text of what has come of the string, without an escape that may go on.
    fn take(&mut self, is_last: bool) -> String {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte == b'"' {
                self.state = State::After;
                break;
            }
            let length = if byte == b'\\' { escape_length(bytes.get(at + 1..).unwrap_or_default()) } else { 1 };
            if at + length > bytes.len() && !is_last {
                break;
            }
            at = (at + length).min(bytes.len());
        }
        let (whole, rest) = self.text.split_at_checked(at).unwrap_or((&self.text, ""));
        let text = RawString::new(whole).text().into_owned();
        self.text = rest.to_owned();
        text
    }
}

/// How long an escape is with what belongs to it, of which the backslash was read: the low surrogate of a high one.
fn escape_length(escape: &[u8]) -> usize {
    let is_high = match escape {
        [b'u', b'd' | b'D'] => true,
        [b'u', b'd' | b'D', digit, ..] => matches!(digit, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
        _ => false,
    };
    match escape {
        [_, _, _, _, _, b'\\', b'u', ..] | [_, _, _, _, _, b'\\'] if is_high => 12,
        _ if is_high && escape.len() <= 5 => 12,
        [b'u', ..] => 6,
        [first, ..] if !first.is_ascii() => 1,
        _ => 2,
    }
}

/// What comes after `{"input":"`.
fn after_opening(mut text: &str) -> Option<&str> {
    for token in ["{", "\"input\"", ":", "\""] {
        text = text.trim_ascii_start().strip_prefix(token)?;
    }
    Some(text)
}
