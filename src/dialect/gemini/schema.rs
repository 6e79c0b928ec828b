//! JSON Schema as Gemini takes it in `parametersJsonSchema` and `responseJsonSchema`: a part of the standard. What it
//! cannot say goes into the description, where the model reads it, and is reported.
//!
//! <https://ai.google.dev/api/generate-content#FIELDS.response_json_schema>

use crate::dialect::schemas::{BESIDE, only};
use crate::dialect::translate::{Action, Losses, path_of};
use crate::json::{Value, Writer};
use crate::text::{concat, replace};

/// What is copied as it is.
const PLAIN: [&str; 12] = [
    "$id",
    "$anchor",
    "title",
    "format",
    "default",
    "enum",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "required",
    "propertyOrdering",
];
/// Where the definitions were in older drafts.
const OLD: &str = "#/definitions/";

/// Writes a schema, and reports under the name of `param` what it cannot say any more.
pub fn write_schema(out: &mut Writer, schema: Value<'_>, param: &str, losses: &mut Losses) {
    write_described(out, schema, None, param, losses);
}

/// The same, with a description for a schema that has none of its own.
pub fn write_described(
    out: &mut Writer,
    schema: Value<'_>,
    description: Option<Value<'_>>,
    param: &str,
    losses: &mut Losses,
) {
    if !schema.starts(b'{') {
        // A schema may be `true`, which allows anything, or `false`.
        if schema.bytes() == b"false" {
            losses.add(param, Action::Dropped, "Gemini's schemas cannot forbid every value.");
        }
        out.raw("{}");
        return;
    }
    out.begin_object();
    let stands_beside = |rule: Value<'_>| {
        !rule.key().raw().starts_with('$') && !["allOf", "definitions"].iter().any(|name| rule.is(name))
    };
    let parts = || [Some(schema), only(schema)].into_iter().flatten();
    let has_more = description.is_some() || parts().flat_map(Value::children).any(stands_beside);
    let is_nullable = parts().any(|part| part.at("nullable").bytes() == b"true");
    let can_say_null = parts().any(|part| part.at("type").starts(b'"') || part.get("$ref").is_some());
    let mut node = Node { out, param, losses, moved: String::new(), has_more, is_nullable, can_say_null };
    node.members(schema);
    let moved = node.moved;
    let own = described(schema).or(description);
    if !moved.is_empty() {
        out.key("description");
        out.begin_string();
        if let Some(own) = own {
            out.copy_text(own);
            out.push_text("\n\n");
        }
        out.push_text("{");
        out.push_text(&moved);
        out.push_text("}");
        out.end_string();
    } else if let Some(own) = own {
        out.key("description");
        out.copy(own);
    }
    out.end_object();
}

/// The description of a schema: its own, or that of the only one that it is made of.
fn described(schema: Value<'_>) -> Option<Value<'_>> {
    let own = schema.get("description").filter(|text| text.starts(b'"'));
    own.or_else(|| only(schema)?.get("description").filter(|text| text.starts(b'"')))
}

struct Node<'a> {
    out: &'a mut Writer,
    param: &'a str,
    losses: &'a mut Losses,
    /// What goes into the description.
    moved: String,
    /// Whether more is said than a reference.
    has_more: bool,
    is_nullable: bool,
    /// Whether there is something beside which null can be said.
    can_say_null: bool,
}

impl Node<'_> {
    fn members(&mut self, schema: Value<'_>) {
        let refers = schema.get("$ref").is_some();
        for member in schema.children() {
            // What older drafts call `definitions` is `$defs` now, which may stand beside a reference.
            let is_beside = member.key().raw().starts_with('$')
                || member.is("definitions")
                || BESIDE.iter().any(|name| member.is(name));
            if refers && !is_beside {
                self.shift(member);
            } else if PLAIN.iter().any(|name| member.is(name)) {
                self.out.copy_key(member);
                self.out.copy(member);
            } else {
                self.member(schema, member);
            }
        }
    }

    fn member(&mut self, schema: Value<'_>, member: Value<'_>) {
        match &*member.key().text() {
            // The description comes last, and the draft's name says nothing of the values.
            "description" | "$schema" | "$comment" => {}
            "nullable" if !self.is_nullable || self.can_say_null => {}
            "type" if self.is_nullable && member.starts(b'"') => {
                self.out.key("type");
                self.out.begin_list();
                self.out.copy(member);
                self.out.string("null");
                self.out.end_list();
            }
            "type" => self.out.member_copy("type", member),
            "$ref" if self.has_more => {
                // Nothing may stand beside a reference: it is the only one of alternatives.
                self.out.key("anyOf");
                self.out.begin_list();
                self.out.begin_object();
                self.reference(member);
                self.out.end_object();
                if self.is_nullable {
                    self.out.raw(r#"{"type":"null"}"#);
                }
                self.out.end_list();
            }
            "$ref" => self.reference(member),
            "const" if schema.get("enum").is_none() => {
                self.out.key("enum");
                self.out.begin_list();
                self.out.copy(member);
                self.out.end_list();
            }
            "items" if member.starts(b'[') => self.list("prefixItems", member),
            "items" => self.one("items", member),
            "additionalProperties" if member.starts(b'{') => self.one("additionalProperties", member),
            "additionalProperties" => self.out.member_copy("additionalProperties", member),
            "prefixItems" if member.starts(b'[') => self.list("prefixItems", member),
            "anyOf" if member.starts(b'[') => self.list("anyOf", member),
            "oneOf" if member.starts(b'[') && schema.get("anyOf").is_none() => self.list("anyOf", member),
            "properties" if member.starts(b'{') => self.named("properties", member),
            "$defs" if member.starts(b'{') => self.named("$defs", member),
            "definitions" if member.starts(b'{') && schema.get("$defs").is_none() => self.named("$defs", member),
            "allOf" => match only(schema) {
                Some(only) => self.members(only),
                None => self.shift(member),
            },
            _ => self.shift(member),
        }
    }

    fn reference(&mut self, to: Value<'_>) {
        match to.string().map(|to| to.text()) {
            Some(to) if to.starts_with(OLD) => self.out.member("$ref", &replace(&to, OLD, "#/$defs/")),
            _ => self.out.member_copy("$ref", to),
        }
    }

    fn one(&mut self, name: &str, schema: Value<'_>) {
        self.out.key(name);
        write_schema(self.out, schema, &concat(&[self.param, ".", name]), self.losses);
    }

    fn list(&mut self, name: &str, schemas: Value<'_>) {
        self.out.key(name);
        self.out.begin_list();
        let list = concat(&[self.param, ".", &schemas.key().text()]);
        for (at, schema) in schemas.items().enumerate() {
            write_schema(self.out, schema, &path_of(&list, at, ""), self.losses);
        }
        self.out.end_list();
    }

    fn named(&mut self, name: &str, schemas: Value<'_>) {
        self.out.key(name);
        self.out.begin_object();
        for schema in schemas.children() {
            self.out.copy_key(schema);
            let param = concat(&[self.param, ".", name, ".", &schema.key().text()]);
            write_schema(self.out, schema, &param, self.losses);
        }
        self.out.end_object();
    }

    /// Moves a member into the description.
    fn shift(&mut self, member: Value<'_>) {
        if !self.moved.is_empty() {
            self.moved.push_str(", ");
        }
        let param = concat(&[self.param, ".", &member.key().text()]);
        self.losses.add(param, Action::Moved, "Gemini's schemas cannot say this; it is in the description.");
        self.moved.push_str(&member.key().text());
        self.moved.push_str(": ");
        self.moved.push_str(member.raw());
    }
}
