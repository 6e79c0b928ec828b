//! A conversation in Anthropic's form: turns of the user and of Claude, what the system says apart from them, and the
//! results of tools first in the turn that follows their calls.
//!
//! <https://platform.claude.com/docs/en/api/messages/create>,
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls>

use super::assistant::{self, Ids, LEGACY_ID, thoughts};
use super::blocks;
use super::content;
use super::request::{Draft, mark_of};
use super::schema::Form;
use crate::dialect::translate::{Action, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
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
                    let is_last = last == Some(message.number());
                    assistant::write(self.draft, &mut self.ids, message, &path, is_last, &mut self.blocks)?;
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

    fn lose_rest(&mut self, message: Value<'_>, read: &[&str], path: &str) {
        const SHARED: [&str; 4] = ["role", "content", "cache_control", "prompt_cache_breakpoint"];
        let mut all = SHARED.to_vec();
        all.extend_from_slice(read);
        self.draft.lose_rest(message, &all, path);
    }
}
