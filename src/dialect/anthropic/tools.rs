//! What Claude may call, and what it must.
//!
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use>

use super::request::{Draft, mark_of};
use super::schema::{self, Form};
use super::thinking::Reasoning;
use crate::dialect::translate::{ANSWER_TOOL, Action, is_idle, is_neutral, is_string, name_of, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::{concat, find};

/// What Anthropic takes with a tool, wherever callers put it.
const OWN: [&str; 4] = ["allowed_callers", "defer_loading", "eager_input_streaming", "input_examples"];

/// The features that tools of Anthropic's own belong to, by a part of their type.
///
/// <https://platform.claude.com/docs/en/api/beta-headers>
const BETAS: [(&str, &str); 7] = [
    ("computer_20241022", "computer-use-2024-10-22"),
    ("computer_20250124", "computer-use-2025-01-24"),
    ("computer_20251124", "computer-use-2025-11-24"),
    ("code_execution_20250522", "code-execution-2025-05-22"),
    ("code_execution_20250825", "code-execution-2025-08-25"),
    ("web_fetch_20250910", "web-fetch-2025-09-10"),
    ("memory_20250818", "context-management-2025-06-27"),
];

/// The name of Anthropic's own search.
const SEARCH: &str = "web_search";

/// What the model is to do with its tools.
#[derive(Debug, Clone, Copy)]
enum Choice<'a> {
    Unsaid,
    Auto,
    None,
    Any,
    Tool(&'a str),
    /// As the caller has said it in Anthropic's words.
    Own(Value<'a>),
}

/// The tools while they are written.
struct Tools<'d, 'a, 't> {
    draft: &'d mut Draft<'a>,
    out: Writer,
    names: Vec<String>,
    /// The only ones that may be called, where not all may.
    allowed: Option<Vec<String>>,
    choice: Choice<'t>,
}

/// Writes `tools` and `tool_choice`.
///
/// # Errors
/// Tools and choices that Anthropic does not take.
pub fn write(
    draft: &mut Draft<'_>,
    request: Value<'_>,
    reasoning: &Reasoning,
    form: &Form<'_>,
    out: &mut Writer,
) -> Result<(), Error> {
    let (newer, older) = (said(request, "tool_choice"), said(request, "function_call"));
    let param = if newer.is_none() && older.is_some() { "function_call" } else { "tool_choice" };
    if newer.is_some() && older.is_some() {
        draft.lose("function_call", "`tool_choice` says it already");
    }
    let name = newer.or(older).and_then(chosen_name);
    let choice = read_choice(newer.or(older), name.as_deref(), param)?;
    let mut tools = Tools { draft, out: Writer::default(), names: Vec::new(), allowed: None, choice };
    tools.read_allowed(request);
    for (at, tool) in request.at("tools").items().enumerate() {
        tools.write_tool(tool, &path_of("tools", at, ""))?;
    }
    for (at, function) in request.at("functions").items().enumerate() {
        let path = path_of("functions", at, "");
        tools.write_function(function, function, &path)?;
        tools.draft.losses.add(path, Action::Emulated, "it is a tool now, and its calls come as `tool_calls`");
    }
    if let Some(search) = said(request, "web_search_options").filter(|search| !search.starts(b'f')) {
        tools.write_search(search)?;
    }
    if let Form::Tool(schema) = form {
        tools.write_answer(*schema);
    }
    let Tools { draft, out: list, names, choice, .. } = tools;
    if list.is_empty() {
        if !matches!(choice, Choice::Unsaid | Choice::Auto | Choice::None) {
            draft.lose(param, "there are no tools to choose from");
        }
        return Ok(());
    }
    out.key("tools");
    out.begin_list();
    out.raw(list.json());
    out.end_list();
    if let Choice::Tool(name) = choice
        && !names.iter().any(|known| known == name)
    {
        return Err(refuse(param, "it names a tool that is not among `tools`."));
    }
    let choice = match (choice, form) {
        // The answer is one of the calls, so one must be made.
        (Choice::Unsaid | Choice::Auto, Form::Tool(_)) if names.len() > 1 => Choice::Any,
        (_, Form::Tool(_)) => Choice::Tool(ANSWER_TOOL),
        (choice, _) => choice,
    };
    let is_single = request.at("parallel_tool_calls").starts(b'f') || matches!(form, Form::Tool(_));
    write_choice(draft, choice, reasoning, is_single, out);
    Ok(())
}

/// The name in a choice, whether it is said as OpenAI has it, as it was in `function_call`, or as Anthropic does.
fn chosen_name(choice: Value<'_>) -> Option<String> {
    name_of(choice).string().map(|name| name.text().into_owned())
}

fn read_choice<'t>(choice: Option<Value<'t>>, name: Option<&'t str>, param: &str) -> Result<Choice<'t>, Error> {
    let wrong = || refuse(param, "it is none of those that OpenAI or Anthropic knows.");
    let Some(choice) = choice else { return Ok(Choice::Unsaid) };
    let kind = choice.string().or(choice.at("type").string());
    let kind = kind.map(|kind| kind.text().into_owned());
    match (kind.as_deref(), choice.starts(b'{')) {
        (Some("auto"), false) => Ok(Choice::Auto),
        (Some("none"), false) => Ok(Choice::None),
        (Some("required" | "any"), false) => Ok(Choice::Any),
        (Some("auto" | "any" | "tool" | "none"), true) => Ok(Choice::Own(choice)),
        (Some("allowed_tools"), true) => {
            let allowed = said(choice, "allowed_tools").unwrap_or(choice);
            Ok(if is_string(allowed.at("mode"), "required") { Choice::Any } else { Choice::Auto })
        }
        (Some("function" | "custom") | None, true) => name.map(Choice::Tool).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

impl Tools<'_, '_, '_> {
    fn read_allowed(&mut self, request: Value<'_>) {
        let choice = request.at("tool_choice");
        if is_string(choice.at("type"), "allowed_tools") {
            let allowed = said(choice, "allowed_tools").unwrap_or(choice);
            self.allowed = Some(allowed.at("tools").items().filter_map(chosen_name).collect());
        }
    }

    /// Whether a tool may be called; it is not sent otherwise.
    fn takes(&mut self, name: &str, path: &str) -> Result<bool, Error> {
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.iter().any(|allowed| allowed == name)) {
            return Ok(false);
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > 128 || !name.bytes().all(is_letter) {
            let reason = "the name of a tool has 1 to 128 letters, digits, `_` and `-`.";
            return Err(refuse(&concat(&[path, ".name"]), reason));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(refuse(&concat(&[path, ".name"]), "another tool has this name."));
        }
        self.names.push(name.to_owned());
        Ok(true)
    }

    fn write_tool(&mut self, tool: Value<'_>, path: &str) -> Result<(), Error> {
        let kind = tool.at("type");
        if let Some(custom) = said(tool, "custom") {
            return self.write_custom(tool, custom, &concat(&[path, ".custom"]));
        }
        let function = said(tool, "function");
        if function.is_some() || is_string(kind, "function") {
            let path = if function.is_some() { &concat(&[path, ".function"]) } else { path };
            return self.write_function(tool, function.unwrap_or(tool), path);
        }
        // As OpenAI's Responses have it.
        if is_string(kind, "custom") && said(tool, "input_schema").is_none() {
            return self.write_custom(tool, tool, path);
        }
        if kind.string().is_none() && said(tool, "input_schema").is_none() {
            return Err(refuse(path, "it is no tool that OpenAI or Anthropic knows."));
        }
        self.write_own(tool, path)
    }

    /// A tool in Anthropic's own words, or one of its own.
    fn write_own(&mut self, tool: Value<'_>, path: &str) -> Result<(), Error> {
        let kind = tool.at("type");
        if let Some(name) = tool.at("name").string()
            && !self.takes(&name.text(), path)?
        {
            return Ok(());
        }
        for (part, beta) in BETAS {
            if is_string(kind, part) {
                self.draft.beta(beta);
            }
        }
        if find(kind.raw(), "tool_search_tool").is_some() {
            self.draft.beta("advanced-tool-use-2025-11-20");
        }
        super::content::write_own(self.draft, tool, super::content::Place { path, mark: mark_of(tool) }, &mut self.out);
        Ok(())
    }

    fn write_function(&mut self, tool: Value<'_>, function: Value<'_>, path: &str) -> Result<(), Error> {
        let name = function.at("name");
        if !self.takes(&name.string().map(|name| name.text().into_owned()).unwrap_or_default(), path)? {
            return Ok(());
        }
        let parameters = said(function, "parameters").or(said(function, "input_schema"));
        let asked = parameters.filter(|parameters| parameters.starts(b'{'));
        let wants_strict = function.at("strict").starts(b't');
        let reason = match asked {
            _ if !self.draft.family.schema => "this model cannot be held to a schema",
            Some(schema) if !schema::can_hold(schema) => "Claude cannot be held to a schema that contains itself",
            Some(schema) if !schema::is_of_tool(schema) => "Claude is held to schemas of objects, without alternatives",
            _ => "",
        };
        let is_strict = wants_strict && reason.is_empty();
        if wants_strict && !is_strict {
            self.draft.lose(concat(&[path, ".strict"]), reason);
        }
        let out = &mut self.out;
        out.begin_object();
        out.member_copy("name", name);
        if let Some(description) = said(function, "description").filter(|text| !is_neutral(*text)) {
            out.member_copy("description", description);
        }
        out.key("input_schema");
        match asked {
            Some(schema) if is_strict => schema::write(self.draft, schema, &concat(&[path, ".parameters"]), out),
            Some(schema) => schema::write_open(self.draft, schema, &concat(&[path, ".parameters"]), out),
            None if is_strict => out.raw(r#"{"type":"object","properties":{},"additionalProperties":false}"#),
            None => out.raw(r#"{"type":"object","properties":{}}"#),
        }
        if is_strict {
            out.member_raw("strict", "true");
        }
        for name in OWN {
            if let Some(value) = said(tool, name).or(said(function, name)) {
                out.member_copy(name, value);
            }
        }
        self.draft.write_mark(out, mark_of(tool).or(mark_of(function)), path);
        out.end_object();
        let [callers, loading, streaming, examples] = OWN;
        let mut read = vec![callers, loading, streaming, examples, "cache_control", "prompt_cache_breakpoint", "type"];
        read.extend(["function", "name", "description", "parameters", "input_schema", "strict"]);
        self.draft.lose_rest(function, &read, path);
        if tool.number() != function.number() {
            self.draft.lose_rest(tool, &read, path.strip_suffix(".function").unwrap_or(path));
        }
        Ok(())
    }

    /// A tool that takes text is sent as a function of one string.
    fn write_custom(&mut self, tool: Value<'_>, custom: Value<'_>, path: &str) -> Result<(), Error> {
        let name = custom.at("name").string().map(|name| name.text().into_owned()).unwrap_or_default();
        if !self.takes(&name, path)? {
            return Ok(());
        }
        let format = custom.at("format");
        let out = &mut self.out;
        out.begin_object();
        out.member("name", &name);
        let grammar = format.get("grammar").or(format.get("definition").map(|_| format));
        if !is_neutral(custom.at("description")) || grammar.is_some() {
            out.key("description");
            out.begin_string();
            out.copy_text(custom.at("description"));
            if let Some(grammar) = grammar {
                out.push_text(if is_neutral(custom.at("description")) { "" } else { "\n\n" });
                out.push_text("`input` must match this grammar (");
                out.copy_text(grammar.at("syntax"));
                out.push_text("):\n");
                out.copy_text(grammar.at("definition"));
                let reason = "Claude is told of the grammar, and not held to it";
                self.draft.losses.add(concat(&[path, ".format"]), Action::Moved, reason);
            }
            out.end_string();
        }
        let schema = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;
        out.member_raw("input_schema", schema);
        self.draft.write_mark(out, mark_of(tool).or(mark_of(custom)), path);
        out.end_object();
        let read = ["type", "name", "description", "format", "cache_control", "prompt_cache_breakpoint"];
        self.draft.lose_rest(custom, &read, path);
        self.draft.back.customs.push(name);
        Ok(())
    }

    /// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>
    fn write_search(&mut self, search: Value<'_>) -> Result<(), Error> {
        if self.names.iter().any(|name| name == SEARCH) {
            return Err(refuse(
                "web_search_options",
                "one of `tools` has the name of Anthropic's own search, `web_search`.",
            ));
        }
        self.names.push(SEARCH.to_owned());
        let location = search.at("user_location");
        let out = &mut self.out;
        out.begin_object();
        out.member("type", "web_search_20250305");
        out.member("name", SEARCH);
        if !is_neutral(location) {
            let place = said(location, "approximate").unwrap_or(location);
            out.key("user_location");
            out.begin_object();
            out.member("type", "approximate");
            for name in ["city", "region", "country", "timezone"] {
                if let Some(value) = said(place, name).filter(|value| !is_neutral(*value)) {
                    out.member_copy(name, value);
                }
            }
            out.end_object();
        }
        for name in ["max_uses", "allowed_domains", "blocked_domains"] {
            if let Some(value) = said(search, name) {
                out.member_copy(name, value);
            }
        }
        out.end_object();
        if said(search, "search_context_size").is_some_and(|size| !is_idle(size, "")) {
            self.draft.lose(
                "web_search_options.search_context_size",
                "Anthropic's search decides for itself how much it reads",
            );
        }
        let read = ["user_location", "search_context_size", "max_uses", "allowed_domains", "blocked_domains"];
        self.draft.lose_rest(search, &read, "web_search_options");
        Ok(())
    }

    /// A tool that takes the answer, for models that take no schema for it.
    fn write_answer(&mut self, schema: Value<'_>) {
        self.names.push(ANSWER_TOOL.to_owned());
        let out = &mut self.out;
        out.begin_object();
        out.member("name", ANSWER_TOOL);
        out.member("description", "Answers with a JSON object.");
        out.key("input_schema");
        schema::write_open(self.draft, schema, "response_format.json_schema.schema", out);
        out.end_object();
    }
}

fn write_choice(draft: &mut Draft<'_>, choice: Choice<'_>, reasoning: &Reasoning, is_single: bool, out: &mut Writer) {
    let own_kind = |own: Value<'_>| own.at("type").string().map(|kind| kind.text().into_owned()).unwrap_or_default();
    let is_forced = match choice {
        Choice::Any | Choice::Tool(_) => true,
        Choice::Own(own) => matches!(&*own_kind(own), "any" | "tool"),
        Choice::Unsaid | Choice::Auto | Choice::None => false,
    };
    let reason = match is_forced {
        true if !draft.family.forced => "this model cannot be made to call a tool",
        true if reasoning.has_budget() => "Claude cannot be made to call a tool while it thinks within a budget",
        _ => "",
    };
    let choice = if reason.is_empty() { choice } else { Choice::Auto };
    if !reason.is_empty() {
        draft.losses.add("tool_choice", Action::Emulated, reason);
    }
    let kind = match choice {
        Choice::Unsaid if !is_single => return,
        Choice::Own(own) => {
            let mut single = own.at("disable_parallel_tool_use").raw();
            if single.is_empty() && is_single && own_kind(own) != "none" {
                single = "true";
            }
            out.key("tool_choice");
            out.begin_object();
            for member in own.children().filter(|member| !member.is("disable_parallel_tool_use")) {
                out.copy_key(member);
                out.copy(member);
            }
            if !single.is_empty() {
                out.member_raw("disable_parallel_tool_use", single);
            }
            out.end_object();
            return;
        }
        Choice::Unsaid | Choice::Auto => "auto",
        Choice::None => "none",
        Choice::Any => "any",
        Choice::Tool(_) => "tool",
    };
    out.key("tool_choice");
    out.begin_object();
    out.member("type", kind);
    if let Choice::Tool(name) = choice {
        out.member("name", name);
    }
    if is_single && kind != "none" {
        out.member_raw("disable_parallel_tool_use", "true");
    }
    out.end_object();
}
