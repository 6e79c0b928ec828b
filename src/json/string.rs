//! The strings of JSON text: what stands between the quotes, and what it stands for.
//!
//! <https://www.rfc-editor.org/rfc/rfc8259#section-7>

use std::borrow::Cow;

use crate::text::{self, ONES, TOPS};

/// A string as it stands between its quotes, escapes and all.
#[derive(Debug, Clone, Copy)]
pub struct RawString<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

impl<'a> RawString<'a> {
    /// A string that has been validated before.
    pub(crate) fn new(raw: &'a str) -> Self {
        Self { raw, escaped: raw.bytes().any(|byte| byte == b'\\') }
    }

    /// The string as it stands, escapes and all.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The text in full, unescaped; `None` where a lone surrogate is in it, which UTF-8 cannot hold.
    #[must_use]
    pub fn whole(self) -> Option<Cow<'a, str>> {
        (!self.escaped || has_whole_escapes(self.raw.as_bytes())).then(|| self.text())
    }

    /// The text, unescaped. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// How long a text is.
#[cfg(feature = "dialects")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Length {
    /// In bytes of UTF-8.
    pub bytes: usize,
    /// In units of UTF-16, as JavaScript counts.
    pub units: u64,
}

#[cfg(feature = "dialects")]
impl Length {
    /// That of the inside of a valid JSON string.
    #[must_use]
    pub fn of(json: &[u8]) -> Self {
        let text;
        let bytes = if json.contains(&b'\\') {
            text = unescape(std::str::from_utf8(json).unwrap_or_default());
            text.as_bytes()
        } else {
            json
        };
        // One for each character, and two where it has four bytes.
        let units = bytes.iter().map(|byte| u64::from(byte & 0xc0 != 0x80) + u64::from(*byte >= 0xf0)).sum();
        Self { bytes: bytes.len(), units }
    }
}

/// The same text, however it is written.
impl PartialEq for RawString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.escaped == other.escaped && self.raw == other.raw
            || (self.escaped || other.escaped) && self.text() == other.text()
    }
}

impl Eq for RawString<'_> {}

impl PartialEq<str> for RawString<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == RawString { raw: other, escaped: false }
    }
}

/// Writes `text` as a JSON string, quotes and all.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    escape(out, text);
    out.push('"');
}

/// Writes `text` as it stands between the quotes of a JSON string.
pub(crate) fn escape(out: &mut String, mut text: &str) {
    loop {
        // What ends the plain part is ASCII, so that no character is cut.
        let (plain, rest) = text.split_at_checked(plain_length(text.as_bytes())).unwrap_or_default();
        out.push_str(plain);
        let Some(&byte) = rest.as_bytes().first() else { return };
        out.push('\\');
        if matches!(byte, b'"' | b'\\') {
            out.push(char::from(byte));
        } else {
            // Control characters are below U+0020: two hexadecimal digits say it.
            let digit = |value| char::from_digit(value, 16).unwrap_or('0');
            out.push_str("u00");
            out.push(digit(u32::from(byte) >> 4));
            out.push(digit(u32::from(byte) & 15));
        }
        text = rest.get(1..).unwrap_or_default();
    }
}

/// Whether every escape in these bytes of a string is one, and none of them stands for a lone surrogate, which UTF-8
/// cannot hold.
pub(crate) fn has_whole_escapes(mut string: &[u8]) -> bool {
    while let Some(at) = string.iter().position(|&byte| byte == b'\\') {
        let escape = string.get(at + 1..).unwrap_or_default();
        let (character, length) = read_escape(escape);
        if character.is_none() {
            return false;
        }
        string = escape.get(length..).unwrap_or_default();
    }
    true
}

/// The text that a string stands for, with U+FFFD in the place of what no text can hold.
fn unescape(mut raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    loop {
        let plain = text::before(raw, |byte| byte == b'\\');
        text.push_str(plain);
        let Some(escape) = raw.get(plain.len() + 1..) else { return text };
        let (character, length) = read_escape(escape.as_bytes());
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        raw = escape.get(length..).unwrap_or_default();
    }
}

/// The character of an escape, of which the backslash was read, and how many bytes it has.
fn read_escape(escape: &[u8]) -> (Option<char>, usize) {
    let character = match escape.first() {
        Some(b'u') => {
            let character = unit(escape).and_then(char::from_u32);
            let high = unit(escape).filter(|unit| matches!(unit, 0xd800..=0xdbff) && escape.get(5..7) == Some(b"\\u"));
            return match (high, escape.get(6..).and_then(unit)) {
                (Some(high), Some(low @ 0xdc00..=0xdfff)) => {
                    (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 11)
                }
                _ => (character, 5),
            };
        }
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        _ => return (None, 1),
    };
    (Some(character), 1)
}

/// The UTF-16 unit that a `u` and four hexadecimal digits stand for.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.get(1..5)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// What is between quotes.
pub(crate) fn inside(string: &[u8]) -> &[u8] {
    string.get(1..string.len() - 1).unwrap_or_default()
}

/// How many bytes come before the first that ends a string, escapes something, or may not stand in a string. Most of what
/// is in JSON is in strings: eight bytes are looked at in one step.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A difference borrows into the top bit of a byte where the byte was the smaller one. What is above the first such
        // bit may be wrong, and is not looked at.
        let less = |word: u64, than: u8| word.wrapping_sub(ONES * u64::from(than)) & !word & TOPS;
        let ends =
            less(word ^ (ONES * u64::from(b'"')), 1) | less(word ^ (ONES * u64::from(b'\\')), 1) | less(word, 0x20);
        if ends != 0 {
            return 8 * at + ends.trailing_zeros() as usize / 8;
        }
    }
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    8 * words.len() + tail.iter().position(is_end).unwrap_or(tail.len())
}
