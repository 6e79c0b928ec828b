//! JSON text, read in place: exactly the grammar of RFC 8259 that `JSON.parse` accepts.
//!
//! The client hands whole events and bodies to the platform's `JSON.parse`; what the core itself must know of them (is
//! this an error, has it finished, what does the completion come to) is read here, in one pass, which leaves a [`Tree`] of
//! where the values stand. Numbers stay text. Nesting is capped, so that no input can overflow the stack.
//!
//! <https://www.rfc-editor.org/rfc/rfc8259>

mod string;
#[cfg(feature = "dialects")]
mod write;

#[cfg(feature = "dialects")]
pub use string::Length;
#[cfg(feature = "dialects")]
pub(crate) use string::escape;
use string::plain_length;
pub use string::{RawString, write_string};
pub(crate) use string::{has_whole_escapes, inside};
#[cfg(feature = "dialects")]
pub use write::{Copied, Writer};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 128;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The text breaks the grammar.
    Syntax,
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// It has more values than can be told apart.
    TooMany,
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

/// How many members of an object are followed.
pub const MAX_MEMBERS: usize = 64;
/// How many members of an object a [whole](Tree::whole) tree compares with the names that come after them.
const MAX_COMPARED: usize = 1024;
/// The members that are followed among however many others.
const ALWAYS: [&[u8]; 5] = [b"choices", b"error", b"index", b"delta", b"tool_calls"];
/// How many values a text may have before the items of its long lists are no longer told apart.
const MAX_VALUES: usize = 1 << 16;
/// How many values a text may have at all: each takes memory, however short it is.
const MAX_NODES: usize = 1 << 20;
/// A list with no more items than this is no long one: there are 128 choices at most, and as many calls of tools. One more
/// shows that there are too many.
const MAX_ITEMS: usize = 129;

/// JSON texts, one after the other, and where the values in them stand.
///
/// ```
/// use chatmux::json::Tree;
/// let mut tree = Tree::default();
/// let root = tree.add(r#"{"id": 7, "name": "ada"}"#)?;
/// let name = tree.value(root).get("name").and_then(|name| name.string());
/// assert_eq!(name.map(|raw| raw.text().into_owned()).as_deref(), Some("ada"));
/// # Ok::<(), chatmux::json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Tree {
    text: String,
    nodes: Vec<Node>,
    is_whole: bool,
}

/// Where a value stands. All numbers are below 4 GiB, as the memory of a wasm module is.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Its name, between the quotes, if it is the member of an object; and whether there are escapes in it.
    key: (u32, u32),
    escaped: bool,
    start: u32,
    end: u32,
    /// The first value in it, and the next beside it; 0 where there is none.
    first: u32,
    next: u32,
}

const NOWHERE: Node = Node { key: (0, 0), escaped: false, start: 0, end: 0, first: 0, next: 0 };

impl Tree {
    /// A tree that follows every value of its texts, for what is to be written again in another form. Names that come
    /// twice in an object are told apart from its first thousand members; there may be a million values in all.
    #[cfg(feature = "dialects")]
    #[must_use]
    pub fn whole() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// Reads one more text, and returns the number of its value.
    ///
    /// # Errors
    /// Those of the text; nothing may be added after one.
    pub fn add(&mut self, text: &str) -> Result<usize> {
        let root = self.nodes.len();
        let at = self.text.len();
        self.text.push_str(text);
        let nodes = std::mem::take(&mut self.nodes);
        let mut reader = Reader { text: &self.text, at, depth: 0, nodes, root, is_whole: self.is_whole };
        let read = reader.value().and_then(|()| reader.end());
        self.nodes = reader.nodes;
        read.map(|()| root)
    }

    /// The value of this number.
    #[must_use]
    pub fn value(&self, number: usize) -> Value<'_> {
        Value { tree: self, at: number }
    }

    /// Reads another text in the place of the last one, which is that of this value, and returns the number of its value.
    ///
    /// # Errors
    /// Those of the text; nothing may be added after one.
    pub(crate) fn replace(&mut self, root: usize, text: &str) -> Result<usize> {
        self.text.truncate(self.value(root).start());
        self.nodes.truncate(root);
        self.add(text)
    }

    /// Forgets the texts, and keeps no more memory than this for the next.
    pub(crate) fn clear(&mut self, spare: usize) {
        self.nodes.clear();
        self.text.clear();
        if self.text.capacity() + self.nodes.capacity() * size_of::<Node>() > spare {
            *self = Self { is_whole: self.is_whole, ..Self::default() };
        }
    }
}

