//! The form of an answer, and JSON schemas as Anthropic takes them: what it cannot be held to, it is told in words.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>

use super::request::Draft;
use super::thinking::Reasoning;
use crate::dialect::schemas::{BESIDE, is_recursive, resolve};
use crate::dialect::translate::{ANSWER_TOOL, Action, is_neutral, is_string, name_of, path_of, said};
use crate::json::{Value, Writer};
use crate::text::concat;

/// What is copied as it stands, where [`is_kept`] has nothing against it.
const KEPT: [&str; 6] = ["title", "enum", "const", "default", "format", "minItems"];

/// What says nothing of which values fit, and is written elsewhere or nowhere.
const QUIET: [&str; 7] = ["$schema", "$comment", "$id", "$anchor", "$defs", "definitions", "strict"];

/// What alternatives are called: Anthropic knows the first.
const UNIONS: [&str; 2] = ["anyOf", "oneOf"];

/// How many references of a schema are written as what they refer to, and how deep in it: copies may have copies.
const MAX_COPIES: u32 = 256;
const MAX_COPYING_DEPTH: u32 = 64;

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
    if draft.family.schema && can_hold(schema) {
        return Form::Schema(schema);
    }
    let choice = request.at("tool_choice");
    let is_open = is_neutral(choice) || is_string(choice, "auto");
    let has_name = |tool: Value<'_>| is_string(name_of(tool), ANSWER_TOOL);
    let is_free = !request.at("tools").items().chain(request.at("functions").items()).any(has_name);
    let can_force = is_open && is_free && is_of_tool(schema) && !reasoning.has_budget();
    if can_force && said(request, "web_search_options").is_none() {
        draft.back.has_answer_tool = true;
        draft.losses.add("response_format", Action::Emulated, "this model answers by a tool which takes that form");
        return Form::Tool(schema);
    }
    draft.losses.add("response_format", Action::Emulated, "this model is told of the schema, and not held to it");
    Form::Words(Some(schema))
}

/// Writes a schema with what Anthropic keeps to: objects are closed, and what it has no rule for stands in the
/// description, as Anthropic's own libraries do it. A schema that contains itself is none for this.
pub fn write(draft: &mut Draft<'_>, schema: Value<'_>, path: &str, out: &mut Writer) {
    Walk { draft, root: schema, left: MAX_COPIES, depth: 0 }.node(&[schema], path, out);
}

/// Whether Anthropic takes these schemas: those that contain themselves it refuses.
pub fn can_hold(schema: Value<'_>) -> bool {
    !is_recursive(schema)
}

/// Whether a schema is for an object and says so itself, as that of a tool must.
pub fn is_of_tool(schema: Value<'_>) -> bool {
    let layers = whole_layers(schema);
    let is_object =
        layers.iter().any(|layer| is_string(layer.at("type"), "object") || layer.get("properties").is_some());
    is_object && !layers.iter().any(|layer| UNIONS.iter().any(|name| said(*layer, name).is_some()))
}

/// A schema with all that it says by `allOf` and references.
fn whole_layers(schema: Value<'_>) -> Vec<Value<'_>> {
    let mut layers = vec![schema];
    let mut at = 0;
    while let Some(layer) = layers.get(at).copied() {
        at += 1;
        let target = layer.get("$ref").and_then(|reference| resolve(schema, reference));
        insert_parts(&mut layers, at, layer.at("allOf").items().chain(target));
    }
    layers
}

/// Inserts what a schema is made of behind it, but for what is there already.
fn insert_parts<'s>(layers: &mut Vec<Value<'s>>, mut at: usize, parts: impl Iterator<Item = Value<'s>>) {
    for part in parts {
        if !layers.iter().any(|known| known.number() == part.number()) {
            layers.insert(at, part);
            at += 1;
        }
    }
}

