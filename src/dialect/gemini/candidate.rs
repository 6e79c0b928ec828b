//! One candidate of an answer: its parts as the deltas of a choice.
//!
//! <https://ai.google.dev/api/caching#Part>

mod details;

use std::borrow::Cow;

use super::arguments::{Arguments, Part};
use super::sorts::{Sort, has_text};
use super::{citations, logprobs};
use crate::dialect::layout::{Content, Layout};
use crate::dialect::openai::Malformed;
use crate::dialect::translate::{WayBack, is_string, said};
use crate::json::{Length, RawString, Value, Writer, inside};
use crate::repair::MAX_INDEX;
use crate::text::{concat, push_decimal};

/// What has come of a candidate.
#[derive(Debug, Default)]
pub struct Candidate {
    pub index: u32,
    pub revision: u32,
    has_role: bool,
    has_content: bool,
    /// How many calls have begun, and the one that goes on.
    calls: u32,
    open: Option<Open>,
    /// How many items of reasoning have begun, and the one of thoughts that goes on.
    details: u32,
    thought: Option<u32>,
    /// What of the message has come so far.
    layout: Layout,
    /// The text, where places in it may be asked for, where each part begins in it, and what the last part was.
    text: Option<String>,
    starts: Vec<usize>,
    last: Option<Sort>,
    /// As it came last: why it has finished, and what is said of that.
    finish: String,
    message: String,
    /// What it rests on, as it came last.
    grounding: String,
    /// The sources that it cites.
    citations: Vec<String>,
    /// Its members that OpenAI has no form for, as they came last: their names and their values.
    extras: Vec<(String, String)>,
}

#[derive(Debug)]
struct Open {
    index: u32,
    is_custom: bool,
    arguments: Arguments,
}

/// How a candidate has ended.
pub enum End {
    /// With this finish reason.
    Reason(&'static str),
    /// With an answer that is none: what to say of that, and Gemini's reason.
    Failure(String, String),
    /// It has not.
    Cut,
}

/// How many members are kept that OpenAI has no form for.
const MAX_EXTRAS: usize = 32;
/// Of how many parts it is known where they begin.
const MAX_PARTS: usize = 1024;
/// How many sources are kept.
const MAX_CITATIONS: usize = 1024;

impl Candidate {
    pub fn new(index: u32) -> Self {
        Self { index, ..Self::default() }
    }

    /// Takes over what is held back until the end.
    pub fn note(&mut self, candidate: Value<'_>, may_cite: bool) {
        for member in candidate.children().filter(|member| !member.starts(b'n')) {
            let is_text = member.starts(b'"');
            match &*member.key().text() {
                "content" | "index" | "logprobsResult" => {}
                "finishReason" if is_string(member, "FINISH_REASON_UNSPECIFIED") => {}
                "finishReason" if is_text => self.revision += keep(&mut self.finish, member),
                "finishMessage" if is_text => self.revision += keep(&mut self.message, member),
                // The last events may have an empty one.
                "groundingMetadata" => {
                    if self.grounding.is_empty() || member.at("groundingChunks").items().next().is_some() {
                        self.revision += keep(&mut self.grounding, member);
                    }
                }
                "citationMetadata" => self.note_citations(member),
                name => self.note_extra(name, member),
            }
        }
        if may_cite {
            let known = self.text.get_or_insert_default();
            for part in parts(candidate) {
                let sort = Sort::of(part);
                // A stream has a part in pieces, and does not say where the next one begins.
                if sort != Sort::Nothing && self.last.replace(sort) != Some(sort) && self.starts.len() < MAX_PARTS {
                    self.starts.push(known.len());
                }
                if sort == Sort::Text {
                    known.push_str(&part.at("text").string().map(|text| text.text()).unwrap_or_default());
                }
                self.revision += 1;
            }
        }
    }

    /// Each event may have its own sources, or all of them so far.
    fn note_citations(&mut self, metadata: Value<'_>) {
        for source in ["citationSources", "citations"].iter().flat_map(|name| metadata.at(name).items()) {
            if self.citations.len() < MAX_CITATIONS && self.citations.iter().all(|known| known != source.raw()) {
                self.citations.push(source.raw().to_owned());
                self.revision += 1;
            }
        }
    }

