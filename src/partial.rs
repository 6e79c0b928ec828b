//! The completion as assembled so far: the deltas of a stream put together, in the form of a whole answer.
//!
//! Text is kept as it came, in JSON and unescaped by nobody, in pieces that are never moved: what is held grows with what
//! was received, by a quarter more at most. An event of a known shape adds its values alone; any other is read.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object>

use crate::json::{self, MAX_MEMBERS, RawString, Reader};
use crate::shape::Span;
use crate::text::decimal;

/// The members of a delta whose strings are whole each time they come, and not a part of a longer one. Strings of all
/// other names grow: a provider's own field is one of them rather than a name that nobody knows.
const NAMES: [&str; 9] =
    ["role", "id", "type", "name", "object", "format", "signature", "thought_signature", "finish_reason"];
/// The highest index of a choice or a tool call; what comes under a higher one is no item of its own.
const MAX_INDEX: u32 = 127;
/// How deep a delta is followed; what is below is kept as it came last.
const MAX_DEPTH: u32 = 16;
/// The size of a piece of text, in bytes: a quarter of what there is, within these bounds.
const PIECE: (usize, usize) = (32, 1 << 20);

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
#[derive(Debug, Default)]
pub struct Partial {
    members: Vec<Member>,
    texts: Vec<Text>,
    /// What the values of each known shape are added to; nothing where its events must be read.
    bindings: Vec<Option<Binding>>,
    /// How often something has been said anew, so that a chunk like one before it may say the old again.
    changes: u32,
    /// The last event of a known shape that has the usage in it, which is read when somebody asks.
    late: Vec<u8>,
}

/// Where the values of an event's shape go.
#[derive(Debug)]
struct Binding {
    /// The text that each of them is a part of; none where it is something that is not kept, or counted.
    texts: Vec<Option<usize>>,
    has_usage: bool,
    /// How many changes there had been: after another, what the chunk says beside its values must be read again.
    changes: u32,
}

#[derive(Debug)]
struct Member {
    /// The name, as it stands between its quotes.
    key: String,
    /// Whether there are escapes in it.
    escaped: bool,
    value: Node,
}

/// A value that is being assembled.
#[derive(Debug)]
enum Node {
    /// Nothing has come yet.
    Nothing,
    /// A value as it came last.
    Json(String),
    /// A string that grows: the number of its text.
    Text(usize),
    Object(Vec<Member>),
    List(List),
}

#[derive(Debug, Default)]
struct List {
    /// The items with an index, in its order.
    items: Vec<(u32, Vec<Member>)>,
    /// The items without: a text of JSON values, with a comma after each.
    others: Option<usize>,
}

impl Partial {
    /// Adds a chunk, as JSON.
    pub fn add(&mut self, chunk: &str) {
        self.add_members(read_members(chunk));
    }

    /// Adds a chunk of which the members are known.
    pub fn add_members(&mut self, members: Vec<json::Member<'_>>) {
        self.merge(members);
    }

    /// Adds a chunk whose shape was learnt, under this number, and remembers where its `values` went.
    pub fn add_learnt(&mut self, number: usize, chunk: &str, values: &[Span]) {
        self.add_and_bind(number, chunk, 0, values);
    }

    /// The same, where the values are counted from so many bytes before the chunk.
    fn add_and_bind(&mut self, number: usize, chunk: &str, before: usize, values: &[Span]) {
        let merged = self.merge(read_members(chunk));
        let binding = merged.bind(chunk, before, values, self.changes);
        while self.bindings.len() <= number {
            self.bindings.push(None);
        }
        if let Some(slot) = self.bindings.get_mut(number) {
            *slot = binding;
        }
    }

    /// Adds a chunk of a shape that was learnt: the bytes of its event, the JSON in it, and its values.
    pub fn add_values(&mut self, number: usize, event: &[u8], json: &[u8], values: &[Span]) {
        let Some(Some(binding)) = self.bindings.get(number) else {
            // Valid: what stays was, and the values have been looked at.
            return self.add(std::str::from_utf8(json).unwrap_or_default());
        };
        if binding.changes != self.changes {
            let before = (json.as_ptr() as usize).wrapping_sub(event.as_ptr() as usize);
            return self.add_and_bind(number, std::str::from_utf8(json).unwrap_or_default(), before, values);
        }
        for (text, value) in binding.texts.iter().zip(values) {
            if let Some(text) = text.and_then(|text| self.texts.get_mut(text)) {
                text.push(value.of(event));
            }
        }
        if binding.has_usage {
            self.late.clear();
            self.late.extend_from_slice(json);
        }
    }