/// One value of a [`Tree`].
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    tree: &'a Tree,
    at: usize,
}

impl<'a> Value<'a> {
    #[inline(always)]
    fn node(self) -> &'a Node {
        // A value is one of its tree.
        self.tree.nodes.get(self.at).unwrap_or(&NOWHERE)
    }

    #[inline(always)]
    fn slice(self, (start, end): (u32, u32)) -> &'a [u8] {
        self.tree.text.as_bytes().get(start as usize..end as usize).unwrap_or_default()
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> usize {
        self.at
    }

    /// Its name, where it is a member.
    #[must_use]
    pub fn key(self) -> RawString<'a> {
        RawString { raw: as_text(self.key_bytes()), escaped: self.node().escaped }
    }

    /// The same, as it stands between the quotes.
    #[inline(always)]
    pub(crate) fn key_bytes(self) -> &'a [u8] {
        self.slice(self.node().key)
    }

    /// Whether there are escapes in its name.
    pub(crate) fn has_escaped_key(self) -> bool {
        self.node().escaped
    }

    /// Whether this is its name.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        let key = self.key_bytes();
        if self.node().escaped { self.key() == *name } else { key.len() == name.len() && key == name.as_bytes() }
    }

    /// Its text, whitespace around it left out.
    #[must_use]
    pub fn raw(self) -> &'a str {
        as_text(self.bytes())
    }

    /// The same, in UTF-8.
    #[must_use]
    #[inline(always)]
    pub fn bytes(self) -> &'a [u8] {
        let Node { start, end, .. } = *self.node();
        self.slice((start, end))
    }

    /// Whether its text starts with this, which tells its kind.
    #[must_use]
    pub fn starts(self, byte: u8) -> bool {
        self.bytes().first() == Some(&byte)
    }

    /// Where that begins among all texts.
    #[must_use]
    pub fn start(self) -> usize {
        self.node().start as usize
    }

    /// The string that it is.
    #[must_use]
    pub fn string(self) -> Option<RawString<'a>> {
        self.starts(b'"').then(|| RawString::new(as_text(inside(self.bytes()))))
    }

    /// Its text as that of a string, whatever it is.
    pub(crate) fn as_string(self) -> RawString<'a> {
        RawString { raw: self.raw(), escaped: false }
    }

    /// The members of an object, each name once, or the items of a list. As `JSON.parse` has it, the last value of a
    /// name counts. Of an object with more members than [`MAX_MEMBERS`] it is the first ones, and a few by their names,
    /// unless the tree is [whole](Tree::whole).
    #[must_use]
    pub fn children(self) -> Children<'a> {
        Children { tree: self.tree, at: self.node().first }
    }

    /// The member of this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.children().find(|child| child.is(name))
    }

    /// The same, or a value without any text.
    pub(crate) fn at(self, name: &str) -> Value<'a> {
        self.get(name).unwrap_or(self.tree.value(usize::MAX))
    }

    /// The items of a list; none of what is no list.
    pub(crate) fn items(self) -> Children<'a> {
        Children { tree: self.tree, at: if self.starts(b'[') { self.node().first } else { 0 } }
    }

    /// How many values its tree has, those included that do not count, and how many bytes.
    pub(crate) fn tree_size(self) -> (usize, usize) {
        (self.tree.nodes.len(), self.tree.text.len())
    }
}

/// A part of a text.
fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The values in a value.
#[derive(Debug, Clone)]
pub struct Children<'a> {
    tree: &'a Tree,
    at: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Value<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.at == 0 {
            return None;
        }
        let value = self.tree.value(self.at as usize);
        self.at = value.node().next;
        Some(value)
    }
}

