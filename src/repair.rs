//! Repairs of streamed tool calls. Whoever puts the deltas of a call together goes by its index, and answers it by its id;
//! servers that are compatible but for these leave them out, or give several calls the same.
//!
//! An event that needs a repair is the same text with a few members put in or replaced. An event of a known shape is not
//! looked at: what it says was said before, and begins no call.

use crate::json::Value;
use crate::text::{decimal, push_decimal};

/// The highest index of a choice, or of a call in it, that OpenAI's API gives.
pub const MAX_INDEX: u32 = 127;

/// How many characters an id has after its `call_`.
const ID_LENGTH: usize = 24;

/// How many calls a stream may have in all its choices, so that a look through them takes no time.
const MAX_CALLS: usize = 4096;

/// An index that cannot be one, or one more than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadIndex;

/// The tool calls that a stream has begun, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    calls: Vec<Call>,
    /// What the ids are made of.
    seed: u64,
    has_turned: bool,
    /// How many events were read.
    events: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    choice: u32,
    /// The index that it came under, and the one that it has.
    said: u32,
    index: u32,
    /// What stands for its id and its name, as they came; 0 until they do.
    id: u64,
    name: u64,
    /// Whether it was given another id, because that was another call's already.
    is_renamed: bool,
    /// The last event that was a part of it.
    event: u32,
}

impl Calls {
    /// From now on ids come of this seed.
    pub fn seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Notes that what is read from now on is another event.
    pub fn begin_event(&mut self) {
        self.events = self.events.wrapping_add(1);
    }

    /// Whether this choice has begun a call.
    #[must_use]
    pub fn are_in(&self, choice: u32) -> bool {
        self.calls.iter().any(|call| call.choice == choice)
    }

    /// Whether, since this was asked last, a call has begun because of which events may need a repair from now on that are
    /// like others before, which needed none: by a new index under an old one, or by the finish reason that is its due.
    pub fn have_turned(&mut self) -> bool {
        std::mem::take(&mut self.has_turned)
    }

    /// Reads an item of the `tool_calls` of a choice, and notes what must be changed in it.
    ///
    /// # Errors
    /// When its index is none, or when there are too many calls to give it one.
    pub fn read(&mut self, choice: u32, item: Value<'_>, repairs: &mut Repairs) -> Result<(), BadIndex> {
        let said = index_of(item)?;
        let id = hash(item.at("id"));
        let name = hash(item.at("function").at("name")) | hash(item.at("custom").at("name"));
        let count = self.calls.len();
        let (mut known, mut newest, mut next, mut is_free, mut is_used) = (count, count, 0, true, false);
        for (at, call) in self.calls.iter().enumerate() {
            if call.choice != choice {
                continue;
            }
            next = next.max(call.index + 1);
            is_free &= said != Some(call.index);
            is_used |= id != 0 && call.id == id;
            if said.is_none_or(|said| said == call.said) {
                newest = at;
                if id != 0 && call.id == id && !call.is_other(id, name, false) {
                    known = at;
                }
            }
        }
        let goes_on = match self.calls.get(newest) {
            Some(newest) if said.is_some() => !newest.is_other(id, name, newest.event == self.events),
            // A name is what begins a call, where calls have names.
            newest => name == 0 && (id == 0 || newest.is_some_and(|newest| newest.name != 0)),
        };
        let at = if known == count && goes_on { newest } else { known };
        let is_new = at == count;
        if is_new {
            let index = said.filter(|_| is_free).unwrap_or(next);
            if index > MAX_INDEX || at >= MAX_CALLS {
                return Err(BadIndex);
            }
            let said = said.unwrap_or(index);
            self.has_turned |= next == 0 || said != index;
            self.calls.push(Call { choice, said, index, id, name, is_renamed: is_used, event: 0 });
        }
        let call = &mut self.calls[at];
        call.event = self.events;
        if call.id == 0 {
            call.id = id;
        }
        if call.name == 0 {
            call.name = name;
        }
        if is_new && (id == 0 || is_used) {
            repairs.add(item, "id", Repair::Id);
        } else if call.is_renamed && id != 0 {
            repairs.add(item, "id", Repair::Null);
        }
        if said != Some(call.index) {
            repairs.add(item, "index", Repair::Index(call.index));
        }
        Ok(())
    }
}

