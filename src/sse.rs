//! Server-sent events: bytes in, events out, by the WHATWG standard.
//!
//! The decoder owns no IO. It is fed the bytes of a response in whatever pieces they arrive and hands each finished
//! event to a callback. Rules and their names follow
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use std::borrow::Cow;

use crate::text::{self, ONES, TOPS, decimal};

/// The default cap on one event: 128 MiB of data, and as much for any other line.
pub const MAX_EVENT_BYTES: usize = 128 << 20;

/// How much memory a buffer keeps for the next event, in bytes; that of a larger one is given back.
pub(crate) const MAX_SPARE: usize = 1 << 20;

/// The byte-order mark, in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's type: the `event` field, or `message` where there was none.
    pub event: Cow<'a, str>,
    /// The `data` lines, joined by `\n`. Bytes that are not UTF-8 have become U+FFFD.
    pub data: Cow<'a, str>,
    /// The last event id, which stays until another one is set; empty when there was none.
    pub id: &'a str,
}

/// An event grew over the cap: the stream cannot be decoded any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLarge;

/// An incremental decoder of one event stream.
///
/// ```
/// let mut decoder = chatmux::sse::Decoder::default();
/// let mut seen = Vec::new();
/// for bytes in [&b"data: {\"a\""[..], b":1}\n\nda"] {
///     decoder.feed(bytes, |event| {
///         seen.push(event.data.into_owned());
///         true
///     })?;
/// }
/// assert_eq!(seen, [r#"{"a":1}"#]);
/// # Ok::<(), chatmux::sse::EventTooLarge>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    event: Vec<u8>,
    /// The id buffer of the standard; it becomes the last event id when an event block ends.
    id: String,
    last_event_id: String,
    retry: Option<u32>,
    /// Nothing but the very first line may start with a byte-order mark.
    first_line: bool,
    /// The data and the name are those of an event that was handed out, and make room for the next.
    dispatched: bool,
    /// A CR ended the last line, so that an LF right after it belongs to the same line end.
    after_cr: bool,
    max_event_bytes: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MAX_EVENT_BYTES)
    }
}

