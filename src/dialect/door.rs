//! What a chat request must be made of, whatever dialect it goes to: a value of a wrong type is refused by its name,
//! before anybody guesses what was meant.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use super::translate::{is_string, name_of, path_of, refuse, said};
use crate::error::Error;
use crate::json::Value;
use crate::text::{concat, decimal};

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Text,
    Number,
    /// A whole number.
    Whole,
    /// A number of things, and at least so many.
    Count(u32),
    Flag,
    Object,
    List,
    Texts,
    TextOrList,
    TextOrObject,
    TextOrTexts,
}

use Is::{Count, Flag, List, Number, Object, Text, TextOrList, TextOrObject, TextOrTexts, Texts, Whole};

type Table = &'static [(&'static str, Is)];

/// The parameters of a request.
const REQUEST: Table = &[
    ("messages", List),
    ("stream", Flag),
    ("stream_options", Object),
    ("temperature", Number),
    ("top_p", Number),
    ("top_k", Number),
    ("max_tokens", Count(1)),
    ("max_completion_tokens", Count(1)),
    ("n", Count(1)),
    ("seed", Whole),
    ("presence_penalty", Number),
    ("frequency_penalty", Number),
    ("logit_bias", Object),
    ("logprobs", Flag),
    ("top_logprobs", Count(0)),
    ("stop", TextOrTexts),
    ("stop_sequences", TextOrTexts),
    ("response_format", Object),
    ("modalities", Texts),
    ("audio", Object),
    ("prediction", Object),
    ("reasoning_effort", Text),
    ("reasoning", Object),
    ("thinking", Object),
    ("tools", List),
    ("tool_choice", TextOrObject),
    ("parallel_tool_calls", Flag),
    ("functions", List),
    ("function_call", TextOrObject),
    ("web_search_options", Object),
    ("service_tier", Text),
    ("verbosity", Text),
    ("user", Text),
    ("safety_identifier", Text),
    ("prompt_cache_key", Text),
    ("prompt_cache_retention", Text),
    ("prompt_cache_options", Object),
    ("metadata", Object),
    ("store", Flag),
    ("extra_body", Object),
    ("google", Object),
];

/// What is said in the objects among them.
const IN_REQUEST: [(&str, Table); 5] = [
    ("stream_options", &[("include_usage", Flag)]),
    ("response_format", &[("type", Text), ("json_schema", Object)]),
    (
        "reasoning",
        &[("effort", Text), ("max_tokens", Count(0)), ("enabled", Flag), ("exclude", Flag), ("display", Text)],
    ),
    ("audio", &[("voice", TextOrObject), ("format", Text)]),
    ("web_search_options", &[("user_location", Object), ("search_context_size", Text)]),
];

const SCHEMA: Table = &[("name", Text), ("description", Text), ("schema", Object), ("strict", Flag)];
const TOOL: Table = &[("type", Text), ("function", Object), ("custom", Object)];
const FUNCTION: Table = &[("name", Text), ("description", Text), ("parameters", Object), ("strict", Flag)];
const CUSTOM: Table = &[("name", Text), ("description", Text), ("format", Object)];
const CHOICE: Table = &[("type", Text), ("function", Object), ("custom", Object), ("allowed_tools", Object)];
const ALLOWED: Table = &[("mode", Text), ("tools", List)];

const MESSAGE: Table = &[
    ("content", TextOrList),
    ("name", Text),
    ("tool_call_id", Text),
    ("tool_calls", List),
    ("function_call", Object),
    ("refusal", Text),
    ("audio", Object),
    ("annotations", List),
    ("reasoning_details", List),
    ("reasoning_content", Text),
    ("reasoning", Text),
    ("thinking_blocks", List),
    ("images", List),
];

const CALL: Table = &[("id", Text), ("type", Text), ("function", Object), ("custom", Object)];
/// Some send the arguments as the object that they are.
const CALLED: Table = &[("name", Text), ("arguments", TextOrObject), ("input", Text)];

