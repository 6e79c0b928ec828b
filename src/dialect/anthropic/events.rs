//! Anthropic's streams as OpenAI's chunks.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>

mod items;

use super::blocks::{has_text, text_member};
use super::chunks::Chunks;
use super::citations;
use super::custom::{self, Input};
use super::end::End;
use super::kept::Kept;
use super::response::read_error;
use super::usage::Counts;
use crate::dialect::layout::{Content, Layout, Position};
use crate::dialect::openai::{DONE, Malformed};
use crate::dialect::translate::{ANSWER_TOOL, Step, WayBack, count, error_body, is_string, said, shown};
use crate::json::{self, Length, Tree, Value, Writer, inside};
use crate::repair::MAX_INDEX;
use crate::sse::MAX_SPARE;
use crate::text::concat;

/// How many blocks may be open at a time. Anthropic's come one after the other.
const MAX_OPEN: usize = 16;

/// What is known of a stream.
#[derive(Debug)]
pub struct Events {
    back: WayBack,
    created: u64,
    tree: Tree,
    revision: u32,
    chunks: Chunks,
    open: Vec<Block>,
    /// How many items of reasoning have begun, and how many calls.
    items: u32,
    calls: u32,
    has_content: bool,
    /// Whether the tool that stands for the form of the answer was called.
    has_answer: bool,
    /// What has come so far, and how long the text of it is as JavaScript counts: citations point into it.
    layout: Layout,
    length: u64,
    /// What is not told until it is known whether it is the answer or only leads to it: the inside of a string of JSON,
    /// and annotations.
    held: String,
    held_annotations: String,
    counts: Counts,
    end: End,
    has_ended: bool,
}

/// A block that is open.
#[derive(Debug)]
struct Block {
    index: u64,
    sort: Sort,
}

/// What a block is to a message.
#[derive(Debug)]
enum Sort {
    /// A part of its text: where it begins, and what it rests on, as JSON.
    Text { start: u64, citations: Vec<String> },
    /// The item of the reasoning with this number, told as it comes.
    Thinking(u32),
    /// The item of the reasoning with this number and place, told when it is whole.
    Kept(u32, Position, Kept),
    /// The call with this number of a function: what it began with, and whether any arguments have come since.
    Function { call: u32, input: String, has_json: bool },
    /// The call with this number of a custom tool.
    Custom { call: u32, input: String, json: Option<Input> },
    /// The text, said to a tool.
    Answer { input: String, has_json: bool },
    /// Nothing more.
    Done,
}

impl Events {
    /// The answer to a request, made at this time (in seconds since 1970).
    #[must_use]
    pub fn new(back: WayBack, created: u64) -> Self {
        Self {
            back,
            created,
            tree: Tree::whole(),
            revision: 0,
            chunks: Chunks::default(),
            open: Vec::new(),
            items: 0,
            calls: 0,
            has_content: false,
            has_answer: false,
            layout: Layout::default(),
            length: 0,
            held: String::new(),
            held_annotations: String::new(),
            counts: Counts::default(),
            end: End::default(),
            has_ended: false,
        }
    }

    /// A number that changes whenever something does that later chunks depend on. Where an event leaves it as it was, one
    /// that differs only in strings that were copied, none of them empty, becomes the same chunks with its own strings.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// So much text was in an event that was not read.
    pub fn add_length(&mut self, length: Length) {
        self.length = self.length.saturating_add(length.units);
        self.layout.add(Content::Text, length.bytes);
    }

    fn change(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }

