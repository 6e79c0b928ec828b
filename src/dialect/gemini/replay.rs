//! What the assistant has said before, as the turn of the model that it was: thoughts and signatures go back byte for
//! byte, each on its own part, if the model that is asked now has made them.
//!
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>

use super::FORMAT;
use super::contents::{Contents, parts, text_in, write_id};
use super::media::Media;
use super::request::{Request, text_of};
use crate::dialect::layout::{Position, is_mark};
use crate::dialect::translate::{
    Action, count, is_made_by, is_neutral, is_same_model, is_string, path_of, refuse, said,
};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::text::concat;

/// What Google documents for calls that come without a signature, as those of another model do.
const BYPASS: &str = "skip_thought_signature_validator";

/// The members of a message that are read, and those of which the text has all that matters.
const KNOWN: [&str; 10] = [
    "role",
    "annotations",
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "reasoning_details",
    "reasoning_content",
    "reasoning",
    "images",
];

/// What of a message's reasoning goes back.
#[derive(Default)]
struct Details<'a> {
    /// The parts in their order, and where each of them stands.
    parts: Vec<(Position, Part<'a>)>,
    /// The signatures of pictures, by their place.
    images: Vec<(u64, Value<'a>)>,
    /// Those of calls, by their ids.
    calls: Vec<(Value<'a>, Value<'a>)>,
    /// One of which nobody knows to what it belongs.
    loose: Option<Value<'a>>,
}

enum Part<'a> {
    Thought {
        text: Value<'a>,
        signature: Option<Value<'a>>,
    },
    /// So many bytes of the text, which are signed.
    Text {
        length: usize,
        signature: Option<Value<'a>>,
        path: String,
    },
    /// One for which OpenAI has no form, as it came.
    Other(String),
    /// Nothing: what is before it and what is after it are told apart.
    Mark,
}

/// What a message holds beside its thoughts, of which each sort is in its order.
struct Turn<'a> {
    texts: Vec<Value<'a>>,
    /// All of them in one, where they must be cut.
    whole: String,
    images: Vec<(Media<'a>, Option<Value<'a>>)>,
    calls: Vec<Call<'a>>,
    /// How far it is written.
    at: Position,
}

struct Call<'a> {
    value: Value<'a>,
    path: String,
    signature: Option<Value<'a>>,
    /// Whether another model has made it, or nobody knows who.
    is_foreign: bool,
}

/// Writes a message of the assistant.
pub fn write<'a>(
    contents: &mut Contents<'_>,
    message: Value<'a>,
    path: &str,
    request: &mut Request<'_>,
) -> Result<(), Error> {
    request.lose_others(message, &KNOWN, path);
    let details = Details::read(message, path, request);
    let (texts, files) = spoken(message, path, request)?;
    let has_calls = calls_of(message).next().is_some();
    let is_cut = details.parts.iter().any(|(at, _)| at.text_bytes > 0) || has_signed_text(&details.parts);
    let whole = if is_cut { texts.iter().map(|text| text_of(*text)).collect() } else { String::new() };
    let mut images = Vec::new();
    for (at, image) in message.at("images").items().enumerate() {
        let path = path_of(&concat(&[path, ".images"]), at, "");
        let signature = details.images.iter().find(|(place, _)| *place == at as u64).map(|(_, signature)| *signature);
        images.push((Media::read(image, &path, request)?, signature));
    }
    let loose = details.loose.filter(|_| has_calls);
    let calls = read_calls(message, path, &details, loose, request);
    let mut turn = Turn { texts, whole, images, calls, at: Position::default() };
    for (at, part) in &details.parts {
        turn.write_until(*at, contents, request)?;
        turn.write_part(*at, part, contents, request);
    }
    let end = Position { text_bytes: usize::MAX, ..Position::default() };
    turn.write_until(end, contents, request)?;
    if let Some(signature) = details.loose.filter(|_| !has_calls) {
        // At the end of a stream Gemini itself sends it so.
        write_said(contents.of("model"), "", Some(signature));
    }
    for file in files {
        file.write(contents.of("model"), None);
    }
    turn.write_until(Position::END, contents, request)
}

