//! From the bytes of a streamed answer to its chunks, and to the verdict on how it ended.

use crate::dialect::openai::{self, Message, Progress};
use crate::error::{Error, Kind};
use crate::json;
use crate::shape::{Match, Shape, Values};
use crate::sse::{Decoder, EventTooLarge};
use crate::text;

/// How much is kept of an answer that has not become an event stream, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// The longest beginning of an event that is held back because it may have a known shape, in bytes.
const MAX_HELD: usize = 8 << 10;
/// How many shapes are known at a time: those of the content, the reasoning, some tool calls, some choices.
const MAX_SHAPES: usize = 8;
/// How many shapes are learnt without one of them being met again, before learning becomes rare.
const MAX_VAIN: u32 = 8;

/// One chunk, as a stream gives it.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A chunk, as JSON text.
    Json(&'a str),
    /// A chunk whose shape has been learnt, under this number in place of any that had it before.
    Learnt(usize, &'a str, &'a Shape),
    /// A chunk of a known shape: its number, its values, the bytes of the event, and the JSON among them.
    Shaped(usize, &'a Values, &'a [u8], &'a str),
}

/// Decodes one streamed chat completion.
///
/// Chunks are handed out as [`Piece`]s, or as JSON text with [`feed`](Self::feed). An error of the stream is held back
/// until the caller has dealt with the chunks before it and asks with [`finish`](Self::finish).
///
/// ```
/// use chatmux::stream::ChunkStream;
/// let mut stream = ChunkStream::new(200);
/// let batch = stream.feed(b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
/// assert_eq!(batch, r#"[{"choices":[]}]"#);
/// assert!(stream.has_ended());
/// assert!(stream.finish().is_ok());
/// ```
#[derive(Debug)]
pub struct ChunkStream {
    decoder: Decoder,
    progress: Progress,
    /// The HTTP status that the stream came with.
    status: u16,
    any: bool,
    /// What has arrived before the first event: where it never becomes one, it may say what went wrong.
    head: Vec<u8>,
    /// The beginning of an event that the decoder has not seen, because it may have a known shape.
    held: Vec<u8>,
    shapes: Shapes,
    end: Option<Result<(), Error>>,
}

impl ChunkStream {
    /// A stream that came with this HTTP status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            decoder: Decoder::default(),
            progress: Progress::default(),
            status,
            any: false,
            head: Vec::new(),
            held: Vec::new(),
            shapes: Shapes::default(),
            end: None,
        }
    }

    /// The same, but every event is read in full: the judge of what the shapes do.
    #[must_use]
    pub fn without_shapes(mut self) -> Self {
        self.shapes.capacity = 0;
        self
    }

    /// Decodes the next bytes: the chunks that they finish, as the text of a JSON array, or an empty text when there
    /// are none. Bytes after the end are ignored.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let mut batch = String::new();
        self.push(bytes, |piece| {
            batch.push(if batch.is_empty() { '[' } else { ',' });
            batch.push_str(match piece {
                Piece::Json(json) | Piece::Learnt(_, json, _) | Piece::Shaped(_, _, _, json) => json,
            });
        });
        if !batch.is_empty() {
            batch.push(']');
        }
        batch
    }

    /// Decodes the next bytes and hands out the chunks that they finish, in order. Bytes after the end are ignored.
    pub fn push(&mut self, bytes: &[u8], mut on_piece: impl FnMut(Piece<'_>)) {
        if self.has_ended() {
            return;
        }
        if !self.any && self.head.len() < MAX_HEAD {
            let length = bytes.len().min(MAX_HEAD - self.head.len());
            self.head.extend_from_slice(bytes.get(..length).unwrap_or_default());
        }
        if self.held.is_empty() {
            let taken = self.decode(bytes, &mut on_piece);
            self.held.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            // Without a line end in them, new bytes cannot finish the event that is held back.
            let may_end = bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
            self.held.extend_from_slice(bytes);
            if may_end || self.held.len() > MAX_HELD {
                let mut held = std::mem::take(&mut self.held);
                let taken = self.decode(&held, &mut on_piece);
                held.drain(..taken);
                self.held = held;
            }
        }
        if self.any {
            self.head = Vec::new();
        }
    }

    /// Decodes what it can and returns how much that was: all but the beginning of an event that is to be held back.
    fn decode(&mut self, bytes: &[u8], on_piece: &mut impl FnMut(Piece<'_>)) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty() && !self.has_ended()) {
            let is_between = self.decoder.is_between_events();
            if is_between {
                match self.shapes.find(rest) {
                    Found::Whole(number, length) => {
                        let (event, json) = self.shapes.json(number, rest, length);
                        on_piece(Piece::Shaped(number, &self.shapes.values, event, json));
                        at += length;
                        continue;
                    }
                    // A CR may be the end of the event already, which then must not wait for an LF.
                    Found::Short if rest.len() <= MAX_HELD && rest.last() != Some(&b'\r') => return at,
                    // The first event is wanted whole, so that its shape can be learnt.
                    Found::No if self.shapes.know_nothing() && rest.len() <= MAX_HELD && !has_blank_line(rest) => {
                        return at;
                    }
                    _ => {}
                }
            }
            at += self.read_event(rest, is_between, on_piece);
        }
        at
    }

    /// Reads one event in full, and learns its shape where it stands whole in `bytes`. Returns how much was taken.
    fn read_event(&mut self, bytes: &[u8], is_whole: bool, on_piece: &mut impl FnMut(Piece<'_>)) -> usize {
        let Self { decoder, progress, status, any, shapes, end, .. } = self;
        let (taken, event) = match decoder.step(bytes) {
            Ok((taken, Some(event))) => (taken, event),
            Ok((taken, None)) => return taken,
            Err(EventTooLarge) => {
                let message = "An event of the stream is larger than chatmux accepts (128 MiB).";
                *end = Some(Err(Error::new(Kind::MalformedResponse, message).with_status(*status)));
                return bytes.len();
            }
        };
        *any = true;
        match openai::read_event(&event.event, &event.data, progress) {
            Ok(Message::Chunk) => {
                let raw = if is_whole { bytes.get(..taken).unwrap_or_default() } else { &[] };
                on_piece(match shapes.learn(raw, &event.data) {
                    Some((number, shape)) => Piece::Learnt(number, &event.data, shape),
                    None => Piece::Json(&event.data),
                });
            }
            Ok(Message::Done) => *end = Some(Ok(())),
            Ok(Message::Error) => *end = Some(Err(Error::from_response(*status, &event.data))),
            Err(cause) => *end = Some(Err(malformed(cause).with_status(*status))),
        }
        taken
    }

    /// Whether the stream is over, well or badly, so that nothing more need be read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The verdict, once the bytes have ended or [`has_ended`](Self::has_ended) says so.
    ///
    /// # Errors
    /// The error that the stream reported, or [`Kind::StreamTruncated`] when it stopped with neither `[DONE]` nor a
    /// finish reason for each of its choices: a cut stream is never taken for a whole one.
    pub fn finish(&self) -> Result<(), Error> {
        match &self.end {
            Some(verdict) => verdict.clone(),
            None if self.progress.is_finished() => Ok(()),
            None => {
                let head = text::decode(&self.head);
                Err(if openai::is_error(&head) { Error::from_response(self.status, &head) } else { self.truncated() })
            }
        }
    }

    /// The error for a connection that broke while the stream was being read.
    #[must_use]
    pub fn truncated(&self) -> Error {
        Error::new(
            Kind::StreamTruncated,
            if self.progress.is_finished() {
                "The connection broke after the answer was finished, but before the stream was (`[DONE]`)."
            } else if self.any {
                "The stream was cut in the middle of the answer: it ended without `[DONE]` and without a finish reason."
            } else {
                "The stream ended before any event arrived. Check that `baseURL` names an API that streams."
            },
        )
    }
}

/// The shapes that a stream has shown.
#[derive(Debug)]
struct Shapes {
    known: Vec<Known>,
    capacity: usize,
    /// The shape that was met last, and is tried first.
    last: usize,
    /// The one to be replaced next.
    oldest: usize,
    /// How many were learnt since one was met.
    vain: u32,
    /// The values of the event that was met last.
    values: Values,
}

/// A shape, and where the JSON is in an event that has it.
#[derive(Debug)]
struct Known {
    shape: Shape,
    json_at: usize,
    after_json: usize,
}

/// What the known shapes make of an event.
enum Found {
    /// It has the shape of this number, and is this long.
    Whole(usize, usize),
    /// It may have one, when more of it has arrived.
    Short,
    /// It has none of them.
    No,
}

impl Default for Shapes {
    fn default() -> Self {
        Self { known: Vec::new(), capacity: MAX_SHAPES, last: 0, oldest: 0, vain: 0, values: Values::default() }
    }
}

impl Shapes {
    fn find(&mut self, bytes: &[u8]) -> Found {
        let mut found = Found::No;
        let count = self.known.len();
        for number in (self.last..count).chain(0..self.last.min(count)) {
            match self.known.get(number).map(|known| known.shape.compare(bytes, &mut self.values)) {
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
    fn know_nothing(&self) -> bool {
        self.known.is_empty() && self.capacity > 0
    }

    /// The bytes of an event that has this shape, and its JSON.
    fn json<'a>(&self, number: usize, bytes: &'a [u8], length: usize) -> (&'a [u8], &'a str) {
        let event = bytes.get(..length).unwrap_or_default();
        let json = self.known.get(number).and_then(|known| event.get(known.json_at..length - known.after_json));
        // Valid: the fixed bytes were, and the values have been looked at.
        (event, json.and_then(|json| std::str::from_utf8(json).ok()).unwrap_or_default())
    }

    /// Learns the shape of the event that `event` is all bytes of. Where nothing learnt is ever met again, as in a stream
    /// of events that are all different, it is tried only now and then.
    fn learn(&mut self, event: &[u8], json: &str) -> Option<(usize, &Shape)> {
        if event.is_empty() || self.capacity == 0 {
            return None;
        }
        if self.vain >= MAX_VAIN {
            self.vain += 1;
            if !self.vain.is_multiple_of(64) {
                return None;
            }
        }
        // One line of data and the blank line, and nothing that would do more than give a chunk.
        let name = b"data:";
        let json_at = name.len() + usize::from(event.get(name.len()) == Some(&b' '));
        let after_json = event.get(json_at + json.len()..)?;
        if !event.starts_with(name) || !after_json.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return None;
        }
        let shape = Shape::learn(event, json_at, json)?;
        let known = Known { shape, json_at, after_json: after_json.len() };
        self.vain += 1;
        let number = if self.known.len() < self.capacity { self.known.len() } else { self.oldest };
        self.oldest = (number + 1) % self.capacity;
        match self.known.get_mut(number) {
            Some(slot) => *slot = known,
            None => self.known.push(known),
        }
        self.known.get(number).map(|known| (number, &known.shape))
    }
}

/// Whether there is an end of a line right after another.
fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, b"\n\n" | b"\r\r" | b"\n\r"))
}

/// The text says nothing of the payload: what a model wrote does not belong in logs.
fn malformed(cause: json::Error) -> Error {
    Error::new(
        Kind::MalformedResponse,
        match cause {
            json::Error::Syntax => "An event of the stream is not a JSON object.",
            json::Error::TooDeep => "An event of the stream nests deeper than 128 levels.",
        },
    )
}
