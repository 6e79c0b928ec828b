//! From the bytes of a streamed answer to its chunks, and to the verdict on how it ended.

use crate::dialect::openai::{self, Malformed, Message, Progress};
use crate::error::{Error, Kind};
use crate::json::{self, RawString, Tree};
use crate::partial::Partial;
use crate::shape::{Found, Shape, Shapes, Span};
use crate::sse::{Decoder, EventTooLarge, MAX_SPARE};
use crate::text;

/// How much is kept of an answer that has not become an event stream, in bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;
/// The longest beginning of an event that is held back because it may have a known shape, in bytes.
pub(crate) const MAX_HELD: usize = 8 << 10;
/// How many shapes are known at a time: those of the content, the reasoning, some tool calls, some choices.
const MAX_SHAPES: usize = 8;
/// How many bytes are decoded in one go; what is larger is taken in parts.
pub(crate) const MAX_READ: usize = 64 << 10;
/// How many bytes a stream may have, unless the caller says otherwise.
pub const MAX_BYTES: usize = 512 << 20;
/// How much room is made at least, in bytes: enough for many reads of one event each.
pub(crate) const MIN_ROOM: usize = 32 << 10;

/// What is said of an event of more bytes than the caller allows.
pub(crate) const EVENT_TOO_LARGE: &str = "An event of the stream has more bytes than `maxEventBytes` allows.";

/// One chunk, as a stream gives it.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// How the core came to know it.
    pub form: Form<'a>,
    /// Its JSON, and the text of the first choice: valid UTF-8, and looked at as such when somebody asks.
    json: &'a [u8],
    text: &'a [u8],
}

/// How a chunk came to be known.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// It was read.
    Read,
    /// It was read, and its shape learnt, under this number in place of any that had it before.
    Learnt(usize, &'a Shape),
    /// It has the known shape of this number: where its values stand in the bytes of its event.
    Shaped(usize, &'a [Span], &'a [u8]),
}

impl<'a> Piece<'a> {
    /// The chunk, as JSON.
    #[must_use]
    pub fn json(&self) -> &'a str {
        std::str::from_utf8(self.json).unwrap_or_default()
    }

    /// The same, in UTF-8.
    #[must_use]
    pub fn json_bytes(&self) -> &'a [u8] {
        self.json
    }

    /// The text of the first choice, where the chunk has any.
    #[must_use]
    pub fn text(&self) -> Option<RawString<'a>> {
        let text = std::str::from_utf8(self.text).unwrap_or_default();
        (!text.is_empty()).then(|| RawString::new(text))
    }
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
/// assert_eq!(stream.partial().json(), r#"{"choices":[]}"#);
/// ```
#[derive(Debug)]
pub struct ChunkStream {
    decoder: Decoder,
    progress: Progress,
    /// The HTTP status that the stream came with.
    status: u16,
    any: bool,
    /// The event that reported an error, until the chunks before it are taken.
    cost: Option<String>,
    /// Whether other events than those of a chat completion may be whole.
    is_any: bool,
    /// What has arrived before the first event: where it never becomes one, it may say what went wrong.
    head: Vec<u8>,
    /// The bytes of the last read, after the beginning of an event that may have a known shape, and room for more.
    input: Vec<u8>,
    /// How far the input is decoded, and how far it is filled.
    decoded: usize,
    filled: usize,
    /// How many more bytes the stream may have.
    left: usize,
    shapes: Shapes,
    read: Read,
    partial: Partial,
    end: Option<Result<(), Error>>,
}

/// The chunks of the last read, in the order of which they become a part of the completion when they are taken.
#[derive(Debug, Default)]
struct Read {
    /// The pieces, and where the values of each begin.
    pieces: Vec<(Kept, u32)>,
    /// How many of them were taken.
    taken: usize,
    /// The values of all pieces, one after the other.
    values: Vec<Span>,
    /// Those that were read.
    tree: Tree,
}

