//! What Claude has said before, as the turn that it was: thoughts go back byte for byte, each where it stood between the
//! words and the calls.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>

use std::borrow::Cow;

use super::blocks;
use super::request::{Draft, mark_of};
use crate::dialect::layout::{Position, is_mark};
use crate::dialect::translate::{Action, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::text::concat;

/// The id of calls from before they had ids.
pub const LEGACY_ID: &str = "function_call";

/// The members of a message that are read. What was searched and cited stands in the text; what was shown of the thoughts,
/// in the blocks of them.
const KNOWN: [&str; 14] = [
    "role",
    "content",
    "cache_control",
    "prompt_cache_breakpoint",
    "annotations",
    "audio",
    "content_blocks",
    "function_call",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
    "thinking_blocks",
    "tool_calls",
];

/// A part of what was said.
enum Words<'a> {
    /// Words: where they begin in the text, and the mark for the cache at their end.
    Text { text: Cow<'a, str>, start: usize, mark: Option<&'a str>, path: String },
    /// Thoughts that stand among the words, as some hand them out.
    Thought(Value<'a>, String),
}

impl Words<'_> {
    fn is_blank(&self) -> bool {
        matches!(self, Self::Text { text, .. } if text.trim().is_empty())
    }
}

/// A turn while it is put together.
struct Turn<'t, 'd, 'a> {
    draft: &'t mut Draft<'d>,
    ids: &'t mut Ids,
    out: &'t mut Writer,
    message: Value<'a>,
    path: &'t str,
    words: Vec<Words<'a>>,
    /// The mark of the whole message, for the last call.
    last_mark: Option<&'a str>,
    /// How many of the words and of the calls are written, and how much of the text.
    written: usize,
    at: Position,
}

/// Writes a message of the assistant as blocks.
///
/// # Errors
/// What Anthropic does not take.
pub fn write(
    draft: &mut Draft<'_>,
    ids: &mut Ids,
    message: Value<'_>,
    path: &str,
    is_last: bool,
    out: &mut Writer,
) -> Result<(), Error> {
    let (name, thoughts) = thoughts(message);
    // Claude was using tools of the provider when the turn ended, so that it is to go on.
    let is_going_on = thoughts.items().any(|item| is_string(item.at("type"), "reasoning.server_tool_call"));
    let has_calls = calls(message).next().is_some();
    let is_prefill = is_last && !has_calls && !is_going_on;
    let mut words = read_words(draft, message, path)?;
    if is_prefill {
        trim(draft, &mut words);
    }
    let speaks = words.iter().any(|words| !words.is_blank() && !matches!(words, Words::Thought(..)));
    if is_prefill && speaks && !draft.family.prefill {
        let reason = "this model does not go on with an answer that was begun for it: the user speaks last.";
        return Err(refuse(path, reason));
    }
    if thoughts.items().next().is_none() {
        lose_thoughts(draft, message, path);
    }
    let last_mark = mark_of(message).filter(|_| !speaks);
    let mut turn = Turn { draft, ids, out, message, path, words, last_mark, written: 0, at: Position::default() };
    for (at, item) in thoughts.items().enumerate() {
        let kind = item.at("type");
        if name == "content_blocks" && !is_string(kind, "thinking") && !is_string(kind, "redacted_thinking") {
            // It stands in the message as well.
            continue;
        }
        if is_mark(item) {
            turn.write_until(Position::read(item))?;
            continue;
        }
        let mut block = Writer::default();
        match blocks::write_back(&mut block, item, turn.draft.model) {
            Ok(()) => {
                turn.write_until(Position::read(item))?;
                turn.out.raw(block.json());
            }
            Err(reason) => turn.draft.lose(path_of(&concat(&[path, ".", name]), at, ""), reason),
        }
    }
    turn.write_until(Position::END)?;
    if said(message, "audio").is_some() {
        draft.lose(concat(&[path, ".audio"]), "Claude does not listen");
    }
    draft.lose_rest(message, &KNOWN, path);
    Ok(())
}

/// The blocks that a message is to be sent back with, and where they stand: in AIHubMix's and OpenRouter's member, or in
/// those of LiteLLM and Portkey.
pub fn thoughts(message: Value<'_>) -> (&'static str, Value<'_>) {
    let names = ["reasoning_details", "thinking_blocks", "content_blocks"];
    let found = names.into_iter().find(|name| message.at(name).items().next().is_some());
    let name = found.unwrap_or("reasoning_details");
    (name, message.at(name))
}

