//! JSON Schema as Gemini takes it.

use super::{NEW, body, losses, with, write};
use chatmux::dialect::translate::Action;
use serde_json::{Value, json};

#[test]
fn what_a_schema_cannot_say_is_in_its_description() {
    let at = "tools[0].function.parameters";
    let rows: Vec<(Value, Value, Vec<String>)> = vec![
        (json!({"type": "object", "properties": {}}), json!({"type": "object", "properties": {}}), vec![]),
        (json!({"$schema": "s", "type": ["string", "null"]}), json!({"type": ["string", "null"]}), vec![]),
        (json!({"const": 1}), json!({"enum": [1]}), vec![]),
        (json!({"oneOf": [{"type": "string"}]}), json!({"anyOf": [{"type": "string"}]}), vec![]),
        (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]}), vec![]),
        (json!({"items": [{"type": "string"}]}), json!({"prefixItems": [{"type": "string"}]}), vec![]),
        (
            json!({"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}),
            vec![],
        ),
        (
            json!({"properties": {"x": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"type": "string"}}}),
            json!({"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}),
            vec![],
        ),
        // Nothing may stand beside a reference.
        (
            json!({"properties": {
                "a": {"$ref": "#/$defs/a", "description": "d"},
                "b": {"allOf": [{"$ref": "#/definitions/a"}], "title": "t", "default": null},
                "c": {"$ref": "#/$defs/a", "nullable": true},
                "d": {"allOf": [{"$ref": "#/$defs/a"}]},
                "e": {"allOf": [{"$ref": "#/$defs/a"}], "nullable": true},
                "f": {"allOf": [{"type": "string"}], "nullable": true},
            }, "$defs": {"a": {"type": "string"}}}),
            json!({"properties": {
                "a": {"anyOf": [{"$ref": "#/$defs/a"}], "description": "d"},
                "b": {"anyOf": [{"$ref": "#/$defs/a"}], "title": "t", "default": null},
                "c": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
                "d": {"$ref": "#/$defs/a"},
                "e": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
                "f": {"type": ["string", "null"]},
            }, "$defs": {"a": {"type": "string"}}}),
            vec![],
        ),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/a", "minLength": 2}}, "$defs": {"a": {"type": "string"}}}),
            json!({"properties": {"a": {"anyOf": [{"$ref": "#/$defs/a"}], "description": "{minLength: 2}"}}, "$defs": {"a": {"type": "string"}}}),
            vec![format!("{at}.properties.a.minLength")],
        ),
        (
            json!({"allOf": [{"type": "string", "description": "d"}]}),
            json!({"type": "string", "description": "d"}),
            vec![],
        ),
        (
            json!({"type": "string", "description": "d", "pattern": "^a$"}),
            json!({"type": "string", "description": "d\n\n{pattern: \"^a$\"}"}),
            vec![format!("{at}.pattern")],
        ),
        (
            json!({"items": {"type": "number", "exclusiveMinimum": 0, "minimum": 1}}),
            json!({"items": {"type": "number", "minimum": 1, "description": "{exclusiveMinimum: 0}"}}),
            vec![format!("{at}.items.exclusiveMinimum")],
        ),
        (
            json!({"enum": [1, 2], "const": 1}),
            json!({"enum": [1, 2], "description": "{const: 1}"}),
            vec![format!("{at}.const")],
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"not": {}}]}),
            json!({"anyOf": [{"type": "null"}, {"description": "{not: {}}"}]}),
            vec![format!("{at}.anyOf[1].not")],
        ),
        (
            json!({"properties": {"a": true}, "additionalProperties": false, "required": ["a"]}),
            json!({"properties": {"a": {}}, "additionalProperties": false, "required": ["a"]}),
            vec![],
        ),
    ];
    for (schema, expected, lost) in rows {
        let tools = json!([{"type": "function", "function": {"name": "f", "parameters": schema}}]);
        let outgoing = write(NEW, &with(&json!({"tools": tools})));
        let written = &body(&outgoing)["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"];
        assert_eq!(*written, expected, "{schema}");
        let lost: Vec<(&str, Action)> = lost.iter().map(|param| (param.as_str(), Action::Moved)).collect();
        assert_eq!(losses(&outgoing), lost, "{schema}");
    }
}
