//! The handle that JavaScript feeds: one streamed answer, from the reader of its body to the text of its chunks.

use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::failure::Failure;
use super::reply::Reply;
use crate::batch::Batch;
use crate::error::Error;
use crate::stream::ChunkStream;

/// A streamed answer whose headers have arrived. The iteration itself is JavaScript's: it reads `body`, hands the
/// bytes to `feed`, and calls `close` when it is done, however that came about.
#[wasm_bindgen]
pub struct ChunkSource {
    stream: ChunkStream,
    batch: Batch,
    body: JsValue,
    /// Holds the listener on the caller's signal until the stream is closed.
    reply: Reply,
}

impl ChunkSource {
    /// The stream of this reply.
    pub fn new(reply: Reply, body: JsValue) -> Self {
        reply.stop_clock();
        Self { stream: ChunkStream::new(reply.status()), batch: Batch::default(), reply, body }
    }

    /// The chunks of the last read.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    fn failure(&self, error: Error) -> Box<Failure> {
        self.reply.finish(error.into())
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

    /// Whether the stream is over, so that nothing more need be read.
    #[wasm_bindgen(getter)]
    pub fn ended(&self) -> bool {
        self.stream.has_ended()
    }

    /// Decodes the next bytes. Returns where the numbers of the chunks that they finish are in the memory of the module,
    /// until the next bytes are fed; how to read them is said in `src/batch.rs`.
    pub fn feed(&mut self, bytes: &[u8]) -> *const u32 {
        self.batch.clear();
        self.stream.push(bytes, |piece| self.batch.add(&piece));
        self.batch.finish().as_ptr()
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

    /// Lets go of the caller's signal.
    pub fn close(&mut self) {
        self.reply.close();
    }
}
