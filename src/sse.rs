//! Server-sent events: bytes in, events out, by the WHATWG standard.
//!
//! The decoder owns no IO. It is fed the bytes of a response in whatever pieces they arrive and hands each finished
//! event to a callback. Rules and their names follow
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use std::borrow::Cow;

use crate::text::decimal;

/// The default cap on one event: 128 MiB of data, and as much for any other line.
pub const MAX_EVENT_BYTES: usize = 128 << 20;

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
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes.first() == Some(&b'\n') {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                return self.check_size(&self.line);
            };
            let (head, tail) = bytes.split_at(end);
            self.after_cr = tail.first() == Some(&b'\r');
            bytes = tail.get(1..).unwrap_or_default();

            let go_on = if self.line.is_empty() {
                self.take_line(head, &mut on_event)?
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                let go_on = self.take_line(&line, &mut on_event)?;
                line.clear();
                self.line = line;
                go_on
            };
            if !go_on {
                break;
            }
        }
        Ok(())
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

    /// Interprets one whole line; `false` when the caller wants no more events.
    fn take_line(
        &mut self,
        mut line: &[u8],
        on_event: &mut impl FnMut(Event<'_>) -> bool,
    ) -> Result<bool, EventTooLarge> {
        self.check_size(line)?;
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.dispatch(on_event));
        }
        let colon = line.iter().position(|&b| b == b':');
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
            b"id" if !value.contains(&0) => {
                self.id = String::from_utf8_lossy(value).into_owned();
            }
            b"retry" => self.retry = decimal(value).or(self.retry),
            _ => {}
        }
        Ok(true)
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>) -> bool) -> bool {
        self.last_event_id.clone_from(&self.id);
        let mut go_on = true;
        if std::mem::take(&mut self.has_data) {
            go_on = on_event(Event {
                event: match self.event.as_slice() {
                    b"" => Cow::Borrowed("message"),
                    name => String::from_utf8_lossy(name),
                },
                data: String::from_utf8_lossy(&self.data),
                id: &self.last_event_id,
            });
            self.data.clear();
        }
        self.event.clear();
        go_on
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