/// A cursor over one JSON text.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    nodes: Vec<Node>,
    /// How many values there were before those of this text.
    root: usize,
    is_whole: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, nodes: Vec::new(), root: 0, is_whole: false }
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

    /// Reads a string; any other value is skipped and is `None`.
    ///
    /// # Errors
    /// Those of the text.
    pub fn string(&mut self) -> Result<Option<RawString<'a>>> {
        let raw = self.skip()?.as_bytes();
        Ok((raw.first() == Some(&b'"')).then(|| RawString::new(as_text(inside(raw)))))
    }

    /// Reads any value and returns its text, whitespace around it left out.
    ///
    /// # Errors
    /// Those of the text.
    pub fn skip(&mut self) -> Result<&'a str> {
        self.nodes.clear();
        self.value()?;
        let node = self.nodes[0];
        Ok(self.text.get(node.start as usize..node.end as usize).unwrap_or_default())
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

    /// Reads any value, and notes where it stands.
    fn value(&mut self) -> Result<()> {
        self.skip_whitespace();
        let at = self.nodes.len();
        if at > self.root + MAX_NODES {
            return Err(Error::TooMany);
        }
        self.nodes.push(Node { start: self.at as u32, ..Node::default() });
        match self.byte() {
            Some(b'{') => self.container(at, b'}')?,
            Some(b'[') => self.container(at, b']')?,
            Some(b'"') => drop(self.quoted()?),
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => self.number()?,
        }
        self.nodes[at].end = self.at as u32;
        Ok(())
    }

    /// Reads what is in a container.
    fn container(&mut self, parent: usize, bracket: u8) -> Result<()> {
        // Nobody else asks for it.
        let is_whole = cfg!(feature = "dialects") && self.is_whole;
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let (mut last, mut count, mut seen) = (0, 0, 0_u64);
        self.skip_whitespace();
        if self.byte() == Some(bracket) {
            self.at += 1;
        } else {
            loop {
                let (mut key, mut escaped) = ((0, 0), false);
                if bracket == b'}' {
                    self.skip_whitespace();
                    let start = self.at + 1;
                    escaped = self.quoted()?;
                    key = (start as u32, self.at as u32 - 1);
                    self.skip_whitespace();
                    self.expect(b':')?;
                }
                let at = self.nodes.len();
                self.value()?;
                let mut same = 0;
                if bracket == b'}' {
                    let node = &mut self.nodes[at];
                    (node.key, node.escaped) = (key, escaped);
                    // Most names are new, and known to be by their length and their ends.
                    let name = self.text.as_bytes().get(key.0 as usize..key.1 as usize).unwrap_or_default();
                    let bit = if escaped { u64::MAX } else { 1 << (mark(name) % 64) };
                    if seen & bit != 0 && (!is_whole || count < MAX_COMPARED) {
                        same = self.nodes[parent].first as usize;
                        while same != 0 && self.name(same) != self.name(at) {
                            same = self.nodes[same].next as usize;
                        }
                    }
                    seen |= bit;
                    if same == 0 && count >= MAX_MEMBERS && !is_whole && !ALWAYS.contains(&name) {
                        // What is not followed keeps its place, so that nobody thinks that it was.
                        self.nodes.truncate(at + 1);
                        same = at;
                    }
                } else if count >= MAX_ITEMS && !is_whole && last >= self.root + MAX_VALUES {
                    self.nodes.truncate(at);
                    (self.nodes[last].first, self.nodes[last].end) = (0, self.at as u32);
                    same = last;
                }
                if same == 0 {
                    *(if last == 0 { &mut self.nodes[parent].first } else { &mut self.nodes[last].next }) = at as u32;
                    last = at;
                    count += 1;
                } else if same < at && bracket == b'}' {
                    let next = self.nodes[same].next;
                    self.nodes[same] = Node { next, ..self.nodes[at] };
                }
                self.skip_whitespace();
                let byte = self.byte();
                self.at += 1;
                match byte {
                    Some(b',') => {}
                    Some(b) if b == bracket => break,
                    _ => return Err(Error::Syntax),
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn name(&self, at: usize) -> RawString<'a> {
        let Node { key: (start, end), escaped, .. } = self.nodes[at];
        RawString { raw: self.text.get(start as usize..end as usize).unwrap_or_default(), escaped }
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

    fn literal(&mut self, word: &str) -> Result<()> {
        word.bytes().try_for_each(|byte| self.expect(byte))
    }

    /// Reads a string. Whether there are escapes in it.
    fn quoted(&mut self) -> Result<bool> {
        self.expect(b'"')?;
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
        self.at += 1;
        Ok(escaped)
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

/// A number that is the same for equal names: what two names differ in is likely to show in it.
#[inline(always)]
pub(crate) fn mark(name: &[u8]) -> u32 {
    let end = |byte: Option<&u8>| byte.map_or(0, |&byte| u32::from(byte));
    name.len() as u32 * 31 + end(name.first()) * 7 + end(name.last())
}
