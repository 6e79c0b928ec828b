//! JSON text, read in place: exactly the grammar of RFC 8259 that `JSON.parse` accepts, without building a tree.
//!
//! The client hands whole events and bodies to the platform's `JSON.parse`; what the core itself must know of them (is
//! this an error, has it finished) is read here. Numbers stay text. Nesting is capped, so that no input can overflow
//! the stack.
//!
//! <https://www.rfc-editor.org/rfc/rfc8259>

use std::borrow::Cow;
use std::str::Chars;

use crate::text::{ONES, TOPS, decimal};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 128;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The text breaks the grammar.
    Syntax,
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    TooDeep,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// One scalar, or the fact that a container starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
}

/// A string as it stands between its quotes, escapes and all.
#[derive(Debug, Clone, Copy)]
pub struct RawString<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> RawString<'a> {
    /// A string that has been validated before.
    pub(crate) fn new(raw: &'a str) -> Self {
        Self { raw, escaped: raw.bytes().any(|byte| byte == b'\\') }
    }

    /// The same, where it is known whether there are escapes in it.
    pub(crate) fn known(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Whether there are escapes in it.
    pub(crate) fn is_escaped(self) -> bool {
        self.escaped
    }

    /// The string as it stands, escapes and all.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// Whether the text can be had in full: a lone surrogate, which UTF-8 cannot hold, is not in it.
    #[must_use]
    pub fn is_whole(self) -> bool {
        !self.escaped || has_whole_escapes(self.raw.as_bytes())
    }

    /// One bit of 64, the same for equal strings: what two strings differ in is likely to show in it.
    pub(crate) fn hash_bit(self) -> u64 {
        let end = |byte: Option<u8>| byte.map_or(0, usize::from);
        let (first, last) = (end(self.raw.bytes().next()), end(self.raw.bytes().next_back()));
        if self.escaped { u64::MAX } else { 1 << ((self.raw.len() * 31 + first * 7 + last) % 64) }
    }

    /// The text, unescaped. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        let mut rest = self.raw.chars();
        while let Some(character) = rest.next() {
            text.push(if character == '\\' { read_escape(&mut rest) } else { character });
        }
        Cow::Owned(text)
    }
}

/// The same text, however it is written.
impl PartialEq for RawString<'_> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        if !self.escaped && !other.escaped {
            return self.raw.len() == other.raw.len() && self.raw == other.raw;
        }
        self.raw == other.raw || self.text() == other.text()
    }
}

impl Eq for RawString<'_> {}

impl PartialEq<str> for RawString<'_> {
    #[inline(always)]
    fn eq(&self, other: &str) -> bool {
        if self.escaped { self.text() == other } else { self.raw.len() == other.len() && self.raw == other }
    }
}

/// Writes `text` as a JSON string, quotes and all.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\u{20}'.. => out.push(character),
            _ => {
                // Control characters are below U+0020: two hexadecimal digits say it.
                let digit = |value| char::from_digit(value, 16).unwrap_or('0');
                out.push_str("\\u00");
                out.extend([digit(character as u32 >> 4), digit(character as u32 & 15)]);
            }
        }
    }
    out.push('"');
}

/// Whether every escape in these bytes of a string is one, and none of them stands for a lone surrogate, which UTF-8
/// cannot hold.
pub(crate) fn has_whole_escapes(string: &[u8]) -> bool {
    let mut rest = string;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
            Some(b'u') => match (unit(rest), rest.get(5..7), rest.get(6..).map_or(0, |next| unit(next).unwrap_or(0))) {
                (Some(0xd800..=0xdbff), Some(b"\\u"), 0xdc00..=0xdfff) => rest = rest.get(6..).unwrap_or_default(),
                (Some(0xd800..=0xdfff) | None, ..) => return false,
                _ => {}
            },
            _ => return false,
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    true
}

