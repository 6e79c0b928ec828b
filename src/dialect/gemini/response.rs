//! Answers of `generateContent` and events of `streamGenerateContent`, which have the same form, as OpenAI's chunks.
//!
//! <https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse>

use super::candidate::{Candidate, End};
use super::error::{error_of, failure};
use crate::dialect::openai::{DONE, ErrorObject, Malformed};
use crate::dialect::translate::{Step, Usage, WayBack, count, error_body, said};
use crate::error::{Error, Kind};
use crate::json::{self, Length, Tree, Value, Writer, write_string};
use crate::partial::Partial;
use crate::repair::MAX_INDEX;
use crate::sse::MAX_SPARE;
use crate::text::{concat, decimal, push_decimal};

/// Reads a whole answer, and writes it as OpenAI's `chat.completion`, made at this time (in seconds since 1970).
///
/// It is read as a stream of one event would be, so that both come to the same; a list of events is one too, as Google
/// sends it to whom has not asked for events.
///
/// <https://ai.google.dev/api/generate-content#method:-models.generatecontent>
///
/// # Errors
/// That which the body reports, and one of [`Kind::MalformedResponse`] where it is no answer.
pub fn read_response(body: &str, back: &WayBack, created: u64) -> Result<String, Error> {
    let malformed = || Error::new(Kind::MalformedResponse, "The answer is not one of Gemini's `generateContent`.");
    let mut events = Events::new(WayBack { include_usage: false, ..back.clone() }, created);
    let mut out = Writer::default();
    // A list of events may have been cut; one object is whole, whether it says why it ends or not.
    events.is_whole = body.trim_ascii_start().starts_with('{');
    for is_end in [false, true] {
        let step = if is_end {
            events.finish(&mut out)
        } else {
            events.read_event("", body, &mut out).map_err(|_| malformed())?
        };
        if let Step::Failed(body) = step {
            // What a stream is cut off for, a whole answer lacks.
            return Err(if events.is_cut { malformed() } else { Error::from_response(events.status, &body) });
        }
    }
    events.write_usage(&mut out);
    let mut completion = Partial::default();
    for chunk in out.texts() {
        completion.add(chunk);
    }
    Ok(completion.json())
}

/// How long an id or the name of a model may be, in bytes and with its quotes.
const MAX_NAME: usize = 512;

/// The reader of one stream, and what is known of it.
///
/// <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>
#[derive(Debug)]
pub struct Events {
    back: WayBack,
    created: u64,
    tree: Tree,
    /// The members that all chunks have in common; empty until the first event has come.
    head: String,
    /// What the ids of calls begin with that have none.
    call_id: String,
    candidates: Vec<Candidate>,
    usage: Option<Usage>,
    tier: &'static str,
    /// Why the prompt was refused, as JSON strings: the reason and what is said of it.
    block: Option<(String, String)>,
    /// The verdicts behind that, as JSON.
    ratings: String,
    /// The status that a failure stands for.
    status: u16,
    is_cut: bool,
    /// Whether it needs no finish reason.
    is_whole: bool,
    revision: u32,
}

impl Events {
    /// The answer to a request, made at this time (in seconds since 1970).
    #[must_use]
    pub fn new(back: WayBack, created: u64) -> Self {
        Self {
            back,
            created,
            tree: Tree::whole(),
            head: String::new(),
            call_id: String::new(),
            candidates: Vec::new(),
            usage: None,
            tier: "",
            block: None,
            ratings: String::new(),
            status: 200,
            is_cut: false,
            is_whole: false,
            revision: 0,
        }
    }

