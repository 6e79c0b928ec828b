//! The inline cache of translation: consecutive events of one stream differ in the text of the token, and so do the chunks
//! that they become.
//!
//! A [`Template`] is learnt from one event and from what it became: the bytes of both that stay, and where the strings are
//! that were copied from one to the other. An event that is the same around well-formed strings becomes the same chunk
//! with these strings in it, and nothing of it need be read. That holds for as long as the reader of the dialect says that
//! nothing has changed that later chunks depend on: its revision.

use crate::json::{Copied, Tree, Value, Writer};
use crate::shape::{Found, Hole, MAX_EVENT, MAX_VAIN, Match, RARELY, Shape, Span};

/// How many holes a template may have: a text or two, and the counts of the usage.
const MAX_HOLES: usize = 16;
/// How many templates are known at a time.
const MAX_TEMPLATES: usize = 4;
/// The longest count that is one, in digits.
const MAX_DIGITS: usize = 15;

/// An event that was read, and what it became.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// All bytes of the event.
    pub event: &'a [u8],
    /// Its data.
    pub data: &'a str,
    /// The chunks that it became.
    pub written: &'a Writer,
    /// The member of the data whose whole numbers say nothing of the chunks.
    pub counts: Option<&'static str>,
}

/// Where values are to be put, in order, and from which hole.
type Copies = Vec<(usize, usize)>;

/// What an event becomes that is like one before.
#[derive(Debug)]
pub struct Template {
    shape: Shape,
    /// Which of its holes are strings: these must say something, since a chunk may not be written for an empty one.
    is_text: Vec<bool>,
    /// Where its data is: how many bytes come before and after it.
    around: (usize, usize),
    /// Whether it has counts.
    has_counts: bool,
    /// The bytes of the chunks that stay, and the strings between them.
    output: Vec<u8>,
    copies: Copies,
    /// Which holes are text of which choices.
    said: Vec<(usize, u32)>,
}