fn has_signed_text(parts: &[(Position, Part<'_>)]) -> bool {
    parts.iter().any(|(_, part)| matches!(part, Part::Text { length: 1.., .. }))
}

/// What a message says: its texts, and the files in it.
fn spoken<'a>(
    message: Value<'a>,
    path: &str,
    request: &mut Request<'_>,
) -> Result<(Vec<Value<'a>>, Vec<Media<'a>>), Error> {
    let (mut texts, mut files) = (Vec::new(), Vec::new());
    let content = message.at("content");
    if content.starts(b'"') {
        texts.push(content);
    } else if !is_neutral(content) {
        let path = concat(&[path, ".content"]);
        for (at, part) in parts(content, &path)?.into_iter().enumerate() {
            let path = path_of(&path, at, "");
            match ["text", "refusal"].into_iter().find(|kind| is_string(part.at("type"), kind)) {
                Some(kind) => texts.push(text_in(part, kind, &path, request)?),
                None => files.push(Media::read(part, &path, request)?),
            }
        }
    }
    texts.extend(said(message, "refusal"));
    texts.retain(|text| !is_neutral(*text));
    Ok((texts, files))
}

impl<'a> Details<'a> {
    fn read(message: Value<'a>, path: &str, request: &mut Request<'_>) -> Self {
        let mut details = Self::default();
        let items = message.at("reasoning_details");
        for (at, item) in items.items().enumerate() {
            let path = path_of(&concat(&[path, ".reasoning_details"]), at, "");
            if let Err(reason) = details.add(item, &path, message, request.target.model) {
                request.lose(&path, Action::Dropped, reason);
            }
        }
        let is_said = |name: &&str| said(message, name).is_some_and(|text| !is_neutral(text));
        // Both say the same, for different clients.
        let text = ["reasoning_content", "reasoning"].into_iter().find(is_said);
        if let Some(name) = text.filter(|_| items.items().next().is_none()) {
            let reason = "Gemini takes thoughts back from `reasoning_details` only, which tell who has made them.";
            request.lose(&concat(&[path, ".", name]), Action::Dropped, reason);
        }
        details
    }

    /// Takes over an item. Why that cannot be done, where it cannot.
    fn add(&mut self, item: Value<'a>, path: &str, message: Value<'a>, model: &str) -> Result<(), &'static str> {
        let at = Position::read(item);
        if is_mark(item) {
            self.parts.push((at, Part::Mark));
            return Ok(());
        }
        if !is_string(item.at("format"), FORMAT) {
            return Err("Another vendor made it, or nobody knows who.");
        }
        if !is_made_by(item, FORMAT, model) {
            return Err("Another model made it.");
        }
        let data = said(item, "data").filter(|data| data.starts(b'"'));
        match &*text_of(item.at("type")) {
            "reasoning.text" | "reasoning.summary" => {
                let text = said(item, "text").or_else(|| said(item, "summary")).filter(|text| text.starts(b'"'));
                let signature = said(item, "signature").filter(|signature| !is_neutral(*signature));
                let text = text.or(signature.map(|_| item.at("text"))).ok_or("There is nothing in it.")?;
                self.parts.push((at, Part::Thought { text, signature }));
            }
            "reasoning.encrypted" => {
                if let Some(length) = said(item, "text_bytes") {
                    let length = usize::try_from(count(length)).unwrap_or(usize::MAX);
                    self.parts.push((at, Part::Text { length, signature: data, path: path.to_owned() }));
                    return Ok(());
                }
                let data = data.ok_or("There is nothing in it.")?;
                let id = said(item, "id").filter(|id| !is_neutral(*id));
                // OpenRouter names the call that a signature belongs to.
                let call = id.filter(|id| calls_of(message).any(|call| text_of(call.at("id")) == text_of(*id)));
                match (said(item, "image"), call) {
                    (Some(place), _) => {
                        self.images.push((count(place), data));
                        self.parts.push((at, Part::Mark));
                    }
                    (None, Some(id)) => self.calls.push((id, data)),
                    (None, None) if self.loose.is_none() => self.loose = Some(data),
                    (None, None) => return Err("Nothing tells which part it belongs to."),
                }
            }
            "reasoning.server_tool_call" => {
                let part = match item.get("part").filter(|part| part.starts(b'{')) {
                    Some(part) => part.raw().to_owned(),
                    None => object(&text_of(item.at("data"))).ok_or("There is nothing in it that Gemini takes.")?,
                };
                self.parts.push((at, Part::Other(part)));
            }
            _ => return Err("There is nothing in it that Gemini takes."),
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// Writes what is not written yet of what stands before this: texts, then pictures, then calls.
    fn write_until(
        &mut self,
        end: Position,
        contents: &mut Contents<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), Error> {
        self.write_text(end.text_bytes, contents);
        for (image, signature) in self.images.get(self.at.images..self.images.len().min(end.images)).unwrap_or_default()
        {
            image.write(contents.of("model"), *signature);
        }
        for call in self.calls.iter().take(end.calls).skip(self.at.calls) {
            call.write(contents.of("model"), request)?;
        }
        self.at.images = self.at.images.max(end.images);
        self.at.calls = self.at.calls.max(end.calls);
        Ok(())
    }

    /// Writes the text up to this byte: as parts of their own, where nothing is known of how it came. Where none ends
    /// there it is another text now, and comes later.
    fn write_text(&mut self, end: usize, contents: &mut Contents<'_>) {
        if self.at.text_bytes == 0 && end == usize::MAX {
            for text in &self.texts {
                let out = contents.of("model");
                out.begin_object();
                out.member_copy("text", *text);
                out.end_object();
            }
        } else if let Some(text) = self.text_until(end).filter(|text| !text.is_empty()) {
            write_said(contents.of("model"), text, None);
        } else {
            return;
        }
        self.at.text_bytes = end;
    }

    /// The text up to this byte that is not written yet.
    fn text_until(&self, end: usize) -> Option<&str> {
        self.whole.get(self.at.text_bytes.min(self.whole.len())..end.min(self.whole.len()))
    }

    /// Writes a part that has an item of its own.
    fn write_part(&mut self, at: Position, part: &Part<'_>, contents: &mut Contents<'_>, request: &mut Request<'_>) {
        match part {
            Part::Thought { text, signature } => {
                let out = contents.of("model");
                out.begin_object();
                out.key("text");
                out.begin_string();
                out.copy_text(*text);
                out.end_string();
                out.member_raw("thought", "true");
                write_signature(out, *signature);
                out.end_object();
            }
            Part::Text { length, signature, path } => {
                let end = self.at.text_bytes.saturating_add(*length);
                let is_there = self.at.text_bytes == at.text_bytes;
                match self.text_until(end).filter(|text| is_there && text.len() == *length) {
                    Some(text) => {
                        write_said(contents.of("model"), text, *signature);
                        self.at.text_bytes = end;
                    }
                    None => request.lose(path, Action::Dropped, "The text that it belongs to has changed."),
                }
            }
            Part::Other(part) => contents.of("model").raw(part),
            Part::Mark => {}
        }
    }
}

/// Writes a text that has a part of its own.
fn write_said(out: &mut Writer, text: &str, signature: Option<Value<'_>>) {
    out.begin_object();
    out.member("text", text);
    write_signature(out, signature);
    out.end_object();
}

fn write_signature(out: &mut Writer, signature: Option<Value<'_>>) {
    if let Some(signature) = signature {
        out.member_copy("thoughtSignature", signature);
    }
}

/// The calls of a message, that of OpenAI's older form included.
fn calls_of<'a>(message: Value<'a>) -> impl Iterator<Item = Value<'a>> {
    message.at("tool_calls").items().chain(said(message, "function_call"))
}

