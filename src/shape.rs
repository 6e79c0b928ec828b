//! The inline cache of the wire: consecutive events of one stream are the same bytes but for one or two holes, the text
//! of the token above all.
//!
//! A [`Shape`] is learnt from one event: the bytes that stay, and where the holes are. An event that has the same bytes
//! around well-formed JSON strings and numbers is the same JSON with other values in these places; only those need to be
//! read. Anything else does not match, and is read in full.

use crate::json::{self, Kind, Reader};

/// How many holes a shape may have.
pub const MAX_HOLES: usize = 8;
/// The longest event that is learnt, in bytes: a larger one does not come often enough to be worth it.
const MAX_EVENT: usize = 4096;
/// How deep the learnt JSON may nest.
const MAX_DEPTH: usize = 12;

/// The members whose strings change from event to event.
const TEXTS: [&str; 8] =
    ["content", "reasoning_content", "reasoning", "refusal", "arguments", "input", "text", "obfuscation"];
/// The members whose numbers do: the counts of `usage`, which some providers send with each event.
const COUNTS: [&str; 8] = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "text_tokens",
    "audio_tokens",
    "created",
];

/// What a hole holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// A string, between its quotes.
    Text,
    /// A whole number.
    Count,
}

/// The values in the holes of one event: ranges of its bytes, and whether they have escapes.
#[derive(Debug, Clone, Default)]
pub struct Values(Vec<(usize, usize, bool)>);

impl Values {
    /// The values as they stand in the event's bytes, with `true` where a string has escapes in it.
    pub fn iter<'a>(&'a self, event: &'a [u8]) -> impl Iterator<Item = (&'a [u8], bool)> {
        self.0.iter().map(|&(start, end, escaped)| (event.get(start..end).unwrap_or_default(), escaped))
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
    /// The bytes before each hole, and those after the last: one more than there are holes.
    fixed: Vec<Vec<u8>>,
    holes: Vec<Hole>,
    /// Where the holes are, as the JSON text of a list of paths: `[["choices",0,"delta","content"]]`.
    paths: String,
}

impl Shape {
    /// Learns the shape of an event: `event` is all of its bytes, of which `json` begins at `at`. `None` when it has no
    /// hole, or when its shape could not be trusted.
    #[must_use]
    pub fn learn(event: &[u8], at: usize, json: &str) -> Option<Self> {
        if event.len() > MAX_EVENT || event.get(at..at + json.len()) != Some(json.as_bytes()) {
            return None;
        }
        let mut learner = Learner { path: Vec::new(), holes: Vec::new(), paths: String::from("[") };
        learner.value(&mut Reader::new(json), None).ok()?;
        if learner.holes.is_empty() {
            return None;
        }
        learner.paths.push(']');
        let mut fixed = Vec::with_capacity(learner.holes.len() + 1);
        let mut from = 0;
        for &(_, start, end) in &learner.holes {
            fixed.push(event.get(from..at + start)?.to_vec());
            from = at + end;
        }
        fixed.push(event.get(from..)?.to_vec());
        let holes = learner.holes.iter().map(|&(hole, ..)| hole).collect();
        Some(Self { fixed, holes, paths: learner.paths })
    }

    /// Where the holes are, as JSON.
    #[must_use]
    pub fn paths(&self) -> &str {
        &self.paths
    }

    /// Compares the event that `bytes` begin with, and puts its values into `values`.
    #[must_use]
    pub fn compare(&self, bytes: &[u8], values: &mut Values) -> Match {
        values.0.clear();
        let mut at = 0;
        let mut holes = self.holes.iter();
        for fixed in &self.fixed {
            let rest = bytes.get(at..).unwrap_or_default();
            if let Some(difference) = differ(rest, fixed) {
                return difference;
            }
            at += fixed.len();
            let Some(hole) = holes.next() else { break };
            let rest = bytes.get(at..).unwrap_or_default();
            let read = match hole {
                Hole::Text => read_text(rest),
                Hole::Count => read_count(rest),
            };
            match read {
                Ok((length, escaped)) => {
                    values.0.push((at, at + length, escaped));
                    at += length;
                }
                Err(other) => return other,
            }
        }
        Match::Whole(at)
    }
}