    /// Whether nothing has arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
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
        self.write_object(&self.members, Place::Chunk, out);
    }

    /// Reads the usage that was put aside.
    fn settle(&mut self) {
        let late = std::mem::take(&mut self.late);
        for (key, value) in read_members(std::str::from_utf8(&late).unwrap_or_default()) {
            if let Some(node) = member(&mut self.members, key).filter(|_| key == *"usage") {
                let _ = replace(node, value);
            }
        }
    }

    fn merge<'a>(&mut self, chunk: Vec<json::Member<'a>>) -> Merged<'a> {
        self.settle();
        let Self { members, texts, .. } = self;
        let merged = Merged { grown: Vec::new(), aside: Vec::new(), again: true, changes: false };
        let mut merge = Merge { texts, depth: 0, merged };
        merge.chunk(members, chunk);
        let merged = merge.merged;
        self.changes = self.changes.wrapping_add(u32::from(merged.changes));
        merged
    }

    fn write_object<'a>(&'a self, members: &'a [Member], place: Place, out: &mut dyn FnMut(&'a [u8])) {
        let mut before: &[u8] = b"{\"";
        for Member { key, value, .. } in members {
            out(before);
            out(key.as_bytes());
            out(b"\":");
            let below = match (place, key.as_str()) {
                (Place::Chunk, "choices") => Place::Choice,
                (Place::Choice, "message") => Place::Message,
                _ => Place::Other,
            };
            self.write_node(value, below, out);
            before = b",\"";
        }
        let has = |name| members.iter().any(|member| member.key == name);
        let defaults: &[(&str, &str)] = match place {
            Place::Choice => {
                &[("index", "0"), ("message", "{\"role\":\"assistant\",\"content\":null}"), ("finish_reason", "null")]
            }
            Place::Message => &[("role", "\"assistant\""), ("content", "null")],
            _ => &[],
        };
        for (key, value) in defaults.iter().filter(|(key, _)| !has(*key)) {
            for part in [before, key.as_bytes(), b"\":", value.as_bytes()] {
                out(part);
            }
            before = b",\"";
        }
        out(if before == b"{\"" { b"{}" } else { b"}" });
    }

    fn write_node<'a>(&'a self, node: &'a Node, place: Place, out: &mut dyn FnMut(&'a [u8])) {
        match node {
            Node::Nothing => out(b"null"),
            Node::Json(json) => out(json.as_bytes()),
            Node::Text(text) => {
                out(b"\"");
                self.write_text(*text, out);
                out(b"\"");
            }
            Node::Object(members) => self.write_object(members, place, out),
            Node::List(List { items, others }) => {
                let mut before: &[u8] = b"[";
                for (_, members) in items {
                    out(before);
                    self.write_object(members, place, out);
                    before = b",";
                }
                if let Some(text) = others {
                    out(before);
                    self.write_text(*text, out);
                    before = b",";
                }
                out(if before == b"[" { b"[]" } else { b"]" });
            }
        }
    }

    fn write_text<'a>(&'a self, text: usize, out: &mut dyn FnMut(&'a [u8])) {
        for piece in self.texts.get(text).into_iter().flat_map(|text| &text.pieces) {
            out(piece);
        }
    }
}

/// Where in a completion a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Chunk,
    Choice,
    Message,
    Other,
}

/// A string that grows, as it stands between its quotes. Its pieces are not moved when more comes.
#[derive(Debug, Default)]
struct Text {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Text {
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.pieces.last().map_or(0, |piece| piece.capacity() - piece.len());
            let (now, later) = bytes.split_at(boundary(bytes, room));
            if let Some(piece) = self.pieces.last_mut() {
                piece.extend_from_slice(now);
            }
            self.length += now.len();
            bytes = later;
            if !bytes.is_empty() {
                let (least, most) = PIECE;
                let size = (self.length / 4).max(bytes.len()).clamp(least, most);
                self.pieces.push(Vec::with_capacity(size));
            }
        }
    }
}

/// The most of `bytes` that fits into `room` without cutting a character.
fn boundary(bytes: &[u8], room: usize) -> usize {
    let mut at = bytes.len().min(room);
    while bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
        at -= 1;
    }
    at
}