/// Writes a text of JSON as the data of an event of its own: in one line, since the breaks in it are mere blanks.
pub fn frame(json: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in out.iter_mut().skip(start) {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\n\n");
}

impl Template {
    /// Learns from an example. `None` where it has no string to copy, or where that could not be trusted.
    fn learn(example: &Example<'_>) -> Option<Self> {
        let Example { event, data, written, counts } = *example;
        if event.len() > MAX_EVENT {
            return None;
        }
        let at = start_of_data(event)?;
        let after = event.get(at..)?.strip_prefix(data.as_bytes())?;
        // An LF that is still to come belongs to a CR at the end.
        if !after.iter().all(|byte| matches!(byte, b'\r' | b'\n')) || after.ends_with(b"\n\r") {
            return None;
        }
        let mut tree = Tree::whole();
        let root = tree.add(data).ok()?;
        let mut holes = Vec::new();
        for copied in written.copied() {
            let place = place_of(copied, data, written)?;
            if let Place::Text(span) = place
                && !holes.contains(&(Hole::Text, span))
            {
                holes.push((Hole::Text, span));
            }
        }
        if holes.is_empty() {
            return None;
        }
        if let Some(name) = counts {
            add_counts(tree.value(root).at(name), 0, &mut holes);
        }
        holes.sort_unstable_by_key(|(_, span)| span.start);
        // What was copied as a whole stays as it is, and may have no hole in it.
        let is_apart = |copied: &Copied| match place_of(copied, data, written) {
            Some(Place::Text(_)) => true,
            Some(Place::Other(start, end)) => holes.iter().all(|(_, span)| span.end <= start || end <= span.start),
            None => false,
        };
        let follow = holes.windows(2).all(|pair| matches!(pair, [(_, one), (_, next)] if one.end < next.start));
        if holes.len() > MAX_HOLES || !follow || !written.copied().iter().all(is_apart) {
            return None;
        }
        let (output, copies) = write_output(written, data, &holes)?;
        let mut said = Vec::new();
        for copied in written.copied() {
            if let (Some(choice), Some(Place::Text(span))) = (copied.choice, place_of(copied, data, written)) {
                said.push((holes.iter().position(|hole| *hole == (Hole::Text, span))?, choice));
            }
        }
        let has_counts = holes.iter().any(|(hole, _)| *hole == Hole::Count);
        let is_text = holes.iter().map(|(hole, _)| *hole == Hole::Text).collect();
        let moved = |&(hole, span): &(Hole, Span)| (hole, Span { start: span.start + at, end: span.end + at, ..span });
        Some(Self {
            shape: Shape::of(event, holes.iter().map(moved).collect()),
            is_text,
            around: (at, after.len()),
            has_counts,
            output,
            copies,
            said,
        })
    }

    fn compare(&self, bytes: &[u8], values: &mut Vec<Span>) -> Match {
        let compared = self.shape.compare(bytes, values);
        let says = |(value, is_text): (&Span, &bool)| !is_text || value.start < value.end;
        match compared {
            Match::Whole(_) if !values.iter().zip(&self.is_text).all(says) => Match::No,
            _ => compared,
        }
    }

    /// The data in the bytes of an event that this is the template of.
    #[must_use]
    pub fn data<'a>(&self, event: &'a [u8]) -> &'a [u8] {
        let (before, after) = self.around;
        event.get(before..event.len().saturating_sub(after)).unwrap_or_default()
    }

    /// Whether there are counts in such an event.
    #[must_use]
    pub fn has_counts(&self) -> bool {
        self.has_counts
    }

    /// The texts of the answer in such an event, as the insides of strings of JSON, and of which choices they are.
    pub fn said<'a>(&self, event: &'a [u8], values: &[Span]) -> impl Iterator<Item = (u32, &'a [u8])> {
        self.said.iter().filter_map(move |&(hole, choice)| Some((choice, values.get(hole)?.of(event))))
    }

    /// Writes what such an event becomes, whose values stand there.
    pub fn write(&self, event: &[u8], values: &[Span], out: &mut Vec<u8>) {
        let mut from = 0;
        for &(place, hole) in &self.copies {
            out.extend_from_slice(self.output.get(from..place).unwrap_or_default());
            out.extend_from_slice(values.get(hole).map(|value| value.of(event)).unwrap_or_default());
            from = place;
        }
        out.extend_from_slice(self.output.get(from..).unwrap_or_default());
    }
}

/// Where the data of an event begins: one line of it, and before it at most the line of its name.
fn start_of_data(event: &[u8]) -> Option<usize> {
    let mut at = 0;
    if event.starts_with(b"event:") {
        at = event.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        at += if event.get(at..)?.starts_with(b"\r\n") { 2 } else { 1 };
    }
    let rest = event.get(at..)?.strip_prefix(b"data:")?;
    Some(at + 5 + usize::from(rest.first() == Some(&b' ')))
}

/// What was copied.
enum Place {
    /// The inside of a string.
    Text(Span),
    /// Something else: from here to there.
    Other(usize, usize),
}

/// Where something that was copied stands in the data. `None` where it does not, or is empty.
fn place_of(copied: &Copied, data: &str, written: &Writer) -> Option<Place> {
    let Copied { source, length, output, .. } = *copied;
    let (start, end) = (source, source.checked_add(length)?);
    let text = data.get(start..end)?;
    if text.is_empty() || written.json().get(output..output + length) != Some(text) {
        return None;
    }
    let quoted = |start: usize, end: usize| {
        let quote = |at: Option<usize>| at.and_then(|at| data.as_bytes().get(at)) == Some(&b'"');
        quote(start.checked_sub(1)) && quote(Some(end))
    };
    let bytes = text.as_bytes();
    if bytes.len() > 2 && bytes.first() == Some(&b'"') && quoted(start + 1, end - 1) {
        return Some(Place::Text(Span { start: start + 1, end: end - 1, plain: false }));
    }
    Some(if quoted(start, end) { Place::Text(Span { start, end, plain: false }) } else { Place::Other(start, end) })
}

