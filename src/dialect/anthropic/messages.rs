//! A conversation in Anthropic's form: turns of the user and of Claude, what the system says apart from them, and the
//! results of tools first in the turn that follows their calls.
//!
//! <https://platform.claude.com/docs/en/api/messages/create>,
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls>

use super::blocks;
use super::content;
use super::request::{Draft, mark_of};
use super::schema::Form;
use crate::dialect::translate::{Action, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::text::concat;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Assistant,
    System,
}

/// Where something that the system says is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before everything else, where it stood.
    Leading,
    /// In between, where it stood.
    Between,
    /// Before everything else, though it stood in between.
    Moved,
}

fn is_system(message: Value<'_>) -> bool {
    is_string(message.at("role"), "system") || is_string(message.at("role"), "developer")
}

/// A conversation while it is put together.
struct Conversation<'d, 'a> {
    draft: &'d mut Draft<'a>,
    system: Writer,
    messages: Writer,
    role: Role,
    /// The results of tools, which stand before anything else in a turn.
    results: Writer,
    blocks: Writer,
    ids: Ids,
}

/// Writes `system` and `messages`.
///
/// # Errors
/// Messages that Anthropic does not take.
pub fn write(draft: &mut Draft<'_>, request: Value<'_>, form: &Form<'_>, out: &mut Writer) -> Result<(), Error> {
    let mut conversation = Conversation {
        draft,
        system: Writer::default(),
        messages: Writer::default(),
        role: Role::User,
        results: Writer::default(),
        blocks: Writer::default(),
        ids: Ids::default(),
    };
    conversation.read(request)?;
    let Conversation { mut system, messages, .. } = conversation;
    form.instruct(&mut system);
    if !system.is_empty() {
        out.key("system");
        out.begin_list();
        out.raw(system.json());
        out.end_list();
    }
    out.key("messages");
    out.begin_list();
    out.raw(messages.json());
    out.end_list();
    Ok(())
}

/// Whether the request answers calls which the model made without thoughts of its own that could be sent back.
pub fn is_bare_loop(request: Value<'_>, model: &str) -> bool {
    let mut is_bare = false;
    for message in request.at("messages").items() {
        let role = message.at("role");
        if is_string(role, "assistant") {
            let has_calls =
                message.at("tool_calls").items().next().is_some() || said(message, "function_call").is_some();
            let is_sent = |item| blocks::write_back(&mut Writer::default(), item, model).is_ok();
            is_bare = has_calls && !thoughts(message).1.items().any(is_sent);
        } else if !is_string(role, "tool") && !is_string(role, "function") {
            is_bare = false;
        }
    }
    is_bare
}

/// The blocks that a message is to be sent back with, and where they stand: in AIHubMix's and OpenRouter's member, or in
/// those of LiteLLM and Portkey.
fn thoughts(message: Value<'_>) -> (&'static str, Value<'_>) {
    let names = ["reasoning_details", "thinking_blocks", "content_blocks"];
    let found = names.into_iter().find(|name| message.at(name).items().next().is_some());
    let name = found.unwrap_or("reasoning_details");
    (name, message.at(name))
}

impl Conversation<'_, '_> {
    fn read(&mut self, request: Value<'_>) -> Result<(), Error> {
        content::write_all(self.draft, request.at("system"), "system", None, &mut self.system)?;
        let messages = request.at("messages");
        let last = messages.items().last().map(Value::number);
        let mut rest = messages.items();
        let mut at = 0;
        let mut place = Some(Place::Leading);
        while let Some(message) = rest.next() {
            let path = path_of("messages", at, "");
            let role = message.at("role").string().map(|role| role.text().into_owned()).unwrap_or_default();
            at += 1;
            if is_system(message) {
                // All that the system says in a row stands in the same place.
                let place = *place.get_or_insert_with(|| self.place_of_system(rest.clone()));
                self.read_system(message, &path, place)?;
                continue;
            }
            place = None;
            match &*role {
                "user" => {
                    self.turn(Role::User);
                    self.read_user(message, &path)?;
                }
                "assistant" => {
                    self.turn(Role::Assistant);
                    self.read_assistant(message, &path, last == Some(message.number()))?;
                }
                "tool" | "function" => {
                    self.turn(Role::User);
                    self.read_result(message, &path, role == "function")?;
                }
                _ => return Err(refuse(&concat(&[&path, ".role"]), "nobody has this role at Anthropic.")),
            }
        }
        self.flush();
        if self.messages.is_empty() {
            return Err(refuse("messages", "Anthropic wants at least one message of the user that says something."));
        }
        Ok(())
    }

