//! The handle that JavaScript feeds: one streamed answer, from the reader of its body to the text of its chunks.

use js_sys::Math;
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::failure::Failure;
use super::options::Options;
use super::reply::Reply;
use crate::batch::Batch;
use crate::error::{Error, Kind};
use crate::stream::ChunkStream;
use crate::text::concat;

/// A streamed answer whose headers have arrived. The iteration itself is JavaScript's: it reads `body`, puts the bytes
/// into the `room` made for them, has them decoded by `feed`, and calls `close` when it is done, however that came about.
#[wasm_bindgen]
pub struct ChunkSource {
    stream: ChunkStream,
    batch: Batch,
    /// Whether only the text is wanted.
    text_only: bool,
    /// Where the parts of the completion are in memory.
    parts: Vec<u32>,
    body: JsValue,
    /// The time allowed until the first event, for a silence after it, and for all that is left, in milliseconds.
    limits: [f64; 3],
    /// How many tries came before the one that was answered.
    retries: u32,
    /// Holds the listener on the caller's signal until the stream is closed.
    reply: Reply,
}

impl ChunkSource {
    /// The stream of this reply, which came after so many `retries`, when there were `left_ms` for all of it.
    pub fn new(reply: Reply, body: JsValue, options: &Options, left_ms: f64, retries: u32) -> Self {
        reply.stop_clock();
        let half = || u64::from((Math::random() * 4_294_967_296.0) as u32);
        let seed = half() << 32 | half();
        Self {
            stream: ChunkStream::new(reply.status())
                .with_max_event_bytes(options.max_event_bytes)
                .with_max_bytes(options.max_response_bytes as usize)
                .with_seed(seed),
            batch: Batch::default(),
            text_only: false,
            parts: Vec::new(),
            body,
            limits: [options.first_event_ms, options.idle_ms, left_ms],
            retries,
            reply,
        }
    }

    /// The same, but the events need not be those of a chat completion.
    #[must_use]
    pub fn of_any_events(mut self, is_any: bool) -> Self {
        self.stream = self.stream.of_any_events(is_any);
        self
    }

    /// The chunks of the last read.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Whether the stream is over, so that nothing more need be read.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.stream.has_ended()
    }

    fn failure(&self, error: Error) -> Box<Failure> {
        let mut failure = self.reply.finish(error.into());
        failure.retries = self.retries;
        failure
    }
}

#[wasm_bindgen]
impl ChunkSource {
    /// The body of the response: a stream of the web, or of Node where a caller's `fetch` gives one.
    #[wasm_bindgen(getter, unchecked_return_type = "ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>")]
    pub fn body(&self) -> JsValue {
        self.body.clone()
    }

    /// Ends the request.
    #[wasm_bindgen(getter)]
    pub fn controller(&self) -> AbortController {
        self.reply.controller()
    }

    /// From now on only the text of the first choice is handed out.
    #[wasm_bindgen(js_name = textOnly)]
    pub fn text_only(&mut self) {
        self.text_only = true;
    }

    /// Where the next bytes go in the memory of the module: room for `length` of them, where what the last numbers say is
    /// left is too little. The chunks of the last read are taken.
    pub fn room(&mut self, length: usize) -> *mut u8 {
        self.stream.room(length).as_mut_ptr()
    }

    /// Decodes the next `length` bytes. Returns where the numbers of the items that they finish are in the memory of the
    /// module, until there is room for the next bytes; how to read them is said in `src/batch.rs`.
    pub fn feed(&mut self, length: usize) -> *const u32 {
        let Self { stream, batch, text_only, .. } = self;
        batch.clear();
        stream.decode(length, |piece| if *text_only { batch.add_text_of(&piece) } else { batch.add(&piece) });
        batch.finish(stream).as_ptr()
    }

    /// The completion as assembled so far, when so many chunks of the last read were taken. Returns where the numbers
    /// are that say where its JSON is: how many parts it has, how many bytes in all, and of each part the place and the
    /// length.
    pub fn partial(&mut self, taken: usize) -> *const u32 {
        let Self { stream, parts, .. } = self;
        parts.clear();
        parts.extend([0, 0]);
        let partial = stream.partial_after(taken);
        let mut length = 0;
        if !partial.is_empty() {
            // Addresses in wasm have 32 bits.
            partial.write(&mut |part| {
                length += part.len();
                parts.extend([part.as_ptr() as u32, part.len() as u32]);
            });
        }
        let count = parts.len() / 2 - 1;
        for (slot, number) in parts.iter_mut().zip([count, length]) {
            *slot = number as u32;
        }
        parts.as_ptr()
    }

    /// The verdict, once the chunks before it are delivered: throws error data when the stream did not end well.
    ///
    /// # Errors
    /// What [`ChunkStream::finish`] says.
    pub fn finish(&self) -> Result<(), JsValue> {
        self.stream.finish().map_err(|error| self.failure(error).into())
    }

    /// The error data for a body that broke off with `cause`.
    #[wasm_bindgen(unchecked_return_type = "unknown")]
    pub fn broken(&self, #[wasm_bindgen(unchecked_param_type = "unknown")] cause: JsValue) -> JsValue {
        self.failure(self.stream.truncated()).caused_by(cause).into()
    }

    /// The time allowed until the first event, for a silence after it, and for all that is left, in milliseconds.
    pub fn limit(&self, number: usize) -> f64 {
        self.limits.get(number).copied().unwrap_or(f64::INFINITY)
    }

    /// The error data for a stream that has reached one of its limits.
    #[wasm_bindgen(js_name = timedOut, unchecked_return_type = "unknown")]
    pub fn timed_out(&self, limit: usize) -> JsValue {
        let (what, name) = match limit {
            0 => ("no event came", "firstEventTimeout"),
            1 => ("it was silent", "idleTimeout"),
            _ => ("it went on", "totalTimeout"),
        };
        let message = concat(&["The stream timed out: ", what, " for longer than `", name, "` allows."]);
        self.failure(Error::new(Kind::StreamTimeout, message)).into()
    }

    /// Lets go of the caller's signal.
    pub fn close(&mut self) {
        self.reply.close();
    }
}