    /// Keeps the verdicts on the prompt, which are JSON, or empty.
    pub fn note_ratings(&mut self, ratings: &str) {
        if !ratings.is_empty() {
            self.extras.push(("safetyRatings".to_owned(), ratings.to_owned()));
        }
    }

    fn note_extra(&mut self, name: &str, value: Value<'_>) {
        if let Some((_, known)) = self.extras.iter_mut().find(|(known, _)| known == name) {
            self.revision += keep(known, value);
        } else if self.extras.len() < MAX_EXTRAS {
            self.extras.push((name.to_owned(), value.raw().to_owned()));
            self.revision += 1;
        }
    }

    /// Whether there is anything in an event that is not held back.
    pub fn has_news(&self, candidate: Value<'_>) -> bool {
        candidate.get("logprobsResult").is_some()
            || parts(candidate).any(|part| !matches!(Sort::of(part), Sort::Nothing))
    }

    /// Writes the choice that an event comes to. Whether the parts of its calls fit together.
    pub fn write(
        &mut self,
        candidate: Value<'_>,
        back: &WayBack,
        call_id: &str,
        out: &mut Writer,
    ) -> Result<bool, Malformed> {
        out.begin_object();
        out.key("index");
        out.number(self.index.into());
        out.key("delta");
        out.begin_object();
        let texts = || parts(candidate).filter(|part| matches!(Sort::of(*part), Sort::Text) && has_text(*part));
        let speaks = texts().next().is_some();
        self.write_role(if speaks { None } else { Some("null") }, Some("null"), out);
        if speaks {
            self.revision += u32::from(!self.has_content);
            self.has_content = true;
            write_texts(out, "content", texts(), Some(self.index));
        }
        let thoughts = || parts(candidate).filter(|part| matches!(Sort::of(*part), Sort::Thought) && has_text(*part));
        if thoughts().next().is_some() {
            write_texts(out, "reasoning_content", thoughts(), None);
        }
        self.write_details(candidate, &back.model, out);
        let fits = self.write_calls(candidate, back, call_id, out)?;
        self.write_images(candidate, out);
        out.end_object();
        if let Some(result) = candidate.get("logprobsResult") {
            logprobs::write(result, out);
        }
        out.member_raw("finish_reason", "null");
        out.end_object();
        Ok(fits)
    }

    /// Writes what the first delta has besides its news, as OpenAI's have it.
    fn write_role(&mut self, content: Option<&str>, refusal: Option<&str>, out: &mut Writer) {
        if self.has_role {
            return;
        }
        self.has_role = true;
        self.revision += 1;
        out.member("role", "assistant");
        for (name, value) in [("content", content), ("refusal", refusal)] {
            if let Some(value) = value {
                out.member_raw(name, value);
            }
        }
    }

    /// So much text was in an event that was not read.
    pub fn add_length(&mut self, length: Length) {
        self.layout.add(Content::Text, length.bytes);
    }

    fn write_calls(
        &mut self,
        candidate: Value<'_>,
        back: &WayBack,
        call_id: &str,
        out: &mut Writer,
    ) -> Result<bool, Malformed> {
        let (mut fits, mut has_begun) = (true, false);
        for part in parts(candidate).filter(|part| matches!(Sort::of(*part), Sort::Call)) {
            let call = part.at("functionCall");
            let name = call.at("name");
            let begins = begins_call(part);
            self.revision += 1;
            if begins {
                // The one before lacks its end, and may lack more.
                fits &= self.open.take().is_none();
                if self.calls > MAX_INDEX {
                    return Err(Malformed::Index);
                }
                let is_custom = name.string().is_some_and(|name| back.customs.iter().any(|custom| name == **custom));
                self.open = Some(Open { index: self.calls, is_custom, arguments: Arguments::default() });
                self.calls += 1;
            }
            let Some(mut open) = self.open.take() else {
                // The end of a call that has ended says nothing; anything more belongs to no call.
                fits &= call.children().next().is_none() && said(part, "thoughtSignature").is_none();
                continue;
            };
            if !has_begun {
                out.key("tool_calls");
                out.begin_list();
                has_begun = true;
            }
            out.begin_object();
            out.key("index");
            out.number(open.index.into());
            let (kind, content) = if open.is_custom { ("custom", "input") } else { ("function", "arguments") };
            if begins {
                out.key("id");
                out.begin_string();
                self.write_id(call.at("id"), call_id, open.index, out);
                out.end_string();
                out.member("type", kind);
            }
            out.key(kind);
            out.begin_object();
            if begins {
                out.member_copy("name", name);
            }
            out.key(content);
            out.begin_string();
            fits &= open.write_arguments(call, out);
            out.end_string();
            out.end_object();
            if let Some(signature) = said(part, "thoughtSignature") {
                write_signature(signature, if begins { &back.model } else { "" }, out);
            }
            out.end_object();
            self.open = Some(open).filter(|_| goes_on(call));
        }
        if has_begun {
            out.end_list();
        }
        Ok(fits)
    }

