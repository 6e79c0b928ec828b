//! Messages as contents: turns of the user and of the model, and what stands above them.
//!
//! <https://ai.google.dev/api/caching#Content>

use super::media::Media;
use super::replay;
use super::request::{Request, text_of};
use crate::dialect::translate::{Action, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::text::{concat, find};

/// The contents as they are written: neighbours of the same role are one.
pub struct Contents<'o> {
    out: &'o mut Writer,
    role: &'static str,
}

impl Contents<'_> {
    /// Where the next part of this role goes.
    pub fn of(&mut self, role: &'static str) -> &mut Writer {
        if self.role != role {
            self.end();
            self.role = role;
            self.out.begin_object();
            self.out.member("role", role);
            self.out.key("parts");
            self.out.begin_list();
        }
        self.out
    }

    fn end(&mut self) {
        if !self.role.is_empty() {
            self.out.end_list();
            self.out.end_object();
        }
    }
}

/// A call of a tool, and the place of it in the request.
struct Call<'a> {
    value: Value<'a>,
    name: Value<'a>,
    path: String,
    /// The message that answers it.
    answer: Option<(usize, Value<'a>)>,
}

/// Writes `contents`, and returns the parts of the system instruction.
pub fn write(out: &mut Writer, request: &mut Request<'_>) -> Result<Writer, Error> {
    let messages: Vec<Value<'_>> = request.value.at("messages").items().collect();
    if messages.is_empty() {
        return Err(refuse("messages", "It must be a list with a message at least."));
    }
    let mut system = Writer::default();
    let mut is_answered = vec![false; messages.len()];
    out.key("contents");
    out.begin_list();
    let mut contents = Contents { out, role: "" };
    let mut has_begun = false;
    for (at, &message) in messages.iter().enumerate() {
        let path = path_of("messages", at, "");
        let role = text_of(message.at("role"));
        match &*role {
            "system" | "developer" => {
                if has_begun {
                    let reason = "Gemini takes instructions above the conversation only, and there it is now.";
                    request.lose(&path, Action::Moved, reason);
                }
                request.lose_others(message, &["role", "content"], &path);
                write_system(&mut system, message.at("content"), &path, request)?;
                continue;
            }
            "user" => {
                request.lose_others(message, &["role", "content"], &path);
                write_user(&mut contents, message.at("content"), &path, request)?;
            }
            "assistant" => {
                replay::write(&mut contents, message, &path, request)?;
                let mut calls = calls(message, &path);
                find_answers(&mut calls, at, &messages, &mut is_answered)?;
                write_answers(&mut contents, &calls, request)?;
            }
            "tool" | "function" if is_answered.get(at) == Some(&true) => {}
            "tool" | "function" => {
                let name = if role == "tool" { ".tool_call_id" } else { ".name" };
                let reason = "It answers no call of the assistant's message before it.";
                return Err(refuse(&concat(&[&path, name]), reason));
            }
            _ => {
                let reason = "It must be one of system, developer, user, assistant and tool.";
                return Err(refuse(&concat(&[&path, ".role"]), reason));
            }
        }
        has_begun = true;
    }
    contents.end();
    let last = contents.role;
    out.end_list();
    if last.is_empty() {
        return Err(refuse("messages", "Gemini needs a message of the user with something in it."));
    }
    if last == "model" && !request.family.prefill && request.is_known {
        let reason =
            "The model does not go on with an answer that was begun for it: the last message must be the user's.";
        return Err(refuse("messages", reason));
    }
    Ok(system)
}

/// Writes a part that is a text. One that is empty is left out by the caller: Gemini refuses what says nothing.
fn write_text(out: &mut Writer, text: Value<'_>) {
    out.begin_object();
    out.member_copy("text", text);
    out.end_object();
}

/// Writes each message of the system as parts of its own.
fn write_system(out: &mut Writer, content: Value<'_>, path: &str, request: &mut Request<'_>) -> Result<(), Error> {
    let path = concat(&[path, ".content"]);
    if content.starts(b'"') {
        if !is_neutral(content) {
            write_text(out, content);
        }
        return Ok(());
    }
    for (at, part) in parts(content, &path)?.into_iter().enumerate() {
        let path = path_of(&path, at, "");
        if !is_string(part.at("type"), "text") {
            return Err(refuse(&path, "Gemini takes nothing but text as an instruction."));
        }
        let text = text_in(part, "text", &path, request)?;
        if !is_neutral(text) {
            write_text(out, text);
        }
    }
    Ok(())
}

fn write_user(
    contents: &mut Contents<'_>,
    content: Value<'_>,
    path: &str,
    request: &mut Request<'_>,
) -> Result<(), Error> {
    let path = concat(&[path, ".content"]);
    if content.starts(b'"') {
        if !is_neutral(content) {
            write_text(contents.of("user"), content);
        }
        return Ok(());
    }
    for (at, part) in parts(content, &path)?.into_iter().enumerate() {
        let path = path_of(&path, at, "");
        if is_string(part.at("type"), "text") {
            let text = text_in(part, "text", &path, request)?;
            if !is_neutral(text) {
                write_text(contents.of("user"), text);
            }
        } else {
            let media = Media::read(part, &path, request)?;
            media.write(contents.of("user"), None);
        }
    }
    Ok(())
}

/// The text of a part of this type.
pub fn text_in<'a>(part: Value<'a>, kind: &str, path: &str, request: &mut Request<'_>) -> Result<Value<'a>, Error> {
    request.lose_others(part, &["type", kind], path);
    let text = part.at(kind);
    if text.starts(b'"') { Ok(text) } else { Err(refuse(&concat(&[path, ".", kind]), "It must be a text.")) }
}

