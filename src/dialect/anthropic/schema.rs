//! The form of an answer, and JSON schemas as Anthropic takes them: what it cannot be held to, it is told in words.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>

use super::request::Draft;
use super::thinking::Reasoning;
use crate::dialect::translate::{ANSWER_TOOL, Action, is_neutral, is_string, path_of, said};
use crate::json::{Value, Writer};
use crate::text::concat;

/// What is copied as it stands.
const KEPT: [&str; 6] = ["title", "enum", "const", "default", "$id", "$anchor"];

/// The formats of strings that are kept to.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// A schema for any value: one without a type is refused.
const ANYTHING: &str = r#"[{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"null"}]"#;

/// How an answer is held to its form.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// Not at all.
    Text,
    /// By the provider, to this schema.
    Schema(Value<'a>),
    /// By a tool that must be called, with this schema.
    Tool(Value<'a>),
    /// By words in the prompt: JSON, and of this schema where there is one.
    Words(Option<Value<'a>>),
}

impl Form<'_> {
    /// Writes the words that ask for it, as the last that the system says.
    pub fn instruct(&self, system: &mut Writer) {
        let Self::Words(schema) = self else { return };
        system.begin_object();
        system.member("type", "text");
        system.key("text");
        system.begin_string();
        system.push_text("Answer with one JSON object and nothing else: no words around it, and no Markdown.");
        if let Some(schema) = schema {
            system.push_text(" It must match this JSON schema: ");
            system.push_json(*schema);
        }
        system.end_string();
        system.end_object();
    }
}

/// Which form the answer is to have, and how it is held to it.
pub fn form<'a>(draft: &mut Draft<'_>, request: Value<'a>, reasoning: &Reasoning) -> Form<'a> {
    let format = request.at("response_format");
    let asked = format.at("json_schema");
    let is_schema = is_string(format.at("type"), "json_schema");
    if !is_schema && !is_string(format.at("type"), "json_object") {
        if !is_string(format.at("type"), "text") && !is_neutral(format) {
            draft.lose("response_format", "Anthropic knows no such form");
        }
        return Form::Text;
    }
    // Anthropic has no name for a schema, and is always strict with it.
    draft.lose_rest(asked, &["name", "description", "schema", "strict"], "response_format.json_schema");
    draft.lose_rest(format, &["type", "json_schema"], "response_format");
    if let Some(schema) = said(asked, "schema").filter(|schema| is_schema && schema.starts(b'{')) {
        return schema_form(draft, request, schema, reasoning);
    }
    draft.losses.add("response_format", Action::Emulated, "Claude is told to answer in JSON, and not held to it");
    Form::Words(None)
}

fn schema_form<'a>(draft: &mut Draft<'_>, request: Value<'a>, schema: Value<'a>, reasoning: &Reasoning) -> Form<'a> {
    let asked = request.at("response_format").at("json_schema");
    if !is_neutral(asked.at("description")) {
        draft.lose("response_format.json_schema.description", "Anthropic has no word for it beside the schema");
    }
    if draft.family.schema {
        return Form::Schema(schema);
    }
    let choice = request.at("tool_choice");
    let is_open = is_neutral(choice) || is_string(choice, "auto");
    let has_name = |tool: Value<'_>| {
        let inner = said(tool, "function").or(said(tool, "custom")).unwrap_or(tool);
        is_string(inner.at("name"), ANSWER_TOOL)
    };
    let is_free = !request.at("tools").items().chain(request.at("functions").items()).any(has_name);
    let is_object = is_string(schema.at("type"), "object") || schema.get("properties").is_some();
    let can_force = is_open && is_free && is_object && !reasoning.has_budget();
    if can_force && said(request, "web_search_options").is_none() {
        draft.back.has_answer_tool = true;
        draft.losses.add("response_format", Action::Emulated, "this model answers by a tool which takes that form");
        return Form::Tool(schema);
    }
    draft.losses.add("response_format", Action::Emulated, "this model is told of the schema, and not held to it");
    Form::Words(Some(schema))
}

/// Writes a schema with what Anthropic keeps to: objects are closed, and what it has no rule for stands in the
/// description, as Anthropic's own libraries do it.
pub fn write(draft: &mut Draft<'_>, schema: Value<'_>, path: &str, out: &mut Writer) {
    out.begin_object();
    if !schema.starts(b'{') {
        draft.losses.add(path, Action::Clamped, "Anthropic takes no schema for any value: it is one without parts");
        out.member_raw("anyOf", ANYTHING);
    } else if let Some(reference) = said(schema, "$ref") {
        write_definitions(draft, schema, path, out);
        out.member_copy("$ref", reference);
        draft.lose_rest(schema, &["$ref", "$defs", "definitions", "description", "title"], path);
    } else {
        write_node(draft, schema, path, out);
    }
    out.end_object();
}

fn write_definitions(draft: &mut Draft<'_>, schema: Value<'_>, path: &str, out: &mut Writer) {
    for name in ["$defs", "definitions"] {
        write_named(draft, schema, name, path, out);
    }
}