/// Writes the schema of a tool that is not held to it: as it stands, but for what Anthropic wants of its outermost part,
/// an object without alternatives.
pub fn write_open(draft: &mut Draft<'_>, schema: Value<'_>, path: &str, out: &mut Writer) {
    let is_plain = !["$ref", "allOf"].iter().chain(&UNIONS).any(|name| said(schema, name).is_some());
    if is_plain && said(schema, "type").is_some() {
        out.copy(schema);
        return;
    }
    let layers = whole_layers(schema);
    let is_first = |member: Value<'_>| {
        let same = layers.iter().find_map(|layer| layer.children().find(|other| other.key() == member.key()));
        same.is_some_and(|first| first.number() == member.number())
    };
    out.begin_object();
    out.member("type", "object");
    let mut moved = Vec::new();
    for member in layers.iter().flat_map(|layer| layer.children()) {
        match &*member.key().text() {
            "type" | "allOf" | "description" | "properties" | "required" => {}
            "$ref" if resolve(schema, member).is_some() => {}
            "$ref" | "anyOf" | "oneOf" => moved.push(member),
            // Of the parts of an object, none knows the others' members: together they would allow nothing.
            "additionalProperties" | "unevaluatedProperties" if layers.len() > 1 && member.starts(b'f') => {}
            _ if is_first(member) => {
                out.copy_key(member);
                out.copy(member);
            }
            _ => moved.push(member),
        }
    }
    out.key("properties");
    out.begin_object();
    for member in layers.iter().flat_map(|layer| layer.at("properties").children()) {
        let key = member.key().text();
        let first = layers.iter().find_map(|layer| layer.at("properties").get(&key));
        if first.is_some_and(|first| first.number() == member.number()) {
            out.copy_key(member);
            out.copy(member);
        } else {
            moved.push(member);
        }
    }
    out.end_object();
    write_required(&layers, out);
    write_description(draft, &layers, &moved, path, out);
    out.end_object();
}

/// Writes which members an object must have, as all parts of its schema say it.
fn write_required(layers: &[Value<'_>], out: &mut Writer) {
    let lists = || layers.iter().map(|layer| layer.at("required")).filter(|list| list.starts(b'['));
    if lists().next().is_none() {
        return;
    }
    out.key("required");
    out.begin_list();
    for name in lists().flat_map(Value::items) {
        let is_first = |other: &Value<'_>| other.string() == name.string();
        if lists().flat_map(Value::items).find(is_first).is_some_and(|first| first.number() == name.number()) {
            out.copy(name);
        }
    }
    out.end_list();
}

/// Writes the description, with the rules in it that are not kept to.
fn write_description(draft: &mut Draft<'_>, layers: &[Value<'_>], moved: &[Value<'_>], path: &str, out: &mut Writer) {
    let said = || {
        layers.iter().map(|layer| layer.at("description")).filter(|text| text.string().is_some_and(|text| text != *""))
    };
    if said().next().is_none() && moved.is_empty() {
        return;
    }
    out.key("description");
    out.begin_string();
    let mut separator = "";
    for text in said() {
        out.push_text(separator);
        out.copy_text(text);
        separator = "\n\n";
    }
    for (at, rule) in moved.iter().enumerate() {
        out.push_text(if at == 0 { separator } else { ", " });
        out.push_text(if at == 0 { "{" } else { "" });
        out.push_text(&rule.key().text());
        out.push_text(": ");
        out.push_json(*rule);
        let param = concat(&[path, ".", &rule.key().text()]);
        draft.losses.add(param, Action::Moved, "Claude is told of it in the description, and not held to it");
    }
    out.push_text(if moved.is_empty() { "" } else { "}" });
    out.end_string();
}

/// A schema while it is written.
struct Walk<'d, 'a, 's> {
    draft: &'d mut Draft<'a>,
    root: Value<'s>,
    /// How many references may still be written as what they refer to.
    left: u32,
    depth: u32,
}

