//! How an answer ends.
//!
//! <https://platform.claude.com/docs/en/api/handling-stop-reasons>

use crate::dialect::translate::said;
use crate::json::{Tree, Value, Writer};

/// What is said of the end, as JSON; empty until it is.
#[derive(Debug, Default)]
pub struct End {
    reason: String,
    sequence: String,
    details: String,
    /// What the next turn needs of the whole answer: the container that code runs in, and what was cleared.
    container: String,
    context_management: String,
}

impl End {
    /// Takes over what is said.
    pub fn read(&mut self, said_in: Value<'_>) {
        let End { reason, sequence, details, container, context_management } = self;
        for (name, kept) in [
            ("stop_reason", reason),
            ("stop_sequence", sequence),
            ("stop_details", details),
            ("container", container),
            ("context_management", context_management),
        ] {
            if let Some(value) = said(said_in, name) {
                value.raw().clone_into(kept);
            }
        }
    }

    /// Writes the `refusal` of a message, where there is one.
    pub fn write_refusal(&self, out: &mut Writer) {
        let mut tree = Tree::whole();
        let root = tree.add(if self.details.is_empty() { "null" } else { &self.details });
        let explanation = root.ok().and_then(|root| tree.value(root).get("explanation"));
        if let Some(explanation) = explanation.filter(|it| it.starts(b'"') && self.reason == "\"refusal\"") {
            // Not from the event that is read.
            out.member_raw("refusal", explanation.raw());
        }
    }

    /// Writes the members of a choice that say why.
    pub fn write_reasons(&self, has_calls: bool, out: &mut Writer) {
        out.member("finish_reason", finish_reason(&self.reason, has_calls));
        write_said(
            [
                ("native_finish_reason", &self.reason),
                ("native_finish_details", &self.details),
                // By vLLM's name: which of the sequences it was.
                ("stop_reason", &self.sequence),
            ],
            out,
        );
    }

    /// Writes the members of a completion that the next turn needs.
    pub fn write_extras(&self, out: &mut Writer) {
        write_said([("container", &self.container), ("context_management", &self.context_management)], out);
    }
}

fn write_said<const N: usize>(members: [(&str, &String); N], out: &mut Writer) {
    for (name, json) in members.into_iter().filter(|(_, json)| !json.is_empty()) {
        out.member_raw(name, json);
    }
}

/// OpenAI's finish reason for Anthropic's, as JSON: <https://platform.claude.com/docs/en/api/handling-stop-reasons>.
fn finish_reason(native: &str, has_calls: bool) -> &'static str {
    match native {
        "\"max_tokens\"" | "\"model_context_window_exceeded\"" => "length",
        "\"refusal\"" => "content_filter",
        // Whatever is said of the end, it is the caller's turn.
        _ if has_calls => "tool_calls",
        _ => "stop",
    }
}