/// Adds the whole numbers in a value.
fn add_counts(parent: Value<'_>, depth: usize, holes: &mut Vec<(Hole, Span)>) {
    for value in parent.children() {
        let raw = value.bytes();
        if raw.len() <= MAX_DIGITS && raw.iter().all(u8::is_ascii_digit) {
            let start = value.start();
            holes.push((Hole::Count, Span { start, end: start + raw.len(), plain: false }));
        } else if depth < MAX_HOLES {
            add_counts(value, depth + 1, holes);
        }
    }
}

/// The bytes of the chunks that stay, and where which holes belong between them.
fn write_output(written: &Writer, data: &str, holes: &[(Hole, Span)]) -> Option<(Vec<u8>, Copies)> {
    let (mut whole, mut starts) = (Vec::new(), Vec::new());
    for (text, &start) in written.texts().zip(written.starts()) {
        // Where a place in what was written is in what is framed.
        starts.push((start, whole.len() + b"data: ".len()));
        frame(text, &mut whole);
    }
    let (mut output, mut copies, mut from) = (Vec::new(), Vec::new(), 0);
    for copied in written.copied() {
        let Some(Place::Text(span)) = place_of(copied, data, written) else { continue };
        let hole = holes.iter().position(|hole| *hole == (Hole::Text, span))?;
        // One that was copied with its quotes begins after the first.
        let begin = copied.output + span.start - copied.source;
        let &(start, framed) = starts.iter().rev().find(|(start, _)| *start <= begin)?;
        let begin = begin - start + framed;
        output.extend_from_slice(whole.get(from..begin)?);
        copies.push((output.len(), hole));
        from = begin + span.end - span.start;
    }
    output.extend_from_slice(whole.get(from..)?);
    Some((output, copies))
}

/// The templates of a stream, all of one revision.
#[derive(Debug, Default)]
pub struct Templates {
    known: Vec<Template>,
    revision: u32,
    is_off: bool,
    /// The one that was met last, and is tried first; the one to be replaced next.
    last: usize,
    oldest: usize,
    /// How many were learnt since one was met.
    vain: u32,
}

impl Templates {
    /// None, now and forever.
    #[must_use]
    pub fn off() -> Self {
        Self { is_off: true, ..Self::default() }
    }

    /// The template of this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Template> {
        self.known.get(number)
    }

    /// Forgets the templates that are not of this revision.
    fn enter(&mut self, revision: u32) {
        if self.revision != revision {
            self.revision = revision;
            self.known.clear();
            self.last = 0;
            self.oldest = 0;
        }
    }

    /// Which template the event has that `bytes` begin with; where its values stand is put into `values`.
    pub fn find(&mut self, revision: u32, bytes: &[u8], values: &mut Vec<Span>) -> Found {
        self.enter(revision);
        let mut found = Found::No;
        let count = self.known.len();
        // Where events are all different, one look says so.
        let tries = if self.vain > MAX_VAIN { count.min(1) } else { count };
        for turn in 0..tries {
            let number = (self.last + turn) % count;
            values.clear();
            match self.known.get(number).map(|template| template.compare(bytes, values)) {
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
        self.known.is_empty() && !self.is_off && self.vain <= MAX_VAIN
    }

    /// Learns from an example that has left this revision as it was. Where nothing learnt is ever met again it is tried only
    /// now and then.
    pub fn learn(&mut self, revision: u32, example: &Example<'_>) {
        if self.is_off || example.written.copied().is_empty() {
            return;
        }
        self.enter(revision);
        self.vain += 1;
        if self.vain > MAX_VAIN && !self.vain.is_multiple_of(RARELY) {
            return;
        }
        let Some(template) = Template::learn(example) else { return };
        let number = if self.known.len() < MAX_TEMPLATES { self.known.len() } else { self.oldest };
        self.oldest = (number + 1) % MAX_TEMPLATES;
        self.last = number;
        match self.known.get_mut(number) {
            Some(slot) => *slot = template,
            None => self.known.push(template),
        }
    }
}