impl Call {
    /// Whether what comes with this id and name is another call. A name is what begins one: some servers send a new id with
    /// each part of the same call, some repeat all of its names, and some give all calls the same id. In one event a name is
    /// said once for a call.
    fn is_other(&self, id: u64, name: u64, is_same_event: bool) -> bool {
        let differ = |one: u64, other: u64| one != 0 && other != 0 && one != other;
        name != 0 && (differ(self.id, id) || differ(self.name, name) || is_same_event && id == 0)
    }
}

/// The index of a choice or a call, where it has one.
///
/// # Errors
/// When it is no integer from 0 to [`MAX_INDEX`].
pub fn index_of(object: Value<'_>) -> Result<Option<u32>, BadIndex> {
    match object.at("index").bytes() {
        // No other value begins like `null`.
        [] | [b'n', ..] => Ok(None),
        index => decimal(index).filter(|&index| index <= MAX_INDEX).map(Some).ok_or(BadIndex),
    }
}

/// A number for an id or a name (FNV-1a), which saves keeping it; 0 where it is missing, null or empty.
fn hash(value: Value<'_>) -> u64 {
    match value.bytes() {
        [] | [b'n', ..] | [b'"', b'"'] => 0,
        bytes => bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)),
    }
}

/// What a member is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// The index of a call.
    Index(u32),
    /// The id of a call, to be drawn.
    Id,
    /// An id that was said before, and is another call's.
    Null,
    /// A finish reason that tells of calls.
    Finish,
    /// No choices.
    Choices,
}

/// What is to be changed in a text, in its order.
#[derive(Debug, Default)]
pub struct Repairs(Vec<Change>);

#[derive(Debug, Clone, Copy)]
struct Change {
    start: usize,
    /// How much is replaced; nothing where the member is new.
    length: usize,
    /// Whether a new member is followed by no other.
    is_last: bool,
    repair: Repair,
}

impl Repairs {
    /// Changes a member of an object. One that it does not have comes before all others.
    pub fn add(&mut self, object: Value<'_>, name: &str, repair: Repair) {
        let old = object.at(name);
        let length = old.bytes().len();
        let start = if length == 0 { object.start() + 1 } else { old.start() };
        let is_last = object.children().next().is_none() && self.0.last().is_none_or(|change| change.start != start);
        self.0.push(Change { start, length, is_last, repair });
        // Members stand in any order.
        let mut at = self.0.len() - 1;
        while at > 0 && self.0[at - 1].start >= start {
            self.0.swap(at - 1, at);
            at -= 1;
        }
    }

    /// Whether there is nothing to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of the value with the changes.
    #[must_use]
    pub fn apply(&self, value: Value<'_>, calls: &mut Calls) -> String {
        let (mut text, mut rest, mut at) = (String::new(), value.raw(), value.start());
        for &Change { start, length, is_last, repair } in &self.0 {
            text.push_str(rest.get(..start - at).unwrap_or_default());
            rest = rest.get(start + length - at..).unwrap_or_default();
            at = start + length;
            if length == 0 {
                text.push_str(match repair {
                    Repair::Index(_) => "\"index\":",
                    Repair::Id => "\"id\":",
                    _ => "\"choices\":",
                });
            }
            match repair {
                Repair::Index(index) => push_decimal(&mut text, index.into()),
                Repair::Id => push_id(&mut text, &mut calls.seed),
                Repair::Null => text.push_str("null"),
                Repair::Finish => text.push_str("\"tool_calls\""),
                Repair::Choices => text.push_str("[]"),
            }
            if length == 0 && !is_last {
                text.push(',');
            }
        }
        text.push_str(rest);
        text
    }
}

/// Writes an id like those of OpenAI.
fn push_id(text: &mut String, seed: &mut u64) {
    text.push_str("\"call_");
    for _ in 0..ID_LENGTH {
        // The generator of Knuth's MMIX, of which the upper bits are the better ones.
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push(char::from_digit((*seed >> 33) as u32 % 36, 36).unwrap_or('0'));
    }
    text.push('"');
}
