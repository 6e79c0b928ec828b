//! Successful responses, read: whole JSON, or the start of a stream.

use js_sys::{Array, JSON};
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
    secrets: Vec<String>,
}

impl Answer {
    /// The answer to this try, which was sent with these keys.
    pub fn new(reply: Reply, attempt: Attempt, secrets: Vec<String>) -> Self {
        Self { reply, attempt, secrets }
    }

    /// The whole body, parsed by the host; `null` where the status says that there is none.
    pub async fn json(self) -> Result<JsValue, Failure> {
        self.read_json().await.map_err(|failure| self.finish(failure))
    }

    async fn read_json(&self) -> Result<JsValue, Failure> {
        if matches!(self.reply.status(), 204 | 205) {
            return Ok(JsValue::NULL);
        }
        let whole = self.reply.whole(&self.attempt).await.map_err(|failure| self.lost(failure))?;
        let value = if whole.is_string() { host::parse_json(&whole).map_err(|_| self.no_json())? } else { whole };
        if host::get(&value, "error").is_truthy() || Array::is_array(&value) {
            let text = JSON::stringify(&value).map(String::from).unwrap_or_default();
            if openai::is_error(&text) {
                return Err(Error::from_response(self.reply.status(), &text).into());
            }
        }
        if !value.is_object() || Array::is_array(&value) {
            return Err(self.unexpected("a JSON value that is no object"));
        }
        Ok(value)
    }

    /// The body as a stream of chunks. What is plainly no event stream is an error, with what the body says.
    pub async fn stream(self) -> Result<ChunkSource, Failure> {
        let media_type = self.reply.media_type();
        // Some servers send events without a type or as plain text; such a stream is judged by what is in it.
        if let ("" | "text/event-stream" | "text/plain", Some(body)) = (media_type.as_str(), self.reply.body()) {
            self.attempt.stop_clock();
            return Ok(ChunkSource::new(self.reply, body, self.attempt, self.secrets));
        }
        let failure = match self.reply.text(&self.attempt).await {
            Ok(text) if openai::is_error(&text) => Error::from_response(self.reply.status(), &text).into(),
            Ok(_) if matches!(media_type.as_str(), "" | "text/event-stream" | "text/plain") => {
                self.unexpected("a body that is no stream")
            }
            Ok(_) => self.unexpected(&["`", &media_type, "`, not an event stream"].concat()),
            Err(failure) => failure,
        };
        Err(self.finish(failure))
    }

    fn finish(&self, failure: Failure) -> Failure {
        self.reply.describe(failure).redact(&self.secrets)
    }

    /// The host's own message would quote the body, which may hold what must not be logged.
    fn no_json(&self) -> Failure {
        match self.reply.media_type().as_str() {
            "" | "application/json" => self.unexpected("a body that is empty, cut short or no valid JSON"),
            other => self.unexpected(&["`", other, "`, not JSON"].concat()),
        }
    }

    /// What it means that the body could not be read to its end.
    fn lost(&self, mut failure: Failure) -> Failure {
        if failure.error.kind != Kind::Connection {
            return failure;
        }
        if !self.reply.gives_text() {
            // The response parses its own body; what it says of it may quote it.
            return self.no_json();
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