    /// Writes the id of a call: its own, or else one that is the same whenever the answer is read.
    fn write_id(&self, id: Value<'_>, call_id: &str, index: u32, out: &mut Writer) {
        if id.starts(b'"') && id.bytes().len() > 2 {
            return out.copy_text(id);
        }
        let mut place = String::from("_");
        if self.index > 0 {
            push_decimal(&mut place, self.index.into());
            place.push('_');
        }
        push_decimal(&mut place, index.into());
        out.push_text(call_id);
        out.push_text(&place);
    }

    /// Pictures, as OpenRouter and others have them: <https://openrouter.ai/docs/features/multimodal/image-generation>.
    fn write_images(&self, candidate: Value<'_>, out: &mut Writer) {
        let mut images = parts(candidate).filter(|part| matches!(Sort::of(*part), Sort::Image)).peekable();
        if images.peek().is_none() {
            return;
        }
        out.key("images");
        out.begin_list();
        for part in images {
            let data = part.at("inlineData");
            out.begin_object();
            out.member("type", "image_url");
            out.key("image_url");
            out.begin_object();
            out.key("url");
            out.begin_string();
            out.push_text("data:");
            out.copy_text(data.at("mimeType"));
            out.push_text(";base64,");
            out.copy_text(data.at("data"));
            out.end_string();
            out.end_object();
            out.end_object();
        }
        out.end_list();
    }

    /// How it has ended, if the bytes have. Where the prompt was refused it need not say so itself, nor where it is known
    /// to be whole.
    pub fn end(&self, is_blocked: bool, is_whole: bool) -> End {
        let native = &*unquote(&self.finish);
        let reason = match native {
            "" if is_blocked => return End::Reason("content_filter"),
            "" if !is_whole => return End::Cut,
            "" | "STOP" if self.calls > 0 => "tool_calls",
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE" => {
                let said = unquote(&self.message).into_owned();
                let message = if said.is_empty() { "Gemini has written no valid answer.".to_owned() } else { said };
                return End::Failure(message, native.to_owned());
            }
            "MAX_TOKENS" => return End::Reason("length"),
            "SAFETY"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "RECITATION"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "MODEL_ARMOR" => return End::Reason("content_filter"),
            _ => "stop",
        };
        // A call of which the end is missing is a part of one.
        if self.open.is_some() { End::Cut } else { End::Reason(reason) }
    }

    /// Writes the choice that says how it has ended.
    pub fn write_end(&mut self, block: Option<(&str, &str)>, is_whole: bool, out: &mut Writer) {
        let End::Reason(reason) = self.end(block.is_some(), is_whole) else { return };
        let block = block.filter(|_| self.finish.is_empty());
        out.begin_object();
        out.key("index");
        out.number(self.index.into());
        out.key("delta");
        out.begin_object();
        self.write_role(None, block.is_none().then_some("null"), out);
        if !self.has_content && self.calls == 0 {
            out.member("content", "");
        }
        if let Some((reason, _)) = block {
            out.member("refusal", &concat(&["blocked: ", &unquote(reason)]));
        }
        citations::write(&self.grounding, &self.citations, self.text.as_deref(), &self.starts, out);
        out.end_object();
        out.member("finish_reason", reason);
        let (native, message) = block.unwrap_or((&self.finish, &self.message));
        out.member_raw("native_finish_reason", if native.is_empty() { "null" } else { native });
        if !message.is_empty() {
            out.member_raw("native_finish_message", message);
        }
        self.write_extras(out);
        out.end_object();
    }

