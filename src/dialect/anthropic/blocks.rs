//! The blocks that OpenAI's messages have no word for, as items of `reasoning_details`, and back: thinking and its
//! signature, what is redacted, and what the provider's own tools said. Nothing in them is changed on the way.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>

use super::FORMAT;
use crate::dialect::layout::Position;
use crate::dialect::translate::{is_made_by, is_string, said};
use crate::json::{Tree, Value, Writer};

/// What an item of `reasoning_details` holds, by OpenRouter's names for it.
///
/// <https://openrouter.ai/docs/use-cases/reasoning-tokens>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Thinking, in words.
    Text,
    /// Thinking that was redacted.
    Encrypted,
    /// Any other block, as it came.
    Other,
}

impl Item {
    fn kind(self) -> &'static str {
        match self {
            Self::Text => "reasoning.text",
            Self::Encrypted => "reasoning.encrypted",
            Self::Other => "reasoning.server_tool_call",
        }
    }

    /// What holds a block of this type.
    #[must_use]
    pub fn of(kind: Value<'_>) -> Self {
        if is_string(kind, "thinking") {
            Self::Text
        } else if is_string(kind, "redacted_thinking") {
            Self::Encrypted
        } else {
            Self::Other
        }
    }

    /// Begins the item with this index; the model that made it is said once.
    pub fn begin(self, out: &mut Writer, index: u64, model: Option<&str>) {
        out.begin_object();
        out.member("type", self.kind());
        out.key("index");
        out.number(index);
        out.member("format", FORMAT);
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            out.member("model", model);
        }
    }

    /// Writes a whole block as the item with this index, and what of the message came before it.
    pub fn write(self, out: &mut Writer, index: u64, at: Position, model: &str, block: Value<'_>) {
        self.begin(out, index, Some(model));
        at.write(out);
        match self {
            Self::Text => {
                text_member(out, "text", block.at("thinking"));
                if let Some(signature) = signature(block) {
                    out.member_copy("signature", signature);
                }
            }
            Self::Encrypted => out.member_copy("data", block.at("data")),
            Self::Other => {
                // A text, so that nobody who puts deltas together looks into it.
                out.key("data");
                out.begin_string();
                out.push_json(block);
                out.end_string();
            }
        }
        out.end_object();
    }
}

/// Writes the item with this index as a mark.
pub fn write_mark(out: &mut Writer, index: u64, at: Position, model: &str) {
    Item::Text.begin(out, index, Some(model));
    at.write(out);
    out.member("text", "");
    out.end_object();
}

/// Writes a member that is a string, whatever the value is.
pub fn text_member(out: &mut Writer, name: &str, text: Value<'_>) {
    out.key(name);
    out.begin_string();
    out.copy_text(text);
    out.end_string();
}

/// The signature of a block or an item. An empty one stands where none has come yet.
#[must_use]
pub fn signature(block: Value<'_>) -> Option<Value<'_>> {
    said(block, "signature").filter(|signature| has_text(*signature))
}

/// Whether a value is a string that is not empty.
#[must_use]
pub fn has_text(value: Value<'_>) -> bool {
    value.starts(b'"') && value.bytes().len() > 2
}

/// Writes an item of `reasoning_details` back as the block that it was, for a request to this model.
///
/// # Errors
/// Why that cannot be done, where it cannot: then nothing was written.
pub fn write_back(out: &mut Writer, item: Value<'_>, model: &str) -> Result<(), &'static str> {
    let kind = item.at("type");
    // Some endpoints of OpenAI's form hand out Claude's blocks as they came: those need not say who made them.
    let is_block = is_string(kind, "thinking") || is_string(kind, "redacted_thinking");
    match said(item, "format") {
        Some(format) if is_string(format, FORMAT) => {}
        None if is_block => {}
        _ => return Err("another vendor made it, or nobody knows who"),
    }
    if !is_block && !is_made_by(item, FORMAT, model) {
        return Err("another model made it");
    }
    if is_string(kind, "thinking") || is_string(kind, Item::Text.kind()) {
        let Some(signature) = signature(item) else { return Err("it has no signature") };
        out.begin_object();
        out.member("type", "thinking");
        text_member(out, "thinking", item.at(if is_block { "thinking" } else { "text" }));
        out.member_copy("signature", signature);
        out.end_object();
        return Ok(());
    }
    const NOTHING: &str = "nothing is in it that Anthropic takes";
    let data = item.at("data");
    let Some(text) = data.string() else { return Err(NOTHING) };
    if is_block || is_string(kind, Item::Encrypted.kind()) {
        out.begin_object();
        out.member("type", "redacted_thinking");
        out.member_copy("data", data);
        out.end_object();
        return Ok(());
    }
    let mut block = Tree::whole();
    let number = block.add(&text.text()).ok().filter(|_| is_string(kind, Item::Other.kind()));
    match number.map(|number| block.value(number)).filter(|block| block.starts(b'{')) {
        Some(block) => {
            out.raw(block.raw());
            Ok(())
        }
        None => Err(NOTHING),
    }
}
