//! What the assistant has said before, as the turn of the model that it was: thoughts and signatures go back byte for
//! byte, each on its own part, if the model that is asked now has made them.
//!
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>

use super::FORMAT;
use super::contents::{Contents, parts, text_in, write_id};
use super::media::Media;
use super::request::{Request, text_of};
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
    /// The parts, in their order.
    parts: Vec<Part<'a>>,
    /// How many bytes at the end of the text have a part of their own.
    told: usize,
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
    /// So many bytes of the text.
    Text {
        length: usize,
        signature: Option<Value<'a>>,
        path: String,
    },
    /// One for which OpenAI has no form, as it came.
    Other(String),
}

/// Writes a message of the assistant.
pub fn write(
    contents: &mut Contents<'_>,
    message: Value<'_>,
    path: &str,
    request: &mut Request<'_>,
) -> Result<(), Error> {
    request.lose_others(message, &KNOWN, path);
    let details = Details::read(message, path, request);
    let (texts, files) = spoken(message, path, request)?;
    write_parts(contents, &details, &texts, request);
    let mut loose = details.loose;
    if calls_of(message).next().is_none()
        && let Some(signature) = loose.take()
    {
        // At the end of a stream Gemini itself sends it so.
        write_said(contents.of("model"), "", Some(signature));
    }
    for file in files {
        file.write(contents.of("model"), None);
    }
    for (at, image) in message.at("images").items().enumerate() {
        let path = path_of(&concat(&[path, ".images"]), at, "");
        let image = Media::read(image, &path, request)?;
        let signature = details.images.iter().find(|(place, _)| *place == at as u64).map(|(_, signature)| *signature);
        image.write(contents.of("model"), signature);
    }
    write_calls(contents, message, path, &details, loose, request)
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
                self.parts.push(Part::Thought { text, signature });
            }
            "reasoning.encrypted" => {
                if let Some(length) = said(item, "text_bytes") {
                    let length = usize::try_from(count(length)).unwrap_or(usize::MAX);
                    self.told = self.told.saturating_add(length);
                    self.parts.push(Part::Text { length, signature: data, path: path.to_owned() });
                    return Ok(());
                }
                let data = data.ok_or("There is nothing in it.")?;
                let id = said(item, "id").filter(|id| !is_neutral(*id));
                // OpenRouter names the call that a signature belongs to.
                let call = id.filter(|id| calls_of(message).any(|call| text_of(call.at("id")) == text_of(*id)));
                match (said(item, "image"), call) {
                    (Some(place), _) => self.images.push((count(place), data)),
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
                self.parts.push(Part::Other(part));
            }
            _ => return Err("There is nothing in it that Gemini takes."),
        }
        Ok(())
    }
}

/// Writes thoughts and texts, each signed one as the part that it was.
fn write_parts(contents: &mut Contents<'_>, details: &Details<'_>, texts: &[Value<'_>], request: &mut Request<'_>) {
    let mut whole = String::new();
    if details.told > 0 {
        for text in texts {
            whole.push_str(&text_of(*text));
        }
    }
    let lengths = details.parts.iter().map(|part| if let Part::Text { length, .. } = part { *length } else { 0 });
    let start = whole.len().checked_sub(details.told);
    // The text may be another now, which the signatures do not fit any more.
    let fits = start.is_some_and(|start| {
        let mut at = start;
        whole.is_char_boundary(at)
            && lengths.into_iter().all(|length| {
                at += length;
                whole.is_char_boundary(at)
            })
    });
    let (head, mut rest) = whole.split_at_checked(start.filter(|_| fits).unwrap_or(0)).unwrap_or_default();
    let mut has_head = false;
    // What is in front of them has no part of its own, and comes once.
    let mut write_head = |contents: &mut Contents<'_>| {
        if std::mem::replace(&mut has_head, true) {
            return;
        }
        if details.told > 0 && fits {
            if !head.is_empty() {
                write_said(contents.of("model"), head, None);
            }
            return;
        }
        for text in texts {
            let out = contents.of("model");
            out.begin_object();
            out.member_copy("text", *text);
            out.end_object();
        }
    };
    for part in &details.parts {
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
                write_head(contents);
                if !fits {
                    let reason = "The text that it belongs to has changed.";
                    request.lose(path, Action::Dropped, reason);
                    continue;
                }
                let (text, after) = rest.split_at_checked(*length).unwrap_or_default();
                rest = after;
                write_said(contents.of("model"), text, *signature);
            }
            Part::Other(part) => contents.of("model").raw(part),
        }
    }
    write_head(contents);
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

fn write_calls(
    contents: &mut Contents<'_>,
    message: Value<'_>,
    path: &str,
    details: &Details<'_>,
    loose: Option<Value<'_>>,
    request: &mut Request<'_>,
) -> Result<(), Error> {
    let count = message.at("tool_calls").items().count();
    let path_of_call = |at: usize| {
        if at < count { path_of(&concat(&[path, ".tool_calls"]), at, "") } else { concat(&[path, ".function_call"]) }
    };
    let mut signatures: Vec<Option<Value<'_>>> = Vec::new();
    for (at, call) in calls_of(message).enumerate() {
        let own = own_signature(call, &path_of_call(at), request);
        let id = call.at("id");
        let named = details.calls.iter().find(|(of, _)| text_of(*of) == text_of(id)).map(|(_, signature)| *signature);
        signatures.push(own.or(named));
    }
    if signatures.iter().all(Option::is_none)
        && let Some(first) = signatures.first_mut()
    {
        *first = loose;
    }
    // Of calls that are made at once, the first one alone is signed.
    let is_foreign = request.family.signs_calls && signatures.iter().all(Option::is_none);
    for ((at, call), signature) in calls_of(message).enumerate().zip(&signatures) {
        let path = path_of_call(at);
        let out = contents.of("model");
        out.begin_object();
        out.key("functionCall");
        out.begin_object();
        write_call(out, call, &path, request)?;
        out.end_object();
        if let Some(signature) = signature {
            out.member_copy("thoughtSignature", *signature);
        } else if is_foreign && at == 0 {
            let reason = "It has no signature of this model; Google's word for calls of other models stands for it.";
            request.lose(&concat(&[&path, ".extra_content"]), Action::Assumed, reason);
            out.member("thoughtSignature", BYPASS);
        }
        out.end_object();
    }
    Ok(())
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