    /// Reads one event, and writes the chunks that it comes to: `ping` and events that nobody knows come to none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_event(&mut self, name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed> {
        if self.has_ended || data == DONE {
            return Ok(Step::Going);
        }
        let mut tree = std::mem::take(&mut self.tree);
        tree.clear(MAX_SPARE);
        let step = match tree.add(data) {
            Ok(root) => self.read(name, tree.value(root), out),
            // A plain text is a message; JSON that is cut short may quote what the model wrote, and is malformed.
            Err(_)
                if name == "error" && !matches!(data.trim_ascii_start().bytes().next(), Some(b'{' | b'[' | b'"')) =>
            {
                Ok(self.fail(error_body(data, "server_error"), out))
            }
            Err(error) => Err(error.into()),
        };
        self.tree = tree;
        step
    }

    fn read(&mut self, name: &str, event: Value<'_>, out: &mut Writer) -> Result<Step, Malformed> {
        let kind = event.at("type").string().map(|kind| kind.text()).unwrap_or_default();
        let index = || count(event.at("index"));
        match &*kind {
            "message_start" => self.read_message(event.at("message"), out)?,
            "content_block_start" => {
                self.begin(event, out);
                self.begin_block(index(), event.at("content_block"), out)?;
            }
            "content_block_delta" => {
                self.begin(event, out);
                self.read_delta(index(), event.at("delta"), out)?;
            }
            "content_block_stop" => self.end_block(index(), out),
            "message_delta" => {
                self.note(event.at("delta"));
                self.note(event);
            }
            "message_stop" => {
                self.begin(event, out);
                self.end(out);
                return Ok(Step::Finished);
            }
            "error" | "" if !kind.is_empty() || name == "error" || said(event, "error").is_some() => {
                let body = match read_error(event.raw(), 200) {
                    Some(error) => concat(&[r#"{"error":"#, &error.json, "}"]),
                    None => error_body(&shown(event), "server_error"),
                };
                return Ok(self.fail(body, out));
            }
            _ if !event.starts(b'{') => return Err(json::Error::Syntax.into()),
            _ => {}
        }
        Ok(Step::Going)
    }

    /// Reads a message, whole or as it begins.
    ///
    /// # Errors
    /// When it calls more tools than there are indexes.
    pub fn read_message(&mut self, message: Value<'_>, out: &mut Writer) -> Result<(), Malformed> {
        let is_first = !self.chunks.have_begun();
        self.begin(message, out);
        self.note(message);
        // Some endpoints say it twice.
        let blocks = message.at("content").items().enumerate().filter(|_| is_first);
        for (index, block) in blocks {
            self.begin_block(index as u64, block, out)?;
            self.end_block(index as u64, out);
        }
        Ok(())
    }

    /// Writes the first chunk, and takes over what all chunks have in common from the message.
    fn begin(&mut self, message: Value<'_>, out: &mut Writer) {
        if self.chunks.have_begun() {
            return;
        }
        self.change();
        self.chunks = Chunks::new(message, &self.back, self.created);
        self.chunks.begin_delta(out);
        out.raw(r#""role":"assistant","content":null,"refusal":null"#);
        self.chunks.end_delta(out);
    }

    /// Takes over what is said of the end, and what was counted.
    fn note(&mut self, said_in: Value<'_>) {
        self.change();
        self.end.read(said_in);
        if let Some(usage) = said(said_in, "usage") {
            self.counts.read(usage);
        }
    }

    fn begin_block(&mut self, index: u64, block: Value<'_>, out: &mut Writer) -> Result<(), Malformed> {
        self.end_block(index, out);
        let kind = block.at("type");
        let sort = if is_string(kind, "text") {
            let citations = block.at("citations").items().map(|citation| citation.raw().to_owned()).collect();
            let sort = Sort::Text { start: self.length, citations };
            self.write_text(block.at("text"), out);
            sort
        } else if is_string(kind, "tool_use") {
            self.begin_call(block, out)?
        } else {
            self.begin_item(block, out)
        };
        self.open(index, sort, out);
        Ok(())
    }

    fn open(&mut self, index: u64, sort: Sort, out: &mut Writer) {
        self.change();
        if let Some(oldest) = self.open.first().filter(|_| self.open.len() >= MAX_OPEN) {
            self.end_block(oldest.index, out);
        }
        self.open.push(Block { index, sort });
    }

    /// Writes what a call begins with.
    fn begin_call(&mut self, block: Value<'_>, out: &mut Writer) -> Result<Sort, Malformed> {
        let name = block.at("name");
        let input = said(block, "input").map_or("", |input| input.raw()).to_owned();
        if self.back.has_answer_tool && is_string(name, ANSWER_TOOL) {
            if std::mem::replace(&mut self.has_answer, true) {
                // An answer is one text of JSON.
                return Ok(Sort::Done);
            }
            self.held.clear();
            self.held_annotations.clear();
            return Ok(Sort::Answer { input, has_json: false });
        }
        let call = self.calls;
        if call > MAX_INDEX {
            return Err(Malformed::Index);
        }
        self.calls += 1;
        self.layout.add(Content::Call, 1);
        let is_custom = self.back.customs.iter().any(|custom| is_string(name, custom));
        let (kind, content) = if is_custom { ("custom", "input") } else { ("function", "arguments") };
        self.chunks.begin_delta(out);
        out.key("tool_calls");
        out.begin_list();
        out.begin_object();
        out.key("index");
        out.number(call.into());
        out.member_copy("id", block.at("id"));
        out.member("type", kind);
        out.key(kind);
        out.begin_object();
        out.member_copy("name", name);
        out.member(content, "");
        out.end_object();
        out.end_object();
        out.end_list();
        self.chunks.end_delta(out);
        Ok(if is_custom {
            Sort::Custom { call, input, json: None }
        } else {
            Sort::Function { call, input, has_json: false }
        })
    }

    /// Writes a part of the text.
    fn write_text(&mut self, text: Value<'_>, out: &mut Writer) {
        if !has_text(text) {
            return;
        }
        self.keep_apart(Content::Text, out);
        self.add_length(Length::of(inside(text.bytes())));
        if self.back.has_answer_tool {
            if !self.has_answer {
                self.held.push_str(std::str::from_utf8(inside(text.bytes())).unwrap_or_default());
            }
            return self.change();
        }
        self.begin_content(out);
        out.copy_content(text, 0);
        self.end_content(out);
    }

    /// Begins a delta of the text, up to the string of it.
    fn begin_content(&mut self, out: &mut Writer) {
        if !std::mem::replace(&mut self.has_content, true) {
            self.change();
        }
        self.chunks.begin_delta(out);
        out.key("content");
        out.begin_string();
    }

    fn end_content(&self, out: &mut Writer) {
        out.end_string();
        self.chunks.end_delta(out);
    }

    fn place(&self, index: u64) -> Option<usize> {
        self.open.iter().position(|block| block.index == index)
    }

    fn read_delta(&mut self, index: u64, delta: Value<'_>, out: &mut Writer) -> Result<(), Malformed> {
        let kind = delta.at("type").string().map(|kind| kind.text()).unwrap_or_default();
        let place = self.place(index);
        let block = place.and_then(|place| self.open.get_mut(place));
        if let Some(Block { sort: Sort::Kept(_, _, kept), .. }) = block {
            kept.add(delta);
            self.change();
            let thinking = delta.at("thinking");
            if has_text(thinking) {
                self.chunks.begin_delta(out);
                text_member(out, "reasoning_content", thinking);
                self.chunks.end_delta(out);
            }
            return Ok(());
        }
        match &*kind {
            "text_delta" => self.write_text(delta.at("text"), out),
            "thinking_delta" | "signature_delta" => self.read_thinking(index, delta, out),
            "citations_delta" => {
                let citation = delta.at("citation").raw().to_owned();
                if let Some(Block { sort: Sort::Text { citations, .. }, .. }) = block {
                    citations.push(citation);
                    self.change();
                } else {
                    self.end_block(index, out);
                    self.open(index, Sort::Text { start: self.length, citations: vec![citation] }, out);
                }
            }
            "input_json_delta" => return self.read_input(place, delta.at("partial_json"), out),
            _ => {}
        }
        Ok(())
    }

    /// Reads a part of what is said to a tool.
    fn read_input(&mut self, place: Option<usize>, part: Value<'_>, out: &mut Writer) -> Result<(), Malformed> {
        if !has_text(part) {
            return Ok(());
        }
        let Some(block) = place.and_then(|place| self.open.get_mut(place)) else { return Err(Malformed::Index) };
        match &mut block.sort {
            Sort::Function { call, has_json, .. } => {
                let (call, is_first) = (*call, !std::mem::replace(has_json, true));
                if is_first {
                    self.change();
                }
                self.chunks.begin_input(call, "function", "arguments", out);
                out.copy_text(part);
                self.chunks.end_input(out);
            }
            Sort::Custom { call, json, .. } => {
                let call = *call;
                let text = part.string().map(|part| part.text()).unwrap_or_default();
                let text = json.get_or_insert_default().add(&text);
                self.change();
                if !text.is_empty() {
                    self.chunks.begin_input(call, "custom", "input", out);
                    out.push_text(&text);
                    self.chunks.end_input(out);
                }
            }
            Sort::Answer { has_json, .. } => {
                if !std::mem::replace(has_json, true) {
                    self.change();
                }
                self.begin_content(out);
                out.copy_text(part);
                self.end_content(out);
            }
            Sort::Done => {}
            Sort::Text { .. } | Sort::Thinking(_) | Sort::Kept(..) => return Err(Malformed::Index),
        }
        Ok(())
    }

    fn end_block(&mut self, index: u64, out: &mut Writer) {
        let Some(block) = self.open.iter_mut().find(|block| block.index == index) else { return };
        let sort = std::mem::replace(&mut block.sort, Sort::Done);
        self.open.retain(|block| block.index != index);
        self.end_sort(sort, out);
    }

    /// Writes what a block comes to when it has ended.
    fn end_sort(&mut self, sort: Sort, out: &mut Writer) {
        self.change();
        match sort {
            Sort::Text { start, citations } => self.write_citations(start, &citations, out),
            Sort::Kept(number, at, kept) => kept.read(|item, block| {
                self.chunks.begin_delta(out);
                out.key("reasoning_details");
                out.begin_list();
                item.write(out, number.into(), at, &self.back.model, block);
                out.end_list();
                self.chunks.end_delta(out);
            }),
            Sort::Function { call, input, has_json: false } => {
                self.chunks.begin_input(call, "function", "arguments", out);
                custom::with_whole(&input, |input| out.push_json(input));
                self.chunks.end_input(out);
            }
            Sort::Custom { call, input, json } => {
                self.chunks.begin_input(call, "custom", "input", out);
                match json {
                    Some(mut json) => json.finish(out),
                    None => custom::with_whole(&input, |input| custom::write_input(out, input)),
                }
                self.chunks.end_input(out);
            }
            Sort::Answer { input, has_json: false } => {
                self.begin_content(out);
                custom::with_whole(&input, |input| out.push_json(input));
                self.end_content(out);
            }
            _ => {}
        }
    }

    fn write_citations(&mut self, start: u64, citations: &[String], out: &mut Writer) {
        if citations.is_empty() || self.has_answer {
            return;
        }
        let mut list = Writer::default();
        for citation in citations {
            let mut tree = Tree::whole();
            if let Ok(root) = tree.add(citation) {
                citations::write(&mut list, tree.value(root), start, self.length);
            }
        }
        if self.back.has_answer_tool {
            let comma = if self.held_annotations.is_empty() { "" } else { "," };
            self.held_annotations.push_str(comma);
            self.held_annotations.push_str(list.json());
            return;
        }
        self.chunks.begin_delta(out);
        out.key("annotations");
        out.begin_list();
        out.raw(list.json());
        out.end_list();
        self.chunks.end_delta(out);
    }

    /// Writes what was held back, since it has turned out to be the answer.
    fn release(&mut self, out: &mut Writer) {
        let (text, annotations) = (std::mem::take(&mut self.held), std::mem::take(&mut self.held_annotations));
        if text.is_empty() && annotations.is_empty() {
            return;
        }
        self.chunks.begin_delta(out);
        if !text.is_empty() {
            self.has_content = true;
            out.member_raw("content", &concat(&["\"", &text, "\""]));
        }
        if !annotations.is_empty() {
            out.key("annotations");
            out.begin_list();
            out.raw(&annotations);
            out.end_list();
        }
        self.chunks.end_delta(out);
    }

    /// Writes what comes last.
    pub fn end(&mut self, out: &mut Writer) {
        self.change();
        self.has_ended = true;
        for block in std::mem::take(&mut self.open) {
            self.end_sort(block.sort, out);
        }
        self.release(out);
        self.chunks.begin_delta(out);
        if !self.has_content && self.calls == 0 {
            out.member("content", "");
        }
        self.end.write_refusal(out);
        out.end_object();
        self.end.write_reasons(self.calls > 0, out);
        self.chunks.begin_extras(out);
        self.counts.write_tier(out);
        self.end.write_extras(out);
        out.end_object();
        if self.back.include_usage && self.counts.are_known() {
            self.chunks.begin_chunk(out);
            out.end_list();
            out.key("usage");
            self.counts.write(out);
            out.end_object();
        }
    }

    fn fail(&mut self, body: String, out: &mut Writer) -> Step {
        self.has_ended = true;
        if self.chunks.have_begun() {
            self.release(out);
        }
        Step::Failed(body)
    }

    /// The end of the bytes, which must come after `message_stop`.
    pub fn finish(&mut self, out: &mut Writer) -> Step {
        if self.has_ended {
            return Step::Finished;
        }
        let message = "The stream was cut in the middle of the answer: it ended without `message_stop`.";
        self.fail(error_body(message, "stream_truncated"), out)
    }
}