fn lose_thoughts(draft: &mut Draft<'_>, message: Value<'_>, path: &str) {
    if let Some(name) = ["reasoning_content", "reasoning"].into_iter().find(|name| !is_neutral(message.at(name))) {
        draft.lose(concat(&[path, ".", name]), "Anthropic takes no thoughts without their signature");
    }
}

/// The calls of a message, that of OpenAI's older form included.
fn calls<'a>(message: Value<'a>) -> impl Iterator<Item = Value<'a>> {
    message.at("tool_calls").items().chain(said(message, "function_call"))
}

/// What the message says, and what it refuses to say.
fn read_words<'a>(draft: &mut Draft<'_>, message: Value<'a>, path: &str) -> Result<Vec<Words<'a>>, Error> {
    let content = message.at("content");
    let place = concat(&[path, ".content"]);
    if !content.starts(b'"') && !content.starts(b'[') && !is_neutral(content) {
        return Err(refuse(&place, "it must be a string or a list of parts."));
    }
    let mut words = Vec::new();
    let mut start = 0;
    let mut text = |text: Value<'a>, mark, path| {
        let text = text.string().map(|text| text.text()).unwrap_or_default();
        let length = text.len();
        start += length;
        Words::Text { text, start: start - length, mark, path }
    };
    if content.starts(b'"') {
        words.push(text(content, mark_of(message), place.clone()));
    }
    for (at, part) in content.items().enumerate() {
        let path = path_of(&place, at, "");
        let is = |kind| is_string(part.at("type"), kind);
        let kind = if is("refusal") { "refusal" } else { "text" };
        if is("thinking") || is("redacted_thinking") {
            words.push(Words::Thought(part, path));
        } else if is(kind) {
            if part.at(kind).string().is_none() {
                return Err(refuse(&path, "a part of text has a string in `text`."));
            }
            draft.lose_rest(part, &["type", kind, "cache_control", "prompt_cache_breakpoint"], &path);
            words.push(text(part.at(kind), mark_of(part), path));
        } else {
            return Err(refuse(&path, "Claude's own turns hold text alone, and no part of this type."));
        }
    }
    // The mark of a whole message belongs to the last of its words.
    let last = words.iter_mut().rev().find(|words| !words.is_blank() && !matches!(words, Words::Thought(..)));
    if let Some(Words::Text { mark, .. }) = last {
        *mark = mark.or(mark_of(message));
    }
    words.push(text(message.at("refusal"), None, concat(&[path, ".refusal"])));
    words.retain(|words| !matches!(words, Words::Text { text, .. } if text.is_empty()));
    Ok(words)
}

/// Takes the white space from the end of an answer that was begun.
fn trim(draft: &mut Draft<'_>, words: &mut [Words<'_>]) {
    let Some(Words::Text { text, path, .. }) = words.last_mut() else { return };
    let length = text.trim_end().len();
    if (1..text.len()).contains(&length) {
        text.to_mut().truncate(length);
        let reason = "Anthropic takes no white space at the end of what was begun";
        draft.losses.add(&**path, Action::Clamped, reason);
    }
}

