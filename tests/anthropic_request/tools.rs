//! What may be called, and the form of an answer.

use serde_json::{Value, json};

use super::{BUDGET, NEWEST, OLDER, asking, body, check, check_refused, losses, outgoing, text, tool, tool_sent};

#[test]
fn tools_are_said_in_anthropics_words() {
    let mut described = tool("b");
    described["function"]["description"] = json!("does b");
    described["cache_control"] = json!({"type": "ephemeral"});
    check(
        BUDGET,
        json!({"tools": [
            tool("a"),
            described,
            {"type": "function", "function": {"name": "c"}},
            {"type": "function", "function": {"name": "d", "parameters": {"properties": {"x": {}}}}},
            {"name": "e", "input_schema": {"type": "object"}},
            {"type": "bash_20250124", "name": "bash"},
        ]}),
        json!({"tools": [
            tool_sent("a"),
            {"name": "b", "description": "does b", "input_schema": {"type": "object", "properties": {}}, "cache_control": {"type": "ephemeral"}},
            tool_sent("c"),
            {"name": "d", "input_schema": {"type": "object", "properties": {"x": {}}}},
            {"name": "e", "input_schema": {"type": "object"}},
            {"type": "bash_20250124", "name": "bash"},
        ], "tool_choice": null}),
        &[],
    );
    check_refused(BUDGET, json!({"tools": [tool("a.b")]}), "tools[0].function.name");
    check_refused(BUDGET, json!({"tools": [tool("a"), tool("a")]}), "tools[1].function.name");
    check_refused(BUDGET, json!({"tools": [{}]}), "tools[0]");
    for (kind, beta) in [
        ("computer_20241022", "computer-use-2024-10-22"),
        ("computer_20250124", "computer-use-2025-01-24"),
        ("computer_20251124", "computer-use-2025-11-24"),
        ("code_execution_20250522", "code-execution-2025-05-22"),
        ("code_execution_20250825", "code-execution-2025-08-25"),
        ("web_fetch_20250910", "web-fetch-2025-09-10"),
        ("memory_20250818", "context-management-2025-06-27"),
        ("tool_search_tool_regex_20251119", "advanced-tool-use-2025-11-20"),
    ] {
        let outgoing = outgoing(BUDGET, &asking(json!({"tools": [{"type": kind, "name": "x"}]})));
        assert_eq!(outgoing.headers.last(), Some(&("anthropic-beta", beta.to_owned())));
    }
}

#[test]
fn strict_tools_have_strict_schemas() {
    let strict = |parameters: Value| json!({"tools": [{"type": "function", "function": {"name": "a", "strict": true, "parameters": parameters}}]});
    let parameters =
        json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]});
    check(
        BUDGET,
        strict(parameters.clone()),
        json!({"tools": [{"name": "a", "strict": true, "input_schema": {
            "type": "object",
            "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
            "required": ["n"],
            "additionalProperties": false,
        }}]}),
        &["tools[0].function.parameters.properties.n.minimum moved"],
    );
    check(
        OLDER,
        strict(parameters.clone()),
        json!({"tools": [{"name": "a", "input_schema": parameters}]}),
        &["tools[0].function.strict dropped"],
    );
}

#[test]
fn custom_tools_are_functions_of_one_string() {
    let schema = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false});
    let request = asking(json!({
        "tools": [
            {"type": "custom", "custom": {"name": "sql", "description": "runs", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"x\""}}}},
            {"type": "custom", "custom": {"name": "py"}},
        ],
        "tool_choice": {"type": "custom", "custom": {"name": "sql"}},
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "say \"x\""}}]},
            {"role": "tool", "tool_call_id": "a", "content": "done"},
        ],
    }));
    let outgoing = outgoing(BUDGET, &request);
    let body = body(&outgoing);
    assert_eq!(
        body["tools"],
        json!([
            {"name": "sql", "description": "runs\n\n`input` must match this grammar (lark):\nstart: \"x\"", "input_schema": schema},
            {"name": "py", "input_schema": schema},
        ])
    );
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "sql"}));
    assert_eq!(
        body["messages"][1]["content"],
        json!([{"type": "tool_use", "id": "a", "name": "sql", "input": {"input": "say \"x\""}}])
    );
    assert_eq!(outgoing.back.customs, ["sql", "py"]);
    assert_eq!(losses(&outgoing), ["tools[0].custom.format moved"]);
}