/// The UTF-16 unit that a `u` and four hexadecimal digits stand for.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.get(1..5)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// The character of one escape. The escape has been validated before.
fn read_escape(rest: &mut Chars<'_>) -> char {
    match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let unit = read_unit(rest);
            let scalar = if let 0xd800..=0xdbff = unit { read_low_surrogate(unit, rest) } else { unit };
            char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(other) => other,
        None => char::REPLACEMENT_CHARACTER,
    }
}

/// The scalar value of a surrogate pair; the high surrogate itself, which is no character, when no low one follows.
fn read_low_surrogate(high: u32, rest: &mut Chars<'_>) -> u32 {
    let mut ahead = rest.clone();
    if (ahead.next(), ahead.next()) == (Some('\\'), Some('u'))
        && let low @ 0xdc00..=0xdfff = read_unit(&mut ahead)
    {
        *rest = ahead;
        return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    high
}

fn read_unit(rest: &mut Chars<'_>) -> u32 {
    rest.take(4).fold(0, |unit, digit| unit << 4 | digit.to_digit(16).unwrap_or(0))
}

/// A cursor over one JSON text.
///
/// ```
/// use chatmux::json::Reader;
/// let mut reader = Reader::new(r#"{"id": 7, "name": "ada"}"#);
/// let mut name = None;
/// reader.object(&mut |reader, key| {
///     if key == *"name" {
///         name = reader.string()?.map(|raw| raw.text().into_owned());
///         Ok(())
///     } else {
///         reader.skip().map(drop)
///     }
/// })?;
/// reader.end()?;
/// assert_eq!(name.as_deref(), Some("ada"));
/// # Ok::<(), chatmux::json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// A member of an object as it stands in the text: its name between its quotes, and its value.
pub type Member<'a> = (RawString<'a>, &'a str);

/// How many members of an object [`members`] returns.
pub const MAX_MEMBERS: usize = 32;

/// The members of the object that `text` is, each name once: as `JSON.parse` has it, the last value counts. Of an object
/// with more members than [`MAX_MEMBERS`] the first ones are returned, and those that `always` names.
///
/// # Errors
/// [`Error::Syntax`] also when the text is another value, or when something follows.
pub fn members<'a>(text: &'a str, always: &[&str]) -> Result<Vec<Member<'a>>> {
    let mut reader = Reader::new(text);
    if reader.peek()? != Kind::Object {
        return Err(Error::Syntax);
    }
    let mut members: Vec<Member<'a>> = Vec::with_capacity(16);
    let mut seen = 0_u64;
    reader.object(&mut |reader, key| {
        let value = reader.skip()?;
        // Most names are new, and known to be by their length and their ends.
        let bit = key.hash_bit();
        if seen & bit != 0 {
            members.retain(|&(other, _)| other != key);
        }
        seen |= bit;
        if members.len() < MAX_MEMBERS || always.iter().any(|name| key == **name) {
            members.push((key, value));
        }
        Ok(())
    })?;
    reader.end()?;
    Ok(members)
}

