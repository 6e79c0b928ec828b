//! The completion as assembled so far: the deltas of a stream put together, in the form of a whole answer.
//!
//! Text is kept as it came, in JSON and unescaped by nobody, in pieces that are never moved: what is held grows with what
//! was received, by a quarter more at most. An event of a known shape adds its values alone; any other is read.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object>

use std::borrow::Cow;

use crate::json::{self, MAX_MEMBERS, Tree, Value};
use crate::repair::index_of;
use crate::shape::Span;

/// The members of a delta whose strings are whole each time they come, and not a part of a longer one. Strings of all
/// other names grow: a provider's own field is one of them rather than a name that nobody knows.
const NAMES: [&[u8]; 9] =
    [b"role", b"id", b"type", b"name", b"object", b"format", b"signature", b"thought_signature", b"finish_reason"];
/// How many values are put together; what comes new beyond them is left to the chunks.
const MAX_NODES: usize = 1 << 18;
/// How many members or items are looked at in search of one; what comes new beyond them is left to the chunks.
const MAX_LOOKS: usize = 1024;
/// How deep a delta is followed; what is below is kept as it came last.
const MAX_DEPTH: u32 = 16;
/// The least and the most bytes of a piece of text, which is a quarter of what there is.
const PIECE: (usize, usize) = (32, 1 << 20);
/// What a choice of a whole answer has, whether it was said or not.
const DEFAULT_CHOICE: &str = r#"{"index":0,"message":{"role":"assistant","content":null},"finish_reason":null}"#;
/// The number of the node that all others are in.
const ROOT: usize = 0;
/// Stands for the number of a node where a value has gone to none that grows.
const ASIDE: usize = usize::MAX;

/// What a stream has come to.
///
/// ```
/// let mut partial = chatmux::partial::Partial::default();
/// partial.add(r#"{"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}"#);
/// partial.add(r#"{"id":"1","choices":[{"index":0,"delta":{"content":"lo"}}]}"#);
/// assert_eq!(
///     partial.json(),
///     r#"{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":null}]}"#,
/// );
/// ```
#[derive(Debug)]
pub struct Partial {
    /// The values, each known by its number, and none of them ever given up: what was replaced waits to be said again.
    nodes: Vec<Node>,
    /// What the values of each known shape are added to.
    bindings: Vec<Binding>,
    /// How often something has been said anew, so that a chunk like one before it may say the old again.
    changes: u32,
    /// The last event of a known shape that has the usage in it, which is read when somebody asks.
    late: Vec<u8>,
    /// Where the values of the chunk that is being added go.
    binding: Binding,
    depth: u32,
    /// Whether what is added only stands for what nobody has said.
    is_default: bool,
}

/// A value that is being assembled.
#[derive(Debug, Default)]
struct Node {
    /// The name of a member, as it stands between its quotes; of an item its type, if it has said one.
    key: Vec<u8>,
    /// The index of an item; the same for equal names.
    index: u32,
    kind: Kind,
    /// The first value in it, and the next beside it; 0 where there is none.
    first: usize,
    next: usize,
    /// What is known of it in JSON. The items of a list that have no index, with a comma between them. Of a value that
    /// does not grow it is one piece.
    pieces: Vec<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing has come yet; what there is in JSON stands for it.
    #[default]
    Nothing,
    /// A value as it came last.
    Json,
    /// A string that grows.
    Text,
    Object,
    List,
}

/// Where the values of an event's shape go.
#[derive(Debug, Default)]
struct Binding {
    /// Where each of them begins, and the node whose text it is a part of.
    values: Vec<(usize, usize)>,
    has_usage: bool,
    /// Whether a chunk that differs in these values alone adds nothing else: as long as so many changes have been made.
    again: bool,
    changes: u32,
}

/// What the members of an object are to a completion.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Chunk,
    /// Those of a chunk of which the usage alone is read.
    Late,
    Choice,
    Call,
    Other,
}

impl Default for Partial {
    fn default() -> Self {
        let root = Node { kind: Kind::Object, ..Node::default() };
        Self {
            nodes: vec![root],
            bindings: Vec::new(),
            changes: 0,
            late: Vec::new(),
            binding: Binding::default(),
            depth: 0,
            is_default: false,
        }
    }
}

impl Partial {
    /// Adds a chunk, as JSON: one whose calls have indexes, as a [`ChunkStream`](crate::stream::ChunkStream) gives it.
    pub fn add(&mut self, chunk: &str) {
        self.add_json(chunk.as_bytes(), &[], 0);
    }