#[test]
fn a_choice_of_tools_is_said_in_anthropics_words() {
    let function = json!({"type": "function", "function": {"name": "a"}});
    for (choice, sent) in [
        (json!("auto"), json!({"type": "auto"})),
        (json!("none"), json!({"type": "none"})),
        (json!("required"), json!({"type": "any"})),
        (function.clone(), json!({"type": "tool", "name": "a"})),
        (json!({"type": "tool", "name": "a"}), json!({"type": "tool", "name": "a"})),
    ] {
        let request = json!({"tools": [tool("a")], "tool_choice": choice});
        check(BUDGET, request.clone(), json!({"tool_choice": sent}), &[]);
        let mut single = request;
        single["parallel_tool_calls"] = json!(false);
        let mut sent = sent;
        if sent["type"] != "none" {
            sent["disable_parallel_tool_use"] = json!(true);
        }
        check(BUDGET, single, json!({"tool_choice": sent}), &[]);
    }
    let single = json!({"tools": [tool("a")], "parallel_tool_calls": false});
    check(BUDGET, single, json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}), &[]);
    check(
        BUDGET,
        json!({"tools": [], "tool_choice": "required"}),
        json!({"tools": null, "tool_choice": null}),
        &["tool_choice dropped"],
    );
    check(BUDGET, json!({"tool_choice": "auto", "parallel_tool_calls": false}), json!({"tool_choice": null}), &[]);
    check_refused(
        BUDGET,
        json!({"tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "b"}}}),
        "tool_choice",
    );
    check_refused(BUDGET, json!({"tools": [tool("a")], "tool_choice": "maybe"}), "tool_choice");

    let auto = json!({"tool_choice": {"type": "auto"}});
    let forced = json!({"tools": [tool("a")], "tool_choice": "required", "reasoning_effort": "low"});
    check(BUDGET, forced.clone(), auto.clone(), &["max_tokens assumed", "tool_choice emulated"]);
    check(NEWEST, forced, json!({"tool_choice": {"type": "any"}}), &[]);
    check("claude-fable-5", json!({"tools": [tool("a")], "tool_choice": function}), auto, &["tool_choice emulated"]);
}

#[test]
fn tools_that_are_not_allowed_are_not_sent() {
    let allowed = |mode: &str| {
        json!({
            "tools": [tool("a"), tool("b"), tool("c")],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [
                {"type": "function", "function": {"name": "b"}}, {"type": "function", "name": "c"},
            ]}},
        })
    };
    let tools = json!([tool_sent("b"), tool_sent("c")]);
    check(BUDGET, allowed("auto"), json!({"tools": tools, "tool_choice": {"type": "auto"}}), &[]);
    check(BUDGET, allowed("required"), json!({"tools": tools, "tool_choice": {"type": "any"}}), &[]);
}

