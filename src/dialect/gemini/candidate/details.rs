//! What must come back in the next turn, as items of `reasoning_details`.
//!
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>

use super::super::FORMAT;
use super::super::sorts::Sort;
use super::{Candidate, begins_call, parts};
use crate::dialect::layout::Content;
use crate::dialect::translate::said;
use crate::json::{Length, Value, Writer};

/// The list of a delta's items, which begins with the first of them.
struct Details<'o> {
    out: &'o mut Writer,
    has_begun: bool,
}

impl Details<'_> {
    fn out(&mut self) -> &mut Writer {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.out.key("reasoning_details");
            self.out.begin_list();
        }
        self.out
    }

    fn end(self) {
        if self.has_begun {
            self.out.end_list();
        }
    }
}

impl Candidate {
    /// Writes what must come back in the next turn: the thoughts, the signatures of all parts but calls, the parts for
    /// which OpenAI has no form, and where all of them stand.
    pub(super) fn write_details(&mut self, candidate: Value<'_>, model: &str, out: &mut Writer) {
        let mut details = Details { out, has_begun: false };
        for part in parts(candidate) {
            let sort = Sort::of(part);
            let is_signed = said(part, "thoughtSignature").is_some();
            let goes_on = matches!(sort, Sort::Thought | Sort::Nothing);
            if !goes_on && self.thought.take().is_some() {
                self.revision += 1;
            }
            let length = part.at("text").string().map_or(0, |text| Length::of(text.raw().as_bytes()).bytes);
            let content = match sort {
                Sort::Text => Some((Content::Text, length)),
                Sort::Image => Some((Content::Image, 1)),
                Sort::Call if begins_call(part) => Some((Content::Call, 1)),
                _ => None,
            };
            if matches!(sort, Sort::Thought | Sort::Other) || is_signed && matches!(sort, Sort::Text | Sort::Image) {
                self.write_detail(part, sort, model, details.out());
            } else if content.is_some_and(|(content, amount)| amount > 0 && self.layout.needs_mark(content)) {
                self.write_detail(part, Sort::Nothing, model, details.out());
            }
            if let Some((content, amount)) = content {
                self.layout.add(content, amount);
                // The length of the text is counted without reading the events, too.
                self.revision += u32::from(content != Content::Text);
            }
        }
        details.end();
    }

    /// Writes the item for a part, or a mark.
    fn write_detail(&mut self, part: Value<'_>, sort: Sort, model: &str, out: &mut Writer) {
        let signature = said(part, "thoughtSignature");
        let known = self.thought.filter(|_| matches!(sort, Sort::Thought));
        let index = known.unwrap_or(self.details);
        if known.is_none() {
            self.details += 1;
            self.revision += 1;
        }
        out.begin_object();
        match sort {
            Sort::Thought => {
                out.member("type", "reasoning.text");
                out.member_copy("text", part.at("text"));
                if let Some(signature) = signature {
                    out.member_copy("signature", signature);
                }
                let goes_on = signature.is_none();
                if self.thought.is_some() != goes_on {
                    self.revision += 1;
                }
                self.thought = Some(index).filter(|_| goes_on);
            }
            Sort::Text | Sort::Image => {
                out.member("type", "reasoning.encrypted");
                if let Some(signature) = signature {
                    out.member_copy("data", signature);
                }
                if matches!(sort, Sort::Image) {
                    out.key("image");
                    out.number(self.layout.position().images as u64);
                } else {
                    let length = part.at("text").string().map_or(0, |text| text.text().len());
                    out.key("text_bytes");
                    out.number(length as u64);
                }
            }
            Sort::Nothing => {
                out.member("type", "reasoning.text");
                out.member("text", "");
            }
            Sort::Other | Sort::Call => {
                out.member("type", "reasoning.server_tool_call");
                out.key("part");
                out.copy(part);
            }
        }
        // Whoever puts the deltas together makes one of all that have the same index.
        if known.is_none() {
            self.layout.mark().write(out);
        }
        out.member("format", FORMAT);
        out.key("index");
        out.number(index.into());
        if known.is_none() && !model.is_empty() {
            out.member("model", model);
        }
        out.end_object();
    }
}
