//! The inline cache of the wire: consecutive events of one stream are the same bytes but for one or two holes, the text
//! of the token above all.
//!
//! A [`Shape`] is learnt from one event: the bytes that stay, and where the holes are. An event that has the same bytes
//! around well-formed JSON strings and numbers is the same JSON with other values in these places; only those need to be
//! read. Anything else does not match, and is read in full.

use crate::json::{self, Value};

/// How many holes a shape may have.
pub const MAX_HOLES: usize = 12;
/// The longest event that is learnt, in bytes: a larger one does not come often enough to be worth it.
pub(crate) const MAX_EVENT: usize = 4096;
/// How deep the learnt JSON may nest.
const MAX_DEPTH: usize = 12;
/// How many shapes are learnt without one of them being met again, before learning becomes rare.
pub(crate) const MAX_VAIN: u32 = 8;
/// Rare is: one event in so many.
pub(crate) const RARELY: u32 = 64;

/// The members whose strings change from event to event.
const TEXTS: [&str; 8] =
    ["content", "reasoning_content", "reasoning", "refusal", "arguments", "input", "text", "obfuscation"];
/// The path, as JSON, of the member whose counts change: some providers send the usage with each event.
const USAGE: &str = "\"usage\",";
/// The members of it that are counts.
const COUNTS: [&str; 7] = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "text_tokens",
    "audio_tokens",
];

/// What a hole holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    /// A string, between its quotes.
    Text,
    /// A whole number.
    Count,
}

/// Where a value stands among bytes: a number, or a string without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whether it stands for itself: ASCII without escapes.
    pub plain: bool,
}

impl Span {
    /// The value in these bytes.
    #[must_use]
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// How an event compares with a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The event has the shape, and is this long.
    Whole(usize),
    /// The bytes ended before the event did.
    Short,
    /// It is another event.
    No,
}

/// The bytes of an event that stay, and its holes.
#[derive(Debug)]
pub struct Shape {
    /// The event that it was learnt from.
    event: Vec<u8>,
    /// The holes, and where they are in it.
    holes: Vec<(Hole, Span)>,
    /// Where the holes are, as the JSON text of a list of paths: `[["choices",0,"delta","content"]]`.
    paths: String,
    /// The hole that the text of the first choice is in.
    text: Option<usize>,
    /// How many bytes come before the JSON, and how many after it.
    around: (usize, usize),
}

impl Shape {
    /// Learns the shape of an event: `event` is all of its bytes, of which `json` begins at `at`; that was read last in
    /// its tree, as `chunk`, with the text of the first choice as the value of number `text`. Puts where the values of
    /// this event stand in the tree into `values`. `None` when it has no hole, or when its shape could not be trusted.
    #[must_use]
    pub fn learn(
        event: &[u8],
        at: usize,
        json: &str,
        chunk: Value<'_>,
        text: Option<usize>,
        values: &mut Vec<Span>,
    ) -> Option<Self> {
        if event.len() > MAX_EVENT || event.get(at..at + json.len()) != Some(json.as_bytes()) {
            return None;
        }
        let (count, length) = chunk.tree_size();
        let mut learner = Learner {
            at: at.wrapping_sub(length - json.len()),
            count: 1,
            path: String::new(),
            holes: Vec::new(),
            paths: String::from("["),
            text: (text, None),
        };
        let known = values.len();
        // Where a value is not among those that count, a name came twice, or there were too many.
        if !learner.walk(chunk, 0, values) || learner.count != count - chunk.number() || learner.holes.is_empty() {
            values.truncate(known);
            return None;
        }
        let Learner { holes, mut paths, text, .. } = learner;
        paths.push(']');
        Some(Self { event: event.to_vec(), holes, paths, text: text.1, around: (at, event.len() - at - json.len()) })
    }

    /// The shape of an event with these holes, in their order, of which somebody else knows what to do with them.
    #[cfg(feature = "dialects")]
    pub(crate) fn of(event: &[u8], holes: Vec<(Hole, Span)>) -> Self {
        Self { event: event.to_vec(), holes, paths: String::new(), text: None, around: (0, 0) }
    }