    fn add_json(&mut self, chunk: &[u8], values: &[Span], before: usize) {
        self.begin(values, before);
        self.add_text(ROOT, std::str::from_utf8(chunk).unwrap_or_default(), Place::Chunk);
    }

    fn add_text(&mut self, into: usize, json: &str, place: Place) {
        let mut tree = Tree::default();
        if let Ok(root) = tree.add(json) {
            self.members(into, tree.value(root), place);
        }
    }

    /// Notes where the values of the next chunk go. They are counted from so many bytes before the text that it is in.
    fn begin(&mut self, values: &[Span], before: usize) {
        self.settle();
        self.binding.values.clear();
        self.binding.values.extend(values.iter().map(|value| (value.start - before, ROOT)));
        self.binding.has_usage = false;
        self.binding.again = true;
        self.binding.changes = self.changes;
    }

    /// Adds a chunk that was read, and whose shape was learnt under this `number`, if it was.
    pub(crate) fn add_read(&mut self, chunk: Value<'_>, number: Option<usize>, values: &[Span]) {
        self.begin(values, 0);
        self.members(ROOT, chunk, Place::Chunk);
        if let Some(number) = number {
            self.bind(number);
        }
    }

    /// Remembers where the values of the chunk have gone, unless a chunk like it must be read.
    fn bind(&mut self, number: usize) {
        let mut binding = std::mem::take(&mut self.binding);
        // A chunk that has changed what was said may do so each time.
        binding.again &= binding.changes == self.changes && binding.values.iter().all(|&(_, node)| node != ROOT);
        while self.bindings.len() <= number {
            self.bindings.push(Binding::default());
        }
        self.bindings[number] = binding;
    }

    /// Adds a chunk of a shape that was learnt: the bytes of its event, the JSON in it, and its values.
    pub fn add_values(&mut self, number: usize, event: &[u8], json: &[u8], values: &[Span]) {
        let Some(binding) = self.bindings.get(number).filter(|known| known.again && known.changes == self.changes)
        else {
            // Valid: what stays was, and the values have been looked at.
            let before = (json.as_ptr() as usize).wrapping_sub(event.as_ptr() as usize);
            self.add_json(json, values, before);
            return self.bind(number);
        };
        for (&(_, node), value) in binding.values.iter().zip(values) {
            if node != ASIDE {
                self.nodes[node].push(value.of(event));
            }
        }
        if binding.has_usage {
            self.late.clear();
            self.late.extend_from_slice(json);
        }
    }

    /// Adds what an event that is no chunk says of the usage.
    pub(crate) fn add_usage(&mut self, event: &str) {
        self.add_text(ROOT, event, Place::Late);
    }

    /// Whether nothing has arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// The completion, as JSON: see [`write`](Self::write).
    #[must_use]
    pub fn json(&mut self) -> String {
        let mut json = Vec::new();
        self.write(&mut |part| json.extend_from_slice(part));
        String::from_utf8(json).unwrap_or_default()
    }

    /// Hands out the completion, as JSON in parts that are valid UTF-8 each. It is a `chat.completion`, with a `message`
    /// where the chunks had a `delta`, and without the indexes of its tool calls.
    pub fn write<'a>(&'a mut self, out: &mut dyn FnMut(&'a [u8])) {
        self.settle();
        self.write_node(ROOT, out);
    }

    fn write_node<'a>(&'a self, number: usize, out: &mut dyn FnMut(&'a [u8])) {
        let node = &self.nodes[number];
        let (open, close): (&[u8], &[u8]) = match node.kind {
            Kind::Object => (b"{", b"}"),
            Kind::List => (b"[", b"]"),
            Kind::Text => (b"\"", b"\""),
            _ => (b"", b""),
        };
        out(open);
        let mut before: &[u8] = b"";
        let mut at = node.first;
        while at != 0 {
            let child = &self.nodes[at];
            if child.kind != Kind::Nothing || !child.pieces.is_empty() {
                out(before);
                if node.kind == Kind::Object {
                    out(b"\"");
                    out(&child.key);
                    out(b"\":");
                }
                self.write_node(at, out);
                before = b",";
            }
            at = child.next;
        }
        if !node.pieces.is_empty() {
            out(before);
        }
        for piece in &node.pieces {
            out(piece);
        }
        out(close);
    }

    /// Reads the usage that was put aside.
    fn settle(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let late = std::mem::take(&mut self.late);
        self.add_text(ROOT, std::str::from_utf8(&late).unwrap_or_default(), Place::Late);
    }