    /// Writes what OpenAI has no form for, beside the finish reason, under the name that Google's own OpenAI-compatible
    /// endpoint has for such.
    fn write_extras(&self, out: &mut Writer) {
        if self.extras.is_empty() && self.grounding.is_empty() && self.citations.is_empty() {
            return;
        }
        out.key("extra_content");
        out.begin_object();
        out.key("google");
        out.begin_object();
        if !self.grounding.is_empty() {
            out.member_raw("groundingMetadata", &self.grounding);
        }
        if !self.citations.is_empty() {
            out.key("citationMetadata");
            out.begin_object();
            out.key("citationSources");
            out.begin_list();
            for source in &self.citations {
                out.raw(source);
            }
            out.end_list();
            out.end_object();
        }
        for (name, value) in &self.extras {
            out.member_raw(name, value);
        }
        out.end_object();
        out.end_object();
    }
}

impl Open {
    /// Writes what an event adds to the arguments, as a part of a string. Whether it fits to what came before.
    fn write_arguments(&mut self, call: Value<'_>, out: &mut Writer) -> bool {
        let (mut text, mut fits) = (String::new(), true);
        let parts = call.at("partialArgs");
        for part in parts.items() {
            let path = part.at("jsonPath").string().map(|path| path.text()).unwrap_or_default();
            let string = part.at("stringValue");
            if self.is_custom {
                out.copy_text(string);
                continue;
            }
            let value = if string.starts(b'"') {
                Part::Text(std::str::from_utf8(inside(string.bytes())).unwrap_or_default(), goes_on(part))
            } else if part.get("nullValue").is_some() {
                Part::Json("null")
            } else if let Some(value) = said(part, "numberValue").or_else(|| said(part, "boolValue")) {
                Part::Json(value.raw())
            } else {
                continue;
            };
            fits &= self.arguments.add(&path, value, &mut text).is_some();
        }
        let whole = call.at("args");
        let is_first = !self.arguments.has_begun() && parts.items().next().is_none();
        if whole.starts(b'{') && is_first && !goes_on(call) {
            match whole.get("input").filter(|input| self.is_custom && input.starts(b'"')) {
                Some(input) => out.copy_text(input),
                None => out.push_json(whole),
            }
            return fits;
        }
        if self.is_custom {
            return fits;
        }
        for member in whole.children() {
            let path = concat(&["$[\"", member.key().raw(), "\"]"]);
            fits &= self.arguments.add(&path, Part::Json(member.raw()), &mut text).is_some();
        }
        if !goes_on(call) {
            self.arguments.finish(&mut text);
        }
        out.push_text(&text);
        fits
    }
}

/// Keeps a value as JSON. How many changes that was.
fn keep(kept: &mut String, value: Value<'_>) -> u32 {
    let is_new = value.raw() != kept;
    if is_new {
        kept.clear();
        kept.push_str(value.raw());
    }
    is_new.into()
}

/// The text of a JSON string.
fn unquote(json: &str) -> Cow<'_, str> {
    RawString::new(json.get(1..json.len().saturating_sub(1)).unwrap_or_default()).text()
}

fn parts(candidate: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    candidate.at("content").at("parts").items()
}

/// Whether a part begins a call: what goes on has no name.
fn begins_call(part: Value<'_>) -> bool {
    let name = part.at("functionCall").at("name");
    name.starts(b'"') && name.bytes().len() > 2
}

fn goes_on(value: Value<'_>) -> bool {
    value.at("willContinue").bytes() == b"true"
}

/// Writes the texts of parts as one, and of which choice that is the text.
fn write_texts<'a>(out: &mut Writer, name: &str, parts: impl Iterator<Item = Value<'a>>, choice: Option<u32>) {
    out.key(name);
    out.begin_string();
    for part in parts {
        match choice {
            Some(choice) => out.copy_content(part.at("text"), choice),
            None => out.copy_text(part.at("text")),
        }
    }
    out.end_string();
}

/// Writes the signature of a call where Google's own OpenAI-compatible endpoint has it, and which model made it:
/// <https://ai.google.dev/gemini-api/docs/thought-signatures>.
fn write_signature(signature: Value<'_>, model: &str, out: &mut Writer) {
    out.key("extra_content");
    out.begin_object();
    out.key("google");
    out.begin_object();
    out.member_copy("thought_signature", signature);
    if !model.is_empty() {
        out.member("model", model);
    }
    out.end_object();
    out.end_object();
}