/// Writes a member that is an object of schemas.
fn write_named(draft: &mut Draft<'_>, schema: Value<'_>, name: &str, path: &str, out: &mut Writer) {
    let Some(named) = said(schema, name).filter(|named| named.starts(b'{')) else { return };
    out.key(name);
    out.begin_object();
    for member in named.children() {
        out.copy_key(member);
        write(draft, member, &concat(&[path, ".", name, ".", &member.key().text()]), out);
    }
    out.end_object();
}

fn write_node(draft: &mut Draft<'_>, schema: Value<'_>, path: &str, out: &mut Writer) {
    write_definitions(draft, schema, path, out);
    let unions = [("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")];
    let union = unions.into_iter().find(|(name, _)| schema.at(name).items().next().is_some());
    let kind = said(schema, "type");
    if let Some((name, sent)) = union {
        out.key(sent);
        out.begin_list();
        let list = concat(&[path, ".", name]);
        for (at, one) in schema.at(name).items().enumerate() {
            write(draft, one, &path_of(&list, at, ""), out);
        }
        out.end_list();
    }
    match kind {
        Some(kind) => out.member_copy("type", kind),
        None if union.is_some() => {}
        None => match guess_type(schema) {
            Some(kind) => out.member("type", kind),
            None => {
                let reason = "Anthropic takes no schema for any value: it is one without parts";
                draft.losses.add(path, Action::Clamped, reason);
                out.member_raw("anyOf", ANYTHING);
            }
        },
    }
    for name in KEPT {
        if let Some(value) = schema.get(name) {
            out.member_copy(name, value);
        }
    }
    let has_type = |name| match kind {
        Some(kind) => is_string(kind, name) || kind.items().any(|kind| is_string(kind, name)),
        None => union.is_none() && guess_type(schema) == Some(name),
    };
    if has_type("object") || schema.get("properties").is_some() {
        if schema.get("properties").is_none() {
            out.member_raw("properties", "{}");
        }
        write_named(draft, schema, "properties", path, out);
        if let Some(required) = said(schema, "required") {
            out.member_copy("required", required);
        }
        out.member_raw("additionalProperties", "false");
        if said(schema, "additionalProperties").is_some_and(|open| !open.starts(b'f')) {
            let param = concat(&[path, ".additionalProperties"]);
            draft.losses.add(param, Action::Clamped, "Anthropic's objects have no members but those that are named");
        }
    }
    if let Some(items) = said(schema, "items") {
        out.key("items");
        write(draft, items, &concat(&[path, ".items"]), out);
    }
    write_description(draft, schema, union.map(|(name, _)| name), path, out);
}

/// The type that a node without one can only have.
fn guess_type(schema: Value<'_>) -> Option<&'static str> {
    if schema.get("properties").is_some() {
        return Some("object");
    }
    if schema.get("items").is_some() {
        return Some("array");
    }
    let example = schema.get("const").or(schema.at("enum").items().next())?;
    let is_alike = |value: Value<'_>| kind_of(value) == kind_of(example);
    schema.at("enum").items().all(is_alike).then(|| kind_of(example)).flatten()
}

fn kind_of(value: Value<'_>) -> Option<&'static str> {
    match value.bytes().first()? {
        b'"' => Some("string"),
        b't' | b'f' => Some("boolean"),
        b'n' => Some("null"),
        b'{' | b'[' => None,
        _ => Some("number"),
    }
}

/// Whether a rule is one that Anthropic keeps to, so that it was written, or says nothing of the value.
fn is_kept(rule: Value<'_>, union: Option<&str>) -> bool {
    const WRITTEN: [&str; 12] = [
        "$ref",
        "$defs",
        "definitions",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "description",
        "$schema",
        "$comment",
        "strict",
    ];
    WRITTEN.iter().chain(&KEPT).any(|name| rule.is(name))
        || union.is_some_and(|union| rule.is(union))
        || rule.is("format") && FORMATS.iter().any(|format| is_string(rule, format))
        || rule.is("minItems") && matches!(rule.bytes(), b"0" | b"1")
}

/// Writes the description, with the rules in it that Anthropic does not keep to, and the two others that it may.
fn write_description(draft: &mut Draft<'_>, schema: Value<'_>, union: Option<&str>, path: &str, out: &mut Writer) {
    for name in ["format", "minItems"] {
        if let Some(rule) = schema.get(name).filter(|rule| is_kept(*rule, union)) {
            out.member_copy(name, rule);
        }
    }
    let description = schema.at("description");
    let mut moved = schema.children().filter(|rule| !is_kept(*rule, union)).peekable();
    if moved.peek().is_none() {
        out.member_copy("description", description);
        return;
    }
    out.key("description");
    out.begin_string();
    out.copy_text(description);
    out.push_text(if is_neutral(description) { "{" } else { "\n\n{" });
    let mut separator = "";
    for rule in moved {
        out.push_text(separator);
        out.push_text(&rule.key().text());
        out.push_text(": ");
        out.push_json(rule);
        separator = ", ";
        let param = concat(&[path, ".", &rule.key().text()]);
        draft.losses.add(param, Action::Moved, "Claude is told of it in the description, and not held to it");
    }
    out.push_text("}");
    out.end_string();
}