/// Reads the calls, each with its signature.
fn read_calls<'a>(
    message: Value<'a>,
    path: &str,
    details: &Details<'a>,
    loose: Option<Value<'a>>,
    request: &mut Request<'_>,
) -> Vec<Call<'a>> {
    let count = message.at("tool_calls").items().count();
    let mut calls = Vec::new();
    for (at, value) in calls_of(message).enumerate() {
        let path = match at {
            _ if at < count => path_of(&concat(&[path, ".tool_calls"]), at, ""),
            _ => concat(&[path, ".function_call"]),
        };
        let own = own_signature(value, &path, request);
        let id = text_of(value.at("id"));
        let named = details.calls.iter().find(|(of, _)| text_of(*of) == id).map(|(_, signature)| *signature);
        calls.push(Call { value, path, signature: own.or(named), is_foreign: false });
    }
    if calls.iter().all(|call| call.signature.is_none())
        && let Some(first) = calls.first_mut()
    {
        // Of calls that are made at once, the first one alone is signed.
        first.signature = loose;
        first.is_foreign = request.family.signs_calls && loose.is_none();
    }
    calls
}

impl Call<'_> {
    fn write(&self, out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
        out.begin_object();
        out.key("functionCall");
        out.begin_object();
        write_call(out, self.value, &self.path, request)?;
        out.end_object();
        if let Some(signature) = self.signature {
            out.member_copy("thoughtSignature", signature);
        } else if self.is_foreign {
            let reason = "It has no signature of this model; Google's word for calls of other models stands for it.";
            request.lose(&concat(&[&self.path, ".extra_content"]), Action::Assumed, reason);
            out.member("thoughtSignature", BYPASS);
        }
        out.end_object();
        Ok(())
    }
}