impl Decoder {
    /// A decoder that refuses an event of more than `max_event_bytes`.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: Vec::new(),
            id: String::new(),
            last_event_id: String::new(),
            retry: None,
            first_line: true,
            dispatched: false,
            after_cr: false,
            max_event_bytes,
        }
    }

    /// Decodes the next bytes and hands each event that they finish to `on_event`, in order. When `on_event` returns
    /// `false`, the rest of these bytes is left unread.
    ///
    /// # Errors
    /// [`EventTooLarge`] when an event passes the cap; nothing may be fed after it.
    pub fn feed(&mut self, mut bytes: &[u8], mut on_event: impl FnMut(Event<'_>) -> bool) -> Result<(), EventTooLarge> {
        loop {
            let (taken, event) = self.step(bytes)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            if !event.is_some_and(&mut on_event) {
                return Ok(());
            }
        }
    }

    /// Decodes bytes up to the end of the next event: how many were taken, and the event, which is `None` when the bytes
    /// ended before it did.
    ///
    /// # Errors
    /// [`EventTooLarge`] when an event passes the cap; nothing may be fed after it.
    pub fn step(&mut self, bytes: &[u8]) -> Result<(usize, Option<Event<'_>>), EventTooLarge> {
        if std::mem::take(&mut self.dispatched) {
            empty(&mut self.data);
            self.event.clear();
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if std::mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
                at += 1;
                continue;
            }
            let end = find_line_end(rest);
            let Some(&line_end) = rest.get(end) else {
                self.line.extend_from_slice(rest);
                self.check_size(&self.line)?;
                return Ok((bytes.len(), None));
            };
            self.after_cr = line_end == b'\r';
            at += end + 1;
            let head = rest.get(..end).unwrap_or_default();
            let ends_event = if self.line.is_empty() {
                self.take_line(head)?
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                let ends_event = self.take_line(&line)?;
                empty(&mut line);
                self.line = line;
                ends_event
            };
            if ends_event && self.dispatch() {
                // The event may not wait for the LF of its last CRLF; where it is there, it is taken along.
                if self.after_cr && bytes.get(at) == Some(&b'\n') {
                    self.after_cr = false;
                    at += 1;
                }
                return Ok((at, Some(self.event())));
            }
        }
        Ok((at, None))
    }

    /// Whether the decoder stands between two events: nothing of the next one has been taken.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        let is_empty = self.line.is_empty() && !self.has_data && (self.event.is_empty() || self.dispatched);
        is_empty && !self.after_cr && self.id == self.last_event_id
    }

    /// The most bytes that an event may have.
    pub(crate) fn max_event_bytes(&self) -> usize {
        self.max_event_bytes
    }

    /// Lets go of the event that was handed out last, which may be a large one.
    pub(crate) fn give_back(&mut self) {
        if self.dispatched {
            empty(&mut self.data);
        }
    }

    /// The last event id of the stream so far, empty when none was set.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time that the stream asked for, in milliseconds. A value over `u32::MAX` is ignored.
    #[must_use]
    pub fn retry(&self) -> Option<u32> {
        self.retry
    }

    /// Interprets one whole line; `true` when it ends an event block.
    fn take_line(&mut self, mut line: &[u8]) -> Result<bool, EventTooLarge> {
        self.check_size(line)?;
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(true);
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.event.clear();
                self.event.extend_from_slice(value);
            }
            b"id" if value.iter().all(|&byte| byte != 0) => {
                self.id = text::decode(value).into_owned();
            }
            b"retry" => self.retry = decimal(value).or(self.retry),
            _ => {}
        }
        Ok(false)
    }

    /// Ends an event block; `true` when it is an event, which one without data is not.
    fn dispatch(&mut self) -> bool {
        self.last_event_id.clone_from(&self.id);
        self.dispatched = std::mem::take(&mut self.has_data);
        if !self.dispatched {
            self.event.clear();
        }
        self.dispatched
    }

    fn event(&self) -> Event<'_> {
        Event {
            event: match self.event.as_slice() {
                b"" => Cow::Borrowed("message"),
                name => text::decode(name),
            },
            data: text::decode(&self.data),
            id: &self.last_event_id,
        }
    }

    /// Whether the event stays under the cap with this line, or with what has arrived of it. A line of data counts by
    /// its value, any other by its length, so that the verdict is the same however the bytes are cut.
    fn check_size(&self, line: &[u8]) -> Result<(), EventTooLarge> {
        let line = if self.first_line { line.strip_prefix(BOM).unwrap_or(line) } else { line };
        let size = match line.strip_prefix(b"data") {
            None if b"data".starts_with(line) => 0,
            Some([]) => usize::from(self.has_data),
            Some([b':', value @ ..]) => usize::from(self.has_data) + value.strip_prefix(b" ").unwrap_or(value).len(),
            _ => line.len(),
        };
        if self.data.len() + size > self.max_event_bytes {
            return Err(EventTooLarge);
        }
        Ok(())
    }
}

/// Empties a buffer, and keeps its memory where it is of a usual size.
pub(crate) fn empty(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > MAX_SPARE {
        *buffer = Vec::new();
    }
}

/// Where the first CR or LF stands; the length where there is none.
fn find_line_end(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    // Lines are long: eight bytes are looked at in one step, and only the word with an end in it byte by byte.
    let skip = 8 * words.iter().take_while(|word| !has_line_end(u64::from_le_bytes(**word))).count();
    let rest = bytes.get(skip..).unwrap_or_default();
    skip + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
}

/// Whether one of the eight bytes is a CR or an LF: a byte minus one borrows into its top bit only where it was zero.
fn has_line_end(word: u64) -> bool {
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    has_zero(word ^ (ONES * b'\n' as u64)) | has_zero(word ^ (ONES * b'\r' as u64)) != 0
}