    /// The JSON in the bytes of an event that has this shape.
    #[must_use]
    pub fn json<'a>(&self, event: &'a [u8]) -> &'a [u8] {
        let (before, after) = self.around;
        event.get(before..event.len() - after).unwrap_or_default()
    }

    /// Which of the values is the text of the first choice.
    #[must_use]
    pub fn text(&self) -> Option<usize> {
        self.text
    }

    /// Where the holes are, as JSON.
    #[must_use]
    pub fn paths(&self) -> &str {
        &self.paths
    }

    /// Compares the event that `bytes` begin with, and puts where its values stand into `values`, after what is in there.
    #[must_use]
    pub fn compare(&self, bytes: &[u8], values: &mut Vec<Span>) -> Match {
        let known = values.len();
        let compared = self.read(bytes, values);
        if !matches!(compared, Match::Whole(_)) {
            values.truncate(known);
        }
        compared
    }

    fn read(&self, bytes: &[u8], values: &mut Vec<Span>) -> Match {
        let (mut at, mut from) = (0, 0);
        let mut holes = self.holes.iter();
        loop {
            let hole = holes.next();
            let end = hole.map_or(self.event.len(), |(_, span)| span.start);
            let fixed = self.event.get(from..end).unwrap_or_default();
            if let Some(difference) = differ(bytes.get(at..).unwrap_or_default(), fixed) {
                return difference;
            }
            at += fixed.len();
            let Some((hole, span)) = hole else { return Match::Whole(at) };
            from = span.end;
            let rest = bytes.get(at..).unwrap_or_default();
            let read = match hole {
                Hole::Text => read_text(rest),
                Hole::Count => read_count(rest),
            };
            match read {
                Ok((length, plain)) => {
                    values.push(Span { start: at, end: at + length, plain });
                    at += length;
                }
                Err(other) => return other,
            }
        }
    }
}

/// `None` when `bytes` begin with `fixed`.
fn differ(bytes: &[u8], fixed: &[u8]) -> Option<Match> {
    let Some(same) = bytes.get(..fixed.len()) else {
        return Some(if fixed.starts_with(bytes) { Match::Short } else { Match::No });
    };
    // Most of an event stays: it is looked at 32 bytes at a time.
    let (blocks, tail) = fixed.as_chunks::<8>();
    let (others, other_tail) = same.as_chunks::<8>();
    let (fours, rest) = blocks.as_chunks::<4>();
    let (other_fours, other_rest) = others.as_chunks::<4>();
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let differ = |[a, b, c, d]: &[[u8; 8]; 4], [e, f, g, h]: &[[u8; 8]; 4]| {
        (word(a) ^ word(e)) | (word(b) ^ word(f)) | (word(c) ^ word(g)) | (word(d) ^ word(h)) != 0
    };
    let differs = fours.iter().zip(other_fours).any(|(one, other)| differ(one, other))
        || rest.iter().zip(other_rest).any(|(one, other)| word(one) != word(other))
        || tail.iter().ne(other_tail);
    differs.then_some(Match::No)
}

/// The length of the string that `bytes` are in the middle of, and whether it is plain. A string with a lone surrogate
/// or with bytes that are no UTF-8 does not count as one: the platform's ways with them are the general reader's affair.
fn read_text(bytes: &[u8]) -> Result<(usize, bool), Match> {
    let mut at = 0;
    let (mut escaped, mut ascii) = (false, true);
    loop {
        match bytes.get(at) {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                at += 2;
            }
            Some(&byte @ 0x20..) => {
                ascii &= byte < 0x80;
                at += 1;
            }
            Some(_) => return Err(Match::No),
            None => return Err(Match::Short),
        }
    }
    let text = bytes.get(..at).unwrap_or_default();
    if (ascii || std::str::from_utf8(text).is_ok()) && (!escaped || json::has_whole_escapes(text)) {
        Ok((at, ascii && !escaped))
    } else {
        Err(Match::No)
    }
}

/// The length of a whole number, which must be written as JSON writes it.
fn read_count(bytes: &[u8]) -> Result<(usize, bool), Match> {
    match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
        None => Err(Match::Short),
        Some(1..=15) if bytes.first() == Some(&b'0') && bytes.get(1).is_some_and(u8::is_ascii_digit) => Err(Match::No),
        Some(length @ 1..=15) => Ok((length, true)),
        Some(_) => Err(Match::No),
    }
}

/// A walk over the values of one event, in search of holes.
struct Learner {
    /// How many values were seen.
    count: usize,
    /// The path to the value being looked at, its steps as JSON with commas between them.
    path: String,
    /// Where the text of the tree begins in the event, counted around the end of memory if need be.
    at: usize,
    /// The holes found, and where they are in the event.
    holes: Vec<(Hole, Span)>,
    paths: String,
    /// The value that is the text of the first choice, and the hole that it is in.
    text: (Option<usize>, Option<usize>),
}

impl Learner {
    /// Looks at what is in a value. `false` means that the event is not to be learnt.
    fn walk(&mut self, parent: Value<'_>, depth: usize, values: &mut Vec<Span>) -> bool {
        let is_list = parent.starts(b'[');
        let length = self.path.len();
        let mut index = '0';
        for value in parent.children() {
            // A prototype is no member; what nests too deep, or is in a long list, is not worth it.
            if depth > MAX_DEPTH || index > '9' || value.is("__proto__") {
                return false;
            }
            if depth > 0 {
                self.path.push(',');
            }
            if is_list {
                self.path.push(index);
                index = char::from(index as u8 + 1);
            } else {
                self.path.push('"');
                self.path.push_str(value.key().raw());
                self.path.push('"');
            }
            self.count += 1;
            if !self.look(value, values) || !self.walk(value, depth + 1, values) {
                return false;
            }
            self.path.truncate(length);
        }
        true
    }

