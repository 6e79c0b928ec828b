//! From the bytes of a provider's stream to the bytes of OpenAI's: a filter, which whoever reads OpenAI's streams may have in
//! front of its own decoder, and which a gateway hands on as it is.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use crate::dialect::openai::{DONE, Malformed};
use crate::dialect::translate::{Step, error_body, is_string};
use crate::error::Kind;
use crate::json::{Length, Tree, Writer};
use crate::shape::{Found, Span};
use crate::sse::{Decoder, EventTooLarge, MAX_SPARE};
use crate::stream::{EVENT_TOO_LARGE, MAX_BYTES, MAX_HEAD, MAX_HELD, MAX_READ, MIN_ROOM, explain, has_blank_line};
use crate::template::{Example, Templates, frame};
use crate::text;

/// What a stream of OpenAI's is kept alive by: a comment, which every reader of events skips.
const PING: &[u8] = b": ping\n\n";

/// The reader of the events of one stream, in one dialect.
///
/// What it copies into chunks comes from the event that it reads. But for that, a chunk may depend on a string that was
/// copied by its being empty, and on nothing else of it.
pub trait Events {
    /// Reads one event, and writes the chunks that it comes to.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_event(&mut self, name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed>;

    /// The end of the bytes: writes what was held back until then.
    fn finish(&mut self, out: &mut Writer) -> Step;

    /// A number that changes whenever something does that later chunks depend on, but for the counts.
    fn revision(&self) -> u32;

    /// The member of an event whose counts are not told until the end: the last ones count.
    fn counts(&self) -> Option<&'static str>;

    /// Reads the counts of an event, and nothing else of it.
    fn read_counts(&mut self, data: &str);

    /// So much text has come of a choice, in an event that was not read.
    fn add_length(&mut self, choice: u32, length: Length);
}

/// Translates one stream.
///
/// An event like one before is written without being read: see the `template` module.
#[derive(Debug)]
pub struct Translator<E> {
    events: E,
    decoder: Decoder,
    templates: Templates,
    written: Writer,
    /// The bytes of the last read, after the beginning of an event that may have a template, and room for more.
    input: Vec<u8>,
    /// How far it is translated, and how far it is filled.
    taken: usize,
    filled: usize,
    /// How many more bytes the stream may have.
    left: usize,
    values: Vec<Span>,
    /// The data of the last event whose counts were not read, and its template.
    counted: Vec<u8>,
    counted_by: Option<usize>,
    /// What has arrived before the first event: where it never becomes one, it may say what went wrong.
    head: Vec<u8>,
    any: bool,
    says_cut: bool,
    has_ended: bool,
}

impl<E: Events> Translator<E> {
    /// A translator of what these events come to.
    #[must_use]
    pub fn new(events: E) -> Self {
        Self {
            events,
            decoder: Decoder::default(),
            templates: Templates::default(),
            written: Writer::default(),
            input: Vec::new(),
            taken: 0,
            filled: 0,
            left: MAX_BYTES,
            values: Vec::new(),
            counted: Vec::new(),
            counted_by: None,
            head: Vec::new(),
            any: false,
            says_cut: true,
            has_ended: false,
        }
    }