/// The signature that a call brings with it, if the model that is asked has made it.
fn own_signature<'a>(call: Value<'a>, path: &str, request: &mut Request<'_>) -> Option<Value<'a>> {
    let known = ["id", "type", "index", "function", "custom", "name", "arguments", "extra_content"];
    request.lose_others(call, &known, path);
    let path = concat(&[path, ".extra_content"]);
    let extra = call.at("extra_content");
    request.lose_others(extra, &["google"], &path);
    let google = extra.at("google");
    let path = concat(&[&path, ".google"]);
    request.lose_others(google, &["thought_signature", "model"], &path);
    let signature = said(google, "thought_signature").filter(|it| it.starts(b'"') && !is_neutral(*it))?;
    let is_own = said(google, "model").is_none_or(|made_by| is_same_model(&text_of(made_by), request.target.model));
    if !is_own {
        let param = concat(&[&path, ".thought_signature"]);
        request.lose(&param, Action::Dropped, "Another model made it.");
    }
    Some(signature).filter(|_| is_own)
}

/// Writes the members of a call.
fn write_call(out: &mut Writer, call: Value<'_>, path: &str, request: &mut Request<'_>) -> Result<(), Error> {
    write_id(out, call.at("id"));
    if let Some(custom) = said(call, "custom") {
        request.lose_others(custom, &["name", "input"], &concat(&[path, ".custom"]));
        out.member_copy("name", custom.at("name"));
        out.key("args");
        out.begin_object();
        out.member_copy("input", custom.at("input"));
        out.end_object();
        return Ok(());
    }
    // The older form has the members of the function itself.
    let (function, path) = match said(call, "function") {
        Some(function) => {
            let path = concat(&[path, ".function"]);
            request.lose_others(function, &["name", "arguments"], &path);
            (function, path)
        }
        None => (call, path.to_owned()),
    };
    let name = function.at("name");
    if !name.starts(b'"') || is_neutral(name) {
        return Err(refuse(&concat(&[&path, ".name"]), "It must be the name of a function."));
    }
    out.member_copy("name", name);
    let arguments = function.at("arguments");
    out.key("args");
    if arguments.starts(b'{') {
        out.copy(arguments);
        return Ok(());
    }
    let text = text_of(arguments);
    let json = if text.trim_ascii().is_empty() { Some("{}".to_owned()) } else { object(&text) };
    let reason = "It must be a JSON object as text.";
    out.raw(&json.ok_or_else(|| refuse(&concat(&[&path, ".arguments"]), reason))?);
    Ok(())
}

/// A text that is a JSON object, without what stands around it.
fn object(text: &str) -> Option<String> {
    let mut tree = Tree::whole();
    let root = tree.add(text).ok()?;
    Some(tree.value(root).raw()).filter(|json| json.starts_with('{')).map(str::to_owned)
}