/// What [`Reader::object`] calls for each member: it must read the member's value.
pub type OnMember<'a, 'f> = dyn FnMut(&mut Reader<'a>, RawString<'a>) -> Result<()> + 'f;
/// What [`Reader::array`] calls for each item: it must read the item.
pub type OnItem<'a, 'f> = dyn FnMut(&mut Reader<'a>) -> Result<()> + 'f;

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// What the next value is, without reading it.
    ///
    /// # Errors
    /// [`Error::Syntax`] when no value starts here.
    pub fn peek(&mut self) -> Result<Kind> {
        self.skip_whitespace();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(Error::Syntax),
        }
    }

    /// Reads an object and calls `on_member` for each of its members, duplicates included, in their order. A value
    /// that is no object is skipped.
    ///
    /// # Errors
    /// Those of the text, and of `on_member`.
    pub fn object(&mut self, on_member: &mut OnMember<'a, '_>) -> Result<()> {
        if self.peek()? != Kind::Object {
            return self.skip().map(drop);
        }
        self.enter()?;
        if !self.close(b'}') {
            loop {
                self.skip_whitespace();
                let key = self.raw_string()?;
                self.skip_whitespace();
                self.expect(b':')?;
                on_member(self, key)?;
                if !self.comma_or(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array and calls `on_item` for each of its items. A value that is no array is skipped.
    ///
    /// # Errors
    /// Those of the text, and of `on_item`.
    pub fn array(&mut self, on_item: &mut OnItem<'a, '_>) -> Result<()> {
        if self.peek()? != Kind::Array {
            return self.skip().map(drop);
        }
        self.enter()?;
        if !self.close(b']') {
            loop {
                on_item(self)?;
                if !self.comma_or(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string; any other value is skipped and is `None`.
    ///
    /// # Errors
    /// Those of the text.
    pub fn string(&mut self) -> Result<Option<RawString<'a>>> {
        if self.peek()? == Kind::String {
            return self.raw_string().map(Some);
        }
        self.skip()?;
        Ok(None)
    }

    /// Reads a number that is a whole number from 0 to `u32::MAX`; any other value is skipped and is `None`.
    ///
    /// # Errors
    /// Those of the text.
    pub fn integer(&mut self) -> Result<Option<u32>> {
        Ok(decimal(self.skip()?.as_bytes()))
    }

    /// Reads any value and returns its text, whitespace around it left out.
    ///
    /// # Errors
    /// Those of the text.
    pub fn skip(&mut self) -> Result<&'a str> {
        let kind = self.peek()?;
        let start = self.at;
        match kind {
            Kind::Object => self.object(&mut |reader, _| reader.skip().map(drop))?,
            Kind::Array => self.array(&mut |reader| reader.skip().map(drop))?,
            Kind::String => drop(self.raw_string()?),
            Kind::Number => self.number()?,
            Kind::Bool if self.byte() == Some(b't') => self.literal("true")?,
            Kind::Bool => self.literal("false")?,
            Kind::Null => self.literal("null")?,
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Where the reader stands, in bytes from the start of the text.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Checks that nothing but whitespace is left.
    ///
    /// # Errors
    /// [`Error::Syntax`] when something is.
    pub fn end(&mut self) -> Result<()> {
        self.skip_whitespace();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(Error::Syntax),
        }
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline(always)]
    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.byte() != Some(byte) {
            return Err(Error::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over the opening bracket of a container.
    fn enter(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        Ok(())
    }

    /// Steps over the closing bracket of an empty container.
    fn close(&mut self, bracket: u8) -> bool {
        self.skip_whitespace();
        let closes = self.byte() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    /// `true` after a comma, `false` after the closing bracket.
    #[inline(always)]
    fn comma_or(&mut self, bracket: u8) -> Result<bool> {
        self.skip_whitespace();
        let byte = self.byte();
        self.at += 1;
        match byte {
            Some(b',') => Ok(true),
            Some(b) if b == bracket => Ok(false),
            _ => Err(Error::Syntax),
        }
    }

    fn literal(&mut self, word: &str) -> Result<()> {
        word.bytes().try_for_each(|byte| self.expect(byte))
    }

    fn raw_string(&mut self) -> Result<RawString<'a>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(Error::Syntax),
            }
            escaped = true;
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(RawString { raw, escaped })
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let escaped = self.byte();
        self.at += 1;
        match escaped {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let hex = self.text.as_bytes().get(self.at..self.at + 4);
                self.at += 4;
                match hex {
                    Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => Ok(()),
                    _ => Err(Error::Syntax),
                }
            }
            _ => Err(Error::Syntax),
        }
    }

    fn number(&mut self) -> Result<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(Error::Syntax) } else { Ok(()) }
    }
}

/// How many bytes come before the first that ends a string, escapes something, or may not stand in a string. Most of what
/// is in JSON is in strings: eight bytes are looked at in one step.
fn plain_length(bytes: &[u8]) -> usize {
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