    /// The same, but every event is read: the judge of what the templates do.
    #[must_use]
    pub fn without_templates(mut self) -> Self {
        self.templates = Templates::off();
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

    /// The same, but a stream that was cut ends in no error where this is false: it just ends, without any mark that it was
    /// whole, for who finds out by itself.
    #[must_use]
    pub fn with_cuts_said(mut self, says_cut: bool) -> Self {
        self.says_cut = says_cut;
        self
    }

    /// Whether everything was said, so that nothing more need be read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Translates the next bytes: what they come to is added to `out`. Bytes after the end are ignored.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for part in bytes.chunks(MAX_READ) {
            if let Some(room) = self.room(part.len()).get_mut(..part.len()) {
                room.copy_from_slice(part);
            }
            self.translate(part.len(), out);
        }
    }

    /// Room for the next `length` bytes, and more.
    pub fn room(&mut self, length: usize) -> &mut [u8] {
        self.input.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
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

    /// Translates the next bytes, `length` of which were put into the [`room`](Self::room) made for them.
    pub fn translate(&mut self, length: usize, out: &mut Vec<u8>) {
        if self.has_ended {
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
        let may_end = self.taken == before || new.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        if may_end || self.filled - self.taken > MAX_HELD {
            self.translate_events(input.get(..self.filled).unwrap_or_default(), out);
        }
        self.input = input;
        if self.any {
            self.head = Vec::new();
        }
        if allowed < length && !self.has_ended {
            self.fail(Kind::TooLarge, "The stream has more bytes than `maxResponseBytes` allows.", out);
        }
        if self.has_ended || self.taken == self.filled {
            // Nothing is held back: all room is free again.
            (self.taken, self.filled) = (0, 0);
            if self.has_ended || self.input.len() > MAX_SPARE {
                self.input = Vec::new();
            }
        }
    }

    /// Translates all but the beginning of an event that is to be held back.
    fn translate_events(&mut self, input: &[u8], out: &mut Vec<u8>) {
        while let Some(rest) = input.get(self.taken..).filter(|rest| !rest.is_empty() && !self.has_ended) {
            let is_between = self.decoder.is_between_events();
            if is_between {
                match self.templates.find(self.events.revision(), rest, &mut self.values) {
                    Found::Whole(number, length) => {
                        self.taken += length;
                        self.write_like(number, rest.get(..length).unwrap_or_default(), out);
                        continue;
                    }
                    // A CR may be the end of the event already, which then must not wait for an LF.
                    Found::Short if rest.len() <= MAX_HELD && rest.last() != Some(&b'\r') => return,
                    // The first event is wanted whole, so that there can be a template.
                    Found::No if self.templates.know_nothing() && rest.len() <= MAX_HELD && !has_blank_line(rest) => {
                        return;
                    }
                    _ => {}
                }
            }
            self.taken += self.read_event(rest, is_between, out);
        }
    }

    /// Writes the event that has the template of this number.
    fn write_like(&mut self, number: usize, event: &[u8], out: &mut Vec<u8>) {
        let Some(template) = self.templates.get(number) else { return };
        let data = template.data(event);
        if data.len() > self.decoder.max_event_bytes() {
            return self.fail(Kind::TooLarge, EVENT_TOO_LARGE, out);
        }
        if template.has_counts() {
            // Those of one template take the place of each other; what another has besides must be read.
            if self.counted_by.is_some_and(|other| other != number) {
                read_counts(&mut self.events, &mut self.counted_by, &self.counted);
            }
            self.counted.clear();
            self.counted.extend_from_slice(data);
            self.counted_by = Some(number);
        }
        for (choice, text) in template.said(event, &self.values) {
            self.events.add_length(choice, Length::of(text));
        }
        template.write(event, &self.values, out);
    }

    /// Reads one event in full, and makes a template of it where it stands whole in `bytes`. Returns how much was taken.
    fn read_event(&mut self, bytes: &[u8], is_whole: bool, out: &mut Vec<u8>) -> usize {
        let Self { events, decoder, templates, written, .. } = self;
        let (taken, event) = match decoder.step(bytes) {
            Ok((taken, Some(event))) => (taken, event),
            Ok((taken, None)) => return taken,
            Err(EventTooLarge) => {
                self.fail(Kind::TooLarge, EVENT_TOO_LARGE, out);
                return bytes.len();
            }
        };
        self.any = true;
        read_counts(events, &mut self.counted_by, &self.counted);
        written.clear();
        let revision = events.revision();
        match events.read_event(&event.event, &event.data, written) {
            Ok(Step::Going) => {
                for json in written.texts() {
                    frame(json, out);
                }
                if written.is_empty() && event.event == "ping" {
                    out.extend_from_slice(PING);
                }
                if is_whole && events.revision() == revision {
                    let event = (bytes.get(..taken).unwrap_or_default(), &*event.data);
                    let counts = events.counts();
                    templates.learn(revision, &Example { event: event.0, data: event.1, written, counts });
                }
            }
            Ok(step) => self.end(step, out),
            Err(cause) => {
                let (kind, message) = explain(cause);
                self.fail(kind, message, out);
            }
        }
        taken
    }

    /// The end of the bytes: adds what is left to say to `out`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        let Self { events, written, .. } = self;
        read_counts(events, &mut self.counted_by, &self.counted);
        written.clear();
        if !self.any {
            let head = text::decode(&self.head);
            if let Ok(step @ Step::Failed(_)) = events.read_event("", head.trim_ascii(), written) {
                return self.end(step, out);
            }
            written.clear();
        }
        match events.finish(written) {
            Step::Going => {
                let message =
                    "The stream was cut in the middle of the answer: it ended without a mark that it was whole.";
                let body = error_body(message, Kind::StreamTruncated.name());
                self.end(Step::Failed(body), out);
            }
            step => self.end(step, out),
        }
    }

    /// Ends the stream with an error of ours.
    fn fail(&mut self, kind: Kind, message: &str, out: &mut Vec<u8>) {
        self.written.clear();
        self.end(Step::Failed(error_body(message, kind.name())), out);
    }

    /// Ends the stream, after the chunks that were written.
    fn end(&mut self, step: Step, out: &mut Vec<u8>) {
        for json in self.written.texts() {
            frame(json, out);
        }
        match step {
            Step::Failed(body) if self.says_cut || !is_cut(&body) => frame(&body, out),
            Step::Failed(_) => {}
            Step::Going | Step::Finished => frame(DONE, out),
        }
        self.has_ended = true;
    }
}

/// Reads the counts that were left unread.
fn read_counts<E: Events>(events: &mut E, counted_by: &mut Option<usize>, counted: &[u8]) {
    if counted_by.take().is_some() {
        events.read_counts(std::str::from_utf8(counted).unwrap_or_default());
    }
}

/// Whether an error says that a stream was cut.
fn is_cut(body: &str) -> bool {
    let mut tree = Tree::default();
    let root = tree.add(body);
    root.is_ok_and(|root| is_string(tree.value(root).at("error").at("type"), Kind::StreamTruncated.name()))
}