impl<'s> Walk<'_, '_, 's> {
    /// Writes a schema that is made of these, all of which hold.
    fn node(&mut self, schemas: &[Value<'s>], path: &str, out: &mut Writer) {
        self.depth += 1;
        out.begin_object();
        let (layers, reference) = self.layers(schemas);
        for name in ["$defs", "definitions"] {
            // Those of what a reference refers to stand where it is.
            self.named(schemas, name, path, out);
        }
        match reference {
            Some(reference) => self.reference(&layers, reference, path, out),
            None => self.rules(&layers, path, out),
        }
        out.end_object();
        self.depth -= 1;
    }

    /// What a schema is made of: its `allOf` is as if it stood in the schema itself. If it says nothing but a reference,
    /// that is the other result; any other one is as if what it refers to stood there.
    fn layers(&mut self, schemas: &[Value<'s>]) -> (Vec<Value<'s>>, Option<Value<'s>>) {
        let mut layers: Vec<Value<'s>> = schemas.to_vec();
        let mut at = 0;
        while let Some(layer) = layers.get(at).copied() {
            at += 1;
            insert_parts(&mut layers, at, layer.at("allOf").items());
        }
        let mut references = layers.iter().filter_map(|layer| layer.get("$ref"));
        let (first, second) = (references.next(), references.next());
        let is_beside = |rule: Value<'_>| {
            rule.is("$ref") || rule.is("allOf") || BESIDE.iter().chain(&QUIET).any(|name| rule.is(name))
        };
        let says_more = layers.iter().flat_map(|layer| layer.children()).any(|rule| !is_beside(rule));
        let alone = first.filter(|_| second.is_none() && !says_more && self.depth > 1);
        if let Some(reference) =
            alone.filter(|reference| is_of_definition(*reference) && resolve(self.root, *reference).is_some())
        {
            return (layers, Some(reference));
        }
        let mut at = 0;
        while let Some(layer) = layers.get(at).copied() {
            at += 1;
            let target = layer.get("$ref").and_then(|reference| resolve(self.root, reference));
            let target = target.filter(|_| self.can_copy());
            insert_parts(&mut layers, at, layer.at("allOf").items().chain(target));
        }
        (layers, None)
    }

    fn can_copy(&mut self) -> bool {
        let can = self.left > 0 && self.depth < MAX_COPYING_DEPTH;
        self.left -= u32::from(can);
        can
    }

    /// Writes a reference. What stands beside it stands beside alternatives of which it is the only one.
    fn reference(&mut self, layers: &[Value<'s>], reference: Value<'_>, path: &str, out: &mut Writer) {
        let is_nullable = is_nullable(layers);
        let beside = ["title", "default"].map(|name| first(layers, name));
        let has_words = layers.iter().any(|layer| !is_neutral(layer.at("description")));
        if !is_nullable && !has_words && beside.iter().all(Option::is_none) {
            out.member_copy("$ref", reference);
            return;
        }
        out.key("anyOf");
        out.begin_list();
        out.begin_object();
        out.member_copy("$ref", reference);
        out.end_object();
        if is_nullable {
            out.raw(r#"{"type":"null"}"#);
        }
        out.end_list();
        for value in beside.into_iter().flatten() {
            out.copy_key(value);
            out.copy(value);
        }
        write_description(self.draft, layers, &[], path, out);
    }

    fn rules(&mut self, layers: &[Value<'s>], path: &str, out: &mut Writer) {
        let union = union_of(layers);
        let kind = first(layers, "type").filter(|_| union.is_none());
        let guessed = guess_type(layers).filter(|_| kind.is_none() && union.is_none());
        let has_type = |name| match kind {
            Some(kind) => is_string(kind, name) || kind.items().any(|kind| is_string(kind, name)),
            None => guessed == Some(name),
        };
        let is_nullable = is_nullable(layers);
        if let Some(union) = union {
            out.key("anyOf");
            out.begin_list();
            let list = concat(&[path, ".", &union.key().text()]);
            for (at, one) in union.items().enumerate() {
                self.node(&[one], &path_of(&list, at, ""), out);
            }
            if is_nullable {
                out.raw(r#"{"type":"null"}"#);
            }
            out.end_list();
        }
        match (kind, guessed) {
            (Some(kind), _) if is_nullable && kind.string().is_some() && !is_string(kind, "null") => {
                out.key("type");
                out.begin_list();
                out.copy(kind);
                out.string("null");
                out.end_list();
            }
            (Some(kind), _) => out.member_copy("type", kind),
            (None, Some(guessed)) => out.member("type", guessed),
            (None, None) if union.is_some() => {}
            (None, None) => {
                let reason = "Anthropic takes no schema for any value: it is one without parts";
                self.draft.losses.add(path, Action::Clamped, reason);
                out.member_raw("anyOf", ANYTHING);
            }
        }
        let mut written: Vec<usize> = union.into_iter().chain(kind).map(Value::number).collect();
        for name in KEPT {
            let Some(rule) = first(layers, name).filter(|rule| is_kept(*rule, has_type("string"))) else { continue };
            out.copy_key(rule);
            out.copy(rule);
            written.push(rule.number());
        }
        let is_object = has_type("object");
        if is_object {
            if !self.named(layers, "properties", path, out) {
                out.member_raw("properties", "{}");
            }
            write_required(layers, out);
            out.member_raw("additionalProperties", "false");
            let others = layers.iter().filter_map(|layer| said(*layer, "additionalProperties"));
            if others.clone().next().is_some() && others.clone().all(|others| !others.starts(b'f')) {
                let param = concat(&[path, ".additionalProperties"]);
                let reason = "Anthropic's objects have no members but those that are named";
                self.draft.losses.add(param, Action::Clamped, reason);
            }
        }
        if let Some(items) = first(layers, "items").filter(|items| has_type("array") && !items.starts(b'[')) {
            out.key("items");
            self.node(&[items], &concat(&[path, ".items"]), out);
            written.push(items.number());
        }
        let is_moved = |rule: &Value<'s>| match &*rule.key().text() {
            "description" | "nullable" => false,
            "allOf" => !rule.starts(b'['),
            "properties" | "required" => !is_object,
            "additionalProperties" | "unevaluatedProperties" => !is_object && !rule.starts(b'f'),
            // What it refers to is among the layers, unless that was one too many.
            "$ref" => !resolve(self.root, *rule)
                .is_some_and(|target| layers.iter().any(|layer| layer.number() == target.number())),
            // What each of the alternatives says for itself.
            "type" if union.is_some() => false,
            // The bounds of the numbers that JavaScript counts with are those of the library that wrote the schema.
            "minimum" | "maximum" if matches!(rule.raw(), "-9007199254740991" | "9007199254740991") => false,
            name => {
                let is_same = || {
                    first(layers, name)
                        .is_some_and(|first| written.contains(&first.number()) && first.raw() == rule.raw())
                };
                !QUIET.contains(&name) && !is_same()
            }
        };
        let moved: Vec<Value<'s>> = layers.iter().flat_map(|layer| layer.children()).filter(is_moved).collect();
        write_description(self.draft, layers, &moved, path, out);
    }

    /// Writes a member that is an object of schemas. Whether there is one.
    fn named(&mut self, layers: &[Value<'s>], name: &str, path: &str, out: &mut Writer) -> bool {
        let objects: Vec<Value<'s>> =
            layers.iter().filter_map(|layer| said(*layer, name)).filter(|object| object.starts(b'{')).collect();
        if objects.is_empty() {
            return false;
        }
        out.key(name);
        out.begin_object();
        for (at, object) in objects.iter().enumerate() {
            for member in object.children() {
                let key = member.key().text();
                let same: Vec<Value<'s>> = objects.iter().filter_map(|object| object.get(&key)).collect();
                let (earlier, _) = objects.split_at_checked(at).unwrap_or_default();
                if earlier.iter().all(|object| object.get(&key).is_none()) {
                    out.copy_key(member);
                    self.node(&same, &concat(&[path, ".", name, ".", &key]), out);
                }
            }
        }
        out.end_object();
        true
    }
}

/// Whether a reference names a definition, which is sent as such under the same name.
fn is_of_definition(reference: Value<'_>) -> bool {
    let Some(reference) = reference.string().map(|reference| reference.text()) else { return false };
    let name = ["#/$defs/", "#/definitions/"].iter().find_map(|start| reference.strip_prefix(start));
    name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

fn first<'s>(layers: &[Value<'s>], name: &str) -> Option<Value<'s>> {
    layers.iter().find_map(|layer| said(*layer, name))
}

/// As OpenAPI has it for what may be null.
fn is_nullable(layers: &[Value<'_>]) -> bool {
    layers.iter().any(|layer| layer.at("nullable").starts(b't'))
}

/// The alternatives of a schema: none where more is said beside them than they say themselves.
fn union_of<'s>(layers: &[Value<'s>]) -> Option<Value<'s>> {
    let mut unions = UNIONS.iter().filter_map(|name| first(layers, name));
    let union = unions.find(|union| union.items().next().is_some())?;
    let is_whole =
        |one: Value<'_>| ["type", "$ref", "enum", "const", "anyOf", "allOf"].iter().any(|name| one.get(name).is_some());
    let is_typed = first(layers, "type").is_some();
    (first(layers, "properties").is_none() && (!is_typed || union.items().all(is_whole))).then_some(union)
}

/// The type that a node without one can only have.
fn guess_type(layers: &[Value<'_>]) -> Option<&'static str> {
    if first(layers, "properties").is_some() {
        return Some("object");
    }
    if first(layers, "items").is_some() {
        return Some("array");
    }
    let values = first(layers, "enum");
    let values = || values.into_iter().flat_map(Value::items);
    let example = first(layers, "const").or(values().next())?;
    values().all(|value| kind_of(value) == kind_of(example)).then(|| kind_of(example)).flatten()
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

/// Whether a rule of those that may be kept is one that Anthropic keeps to.
fn is_kept(rule: Value<'_>, is_text: bool) -> bool {
    let is_plain = |value: Value<'_>| !value.starts(b'{') && !value.starts(b'[');
    match &*rule.key().text() {
        "enum" => rule.items().next().is_some() && rule.items().all(is_plain),
        "const" => is_plain(rule),
        "format" => is_text && FORMATS.iter().any(|format| is_string(rule, format)),
        "minItems" => matches!(rule.bytes(), b"0" | b"1"),
        _ => true,
    }
}
