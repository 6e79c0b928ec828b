//! From the bytes of a streamed answer to its chunks, and to the verdict on how it ended.

use crate::dialect::openai::{self, Message, Progress};
use crate::error::{Error, Kind};
use crate::json;
use crate::sse::{Decoder, EventTooLarge};

/// How much is kept of an answer that has not become an event stream, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// Decodes one streamed chat completion.
///
/// Chunks come out as JSON text, in batches: one for each [`feed`](Self::feed). An error of the stream is held back
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
            end: None,
        }
    }

    /// Decodes the next bytes: the chunks that they finish, as the text of a JSON array, or an empty text when there
    /// are none. Bytes after the end are ignored.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        let mut batch = String::new();
        if self.has_ended() {
            return batch;
        }
        if !self.any && self.head.len() < MAX_HEAD {
            self.head.extend(bytes.iter().take(MAX_HEAD - self.head.len()));
        }
        let Self { decoder, progress, status, any, end, .. } = self;
        let fed = decoder.feed(bytes, |event| {
            *any = true;
            match openai::read_event(&event.event, &event.data, progress) {
                Ok(Message::Chunk) => {
                    batch.push(if batch.is_empty() { '[' } else { ',' });
                    batch.push_str(&event.data);
                    return true;
                }
                Ok(Message::Done) => *end = Some(Ok(())),
                Ok(Message::Error) => *end = Some(Err(Error::from_response(*status, &event.data))),
                Err(cause) => *end = Some(Err(malformed(cause).with_status(*status))),
            }
            false
        });
        if let Err(EventTooLarge) = fed {
            *end = Some(Err(Error::new(
                Kind::MalformedResponse,
                "An event of the stream is larger than chatmux accepts (128 MiB).",
            )
            .with_status(*status)));
        }
        if !batch.is_empty() {
            batch.push(']');
        }
        if self.any {
            self.head = Vec::new();
        }
        batch
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
                let head = String::from_utf8_lossy(&self.head);
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