    fn look(&mut self, value: Value<'_>, values: &mut Vec<Span>) -> bool {
        let (name, raw, start) = (value.key().raw(), value.bytes(), value.start());
        let (hole, start, end) = if raw.first() == Some(&b'"') && TEXTS.contains(&name) {
            // Without the quotes: they stay.
            (Hole::Text, start + 1, start + raw.len() - 1)
        } else if COUNTS.contains(&name) && self.path.starts_with(USAGE) && raw.iter().all(u8::is_ascii_digit) {
            (Hole::Count, start, start + raw.len())
        } else {
            return true;
        };
        if self.holes.len() >= MAX_HOLES {
            return false;
        }
        if !self.holes.is_empty() {
            self.paths.push(',');
        }
        self.paths.push('[');
        self.paths.push_str(&self.path);
        self.paths.push(']');
        if self.text.0 == Some(value.number()) {
            self.text.1 = Some(self.holes.len());
        }
        values.push(Span { start, end, plain: false });
        let (start, end) = (start.wrapping_add(self.at), end.wrapping_add(self.at));
        self.holes.push((hole, Span { start, end, plain: false }));
        true
    }
}

/// The shapes that a stream has shown.
#[derive(Debug)]
pub struct Shapes {
    known: Vec<Shape>,
    capacity: usize,
    /// The shape that was met last, and is tried first.
    last: usize,
    /// The one to be replaced next.
    oldest: usize,
    /// How many were learnt since one was met.
    vain: u32,
}

/// What the known shapes make of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It has the shape of this number, and is this long.
    Whole(usize, usize),
    /// It may have one, when more of it has arrived.
    Short,
    /// It has none of them.
    No,
}

impl Shapes {
    /// Room for so many shapes, none of which is known.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { known: Vec::new(), capacity, last: 0, oldest: 0, vain: 0 }
    }

    /// The shape that is known under this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Shape> {
        self.known.get(number)
    }

    /// Which shape the event has that `bytes` begin with; where its values stand is put into `values`.
    pub fn find(&mut self, bytes: &[u8], values: &mut Vec<Span>) -> Found {
        let mut found = Found::No;
        let count = self.known.len();
        // Where events are all different, one look says so.
        let tries = if self.vain > MAX_VAIN { count.min(1) } else { count };
        for turn in 0..tries {
            let number = (self.last + turn) % count;
            match self.known.get(number).map(|shape| shape.compare(bytes, values)) {
                Some(Match::Whole(length)) => {
                    self.last = number;
                    self.vain = 0;
                    return Found::Whole(number, length);
                }
                Some(Match::Short) => found = Found::Short,
                _ => {}
            }
        }
        found
    }

    /// Whether nothing has been learnt yet, and something may be.
    #[must_use]
    pub fn know_nothing(&self) -> bool {
        self.known.is_empty() && self.capacity > 0
    }

    /// Forgets all shapes: events that have them must be read from now on. Their numbers will be given to others, as those
    /// of replaced ones are.
    pub fn forget(&mut self) {
        self.known.clear();
        self.last = 0;
        self.oldest = 0;
    }

    /// Learns the shape of the event that `event` is all bytes of, as [`Shape::learn`] does, and returns the number that
    /// it is known under from now on. Where nothing learnt is ever met again, as in a stream of events that are all
    /// different, it is tried only now and then.
    pub fn learn(
        &mut self,
        event: &[u8],
        json: &str,
        chunk: Value<'_>,
        text: Option<usize>,
        values: &mut Vec<Span>,
    ) -> Option<usize> {
        if event.is_empty() || self.capacity == 0 {
            return None;
        }
        self.vain += 1;
        if self.vain > MAX_VAIN && !self.vain.is_multiple_of(RARELY) {
            return None;
        }
        // One line of data and the blank line, and nothing that would do more than give a chunk.
        let name = b"data:";
        let at = name.len() + usize::from(event.get(name.len()) == Some(&b' '));
        let after = event.get(at + json.len()..)?;
        if !event.starts_with(name) || !after.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return None;
        }
        let shape = Shape::learn(event, at, json, chunk, text, values)?;
        let number = if self.known.len() < self.capacity { self.known.len() } else { self.oldest };
        self.oldest = (number + 1) % self.capacity;
        self.last = number;
        match self.known.get_mut(number) {
            Some(slot) => *slot = shape,
            None => self.known.push(shape),
        }
        Some(number)
    }
}