impl Turn<'_, '_, '_> {
    /// Writes what is not written yet of what stands before this: words, then calls.
    fn write_until(&mut self, end: Position) -> Result<(), Error> {
        self.write_words(end.text_bytes);
        let message = self.message;
        let last = calls(message).count().saturating_sub(1);
        for (at, call) in calls(message).enumerate().take(end.calls).skip(self.at.calls) {
            let mark = mark_of(call).or(self.last_mark.filter(|_| at == last));
            self.write_call(at, call, mark)?;
        }
        self.at.calls = self.at.calls.max(end.calls);
        Ok(())
    }

    fn write_words(&mut self, end: usize) {
        while let Some(words) = self.words.get(self.written) {
            match words {
                Words::Thought(block, path) => {
                    if let Err(reason) = blocks::write_back(self.out, *block, self.draft.model) {
                        self.draft.lose(path.clone(), reason);
                    }
                }
                Words::Text { text, start, mark, path } => {
                    let is_whole = end >= start + text.len();
                    let from = self.at.text_bytes.saturating_sub(*start);
                    let to = if is_whole { text.len() } else { end.saturating_sub(*start) };
                    // Where no character ends there it is another text now, and comes later; so does a space, since
                    // Anthropic takes no text of it alone.
                    let part = text.get(from..to).filter(|part| is_whole || !part.trim().is_empty());
                    let Some(part) = part else { return };
                    // Claude itself says some in between, and it says nothing.
                    if !part.trim().is_empty() {
                        self.out.begin_object();
                        self.out.member("type", "text");
                        self.out.member("text", part);
                        self.draft.write_mark(self.out, mark.filter(|_| is_whole), path);
                        self.out.end_object();
                    }
                    self.at.text_bytes = start + to;
                    if !is_whole {
                        return;
                    }
                }
            }
            self.written += 1;
        }
    }

    fn write_call(&mut self, at: usize, call: Value<'_>, mark: Option<&str>) -> Result<(), Error> {
        if at >= self.message.at("tool_calls").items().count() {
            let id = self.ids.call(LEGACY_ID);
            let path = concat(&[self.path, ".function_call"]);
            return self.write_use(&id, call.at("name"), &path, None, |out| {
                write_arguments(call.at("arguments"), &concat(&[&path, ".arguments"]), out)
            });
        }
        let path = &path_of(&concat(&[self.path, ".tool_calls"]), at, "");
        let id = call.at("id").string().filter(|id| !id.raw().is_empty());
        let id = id.ok_or_else(|| refuse(&concat(&[path, ".id"]), "a call has an id, which its result names."))?;
        let id = self.ids.call(&id.text());
        if let Some(custom) = said(call, "custom") {
            let param = concat(&[path, ".custom"]);
            self.write_use(&id, custom.at("name"), &param, mark, |out| {
                out.begin_object();
                out.key("input");
                out.begin_string();
                out.copy_text(custom.at("input"));
                out.end_string();
                out.end_object();
                Ok(())
            })?;
        } else {
            let function = call.at("function");
            let param = concat(&[path, ".function"]);
            self.write_use(&id, function.at("name"), &param, mark, |out| {
                write_arguments(function.at("arguments"), &concat(&[&param, ".arguments"]), out)
            })?;
            self.draft.lose_rest(function, &["name", "arguments"], &param);
        }
        let read = ["id", "type", "index", "function", "custom", "cache_control", "prompt_cache_breakpoint"];
        self.draft.lose_rest(call, &read, path);
        Ok(())
    }

    fn write_use(
        &mut self,
        id: &str,
        name: Value<'_>,
        path: &str,
        mark: Option<&str>,
        write_input: impl FnOnce(&mut Writer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if is_neutral(name) {
            return Err(refuse(&concat(&[path, ".name"]), "a call has a name."));
        }
        let out = &mut *self.out;
        out.begin_object();
        out.member("type", "tool_use");
        out.member("id", id);
        out.member_copy("name", name);
        out.key("input");
        write_input(out)?;
        self.draft.write_mark(out, mark, path);
        out.end_object();
        Ok(())
    }
}

/// Writes the arguments of a call, which are JSON in a string, as the object that they are.
fn write_arguments(arguments: Value<'_>, path: &str, out: &mut Writer) -> Result<(), Error> {
    let wrong = || refuse(path, "the arguments of a call must be a JSON object.");
    if arguments.starts(b'{') {
        out.copy(arguments);
        return Ok(());
    }
    let text = match arguments.string() {
        Some(text) => text.text(),
        None if is_neutral(arguments) => "".into(),
        None => return Err(wrong()),
    };
    if text.trim().is_empty() {
        out.raw("{}");
        return Ok(());
    }
    let mut tree = Tree::whole();
    let number = tree.add(&text).map_err(|_| wrong())?;
    if !tree.value(number).starts(b'{') {
        return Err(wrong());
    }
    out.raw(tree.value(number).raw());
    Ok(())
}

/// The ids of calls as Anthropic takes them, of letters, digits, `_` and `-`: the same conversation has the same ones
/// each time, so that it stays in the cache, and no two calls have the same.
#[derive(Debug, Default)]
pub struct Ids(Vec<(String, String)>);

impl Ids {
    pub fn call(&mut self, id: &str) -> String {
        let mut sent = clean(id);
        while self.0.iter().any(|(_, taken)| *taken == sent) {
            sent.push('_');
        }
        self.0.push((id.to_owned(), sent.clone()));
        sent
    }

    /// The id of the last call of this name.
    pub fn result(&self, id: &str) -> String {
        let call = self.0.iter().rev().find(|(name, _)| name == id);
        call.map_or_else(|| clean(id), |(_, sent)| sent.clone())
    }
}

fn clean(id: &str) -> String {
    id.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }).collect()
}