#[test]
fn the_form_of_an_answer_is_kept_as_the_model_can() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}});
    check(
        BUDGET,
        format.clone(),
        json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}, "system": null}),
        &[],
    );

    let older = outgoing(OLDER, &asking(format.clone()));
    let sent = body(&older);
    assert!(older.back.has_answer_tool);
    assert_eq!(sent["tools"][0]["input_schema"], schema);
    assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": "json", "disable_parallel_tool_use": true}));
    assert_eq!(losses(&older), ["response_format emulated"]);
    let mut with_tools = format.clone();
    with_tools["tools"] = json!([tool("a")]);
    let older = outgoing(OLDER, &asking(with_tools));
    assert_eq!(body(&older)["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
    let mut thinking = format;
    thinking["reasoning_effort"] = json!("low");
    let older = outgoing(OLDER, &asking(thinking));
    assert!(!older.back.has_answer_tool);
    assert!(body(&older)["system"][0]["text"].as_str().expect("words").contains(r#""properties":{"a""#));

    check(NEWEST, json!({"response_format": {"type": "text"}}), json!({"output_config": null, "system": null}), &[]);
    let words = text("Answer with one JSON object and nothing else: no words around it, and no Markdown.");
    check(
        NEWEST,
        json!({"response_format": {"type": "json_object"}}),
        json!({"output_config": null, "system": [words]}),
        &["response_format emulated"],
    );
}

#[test]
fn a_schema_says_in_words_what_anthropic_does_not_keep_to() {
    let rows = [
        (json!({"type": "string", "format": "uuid"}), json!({"type": "string", "format": "uuid"}), &[][..]),
        (
            json!({"type": "string", "format": "color", "description": "d"}),
            json!({"type": "string", "description": "d\n\n{format: \"color\"}"}),
            &[".format moved"],
        ),
        (
            json!({"type": "string", "minLength": 1, "maxLength": 2}),
            json!({"type": "string", "description": "{maxLength: 2, minLength: 1}"}),
            &[".maxLength moved", ".minLength moved"],
        ),
        (
            json!({"type": "array", "items": {"type": "number"}, "minItems": 1}),
            json!({"type": "array", "items": {"type": "number"}, "minItems": 1}),
            &[],
        ),
        (
            json!({"type": "array", "items": {"type": "number"}, "minItems": 2}),
            json!({"type": "array", "items": {"type": "number"}, "description": "{minItems: 2}"}),
            &[".minItems moved"],
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            &[],
        ),
        (json!({"$ref": "#/$defs/x"}), json!({"$ref": "#/$defs/x"}), &[]),
        (json!({"enum": ["a", "b"]}), json!({"type": "string", "enum": ["a", "b"]}), &[]),
        (
            json!({"type": ["object", "null"], "additionalProperties": true}),
            json!({"type": ["object", "null"], "properties": {}, "additionalProperties": false}),
            &[".additionalProperties clamped"],
        ),
        (
            json!({}),
            json!({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}),
            &[" clamped"],
        ),
    ];
    for (given, sent, lost) in rows {
        let schema = |x: &Value| json!({"type": "object", "properties": {"x": x}, "required": ["x"], "additionalProperties": false, "$defs": {"x": {"type": "string"}}});
        let lost: Vec<String> =
            lost.iter().map(|lost| format!("response_format.json_schema.schema.properties.x{lost}")).collect();
        check(
            NEWEST,
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema(&given)}}}),
            json!({"output_config": {"format": {"type": "json_schema", "schema": schema(&sent)}}}),
            &lost.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn the_web_is_searched() {
    let location = json!({"type": "approximate", "approximate": {"country": "AT", "city": "Wien"}});
    let search = json!({"web_search_options": {"user_location": location, "search_context_size": "high"}});
    let outgoing = outgoing(BUDGET, &asking(search));
    assert_eq!(
        body(&outgoing)["tools"],
        json!([{"type": "web_search_20250305", "name": "web_search", "user_location": {"type": "approximate", "country": "AT", "city": "Wien"}}])
    );
    assert_eq!(losses(&outgoing), ["web_search_options.search_context_size dropped"]);
    check(
        BUDGET,
        json!({"web_search_options": {}}),
        json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        &[],
    );
    check_refused(BUDGET, json!({"tools": [tool("web_search")], "web_search_options": {}}), "web_search_options");
}

#[test]
fn the_formats_of_strings_are_kept_to_that_anthropic_knows() {
    let known = ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
    for format in known {
        let schema = json!({"type": "object", "properties": {"x": {"type": "string", "format": format}}});
        let tool = json!({"type": "function", "function": {"name": "a", "strict": true, "parameters": schema}});
        let outgoing = outgoing(BUDGET, &asking(json!({"tools": [tool]})));
        assert_eq!(body(&outgoing)["tools"][0]["input_schema"]["properties"], schema["properties"]);
        assert!(losses(&outgoing).is_empty());
    }
}