/// A chunk on its way into the completion.
struct Merge<'p, 'a> {
    texts: &'p mut Vec<Text>,
    depth: u32,
    merged: Merged<'a>,
}

/// What a chunk has added.
struct Merged<'a> {
    /// The strings that made a text grow, with its number.
    grown: Vec<(&'a str, usize)>,
    /// The values that are kept as they come last, whole.
    aside: Vec<(&'a str, bool)>,
    /// Whether a chunk that differs in these strings alone would add nothing else.
    again: bool,
    /// Whether it has said something else than was said before.
    changes: bool,
}

impl Merged<'_> {
    /// Where the values of a chunk's shape have gone; `None` when a chunk like it must be read.
    fn bind(&self, chunk: &str, before: usize, values: &[Span], changes: u32) -> Option<Binding> {
        let start = |part: &str| (part.as_ptr() as usize).wrapping_sub(chunk.as_ptr() as usize).wrapping_add(before);
        let is_value = |part: &str| values.iter().any(|value| value.start == start(part));
        if !self.again || self.grown.iter().any(|(part, ..)| !part.is_empty() && !is_value(part)) {
            return None;
        }
        let has_usage = self.aside.iter().any(|&(part, is_usage)| is_usage && !is_blank(part));
        let mut texts = Vec::new();
        for value in values {
            let grown = self.grown.iter().find(|(part, ..)| start(part) == value.start);
            let aside =
                self.aside.iter().find(|(part, _)| (start(part)..start(part) + part.len()).contains(&value.start));
            match (grown, aside) {
                (Some(&(_, text)), _) => texts.push(Some(text)),
                (None, Some(_)) => texts.push(None),
                (None, None) => return None,
            }
        }
        Some(Binding { texts, has_usage, changes })
    }
}

impl<'a> Merge<'_, 'a> {
    fn chunk(&mut self, into: &mut Vec<Member>, chunk: Vec<json::Member<'a>>) {
        for (key, value) in chunk {
            let name = key.text();
            if name == "obfuscation" {
                // Padding, so that nobody learns the length of a token on its way.
                self.merged.aside.push((value, false));
                continue;
            }
            let Some(node) = member(into, key) else { continue };
            match &*name {
                "object" => self.say(node, "\"chat.completion\""),
                "choices" if value.starts_with('[') => self.items(node, "choices", value),
                "usage" => {
                    // Whatever was said before: the usage of a chunk like this one is put aside, and read in its turn.
                    let _ = replace(node, value);
                    self.merged.aside.push((value, true));
                }
                _ => self.say(node, value),
            }
        }
    }

    fn choice(&mut self, into: &mut Vec<Member>, members: Vec<json::Member<'a>>) {
        for (key, value) in members {
            let name = key.text();
            let is_delta = name == "delta";
            let Some(node) = member(into, if is_delta { RawString::new("message") } else { key }) else { continue };
            if is_delta || name == "logprobs" {
                self.grow(node, "", value);
            } else {
                self.say(node, value);
            }
        }
    }

    /// Puts a value in the place of the last one, if it says more than that.
    fn say(&mut self, node: &mut Node, value: &str) {
        self.merged.changes |= replace(node, value);
    }

    /// Adds a value below a delta to what came before it.
    fn grow(&mut self, node: &mut Node, name: &str, value: &'a str) {
        self.depth += 1;
        match value.as_bytes().first() {
            Some(b'{') if self.depth <= MAX_DEPTH => {
                if !matches!(node, Node::Object(_)) {
                    self.merged.changes |= says_something(node);
                    *node = Node::Object(Vec::new());
                }
                if let Node::Object(into) = node {
                    self.members(into, read_members(value));
                }
            }
            Some(b'[') if self.depth <= MAX_DEPTH => self.items(node, name, value),
            Some(b'"') if !NAMES.contains(&name) => self.text(node, value.get(1..value.len() - 1).unwrap_or_default()),
            _ => self.say(node, value),
        }
        self.depth -= 1;
    }

    fn members(&mut self, into: &mut Vec<Member>, members: Vec<json::Member<'a>>) {
        for (key, value) in members {
            if let Some(node) = member(into, key) {
                self.grow(node, &key.text(), value);
            }
        }
    }

    fn text(&mut self, node: &mut Node, part: &'a str) {
        let number = match node {
            Node::Text(number) => *number,
            _ => {
                self.merged.changes |= says_something(node);
                self.new_text()
            }
        };
        *node = Node::Text(number);
        if let Some(text) = self.texts.get_mut(number) {
            self.merged.grown.push((part, number));
            text.push(part.as_bytes());
        }
    }

    fn new_text(&mut self) -> usize {
        self.texts.push(Text::default());
        self.texts.len() - 1
    }

    /// Adds the items of a list: to those with the same index, or after all others.
    fn items(&mut self, node: &mut Node, name: &str, value: &'a str) {
        if !matches!(node, Node::List(_)) {
            self.merged.changes |= says_something(node);
            *node = Node::List(List::default());
        }
        let Node::List(list) = node else { return };
        // Read before, so that a list that breaks off adds nothing.
        let mut items = Vec::new();
        let _ = Reader::new(value).array(&mut |reader| {
            items.push(reader.skip()?);
            Ok(())
        });
        for item in items {
            let mut members = read_members(item);
            let said = |name: &str| members.iter().find(|(key, _)| *key == *name).map(|&(_, value)| value);
            let index = said("index").and_then(|index| decimal(index.as_bytes()));
            let index = match (name, index) {
                ("choices", None) => Some(0),
                // Without an index, a new id begins a call and anything else goes on with the last.
                ("tool_calls", None) if item.starts_with('{') => {
                    self.merged.again = false;
                    let last = list.items.last().map(|&(index, _)| index);
                    let is_new = said("id").is_some_and(|id| !matches!(id, "null" | "\"\""));
                    Some(last.map_or(0, |last| last + u32::from(is_new)))
                }
                (_, index) => index,
            };
            let Some(index) = index.filter(|&index| index <= MAX_INDEX && item.starts_with('{')) else {
                self.merged.again = false;
                let others = *list.others.get_or_insert_with(|| self.new_text());
                if let Some(text) = self.texts.get_mut(others) {
                    if text.length > 0 {
                        text.push(b",");
                    }
                    text.push(item.as_bytes());
                }
                continue;
            };
            let at = list.items.partition_point(|&(other, _)| other < index);
            if list.items.get(at).is_none_or(|&(other, _)| other != index) {
                list.items.insert(at, (index, Vec::new()));
            }
            let Some((_, into)) = list.items.get_mut(at) else { continue };
            match name {
                "choices" => self.choice(into, members),
                "tool_calls" => {
                    members.retain(|(key, _)| *key != *"index");
                    self.members(into, members);
                }
                _ => self.members(into, members),
            }
        }
    }
}