    /// Adds the members of an object to those of a node.
    fn members(&mut self, into: usize, object: Value<'_>, place: Place) {
        for member in object.children() {
            let key = spell(member);
            let is_delta = place == Place::Choice && *key == *b"delta";
            let name = if is_delta { b"message" } else { &*key };
            if place == Place::Chunk && name == b"obfuscation" {
                // Padding, so that nobody learns the length of a token on its way.
                self.note(member, ASIDE);
                continue;
            }
            if place == Place::Call && name == b"index" || place == Place::Late && name != b"usage" {
                continue;
            }
            let Some(at) = self.child(into, name, json::mark(name)) else { continue };
            let json = member.bytes();
            match place {
                Place::Choice if is_delta || name == b"logprobs" => self.grow(at, b"", member),
                Place::Call | Place::Other => self.grow(at, name, member),
                // Azure's verdicts, which come late, are of no time.
                Place::Chunk if name == b"created" && json == b"0" && self.nodes[at].says_something() => {}
                Place::Chunk if name == b"object" => self.say(at, b"\"chat.completion\""),
                Place::Chunk if name == b"choices" && member.starts(b'[') => self.items(at, name, member),
                _ if place == Place::Late || place == Place::Chunk && name == b"usage" => {
                    // Whatever was said before: the usage of a chunk like this one is put aside, and read in its turn.
                    self.replace(at, json);
                    self.note(member, ASIDE);
                    self.binding.has_usage |= !is_blank(json);
                }
                _ => self.say(at, json),
            }
        }
    }

    /// Adds a value below a delta to what came before it.
    fn grow(&mut self, at: usize, name: &[u8], value: Value<'_>) {
        self.depth += 1;
        let raw = value.bytes();
        match raw.first() {
            Some(b'{') if self.depth <= MAX_DEPTH => {
                self.turn(at, Kind::Object);
                self.members(at, value, Place::Other);
            }
            Some(b'[') if self.depth <= MAX_DEPTH => self.items(at, name, value),
            Some(b'"') if !NAMES.contains(&name) => {
                self.turn(at, Kind::Text);
                self.note(value, at);
                self.nodes[at].push(json::inside(raw));
            }
            _ => self.say(at, raw),
        }
        self.depth -= 1;
    }

    /// Adds the items of a list: to those with the same index, or after all others.
    fn items(&mut self, at: usize, name: &[u8], list: Value<'_>) {
        self.turn(at, Kind::List);
        let place = if name == b"choices" {
            Place::Choice
        } else if name == b"tool_calls" {
            Place::Call
        } else {
            Place::Other
        };
        for item in list.children() {
            let index = match index_of(item) {
                Ok(None) if place == Place::Choice => Some(0),
                index => index.ok().flatten(),
            };
            match index.filter(|_| item.starts(b'{')) {
                Some(index) => {
                    // Of equal index, but of another type, it is another item: of reasoning, the text and what is encrypted.
                    let said = item.at("type").string().filter(|_| place == Place::Other);
                    let kind = said.map_or(Cow::Borrowed(""), |said| said.text());
                    let Some(into) = self.child(at, kind.as_bytes(), index) else { continue };
                    if self.nodes[into].kind == Kind::Nothing {
                        self.nodes[into].kind = Kind::Object;
                        if place == Place::Choice && self.depth == 0 {
                            self.is_default = true;
                            self.add_text(into, DEFAULT_CHOICE, Place::Other);
                            self.is_default = false;
                        }
                    }
                    self.members(into, item, place);
                }
                None => {
                    self.binding.again = false;
                    let list = &mut self.nodes[at];
                    if !list.pieces.is_empty() {
                        list.push(b",");
                    }
                    list.push(item.bytes());
                }
            }
        }
    }

    /// Notes where a value of the chunk goes.
    fn note(&mut self, value: Value<'_>, node: usize) {
        let (start, length) = (value.start(), value.bytes().len());
        let mut is_known = false;
        for (at, goes) in &mut self.binding.values {
            if (start..start + length).contains(at) {
                *goes = node;
                is_known = true;
            }
        }
        // A text that stays would have to be added each time.
        self.binding.again &= is_known || node == ASIDE || length == 2;
    }