    /// Begins a turn, where it is not going on.
    fn turn(&mut self, role: Role) {
        if role != self.role {
            self.flush();
            self.role = role;
        }
    }

    /// Writes the turn that ends; nothing where nothing was said in it.
    fn flush(&mut self) {
        if self.results.is_empty() && self.blocks.is_empty() {
            return;
        }
        let role = match self.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        self.messages.begin_object();
        self.messages.member("role", role);
        self.messages.key("content");
        self.messages.begin_list();
        self.messages.raw(self.results.json());
        self.messages.raw(self.blocks.json());
        self.messages.end_list();
        self.messages.end_object();
        self.results.clear();
        self.blocks.clear();
    }

    /// Where the system may speak, with these messages to come. In between it speaks after the user, and before Claude
    /// or last.
    ///
    /// <https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages>
    fn place_of_system<'a>(&self, mut rest: impl Iterator<Item = Value<'a>>) -> Place {
        let next = rest.find(|message| !is_system(*message));
        let says_something = !self.results.is_empty() || !self.blocks.is_empty();
        let is_after_user = self.role == Role::User && says_something;
        let is_before_claude = next.is_none_or(|next| is_string(next.at("role"), "assistant"));
        let can = self.draft.family.system && self.draft.is_known;
        if can && is_after_user && is_before_claude { Place::Between } else { Place::Moved }
    }

    fn read_system(&mut self, message: Value<'_>, path: &str, place: Place) -> Result<(), Error> {
        let content = message.at("content");
        let content_path = concat(&[path, ".content"]);
        for (at, part) in content.items().enumerate() {
            if !is_string(part.at("type"), "text") {
                return Err(refuse(&path_of(&content_path, at, ""), "the system speaks in text alone."));
            }
        }
        if place == Place::Between {
            self.turn(Role::System);
        }
        let out = if place == Place::Between { &mut self.blocks } else { &mut self.system };
        let before = out.json().len();
        content::write_all(self.draft, content, &content_path, mark_of(message), out)?;
        if place == Place::Moved && out.json().len() > before {
            let reason = "what the system says in between stands before everything else";
            self.draft.losses.add(path, Action::Moved, reason);
        }
        self.lose_rest(message, &[], path);
        Ok(())
    }

    fn read_user(&mut self, message: Value<'_>, path: &str) -> Result<(), Error> {
        let content = message.at("content");
        content::write_all(self.draft, content, &concat(&[path, ".content"]), mark_of(message), &mut self.blocks)?;
        self.lose_rest(message, &[], path);
        Ok(())
    }

    fn read_result(&mut self, message: Value<'_>, path: &str, is_function: bool) -> Result<(), Error> {
        let id = match message.at("tool_call_id").string() {
            Some(id) if !id.raw().is_empty() => self.ids.result(&id.text()),
            _ if is_function => self.ids.result(LEGACY_ID),
            _ => {
                return Err(refuse(&concat(&[path, ".tool_call_id"]), "it must say which call this is the result of."));
            }
        };
        let content = message.at("content");
        let place = concat(&[path, ".content"]);
        let mut blocks = Writer::default();
        if content.starts(b'[') {
            content::write_all(self.draft, content, &place, None, &mut blocks)?;
        } else if content.string().is_none() && !is_neutral(content) {
            return Err(refuse(&place, "it must be a string or a list of parts."));
        }
        let out = &mut self.results;
        out.begin_object();
        out.member("type", "tool_result");
        out.member("tool_use_id", &id);
        if !blocks.is_empty() {
            out.key("content");
            out.begin_list();
            out.raw(blocks.json());
            out.end_list();
        } else if content.string().is_some_and(|text| !text.raw().is_empty()) {
            out.member_copy("content", content);
        }
        // Only where the caller says so: a result with an `error` in it need be none.
        if message.at("is_error").starts(b't') {
            out.member_raw("is_error", "true");
        }
        self.draft.write_mark(out, mark_of(message), path);
        out.end_object();
        // The name is that of the call.
        self.lose_rest(message, &["tool_call_id", "is_error", "name"], path);
        Ok(())
    }

    fn read_assistant(&mut self, message: Value<'_>, path: &str, is_last: bool) -> Result<(), Error> {
        let has_calls = message.at("tool_calls").items().next().is_some() || said(message, "function_call").is_some();
        let is_going_on = self.read_thoughts(message, path);
        let content = message.at("content");
        let refusal = message.at("refusal");
        let place = concat(&[path, ".content"]);
        let is_prefill = is_last && !has_calls && !is_going_on;
        let before = self.blocks.json().len();
        self.read_words(content, &place, mark_of(message), is_prefill)?;
        content::write_text(
            self.draft,
            refusal,
            content::Place { path: &concat(&[path, ".refusal"]), mark: None },
            &mut self.blocks,
        );
        if is_prefill && self.blocks.json().len() > before && !self.draft.family.prefill {
            return Err(refuse(
                path,
                "this model does not go on with an answer that was begun for it: the user speaks last.",
            ));
        }
        // A mark of the whole message belongs to its last block.
        let last_call = message.at("tool_calls").items().last().map(Value::number);
        let rest_mark = mark_of(message).filter(|_| self.blocks.json().len() == before);
        for (at, call) in message.at("tool_calls").items().enumerate() {
            let mark = mark_of(call).or(rest_mark.filter(|_| last_call == Some(call.number())));
            self.read_call(call, mark, &path_of(&concat(&[path, ".tool_calls"]), at, ""))?;
        }
        if let Some(call) = said(message, "function_call") {
            let id = self.ids.call(LEGACY_ID);
            let param = concat(&[path, ".function_call"]);
            self.write_use(&id, call.at("name"), &param, None, |out| {
                write_arguments(call.at("arguments"), &concat(&[&param, ".arguments"]), out)
            })?;
        }
        if said(message, "audio").is_some() {
            self.draft.lose(concat(&[path, ".audio"]), "Claude does not listen");
        }
        // What was searched and cited stands in the text; what was shown of the thoughts, in the blocks of them.
        let read = [
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
        self.lose_rest(message, &read, path);
        Ok(())
    }

    /// Writes what Claude thought in a turn, byte for byte. Whether it was using tools of the provider when the turn
    /// ended, so that it is to go on.
    fn read_thoughts(&mut self, message: Value<'_>, path: &str) -> bool {
        let (name, thoughts) = thoughts(message);
        let mut is_going_on = false;
        for (at, item) in thoughts.items().enumerate() {
            let kind = item.at("type");
            if name == "content_blocks" && !is_string(kind, "thinking") && !is_string(kind, "redacted_thinking") {
                // It stands in the message as well.
                continue;
            }
            is_going_on |= is_string(kind, "reasoning.server_tool_call");
            if let Err(reason) = blocks::write_back(&mut self.blocks, item, self.draft.model) {
                let param = path_of(&concat(&[path, ".", name]), at, "");
                self.draft.lose(param, reason);
            }
        }
        if thoughts.items().next().is_none() {
            for name in ["reasoning_content", "reasoning"] {
                if !is_neutral(message.at(name)) {
                    let param = concat(&[path, ".", name]);
                    self.draft.lose(param, "Anthropic takes no thoughts without their signature");
                    break;
                }
            }
        }
        is_going_on
    }

    /// Writes the words of an assistant.
    fn read_words(
        &mut self,
        content: Value<'_>,
        path: &str,
        mark: Option<&str>,
        is_prefill: bool,
    ) -> Result<(), Error> {
        let is_thought = |part: &Value<'_>| {
            let kind = part.at("type");
            is_string(kind, "thinking") || is_string(kind, "redacted_thinking")
        };
        for (at, part) in content.items().enumerate().filter(|(_, part)| !is_thought(part)) {
            if !["text", "refusal"].iter().any(|kind| is_string(part.at("type"), kind)) {
                return Err(refuse(
                    &path_of(path, at, ""),
                    "Claude's own turns hold text alone, and no part of this type.",
                ));
            }
        }
        for (at, thought) in content.items().enumerate().filter(|(_, part)| is_thought(part)) {
            if let Err(reason) = blocks::write_back(&mut self.blocks, thought, self.draft.model) {
                self.draft.lose(path_of(path, at, ""), reason);
            }
        }
        let last = content.items().last();
        let last_text = last.map_or(content, |last| last.at("text")).string();
        let trimmed = last_text.map(|text| text.text()).filter(|text| is_prefill && text.trim_end().len() < text.len());
        if trimmed.is_none() && !content.items().any(|part| is_thought(&part)) {
            return content::write_all(self.draft, content, path, mark, &mut self.blocks);
        }
        // The words that are not as they stood are written apart, and read again.
        let mut words = Writer::default();
        words.begin_list();
        for part in content.items().filter(|part| !is_thought(part)) {
            match &trimmed {
                Some(text) if last.is_some_and(|last| last.number() == part.number()) => {
                    write_words(text.trim_end(), mark_of(part), &mut words);
                }
                _ => words.copy(part),
            }
        }
        if let Some(text) = &trimmed {
            if content.string().is_some() {
                write_words(text.trim_end(), None, &mut words);
            }
            self.draft.losses.add(path, Action::Clamped, "Anthropic takes no white space at the end of what was begun");
        }
        words.end_list();
        let mut tree = Tree::whole();
        let number = tree.add(words.json()).map_err(|_| refuse(path, "it cannot be read."))?;
        content::write_all(self.draft, tree.value(number), path, mark, &mut self.blocks)
    }

    fn read_call(&mut self, call: Value<'_>, mark: Option<&str>, path: &str) -> Result<(), Error> {
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
        let out = &mut self.blocks;
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

    fn lose_rest(&mut self, message: Value<'_>, read: &[&str], path: &str) {
        const SHARED: [&str; 4] = ["role", "content", "cache_control", "prompt_cache_breakpoint"];
        let mut all = SHARED.to_vec();
        all.extend_from_slice(read);
        self.draft.lose_rest(message, &all, path);
    }
}

/// The id of calls from before they had ids.
const LEGACY_ID: &str = "function_call";

fn write_words(text: &str, mark: Option<&str>, out: &mut Writer) {
    out.begin_object();
    out.member("type", "text");
    out.member("text", text);
    if let Some(mark) = mark {
        out.member_raw("cache_control", mark);
    }
    out.end_object();
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
struct Ids(Vec<(String, String)>);

impl Ids {
    fn call(&mut self, id: &str) -> String {
        let mut sent = clean(id);
        while self.0.iter().any(|(_, taken)| *taken == sent) {
            sent.push('_');
        }
        self.0.push((id.to_owned(), sent.clone()));
        sent
    }

    /// The id of the last call of this name.
    fn result(&self, id: &str) -> String {
        let call = self.0.iter().rev().find(|(name, _)| name == id);
        call.map_or_else(|| clean(id), |(_, sent)| sent.clone())
    }
}

fn clean(id: &str) -> String {
    id.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }).collect()
}