/// The members of an object; none where it is no object, or cannot be read.
fn read_members(object: &str) -> Vec<json::Member<'_>> {
    json::members(object, &[]).unwrap_or_default()
}

/// The member of this name, which is made where there is none; `None` when there are too many.
fn member<'m>(members: &'m mut Vec<Member>, key: RawString<'_>) -> Option<&'m mut Node> {
    let is_same = |member: &Member| RawString::known(&member.key, member.escaped) == key;
    let at = members.iter().position(is_same).unwrap_or(members.len());
    if at == members.len() && at < MAX_MEMBERS {
        let (key, escaped) = spell(key);
        members.push(Member { key, escaped, value: Node::Nothing });
    }
    members.get_mut(at).map(|member| &mut member.value)
}

/// A name, written in one way only, and whether there are escapes in it.
fn spell(key: RawString<'_>) -> (String, bool) {
    if !key.is_escaped() || !key.is_whole() {
        return (key.raw().to_owned(), key.is_escaped());
    }
    let mut quoted = String::new();
    json::write_string(&mut quoted, &key.text());
    let name = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    (name.to_owned(), name.contains('\\'))
}

/// Keeps a value in the place of the last one, if it says more than that. Whether something else was said before.
#[must_use]
fn replace(node: &mut Node, value: &str) -> bool {
    let changes = says_something(node);
    match node {
        Node::Json(old) if old == value => false,
        Node::Json(old) if old == "null" || !is_blank(value) => {
            value.clone_into(old);
            changes
        }
        Node::Nothing => {
            *node = Node::Json(value.to_owned());
            false
        }
        _ if !is_blank(value) => {
            *node = Node::Json(value.to_owned());
            true
        }
        _ => false,
    }
}

fn says_something(node: &Node) -> bool {
    !matches!(node, Node::Nothing) && !matches!(node, Node::Json(json) if is_blank(json))
}

fn is_blank(json: &str) -> bool {
    matches!(json, "null" | "\"\"")
}
