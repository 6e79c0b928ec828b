//! Schemas as the libraries of others write them: what Anthropic refuses of them is not sent.

use super::*;

const PATH: &str = "response_format.json_schema.schema";

/// What a schema comes to in the form of an answer, and what is reported of it.
fn sent(schema: &Value) -> (Value, Vec<String>) {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let outgoing = outgoing(NEWEST, &asking(json!({"response_format": format})));
    (body(&outgoing)["output_config"]["format"]["schema"].clone(), losses(&outgoing))
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// A property as it is sent, in a schema with two definitions, and what is reported of it.
#[track_caller]
fn check_property(given: Value, as_sent: Value, lost: &[&str]) {
    let whole = |x: &Value, definitions: Value| {
        let mut whole = object(json!({"x": x}));
        whole["$defs"] = definitions;
        whole
    };
    let address = json!({"type": "object", "title": "Address", "properties": {"street": {"type": "string"}}, "required": ["street"]});
    let mut closed = address.clone();
    closed["additionalProperties"] = json!(false);
    let town = json!({"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"], "additionalProperties": false});
    let (got, reported) = sent(&whole(&given, json!({"a": address, "b": town})));
    assert_eq!(got, whole(&as_sent, json!({"a": closed, "b": town})), "{given}");
    let lost: Vec<String> = lost.iter().map(|lost| format!("{PATH}.properties.x{lost}")).collect();
    assert_eq!(reported, lost, "{given}");
}

#[test]
fn an_all_of_is_as_if_it_stood_in_the_schema_around_it() {
    let reference = json!({"$ref": "#/$defs/a"});
    for (given, as_sent, lost) in [
        // pydantic 1, and zod 3 by way of zod-to-json-schema.
        (json!({"allOf": [reference]}), reference.clone(), &[][..]),
        (
            json!({"allOf": [reference], "description": "where", "title": "Where", "default": null}),
            json!({"anyOf": [reference], "description": "where", "title": "Where"}),
            &[],
        ),
        (
            json!({"title": "Where", "default": {"street": "x"}, "allOf": [reference]}),
            json!({"anyOf": [reference], "title": "Where", "default": {"street": "x"}}),
            &[],
        ),
        // pydantic 2.
        (
            json!({"$ref": "#/$defs/a", "description": "where"}),
            json!({"anyOf": [reference], "description": "where"}),
            &[],
        ),
        // OpenAPI 3.0.
        (json!({"allOf": [reference], "nullable": true}), json!({"anyOf": [reference, {"type": "null"}]}), &[]),
        (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]}), &[]),
        (
            json!({"allOf": [{"type": "string", "description": "d"}]}),
            json!({"type": "string", "description": "d"}),
            &[],
        ),
        (
            json!({"allOf": [{"type": "string"}, {"minLength": 2}], "description": "d"}),
            json!({"type": "string", "description": "d\n\n{minLength: 2}"}),
            &[".minLength moved"],
        ),
        // Objects that are put together: each is closed for itself, all of them together are not.
        (
            json!({"allOf": [reference, {"$ref": "#/$defs/b"}, {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n", "town"], "additionalProperties": false}]}),
            json!({
                "type": "object", "title": "Address",
                "properties": {"street": {"type": "string"}, "town": {"type": "string"}, "n": {"type": "number"}},
                "required": ["street", "town", "n"], "additionalProperties": false,
            }),
            &[],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "allOf": [{"properties": {"a": {"description": "d"}}}]}),
            json!({"type": "object", "properties": {"a": {"type": "string", "description": "d"}}, "additionalProperties": false}),
            &[],
        ),
        (
            json!({"allOf": [{"type": "string"}, {"type": "number"}]}),
            json!({"type": "string", "description": "{type: \"number\"}"}),
            &[".type moved"],
        ),
    ] {
        check_property(given, as_sent, lost);
    }
}

#[test]
fn what_anthropic_refuses_is_told_in_words() {
    let anything = json!([{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]);
    for (given, as_sent, lost) in [
        (
            json!({"$ref": "https://example.com/address.json"}),
            json!({"anyOf": anything, "description": "{$ref: \"https://example.com/address.json\"}"}),
            &[" clamped", ".$ref moved"][..],
        ),
        (
            json!({"type": "object", "$ref": "other.json#/a"}),
            json!({"type": "object", "properties": {}, "additionalProperties": false, "description": "{$ref: \"other.json#/a\"}"}),
            &[".$ref moved"],
        ),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2}),
            json!({"type": "integer", "description": "{exclusiveMaximum: 9, minimum: 1, multipleOf: 2}"}),
            &[".exclusiveMaximum moved", ".minimum moved", ".multipleOf moved"],
        ),
        // zod 4 says so of each whole number.
        (
            json!({"type": "integer", "minimum": -9007199254740991_i64, "maximum": 9007199254740991_i64}),
            json!({"type": "integer"}),
            &[],
        ),
        (
            json!({"type": "string", "pattern": "^a$"}),
            json!({"type": "string", "description": "{pattern: \"^a$\"}"}),
            &[".pattern moved"],
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "maxItems": 3, "uniqueItems": true}),
            json!({"type": "array", "items": {"type": "string"}, "description": "{maxItems: 3, uniqueItems: true}"}),
            &[".maxItems moved", ".uniqueItems moved"],
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}]}),
            json!({"type": "array", "description": "{prefixItems: [{\"type\":\"string\"}]}"}),
            &[".prefixItems moved"],
        ),
        (
            json!({"type": "object", "enum": [{"a": 1}]}),
            json!({"type": "object", "properties": {}, "additionalProperties": false, "description": "{enum: [{\"a\":1}]}"}),
            &[".enum moved"],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}], "patternProperties": {}}),
            json!({
                "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false,
                "description": "{anyOf: [{\"required\":[\"a\"]}], patternProperties: {}}",
            }),
            &[".anyOf moved", ".patternProperties moved"],
        ),
        (json!({"type": "string", "$id": "x", "$comment": "y", "$anchor": "z"}), json!({"type": "string"}), &[]),
    ] {
        check_property(given, as_sent, lost);
    }
    // What a reference refers to stands in its place, unless it is a definition.
    let given = object(
        json!({"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}, "c": {"$ref": "#/definitions/x%2Fy~1z"}}),
    );
    let mut given = given;
    given["definitions"] = json!({"x/y/z": {"type": "number"}});
    let mut as_sent =
        object(json!({"a": {"type": "string"}, "b": {"type": "string"}, "c": {"$ref": "#/definitions/x%2Fy~1z"}}));
    as_sent["definitions"] = given["definitions"].clone();
    assert_eq!(sent(&given), (as_sent, vec![]));
}

/// Lists that hold lists, as one schema.
fn tree() -> Value {
    json!({"$ref": "#/definitions/node", "definitions": {"node": {
        "type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/definitions/node"}, {"type": "null"}]}},
    }}})
}

