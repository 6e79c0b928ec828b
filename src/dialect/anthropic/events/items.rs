//! What must come back in the next turn, as items of `reasoning_details`.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>

use super::super::blocks::{self, Item, has_text, signature, text_member};
use super::{Block, Events, Kept, Sort};
use crate::dialect::layout::{Content, Position};
use crate::json::{Tree, Value, Writer};
use crate::repair::MAX_INDEX;
use crate::text::concat;

impl Events {
    /// Where an item of the reasoning stands that comes now. Where a tool stands for the form of the answer, the text that
    /// is told is not the one that came, and the items are before it.
    fn mark(&mut self) -> Position {
        let at = self.layout.mark();
        if self.back.has_answer_tool { Position::default() } else { at }
    }

    /// Writes a mark, if this must not change places with what came last.
    pub(super) fn keep_apart(&mut self, next: Content, out: &mut Writer) {
        if !self.layout.needs_mark(next) || self.items > MAX_INDEX || self.back.has_answer_tool {
            return;
        }
        let number = self.items;
        self.items = number + 1;
        self.change();
        self.chunks.begin_delta(out);
        out.key("reasoning_details");
        out.begin_list();
        blocks::write_mark(out, number.into(), self.layout.mark(), &self.back.model);
        out.end_list();
        self.chunks.end_delta(out);
    }

    /// Writes what an item of the reasoning begins with.
    pub(super) fn begin_item(&mut self, block: Value<'_>, out: &mut Writer) -> Sort {
        let number = self.items;
        self.items = number.saturating_add(1);
        let at = self.mark();
        let item = Item::of(block.at("type"));
        // With a higher index its parts could not be put together.
        let is_told = item != Item::Other && number <= MAX_INDEX;
        let thinking = block.at("thinking");
        let has_words = item == Item::Text && has_text(thinking);
        if is_told || has_words {
            self.chunks.begin_delta(out);
            if has_words {
                text_member(out, "reasoning_content", thinking);
            }
            if is_told {
                out.key("reasoning_details");
                out.begin_list();
                item.write(out, number.into(), at, &self.back.model, block);
                out.end_list();
            }
            self.chunks.end_delta(out);
        }
        match item {
            Item::Text if is_told => Sort::Thinking(number),
            _ if is_told => Sort::Done,
            _ => Sort::Kept(number, at, Kept::new(block)),
        }
    }

    /// Reads a part of a thought.
    pub(super) fn read_thinking(&mut self, index: u64, delta: Value<'_>, out: &mut Writer) {
        let block = self.place(index).and_then(|place| self.open.get(place));
        let Some(&Block { sort: Sort::Thinking(number), .. }) = block else {
            // It was not begun: what there is of it begins it.
            self.end_block(index, out);
            let [thinking, signature] = ["thinking", "signature"].map(|name| match delta.at(name) {
                text if text.starts(b'"') => text.raw(),
                _ => "\"\"",
            });
            let json = concat(&[r#"{"type":"thinking","thinking":"#, thinking, r#","signature":"#, signature, "}"]);
            let mut block = Tree::default();
            if let Ok(root) = block.add(&json) {
                let sort = self.begin_item(block.value(root), out);
                self.open(index, sort, out);
            }
            return;
        };
        let thinking = delta.at("thinking");
        let has_words = has_text(thinking);
        let signature = signature(delta);
        if !has_words && signature.is_none() {
            return;
        }
        self.chunks.begin_delta(out);
        if has_words {
            text_member(out, "reasoning_content", thinking);
        }
        out.key("reasoning_details");
        out.begin_list();
        Item::Text.begin(out, number.into(), None);
        if has_words {
            text_member(out, "text", thinking);
        }
        if let Some(signature) = signature {
            out.member_copy("signature", signature);
        }
        out.end_object();
        out.end_list();
        self.chunks.end_delta(out);
    }
}
