//! The chunks of one stream, of which most is the same.
//!
//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use super::blocks::has_text;
use crate::dialect::translate::{WayBack, said};
use crate::json::{Value, Writer, write_string};
use crate::text::{concat, push_decimal};

/// How long an id and the name of a model may be, in bytes: as they are in each chunk, longer ones would make much of
/// little.
const MAX_NAME: usize = 1024;

/// What all chunks of a stream have in common.
#[derive(Debug, Default)]
pub struct Chunks {
    /// Their first members; empty until the message has begun.
    head: String,
    has_usage: bool,
}

impl Chunks {
    /// The chunks of this message.
    pub fn new(message: Value<'_>, back: &WayBack, at: u64) -> Self {
        let of = |name| said(message, name).filter(|value| has_text(*value) && value.bytes().len() <= MAX_NAME);
        let (mut created, mut model) = (String::new(), String::new());
        push_decimal(&mut created, at);
        write_string(&mut model, &back.model);
        let id = match of("id") {
            Some(id) => id.raw().to_owned(),
            None => concat(&["\"chatcmpl-", &created, "\""]),
        };
        let model = of("model").map_or(&*model, |model| model.raw());
        let parts =
            ["\"id\":", &id, ",\"object\":\"chat.completion.chunk\",\"created\":", &created, ",\"model\":", model];
        Self { head: concat(&parts), has_usage: back.include_usage }
    }

    /// Whether there are any.
    pub fn have_begun(&self) -> bool {
        !self.head.is_empty()
    }

    /// Begins a chunk, up to its choices.
    pub fn begin_chunk(&self, out: &mut Writer) {
        out.begin_text();
        out.begin_object();
        out.raw(&self.head);
        out.key("choices");
        out.begin_list();
    }

    /// Begins a chunk of the only choice, up to the members of its delta.
    pub fn begin_delta(&self, out: &mut Writer) {
        self.begin_chunk(out);
        out.begin_object();
        out.member_raw("index", "0");
        out.key("delta");
        out.begin_object();
    }

    /// Ends the same.
    pub fn end_delta(&self, out: &mut Writer) {
        out.end_object();
        out.member_raw("finish_reason", "null");
        self.begin_extras(out);
        out.end_object();
    }

    /// Ends the choice and all choices; what comes next are other members of the chunk.
    pub fn begin_extras(&self, out: &mut Writer) {
        out.end_object();
        out.end_list();
        if self.has_usage {
            out.member_raw("usage", "null");
        }
    }

    /// Begins a delta that adds to what was said to a tool, up to the string of it.
    pub fn begin_input(&self, call: u32, kind: &str, content: &str, out: &mut Writer) {
        self.begin_delta(out);
        out.key("tool_calls");
        out.begin_list();
        out.begin_object();
        out.key("index");
        out.number(call.into());
        out.key(kind);
        out.begin_object();
        out.key(content);
        out.begin_string();
    }

    /// Ends the same.
    pub fn end_input(&self, out: &mut Writer) {
        out.end_string();
        out.end_object();
        out.end_object();
        out.end_list();
        self.end_delta(out);
    }
}