/// `None` when `bytes` begin with `fixed`.
fn differ(bytes: &[u8], fixed: &[u8]) -> Option<Match> {
    let (words, tail) = fixed.as_chunks::<8>();
    let Some(same) = bytes.get(..fixed.len()) else {
        return Some(if fixed.starts_with(bytes) { Match::Short } else { Match::No });
    };
    let (others, other_tail) = same.as_chunks::<8>();
    let equal = words.iter().zip(others).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other));
    (!equal || tail.iter().ne(other_tail)).then_some(Match::No)
}

/// The length of the string that `bytes` are in the middle of, and whether it has escapes. A string with a lone surrogate
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
        Ok((at, escaped))
    } else {
        Err(Match::No)
    }
}

/// The length of a whole number, which must be written as JSON writes it.
fn read_count(bytes: &[u8]) -> Result<(usize, bool), Match> {
    match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
        None => Err(Match::Short),
        Some(1..=15) if bytes.first() == Some(&b'0') && bytes.get(1).is_some_and(u8::is_ascii_digit) => Err(Match::No),
        Some(length @ 1..=15) => Ok((length, false)),
        Some(_) => Err(Match::No),
    }
}

/// A walk over the JSON of one event, in search of holes.
struct Learner {
    /// The path to the value being read, each step as JSON.
    path: Vec<String>,
    /// The holes found: where they begin and end in the JSON.
    holes: Vec<(Hole, usize, usize)>,
    paths: String,
}

impl Learner {
    /// Reads one value, the member `key` of its object if it is one. An error means that the event is not to be learnt.
    fn value<'a>(&mut self, reader: &mut Reader<'a>, key: Option<&str>) -> Result<(), json::Error> {
        if self.path.len() > MAX_DEPTH {
            return Err(json::Error::TooDeep);
        }
        match (reader.peek()?, key) {
            (Kind::Object, _) => self.object(reader),
            (Kind::Array, _) => {
                let mut index = 0_u8;
                reader.array(&mut |reader| {
                    self.step(digit(index)?, |learner| learner.value(reader, None))?;
                    index += 1;
                    Ok(())
                })
            }
            (Kind::String, Some(key)) if TEXTS.contains(&key) => {
                let start = reader.position();
                reader.skip()?;
                // Without the quotes: they stay.
                self.hole(Hole::Text, start + 1, reader.position() - 1)
            }
            (Kind::Number, Some(key)) if COUNTS.contains(&key) => {
                let start = reader.position();
                let text = reader.skip()?;
                if text.bytes().all(|byte| byte.is_ascii_digit()) {
                    self.hole(Hole::Count, start, reader.position())?;
                }
                Ok(())
            }
            _ => reader.skip().map(drop),
        }
    }

    fn object<'a>(&mut self, reader: &mut Reader<'a>) -> Result<(), json::Error> {
        let mut seen: Vec<String> = Vec::new();
        reader.object(&mut |reader, key| {
            let name = key.text().into_owned();
            // Of two members with one name the last counts, wherever the hole is; and a prototype is no member.
            if name == "__proto__" || seen.contains(&name) || seen.len() >= 64 {
                return Err(json::Error::Syntax);
            }
            let mut quoted = String::new();
            json::write_string(&mut quoted, &name);
            self.step(quoted, |learner| learner.value(reader, Some(&name)))?;
            seen.push(name);
            Ok(())
        })
    }

    fn step(
        &mut self,
        step: String,
        read: impl FnOnce(&mut Self) -> Result<(), json::Error>,
    ) -> Result<(), json::Error> {
        self.path.push(step);
        let read = read(self);
        self.path.pop();
        read
    }

    fn hole(&mut self, hole: Hole, start: usize, end: usize) -> Result<(), json::Error> {
        if self.holes.len() >= MAX_HOLES {
            return Err(json::Error::TooDeep);
        }
        if !self.holes.is_empty() {
            self.paths.push(',');
        }
        self.paths.push('[');
        for (index, step) in self.path.iter().enumerate() {
            if index > 0 {
                self.paths.push(',');
            }
            self.paths.push_str(step);
        }
        self.paths.push(']');
        self.holes.push((hole, start, end));
        Ok(())
    }
}

/// An index below ten, as JSON; events with longer lists are not learnt.
fn digit(index: u8) -> Result<String, json::Error> {
    char::from_digit(index.into(), 10).map(String::from).ok_or(json::Error::TooDeep)
}