#[test]
fn what_contains_itself_is_asked_for_in_another_way() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": tree()}});
    let outgoing = outgoing(NEWEST, &asking(json!({"response_format": format})));
    let sent = body(&outgoing);
    assert!(sent["output_config"].is_null());
    assert_eq!(sent["tools"][0]["input_schema"]["properties"], tree()["definitions"]["node"]["properties"]);
    assert_eq!(sent["tools"][0]["input_schema"]["definitions"], tree()["definitions"]);
    assert_eq!(losses(&outgoing), ["response_format emulated"]);

    for parameters in [
        json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
        json!({"type": "object", "properties": {"a": {"allOf": [{"$ref": "#/properties/a/items"}], "items": {"$ref": "#/properties/a"}}}}),
    ] {
        let function = json!({"name": "a", "strict": true, "parameters": parameters});
        let tool = json!({"name": "a", "input_schema": parameters});
        check(
            NEWEST,
            json!({"tools": [{"type": "function", "function": function}]}),
            json!({"tools": [tool]}),
            &["tools[0].function.strict dropped"],
        );
    }
}

#[test]
fn the_parameters_of_a_tool_are_an_object_without_alternatives() {
    let person = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false});
    let pet = json!({"properties": {"kind": {"minLength": 1}}, "required": ["kind"], "additionalProperties": false});
    let both = json!({"name": {"type": "string"}, "kind": {"minLength": 1}});
    let rows = [
        (
            json!({"allOf": [person, pet], "description": "d"}),
            json!({"type": "object", "properties": both, "required": ["name", "kind"], "description": "d"}),
            &[][..],
        ),
        (
            json!({"$ref": "#/$defs/p", "$defs": {"p": person}}),
            json!({"type": "object", "properties": person["properties"], "required": ["name"], "$defs": {"p": person}}),
            &[],
        ),
        (
            json!({"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}]}),
            json!({"type": "object", "properties": {"a": {}}, "description": "{anyOf: [{\"required\":[\"a\"]}]}"}),
            &["tools[0].function.parameters.anyOf moved"],
        ),
        (json!({"properties": {"a": {}}}), json!({"type": "object", "properties": {"a": {}}}), &[]),
    ];
    for (parameters, sent, lost) in rows {
        let tool = json!({"type": "function", "function": {"name": "a", "parameters": parameters}});
        check(BUDGET, json!({"tools": [tool]}), json!({"tools": [{"name": "a", "input_schema": sent}]}), lost);
    }
    let strict = |parameters: Value| json!({"tools": [{"type": "function", "function": {"name": "a", "strict": true, "parameters": parameters}}]});
    check(
        BUDGET,
        strict(json!({"$ref": "#/$defs/p", "$defs": {"p": person}})),
        json!({"tools": [{"name": "a", "strict": true, "input_schema": {
            "type": "object", "properties": person["properties"], "required": ["name"], "additionalProperties": false, "$defs": {"p": person},
        }}]}),
        &[],
    );
    let wrapped = json!({"allOf": [{"$ref": "#/$defs/p"}]});
    let outgoing =
        outgoing(BUDGET, &asking(strict(json!({"$ref": "#/$defs/q", "$defs": {"p": person, "q": wrapped}}))));
    assert_eq!(body(&outgoing)["tools"][0]["input_schema"]["properties"], person["properties"]);
    check(
        BUDGET,
        strict(json!({"anyOf": [person, pet]})),
        json!({"tools": [{"name": "a", "input_schema": {
            "type": "object", "properties": {}, "description": format!("{{anyOf: [{person},{pet}]}}"),
        }}]}),
        &["tools[0].function.strict dropped", "tools[0].function.parameters.anyOf moved"],
    );
    check(
        BUDGET,
        strict(Value::Null),
        json!({"tools": [{"name": "a", "strict": true, "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}}]}),
        &[],
    );
}

/// Copies of copies are as many as two to the power of their depth.
#[test]
fn a_schema_of_many_references_is_not_written_without_end() {
    let mut definitions = json!({"d60": {"type": "string"}});
    for at in 0..60 {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1), "type": "object"});
        definitions[format!("d{at}")] = json!({"type": "object", "properties": {"a": next, "b": next}});
    }
    let given = json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    assert!(sent(&given).0.to_string().len() < 1_000_000);
    // A long chain, which nothing follows by calling itself.
    let mut chain = json!({"d3000": {"type": "string"}});
    for at in 0..3_000 {
        chain[format!("d{at}")] = json!({"$ref": format!("#/$defs/d{}", at + 1)});
    }
    assert_eq!(
        sent(&json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": chain})).1.len(),
        0
    );
}