/// What the parts of messages have under the name of their type.
const PARTS: [(&str, Is, Table); 5] = [
    ("text", Text, &[]),
    ("refusal", Text, &[]),
    // Some send the URL alone.
    ("image_url", TextOrObject, &[("url", Text), ("detail", Text)]),
    ("input_audio", Object, &[("data", Text), ("format", Text)]),
    ("file", Object, &[("file_data", Text), ("file_id", Text), ("filename", Text)]),
];

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// Checks what a request is made of.
///
/// # Errors
/// The first value that is of a wrong type.
pub fn check(request: Value<'_>) -> Result<(), Error> {
    check_members(request, REQUEST, "")?;
    for (name, table) in IN_REQUEST {
        check_members(request.at(name), table, name)?;
    }
    check_format(request.at("response_format"))?;
    for (at, tool) in request.at("tools").items().enumerate() {
        let path = path_of("tools", at, "");
        check_value(tool, Object, &path)?;
        check_members(tool, TOOL, &path)?;
        check_members(tool.at("function"), FUNCTION, &concat(&[&path, ".function"]))?;
        check_members(tool.at("custom"), CUSTOM, &concat(&[&path, ".custom"]))?;
    }
    for (at, function) in request.at("functions").items().enumerate() {
        let path = path_of("functions", at, "");
        check_value(function, Object, &path)?;
        check_members(function, FUNCTION, &path)?;
    }
    for name in ["tool_choice", "function_call"] {
        let choice = request.at(name);
        check_members(choice, CHOICE, name)?;
        for inner in ["function", "custom"] {
            check_members(choice.at(inner), CALLED, &concat(&[name, ".", inner]))?;
        }
        check_members(choice.at("allowed_tools"), ALLOWED, &concat(&[name, ".allowed_tools"]))?;
        check_chosen(request, choice, name)?;
    }
    for (at, message) in request.at("messages").items().enumerate() {
        check_message(message, &path_of("messages", at, ""))?;
    }
    Ok(())
}

/// Checks that what a choice names is there. Where there is nothing to choose from, a choice says nothing.
fn check_chosen(request: Value<'_>, choice: Value<'_>, path: &str) -> Result<(), Error> {
    let tools = || request.at("tools").items().chain(request.at("functions").items());
    let is_there = |name: Value<'_>| {
        let has_name = |tool| name_of(tool).string().is_some_and(|known| Some(known) == name.string());
        name.string().is_none() || tools().next().is_none() || tools().any(has_name)
    };
    let reason = "it names a tool that is not among `tools`.";
    if ["function", "custom"].iter().any(|kind| choice.get(kind).is_some()) && !is_there(name_of(choice)) {
        return Err(refuse(path, reason));
    }
    let list = concat(&[path, ".allowed_tools.tools"]);
    for (at, tool) in choice.at("allowed_tools").at("tools").items().enumerate() {
        if !is_there(name_of(tool)) {
            return Err(refuse(&path_of(&list, at, ""), reason));
        }
    }
    Ok(())
}

fn check_format(format: Value<'_>) -> Result<(), Error> {
    if !format.starts(b'{') {
        return Ok(());
    }
    let kind = format.at("type");
    if !["text", "json_object", "json_schema"].iter().any(|known| is_string(kind, known)) {
        return Err(refuse("response_format.type", "it must be text, json_object or json_schema."));
    }
    let schema = format.at("json_schema");
    if is_string(kind, "json_schema") {
        check_value(schema, Object, "response_format.json_schema")?;
    }
    check_members(schema, SCHEMA, "response_format.json_schema")
}