    /// The member of this name, or the item of this index and type, which is made where there is none; `None` when there
    /// are too many.
    fn child(&mut self, parent: usize, name: &[u8], index: u32) -> Option<usize> {
        let is_item = self.nodes[parent].kind == Kind::List;
        let (mut before, mut at, mut count, mut alive) = (0, self.nodes[parent].first, 0, 0);
        while at != 0 {
            let node = self.nodes.get_mut(at)?;
            if node.index == index && (node.key == name || is_item && (name.is_empty() || node.key.is_empty())) {
                if node.key.is_empty() {
                    node.key = name.to_vec();
                }
                return Some(at);
            }
            if is_item && node.index > index {
                break;
            }
            (before, at) = (at, node.next);
            count += 1;
            alive += usize::from(node.kind != Kind::Nothing);
        }
        if self.nodes.len() >= MAX_NODES || count >= MAX_LOOKS || !is_item && alive >= MAX_MEMBERS {
            return None;
        }
        let number = self.nodes.len();
        self.nodes.push(Node { key: name.to_vec(), index, next: at, ..Node::default() });
        *(if before == 0 { &mut self.nodes[parent].first } else { &mut self.nodes[before].next }) = number;
        Some(number)
    }

    /// Puts a value in the place of the last one, if it says more than that.
    fn say(&mut self, at: usize, value: &[u8]) {
        let changes = self.replace(at, value);
        self.changes = self.changes.wrapping_add(changes.into());
    }

    /// The same. Whether something else was said before.
    fn replace(&mut self, at: usize, value: &[u8]) -> bool {
        let node = &self.nodes[at];
        let stays = match node.kind {
            // What stands for a value gives way to any that says something.
            Kind::Nothing => !node.pieces.is_empty() && is_blank(value) && node.json() != b"null",
            Kind::Json => node.json() == value || is_blank(value) && node.json() != b"null",
            _ => is_blank(value),
        };
        if stays {
            return false;
        }
        let changes = node.says_something();
        if node.kind != Kind::Json {
            self.clear(at);
        }
        let node = &mut self.nodes[at];
        node.kind = if self.is_default { Kind::Nothing } else { Kind::Json };
        node.set(value);
        changes
    }

    /// Makes a node one of this kind, empty if it was another.
    fn turn(&mut self, at: usize, kind: Kind) {
        if self.nodes[at].kind != kind {
            self.changes = self.changes.wrapping_add(self.nodes[at].says_something().into());
            self.clear(at);
            self.nodes[at].kind = kind;
        }
    }

    /// Forgets a value and what is in it.
    fn clear(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.kind = Kind::Nothing;
        node.pieces.clear();
        let mut child = node.first;
        while child != 0 {
            let Node { kind, ref pieces, next, .. } = self.nodes[child];
            // What is in a value that was cleared was cleared with it.
            if kind != Kind::Nothing || !pieces.is_empty() {
                self.clear(child);
            }
            child = next;
        }
    }
}

impl Node {
    /// Adds to the text. What fits into the last piece goes there, so that no room is left unused.
    fn push(&mut self, mut bytes: &[u8]) {
        if let Some(piece) = self.pieces.last_mut() {
            let mut now = bytes.len().min(piece.capacity() - piece.len());
            // No character is cut: each piece is text by itself.
            while bytes.get(now).is_some_and(|byte| byte & 0xc0 == 0x80) {
                now -= 1;
            }
            piece.extend_from_slice(&bytes[..now]);
            bytes = &bytes[now..];
        }
        if !bytes.is_empty() {
            let length: usize = self.pieces.iter().map(Vec::len).sum();
            let (least, most) = PIECE;
            let mut piece = Vec::with_capacity((length / 4).min(most).max(least).max(bytes.len()));
            piece.extend_from_slice(bytes);
            self.pieces.push(piece);
        }
    }

    /// Makes this all that there is.
    fn set(&mut self, json: &[u8]) {
        match self.pieces.first_mut() {
            Some(piece) => {
                piece.clear();
                piece.extend_from_slice(json);
            }
            None => self.pieces = vec![json.to_vec()],
        }
    }

    fn json(&self) -> &[u8] {
        self.pieces.first().map_or(b"", Vec::as_slice)
    }

    fn says_something(&self) -> bool {
        self.kind != Kind::Nothing && !(self.kind == Kind::Json && is_blank(self.json()))
    }
}

/// The name of a member, written in one way only.
fn spell(member: Value<'_>) -> Cow<'_, [u8]> {
    if member.has_escaped_key()
        && let Some(text) = member.key().whole()
    {
        let mut quoted = String::new();
        json::write_string(&mut quoted, &text);
        return Cow::Owned(json::inside(quoted.as_bytes()).to_vec());
    }
    Cow::Borrowed(member.key_bytes())
}

fn is_blank(json: &[u8]) -> bool {
    json == b"null" || json == b"\"\""
}