    /// A number that changes whenever something does that the chunks of later events depend on. The usage is not among
    /// that: whoever leaves out an event has its usage read with [`read_usage`](Self::read_usage) unless another follows.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.candidates.iter().fold(self.revision, |sum, candidate| sum.wrapping_add(candidate.revision))
    }

    /// So much text of a candidate was in an event that was not read.
    pub fn add_length(&mut self, candidate: u32, length: Length) {
        if let Some(known) = self.candidates.iter_mut().find(|known| known.index == candidate) {
            known.add_length(length);
        }
    }

    /// Reads one event, and writes the chunk that it comes to, if any. Gemini's events have no names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_event(&mut self, _name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed> {
        if data == DONE {
            // Not Google's, but that of some who stand between it and its callers.
            return Ok(self.finish(out));
        }
        let mut tree = std::mem::take(&mut self.tree);
        tree.clear(MAX_SPARE);
        let step = tree.add(data).map_err(Malformed::from).and_then(|root| self.read(tree.value(root), out));
        self.tree = tree;
        step
    }

    /// Reads an event, or several in a list: where nobody has asked for events, the stream is one list of them.
    fn read(&mut self, events: Value<'_>, out: &mut Writer) -> Result<Step, Malformed> {
        if !events.starts(b'[') {
            return self.read_one(events, out);
        }
        for event in events.items() {
            let step = self.read_one(event, out)?;
            if step != Step::Going {
                return Ok(step);
            }
        }
        Ok(Step::Going)
    }

    fn read_one(&mut self, event: Value<'_>, out: &mut Writer) -> Result<Step, Malformed> {
        if let Some(error) = error_of(event, 200) {
            return Ok(self.fail(&error));
        }
        if !event.starts(b'{') {
            return Err(json::Error::Syntax.into());
        }
        self.begin(event);
        self.note_usage(event);
        let feedback = event.at("promptFeedback");
        if let Some(reason) = said(feedback, "blockReason").filter(|reason| reason.starts(b'"')) {
            let message = said(feedback, "blockReasonMessage").filter(|text| text.starts(b'"'));
            self.block = Some((reason.raw().to_owned(), message.map_or("", Value::raw).to_owned()));
            self.revision += 1;
            if let Some(ratings) = said(feedback, "safetyRatings") {
                self.ratings = ratings.raw().to_owned();
            }
        }
        let candidates = event.at("candidates");
        let mut has_news = false;
        for candidate in candidates.items() {
            let at = self.place(candidate)?;
            if let Some(known) = self.candidates.get_mut(at) {
                known.note(candidate, self.back.may_cite);
                has_news |= known.has_news(candidate);
            }
        }
        if !has_news {
            return Ok(Step::Going);
        }
        self.begin_chunk(out);
        let mut fits = true;
        for candidate in candidates.items() {
            let at = self.place(candidate)?;
            let Some(known) = self.candidates.get_mut(at).filter(|known| known.has_news(candidate)) else { continue };
            fits &= known.write(candidate, &self.back, &self.call_id, out)?;
        }
        self.end_chunk(out);
        if fits {
            return Ok(Step::Going);
        }
        let message = "The arguments of a call came in parts that do not fit together.";
        Ok(self.fail(&failure(message, "MALFORMED_RESPONSE")))
    }

    /// Takes over what all chunks have in common.
    fn begin(&mut self, event: Value<'_>) {
        if !self.head.is_empty() {
            return;
        }
        self.revision += 1;
        let mut created = String::new();
        push_decimal(&mut created, self.created);
        // They are told with each chunk.
        let of =
            |name| said(event, name).filter(|value| value.starts(b'"') && (3..MAX_NAME).contains(&value.bytes().len()));
        let id = of("responseId").map_or(&*created, |id| id.raw().get(1..id.raw().len() - 1).unwrap_or_default());
        self.call_id = concat(&["call_", id]);
        let mut asked = String::new();
        write_string(&mut asked, &self.back.model);
        let model = of("modelVersion").map_or(&*asked, Value::raw);
        let id = if of("responseId").is_some() { id.to_owned() } else { concat(&["chatcmpl-", id]) };
        let parts =
            ["\"id\":\"", &id, "\",\"object\":\"chat.completion.chunk\",\"created\":", &created, ",\"model\":", model];
        self.head = concat(&parts);
    }

    /// The place of a candidate among those that are known.
    fn place(&mut self, candidate: Value<'_>) -> Result<usize, Malformed> {
        let index = match candidate.at("index").bytes() {
            [] | [b'n', ..] => 0,
            digits => decimal(digits).filter(|index| *index <= MAX_INDEX).ok_or(Malformed::Index)?,
        };
        let known = self.candidates.iter().position(|known| known.index == index);
        Ok(known.unwrap_or_else(|| {
            self.candidates.push(Candidate::new(index));
            self.candidates.len() - 1
        }))
    }

    /// Reads what an event says of the usage, and nothing else of it.
    pub fn read_usage(&mut self, data: &str) {
        let mut tree = std::mem::take(&mut self.tree);
        tree.clear(MAX_SPARE);
        if let Ok(root) = tree.add(data) {
            self.note_usage(tree.value(root));
        }
        self.tree = tree;
    }

    /// The counts are those of the whole answer so far: the last ones count.
    fn note_usage(&mut self, event: Value<'_>) {
        let usage = event.at("usageMetadata");
        let of = |name| count(usage.at(name));
        if usage.get("promptTokenCount").is_some() || usage.get("totalTokenCount").is_some() {
            let thoughts = of("thoughtsTokenCount");
            self.usage = Some(Usage {
                prompt: of("promptTokenCount").saturating_add(of("toolUsePromptTokenCount")),
                cached: of("cachedContentTokenCount"),
                cache_write: None,
                completion: of("candidatesTokenCount").saturating_add(thoughts),
                reasoning: Some(thoughts),
            });
        }
        if let Some(tier) = usage.at("serviceTier").string() {
            let tiers = [("standard", "default"), ("flex", "flex"), ("priority", "priority")];
            self.tier = tiers.iter().find(|(theirs, _)| tier == **theirs).map_or(self.tier, |&(_, ours)| ours);
        }
    }

    fn begin_chunk(&self, out: &mut Writer) {
        out.begin_text();
        out.begin_object();
        out.raw(&self.head);
        out.key("choices");
        out.begin_list();
    }

    fn end_chunk(&self, out: &mut Writer) {
        out.end_list();
        if self.back.include_usage {
            out.member_raw("usage", "null");
        }
        out.end_object();
    }

    fn fail(&mut self, error: &ErrorObject) -> Step {
        self.status = error.status.unwrap_or(502);
        Step::Failed(concat(&["{\"error\":", &error.json, "}"]))
    }

    /// The end of the bytes, which is the only mark that Gemini's streams have: writes what was held back until nothing
    /// else can come, since the reason to finish may come before the last call of a tool does.
    pub fn finish(&mut self, out: &mut Writer) -> Step {
        if self.candidates.is_empty() && self.block.is_some() {
            let mut candidate = Candidate::new(0);
            candidate.note_ratings(&self.ratings);
            self.candidates.push(candidate);
        }
        let is_blocked = self.block.is_some();
        let mut failed = None;
        self.is_cut = self.candidates.is_empty();
        for candidate in &self.candidates {
            match candidate.end(is_blocked, self.is_whole) {
                End::Reason(_) => {}
                End::Failure(message, reason) => failed = failed.or(Some(failure(&message, &reason))),
                End::Cut => self.is_cut = true,
            }
        }
        if let Some(error) = failed {
            self.is_cut = false;
            return self.fail(&error);
        }
        if self.is_cut {
            let message = "The stream was cut in the middle of the answer: it ended without a finish reason.";
            return Step::Failed(error_body(message, "stream_truncated"));
        }
        self.begin_chunk(out);
        let block = self.block.as_ref().map(|(reason, message)| (&**reason, &**message));
        for candidate in &mut self.candidates {
            candidate.write_end(block, self.is_whole, out);
        }
        self.end_chunk(out);
        if self.back.include_usage {
            self.write_usage(out);
        }
        Step::Finished
    }

    /// Writes the chunk that has the usage, if that is known.
    fn write_usage(&self, out: &mut Writer) {
        let Some(usage) = self.usage else { return };
        self.begin_chunk(out);
        out.end_list();
        out.key("usage");
        out.begin_object();
        usage.write(out);
        out.end_object();
        if !self.tier.is_empty() {
            out.member("service_tier", self.tier);
        }
        out.end_object();
    }
}