fn check_message(message: Value<'_>, path: &str) -> Result<(), Error> {
    check_value(message, Object, path)?;
    let role = message.at("role").string().map(|role| role.text());
    if !role.is_some_and(|role| ROLES.contains(&&*role)) {
        let reason = "it must be one of system, developer, user, assistant and tool.";
        return Err(refuse(&concat(&[path, ".role"]), reason));
    }
    check_members(message, MESSAGE, path)?;
    let content = message.at("content");
    let path_of_content = concat(&[path, ".content"]);
    let speaks = ["system", "developer", "user"].iter().any(|role| is_string(message.at("role"), role));
    if speaks && said(message, "content").is_none() {
        return Err(refuse(&path_of_content, wanted(TextOrList)));
    }
    for (at, part) in content.items().enumerate() {
        check_part(part, &path_of(&path_of_content, at, ""))?;
    }
    let list = concat(&[path, ".tool_calls"]);
    for (at, call) in message.at("tool_calls").items().enumerate() {
        let path = path_of(&list, at, "");
        check_value(call, Object, &path)?;
        check_members(call, CALL, &path)?;
        for name in ["function", "custom"] {
            check_members(call.at(name), CALLED, &concat(&[&path, ".", name]))?;
        }
    }
    check_members(message.at("function_call"), CALLED, &concat(&[path, ".function_call"]))
}

fn check_part(part: Value<'_>, path: &str) -> Result<(), Error> {
    check_value(part, Object, path)?;
    let kind = part.at("type");
    let Some(name) = kind.string() else {
        return Err(refuse(&concat(&[path, ".type"]), wanted(Text)));
    };
    for (kind, is, table) in PARTS {
        if name == *kind {
            let path = concat(&[path, ".", kind]);
            // A part without what it is named after says nothing at all.
            check_value(part.at(kind), is, &path)?;
            check_members(part.at(kind), table, &path)?;
        }
    }
    Ok(())
}

/// Checks the members of an object; what is null says nothing.
fn check_members(object: Value<'_>, table: Table, path: &str) -> Result<(), Error> {
    if !object.starts(b'{') {
        return Ok(());
    }
    let dot = if path.is_empty() { "" } else { "." };
    for (name, is) in table {
        if let Some(value) = said(object, name) {
            check_value(value, *is, &concat(&[path, dot, name]))?;
        }
    }
    Ok(())
}

fn check_value(value: Value<'_>, is: Is, path: &str) -> Result<(), Error> {
    let first = value.bytes().first();
    let is_text = first == Some(&b'"');
    let is_object = first == Some(&b'{');
    let is_list = first == Some(&b'[');
    let fits = match is {
        Text => is_text,
        Number => matches!(first, Some(b'-' | b'0'..=b'9')),
        Whole => {
            let digits = value.raw().strip_prefix('-').unwrap_or(value.raw());
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
        }
        Count(least) => {
            let is_whole = first.is_some() && value.bytes().iter().all(u8::is_ascii_digit);
            // What is too long for a number is at least as many.
            is_whole && decimal(value.bytes()).is_none_or(|count| count >= least)
        }
        Flag => matches!(first, Some(b't' | b'f')),
        Object => is_object,
        List | Texts => is_list,
        TextOrList => is_text || is_list,
        TextOrObject => is_text || is_object,
        TextOrTexts => is_text || is_list,
    };
    if !fits {
        return Err(refuse(path, wanted(is)));
    }
    if matches!(is, Texts | TextOrTexts) {
        for (at, item) in value.items().enumerate() {
            check_value(item, Text, &path_of(path, at, ""))?;
        }
    }
    Ok(())
}

fn wanted(is: Is) -> &'static str {
    match is {
        Text => "it must be a string.",
        Number => "it must be a number.",
        Whole => "it must be a whole number.",
        Count(0) => "it must be a whole number, and none below 0.",
        Count(_) => "it must be a whole number, and at least 1.",
        Flag => "it must be true or false.",
        Object => "it must be an object.",
        List | Texts => "it must be a list.",
        TextOrList => "it must be a string or a list of parts.",
        TextOrObject => "it must be a string or an object.",
        TextOrTexts => "it must be a string or a list of strings.",
    }
}