/// The parts of a content that is a list of them.
pub fn parts<'a>(content: Value<'a>, path: &str) -> Result<Vec<Value<'a>>, Error> {
    if !content.starts(b'[') || content.items().any(|part| !part.starts(b'{')) {
        return Err(refuse(path, "It must be a text or a list of parts."));
    }
    Ok(content.items().collect())
}

/// The calls that a message makes, in their order.
fn calls<'a>(message: Value<'a>, path: &str) -> Vec<Call<'a>> {
    let list = concat(&[path, ".tool_calls"]);
    let calls = message.at("tool_calls").items().enumerate().map(|(at, value)| {
        let name = value.get("custom").unwrap_or(value.at("function")).at("name");
        Call { value, name, path: path_of(&list, at, ""), answer: None }
    });
    let old = said(message, "function_call");
    let old =
        old.map(|value| Call { value, name: value.at("name"), path: concat(&[path, ".function_call"]), answer: None });
    calls.chain(old).collect()
}

/// Finds the answers to calls among the messages up to the next of the assistant's.
fn find_answers<'a>(
    calls: &mut [Call<'a>],
    at: usize,
    messages: &[Value<'a>],
    is_answered: &mut [bool],
) -> Result<(), Error> {
    let later = || messages.iter().enumerate().skip(at + 1);
    for call in calls {
        for (at, &message) in later().take_while(|(_, message)| !is_string(message.at("role"), "assistant")) {
            let answers = if is_string(message.at("role"), "tool") {
                text_of(message.at("tool_call_id")) == text_of(call.value.at("id"))
            } else {
                is_string(message.at("role"), "function") && text_of(message.at("name")) == text_of(call.name)
            };
            if let Some(is_answered) = is_answered.get_mut(at).filter(|is_answered| answers && !**is_answered) {
                *is_answered = true;
                call.answer = Some((at, message));
                break;
            }
        }
        // A conversation may end with calls, but not go on without their results.
        if call.answer.is_none() && later().next().is_some() {
            return Err(refuse(&call.path, "No message of the role `tool` answers it."));
        }
    }
    Ok(())
}

/// Writes the answers to calls in the order of the calls, and the files after them that cannot stand in them.
fn write_answers(contents: &mut Contents<'_>, calls: &[Call<'_>], request: &mut Request<'_>) -> Result<(), Error> {
    let mut outside = Vec::new();
    for call in calls {
        let Some((at, message)) = call.answer else { continue };
        let path = path_of("messages", at, "");
        request.lose_others(message, &["role", "content", "tool_call_id", "name", "is_error"], &path);
        let path = concat(&[&path, ".content"]);
        let (mut text, mut inside) = (String::new(), Vec::new());
        let content = message.at("content");
        if content.starts(b'[') {
            for (at, part) in parts(content, &path)?.into_iter().enumerate() {
                let path = path_of(&path, at, "");
                if is_string(part.at("type"), "text") {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(&text_of(text_in(part, "text", &path, request)?));
                    continue;
                }
                let media = Media::read(part, &path, request)?;
                if request.family.media && media.fits_results() {
                    inside.push(media);
                } else {
                    let reason = "The model does not take it in the result of a tool; it comes after the results.";
                    request.lose(&path, Action::Moved, reason);
                    outside.push((call.name, media));
                }
            }
        } else if content.starts(b'"') {
            text = text_of(content).into_owned();
        } else if !is_neutral(content) {
            return Err(refuse(&path, "It must be a text or a list of parts."));
        }
        let out = contents.of("user");
        out.begin_object();
        out.key("functionResponse");
        out.begin_object();
        write_id(out, call.value.at("id"));
        out.member_copy("name", call.name);
        out.key("response");
        write_result(out, &text, message.at("is_error").bytes() == b"true");
        if !inside.is_empty() {
            out.key("parts");
            out.begin_list();
            for media in inside {
                media.write(out, None);
            }
            out.end_list();
        }
        out.end_object();
        out.end_object();
    }
    for (name, media) in outside {
        let out = contents.of("user");
        out.begin_object();
        out.key("text");
        out.begin_string();
        out.push_text("What the tool ");
        out.copy_text(name);
        out.push_text(" has returned besides:");
        out.end_string();
        out.end_object();
        media.write(out, None);
    }
    Ok(())
}

/// Writes the id of a call, where it has one.
pub fn write_id(out: &mut Writer, id: Value<'_>) {
    if id.starts(b'"') && !is_neutral(id) {
        out.member_copy("id", id);
    }
}

/// Writes the result of a tool, which must be an object: it is one already, or is the only member of one.
fn write_result(out: &mut Writer, text: &str, is_error: bool) {
    let mut tree = Tree::whole();
    let result = tree.add(text).ok().map(|root| tree.value(root)).filter(|root| root.starts(b'{'));
    // References are refused within results, whatever they refer to (https://github.com/vercel/ai/issues/14369).
    let result = result.filter(|_| !["\"$ref\"", "\"$defs\"", "\\u0024"].iter().any(|name| find(text, name).is_some()));
    let name = if is_error { "error" } else { "result" };
    match result {
        Some(result) if !is_error => out.copy(result),
        Some(result) => {
            out.begin_object();
            out.member_copy(name, result);
            out.end_object();
        }
        None => {
            out.begin_object();
            out.member(name, text);
            out.end_object();
        }
    }
}
