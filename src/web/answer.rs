//! Successful responses, read: whole JSON, or the start of a stream.

use js_sys::JSON;
use wasm_bindgen::prelude::*;

use super::attempt::Attempt;
use super::failure::Failure;
use super::host;
use super::reply::Reply;
use super::stream::ChunkSource;
use crate::dialect::openai;
use crate::error::{Error, Kind};

/// A response with a status of success, its body still to be read.
pub struct Answer {
    reply: Reply,
    attempt: Attempt,
    key: String,
}

impl Answer {
    /// The answer to this try, which was sent with this key.
    pub fn new(reply: Reply, attempt: Attempt, key: String) -> Self {
        Self { reply, attempt, key }
    }

    /// The whole body, parsed by the host; `null` where the status says that there is none.
    pub async fn json(self) -> Result<JsValue, Failure> {
        self.read_json().await.map_err(|failure| self.finish(failure))
    }

    async fn read_json(&self) -> Result<JsValue, Failure> {
        if matches!(self.reply.status(), 204 | 205) {
            return Ok(JsValue::NULL);
        }
        let value = self.attempt.wait(&self.reply.json()).await.map_err(|failure| self.unreadable(failure))?;
        if !value.is_object() {
            return Err(self.unexpected("a JSON value that is no object"));
        }
        if host::get(&value, "error").is_truthy() {
            let text = JSON::stringify(&value).map(String::from).unwrap_or_default();
            return Err(Error::from_response(self.reply.status(), &text).into());
        }
        Ok(value)
    }

    /// The body as a stream of chunks. What is plainly no event stream is an error, with what the body says.
    pub async fn stream(self) -> Result<ChunkSource, Failure> {
        let media_type = self.reply.media_type();
        // Some servers send events without a type or as plain text; such a stream is judged by what is in it.
        if let ("" | "text/event-stream" | "text/plain", Some(body)) = (media_type.as_str(), self.reply.body()) {
            self.attempt.stop_clock();
            return Ok(ChunkSource::new(self.reply, body, self.attempt, self.key));
        }
        let failure = match self.reply.text(&self.attempt).await {
            Ok(text) if openai::is_error(&text) => Error::from_response(self.reply.status(), &text).into(),
            Ok(_) if media_type.is_empty() => self.unexpected("a body that is no stream"),
            Ok(_) => self.unexpected(&["`", &media_type, "`, not an event stream"].concat()),
            Err(failure) => failure,
        };
        Err(self.finish(failure))
    }

    fn finish(&self, failure: Failure) -> Failure {
        self.reply.describe(failure).redact(&self.key)
    }

    /// What it means that the body could not be read to its end or not be parsed.
    fn unreadable(&self, mut failure: Failure) -> Failure {
        if failure.error.kind != Kind::Connection {
            return failure;
        }
        if failure.is_syntax_error() {
            // The host's own message quotes the body, which may hold what must not be logged.
            let media_type = self.reply.media_type();
            return match media_type.as_str() {
                "" | "application/json" => self.unexpected("a body that is empty, cut short or no valid JSON"),
                other => self.unexpected(&["`", other, "`, not JSON"].concat()),
            };
        }
        let reason = std::mem::take(&mut failure.error.message);
        failure.error.message =
            ["Connection error: the connection was lost while the answer was being read (", &reason, ")."].concat();
        failure
    }

    fn unexpected(&self, what: &str) -> Failure {
        let message = [
            "The server answered with success, but sent ",
            what,
            ". Check that `baseURL` names the API itself, usually a path that ends in `/v1`.",
        ];
        Error::new(Kind::MalformedResponse, message.concat()).with_status(self.reply.status()).into()
    }
}
