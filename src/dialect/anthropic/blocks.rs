//! The blocks that OpenAI's messages have no word for, as items of `reasoning_details`, and back: thinking and its
//! signature, what is redacted, and what the provider's own tools said. Nothing in them is changed on the way.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>

use super::FORMAT;
use crate::dialect::translate::{is_made_by, is_string};
use crate::json::{Tree, Value, Writer};

/// What an item holds.
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
    pub fn of(kind: Value<'_>) -> Self {
        if is_string(kind, "thinking") {
            Self::Text
        } else if is_string(kind, "redacted_thinking") {
            Self::Encrypted
        } else {
            Self::Other
        }
    }

    /// Begins the item with this index; its model is said once.
    pub fn begin(self, out: &mut Writer, index: u64, model: Option<&str>) {
        out.begin_object();
        out.member("type", self.kind());
        out.key("index");
        out.number(index);
        out.member("format", FORMAT);
        if let Some(model) = model {
            out.member("model", model);
        }
    }

    /// Writes a whole block as the item with this index.
    pub fn write(self, out: &mut Writer, index: u64, model: &str, block: Value<'_>) {
        self.begin(out, index, Some(model));
        match self {
            Self::Text => {
                text_member(out, block.at("thinking"));
                // A block without one is still being written.
                if !is_string(block.at("signature"), "") {
                    out.member_copy("signature", block.at("signature"));
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

/// Writes the `text` of an item.
pub fn text_member(out: &mut Writer, text: Value<'_>) {
    out.key("text");
    out.begin_string();
    out.copy_text(text);
    out.end_string();
}

/// Writes an item of `reasoning_details` as the block that it was. Why that cannot be done, where it cannot.
pub fn write_back(out: &mut Writer, item: Value<'_>, model: &str) -> Result<(), &'static str> {
    let kind = item.at("type");
    if is_string(kind, "thinking") || is_string(kind, "redacted_thinking") {
        // As it came, which is how some endpoints of OpenAI's form hand out Claude's blocks.
        out.copy(item);
        return Ok(());
    }
    if !is_string(item.at("format"), FORMAT) {
        return Err("another vendor made it, or nobody knows who");
    }
    if !is_made_by(item, FORMAT, model) {
        return Err("another model made it");
    }
    let (data, signature) = (item.at("data"), item.at("signature"));
    if is_string(kind, Item::Text.kind()) {
        if !signature.starts(b'"') {
            return Err("it has no signature");
        }
        out.begin_object();
        out.member("type", "thinking");
        out.key("thinking");
        out.begin_string();
        out.copy_text(item.at("text"));
        out.end_string();
        out.member_copy("signature", signature);
        out.end_object();
        return Ok(());
    }
    let Some(text) = data.string() else { return Err("nothing is in it that Anthropic takes") };
    if is_string(kind, Item::Encrypted.kind()) {
        out.begin_object();
        out.member("type", "redacted_thinking");
        out.member_copy("data", data);
        out.end_object();
        return Ok(());
    }
    let mut block = Tree::whole();
    let number = block.add(&text.text()).ok().filter(|&number| block.value(number).starts(b'{'));
    match number.filter(|_| is_string(kind, Item::Other.kind())) {
        Some(number) => out.raw(block.value(number).raw()),
        None => return Err("nothing is in it that Anthropic takes"),
    }
    Ok(())
}