/// What is kept of a piece, until it is taken, in numbers that fit.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// The number of its value in the tree, and that of its shape if it was learnt.
    Read(u32, Option<u32>),
    /// The number of its shape, and where in the input its event begins, its JSON begins, and that ends.
    Shaped(u32, [u32; 3]),
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
            cost: None,
            is_any: false,
            head: Vec::new(),
            input: Vec::new(),
            decoded: 0,
            filled: 0,
            left: MAX_BYTES,
            shapes: Shapes::new(MAX_SHAPES),
            read: Read::default(),
            partial: Partial::default(),
            end: None,
        }
    }

    /// The same, but every event is read in full: the judge of what the shapes do.
    #[must_use]
    pub fn without_shapes(mut self) -> Self {
        self.shapes = Shapes::new(0);
        self
    }

    /// The same, but an event of more bytes than this is an error. The default is 128 MiB.
    #[must_use]
    pub fn with_max_event_bytes(mut self, bytes: usize) -> Self {
        self.decoder = Decoder::new(bytes);
        self
    }

    /// The same, but a stream of more bytes than this is an error. The default is 512 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.left = bytes;
        self
    }

    /// The same, but the events need not be those of a chat completion: a stream without any choices is whole when it ends.
    #[must_use]
    pub fn of_any_events(mut self, is_any: bool) -> Self {
        self.is_any = is_any;
        self
    }

    /// The same, but tool calls that come without an id get others: those of this seed, which is to be drawn at random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.progress.seed(seed);
        self
    }

    /// Decodes the next bytes: the chunks that they finish, as the text of a JSON array, or an empty text when there
    /// are none. Bytes after the end are ignored.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let mut batch = String::new();
        self.push(bytes, |piece| {
            batch.push(if batch.is_empty() { '[' } else { ',' });
            batch.push_str(piece.json());
        });
        if !batch.is_empty() {
            batch.push(']');
        }
        batch
    }

    /// Decodes the next bytes and hands out the chunks that they finish, in order. Bytes after the end are ignored.
    pub fn push(&mut self, bytes: &[u8], mut on_piece: impl FnMut(Piece<'_>)) {
        for part in bytes.chunks(MAX_READ) {
            if let Some(room) = self.room(part.len()).get_mut(..part.len()) {
                room.copy_from_slice(part);
            }
            self.decode(part.len(), &mut on_piece);
        }
    }

    /// Room for the next `length` bytes, and more. The chunks of the last read are taken.
    pub fn room(&mut self, length: usize) -> &mut [u8] {
        self.settle();
        self.input.copy_within(self.decoded..self.filled, 0);
        self.filled -= self.decoded;
        self.decoded = 0;
        if self.input.len() < self.filled + length {
            self.input.resize(self.filled + length.max(MIN_ROOM), 0);
        }
        self.input.get_mut(self.filled..).unwrap_or_default()
    }

    /// The room that is left: bytes may be put there as well, without asking for it.
    #[must_use]
    pub fn space(&self) -> &[u8] {
        self.input.get(self.filled..).unwrap_or_default()
    }

    /// Takes the chunks of the last read, and makes place for those of the next.
    fn settle(&mut self) {
        self.take(usize::MAX);
        self.read.clear();
        self.decoder.give_back();
    }

    /// Decodes the next bytes, `length` of which were put into the [`room`](Self::room) made for them, and hands out the
    /// chunks that they finish. These are a part of what [`partial_after`](Self::partial_after) says when they are taken;
    /// those of the read before are.
    pub fn decode(&mut self, length: usize, mut on_piece: impl FnMut(Piece<'_>)) {
        self.settle();
        if self.has_ended() {
            return;
        }
        let input = std::mem::take(&mut self.input);
        let before = self.filled;
        let allowed = length.min(self.left);
        self.left -= allowed;
        self.filled = input.len().min(before + allowed);
        let new = input.get(before..self.filled).unwrap_or_default();
        if !self.any && self.head.len() < MAX_HEAD {
            let length = new.len().min(MAX_HEAD - self.head.len());
            self.head.extend_from_slice(new.get(..length).unwrap_or_default());
        }
        // Without a line end in them, new bytes cannot finish the event that is held back.
        let may_end = self.decoded == before || new.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        if may_end || self.filled - self.decoded > MAX_HELD {
            self.decode_events(input.get(..self.filled).unwrap_or_default(), &mut on_piece);
        }
        self.input = input;
        if self.any {
            self.head = Vec::new();
        }
        if allowed < length && !self.has_ended() {
            self.fail(Kind::TooLarge, "The stream has more bytes than `maxResponseBytes` allows.");
        }
    }

    /// Decodes all but the beginning of an event that is to be held back.
    fn decode_events(&mut self, input: &[u8], on_piece: &mut impl FnMut(Piece<'_>)) {
        while let Some(rest) = input.get(self.decoded..).filter(|rest| !rest.is_empty() && !self.has_ended()) {
            let is_between = self.decoder.is_between_events();
            if is_between {
                let values = self.read.values.len();
                match self.shapes.find(rest, &mut self.read.values) {
                    Found::Whole(number, length) => {
                        self.add_shaped(number, rest.get(..length).unwrap_or_default(), values, on_piece);
                        continue;
                    }
                    // A CR may be the end of the event already, which then must not wait for an LF.
                    Found::Short if rest.len() <= MAX_HELD && rest.last() != Some(&b'\r') => return,
                    // The first event is wanted whole, so that its shape can be learnt.
                    Found::No if self.shapes.know_nothing() && rest.len() <= MAX_HELD && !has_blank_line(rest) => {
                        return;
                    }
                    _ => {}
                }
            }
            self.decoded += self.read_event(rest, is_between, on_piece);
        }
    }

    /// Adds the event of a known shape whose values were put after the first `values`.
    fn add_shaped(&mut self, number: usize, event: &[u8], values: usize, on_piece: &mut impl FnMut(Piece<'_>)) {
        let start = self.decoded;
        self.decoded += event.len();
        let Some(shape) = self.shapes.get(number) else { return };
        let json = shape.json(event);
        if json.len() > self.decoder.max_event_bytes() {
            self.fail(Kind::TooLarge, EVENT_TOO_LARGE);
            return;
        }
        let json_at = start + (json.as_ptr() as usize - event.as_ptr() as usize);
        let places = [start, json_at, json_at + json.len()].map(|place| place as u32);
        self.read.pieces.push((Kept::Shaped(number as u32, places), values as u32));
        let values = self.read.values.get(values..).unwrap_or_default();
        let text = shape.text().and_then(|text| values.get(text)).map(|text| text.of(event));
        on_piece(Piece { form: Form::Shaped(number, values, event), json, text: text.unwrap_or_default() });
    }

    /// Reads one event in full, and learns its shape where it stands whole in `bytes`. Returns how much was taken.
    fn read_event(&mut self, bytes: &[u8], is_whole: bool, on_piece: &mut impl FnMut(Piece<'_>)) -> usize {
        let (taken, event) = match self.decoder.step(bytes) {
            Ok((taken, Some(event))) => (taken, event),
            Ok((taken, None)) => return taken,
            Err(EventTooLarge) => {
                self.fail(Kind::TooLarge, EVENT_TOO_LARGE);
                return bytes.len();
            }
        };
        self.any = true;
        let Read { pieces, values, tree, .. } = &mut self.read;
        match openai::read_event(&event.event, &event.data, tree, &mut self.progress) {
            Ok(Message::Chunk { number: chunk, text, is_repaired, is_turn }) => {
                if is_turn {
                    self.shapes.forget();
                }
                let raw = if is_whole && !is_repaired { bytes.get(..taken).unwrap_or_default() } else { &[] };
                let first_value = values.len();
                let number = self.shapes.learn(raw, &event.data, tree.value(chunk), text, values);
                pieces.push((Kept::Read(chunk as u32, number.map(|number| number as u32)), first_value as u32));
                let text = text.map(|text| json::inside(tree.value(text).bytes()));
                let shape = number.and_then(|number| Some((number, self.shapes.get(number)?)));
                on_piece(Piece {
                    form: shape.map_or(Form::Read, |(number, shape)| Form::Learnt(number, shape)),
                    json: if is_repaired { tree.value(chunk).bytes() } else { event.data.as_bytes() },
                    text: text.unwrap_or_default(),
                });
            }
            Ok(Message::Done) => self.end = Some(Ok(())),
            Ok(Message::Error) => {
                // It is no chunk, but it may say what all of them have cost.
                self.cost = Some(event.data.to_string());
                self.end = Some(Err(Error::from_response(self.status, &event.data)));
            }
            Err(cause) => {
                let (kind, message) = explain(cause);
                self.fail(kind, message);
            }
        }
        taken
    }

    /// Ends the stream with an error of ours.
    fn fail(&mut self, kind: Kind, message: &str) {
        self.end = Some(Err(Error::new(kind, message).with_status(self.status)));
    }

    /// The completion as assembled so far, with all chunks that were handed out.
    pub fn partial(&mut self) -> &mut Partial {
        self.partial_after(usize::MAX)
    }

    /// The same, when so many chunks of the last read were taken.
    pub fn partial_after(&mut self, taken: usize) -> &mut Partial {
        self.take(taken);
        &mut self.partial
    }

    /// Adds the chunks of the last read to the completion, up to this number of them.
    fn take(&mut self, count: usize) {
        let Read { pieces, taken, values, tree } = &mut self.read;
        while let Some(&(kept, first)) = pieces.get(*taken).filter(|_| *taken < count) {
            *taken += 1;
            let next = pieces.get(*taken).map_or(values.len(), |&(_, next)| next as usize);
            let values = values.get(first as usize..next).unwrap_or_default();
            match kept {
                Kept::Read(chunk, number) => {
                    let number = number.map(|number| number as usize);
                    self.partial.add_read(tree.value(chunk as usize), number, values);
                }
                Kept::Shaped(number, [event, start, end]) => {
                    let of = |start| self.input.get(start as usize..end as usize).unwrap_or_default();
                    self.partial.add_values(number as usize, of(event), of(start), values);
                }
            }
        }
        if *taken == pieces.len()
            && let Some(event) = self.cost.take()
        {
            self.partial.add_usage(&event);
        }
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
            None if self.is_any && self.any && !self.progress.has_choices() => Ok(()),
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

impl Read {
    fn clear(&mut self) {
        self.pieces.clear();
        self.taken = 0;
        self.values.clear();
        self.tree.clear(MAX_SPARE);
    }
}

/// Whether there is an end of a line right after another.
pub(crate) fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, b"\n\n" | b"\r\r" | b"\n\r"))
}

/// The text says nothing of the payload: what a model wrote does not belong in logs.
pub(crate) fn explain(cause: Malformed) -> (Kind, &'static str) {
    let message = match cause {
        Malformed::Json(json::Error::TooMany) => {
            return (Kind::TooLarge, "An event of the stream has more than a million values in it.");
        }
        Malformed::Json(json::Error::Syntax) => "An event of the stream is not a JSON object.",
        Malformed::Json(json::Error::TooDeep) => "An event of the stream nests deeper than 128 levels.",
        Malformed::Index => {
            "An index in the stream is no integer from 0 to 127, or there are more choices or tool calls than that."
        }
    };
    (Kind::MalformedResponse, message)
}
