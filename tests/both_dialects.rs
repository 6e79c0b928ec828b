//! One chat request of OpenAI's, as it goes to Claude and to Gemini: what is wrong is refused by both in the same way, and
//! what is lost is reported by both in the same words.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::dialect::Dialect;
use chatmux::dialect::translate::{Action, Outgoing, Target};
use chatmux::{Error, Kind};
use serde_json::{Value, json};

const CLAUDE: (Dialect, &str) = (Dialect::Anthropic, "claude-sonnet-4-6");
const GEMINI: (Dialect, &str) = (Dialect::Gemini, "gemini-3-flash-preview");
const BOTH: [(Dialect, &str); 2] = [CLAUDE, GEMINI];

fn write((dialect, model): (Dialect, &str), request: &Value, is_strict: bool) -> Result<Outgoing, Error> {
    dialect.write_request(&request.to_string(), &Target { model, is_aihubmix: false, is_strict })
}

/// A request with these members besides a question and a limit.
fn with(members: &Value) -> Value {
    let mut request = json!({"model": "m", "max_tokens": 5000, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in members.as_object().expect("members") {
        request[name] = value.clone();
    }
    request
}

fn said(messages: Value) -> Value {
    json!({"messages": messages})
}

/// A question, this answer, and another question.
fn answered(answer: Value) -> Value {
    said(json!([{"role": "user", "content": "a"}, answer, {"role": "user", "content": "b"}]))
}

fn tools(tool: Value) -> Value {
    json!({"tools": [tool]})
}

fn function(function: Value) -> Value {
    tools(json!({"type": "function", "function": function}))
}

fn part(part: Value) -> Value {
    said(json!([{"role": "user", "content": [part]}]))
}

#[test]
fn a_value_of_a_wrong_type_is_refused_by_its_name() {
    let call = |call: Value| answered(json!({"role": "assistant", "tool_calls": [call]}));
    let wrong = [
        ("messages", json!({"messages": {}})),
        ("messages", json!({"messages": "hi"})),
        ("messages", json!({"messages": []})),
        ("messages", json!({"messages": null})),
        ("messages[0]", said(json!(["hi"]))),
        ("messages[0].role", said(json!([{"content": "hi"}]))),
        ("messages[0].role", said(json!([{"role": "wizard", "content": "hi"}]))),
        ("messages[0].role", said(json!([{"role": 5, "content": "hi"}]))),
        ("messages[0].content", said(json!([{"role": "user", "content": 5}]))),
        ("messages[0].content", said(json!([{"role": "user", "content": 0}]))),
        ("messages[0].content", said(json!([{"role": "user", "content": {}}]))),
        ("messages[0].content", said(json!([{"role": "user", "content": null}]))),
        ("messages[0].content", said(json!([{"role": "system"}, {"role": "user", "content": "hi"}]))),
        ("messages[0].name", said(json!([{"role": "user", "content": "hi", "name": 5}]))),
        ("messages[0].content[0]", part(json!("hi"))),
        ("messages[0].content[0].type", part(json!({"text": "hi"}))),
        ("messages[0].content[0].text", part(json!({"type": "text", "text": 5}))),
        ("messages[0].content[0].text", part(json!({"type": "text"}))),
        ("messages[0].content[0].image_url", part(json!({"type": "image_url", "image_url": 5}))),
        ("messages[0].content[0].image_url.url", part(json!({"type": "image_url", "image_url": {"url": 5}}))),
        ("messages[0].content[0].image_url.url", part(json!({"type": "image_url", "image_url": {}}))),
        (
            "messages[0].content[0].image_url.detail",
            part(json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": 1}})),
        ),
        ("messages[0].content[0].input_audio", part(json!({"type": "input_audio", "input_audio": "aGk="}))),
        ("messages[0].content[0].file", part(json!({"type": "file", "file": "a"}))),
        ("messages[0].content[0].file.file_data", part(json!({"type": "file", "file": {"file_data": 5}}))),
        ("messages[0].content[0].file", part(json!({"type": "file", "file": {}}))),
        ("messages[1].tool_calls", answered(json!({"role": "assistant", "tool_calls": {}}))),
        ("messages[1].tool_calls[0]", call(json!("f"))),
        ("messages[1].tool_calls[0].id", call(json!({"id": 5, "function": {"name": "f"}}))),
        ("messages[1].tool_calls[0].function", call(json!({"id": "1", "function": "f"}))),
        ("messages[1].tool_calls[0].function.name", call(json!({"id": "1", "function": {"name": 5}}))),
        (
            "messages[1].tool_calls[0].function.arguments",
            call(json!({"id": "1", "function": {"name": "f", "arguments": [1]}})),
        ),
        ("messages[1].refusal", answered(json!({"role": "assistant", "refusal": true}))),
        ("messages[1].function_call", answered(json!({"role": "assistant", "function_call": "f"}))),
        (
            "messages[1].reasoning_details",
            answered(json!({"role": "assistant", "content": "x", "reasoning_details": "a"})),
        ),
        (
            "messages[1].reasoning_content",
            answered(json!({"role": "assistant", "content": "x", "reasoning_content": []})),
        ),
        ("messages[1].tool_call_id", answered(json!({"role": "tool", "content": "x", "tool_call_id": 5}))),
        ("messages[1].tool_call_id", answered(json!({"role": "tool", "content": "x"}))),
        ("temperature", json!({"temperature": "0.5"})),
        ("temperature", json!({"temperature": true})),
        ("top_p", json!({"top_p": []})),
        ("presence_penalty", json!({"presence_penalty": "1"})),
        ("frequency_penalty", json!({"frequency_penalty": {}})),
        ("logit_bias", json!({"logit_bias": []})),
        ("logprobs", json!({"logprobs": 1})),
        ("top_logprobs", json!({"logprobs": true, "top_logprobs": "2"})),
        ("top_logprobs", json!({"logprobs": true, "top_logprobs": -1})),
        ("max_tokens", json!({"max_tokens": "100"})),
        ("max_tokens", json!({"max_tokens": 0})),
        ("max_tokens", json!({"max_tokens": -1})),
        ("max_tokens", json!({"max_tokens": 1.5})),
        ("max_tokens", json!({"max_tokens": {}})),
        ("max_completion_tokens", json!({"max_completion_tokens": "100"})),
        ("max_completion_tokens", json!({"max_completion_tokens": 0})),
        ("n", json!({"n": "2"})),
        ("n", json!({"n": 0})),
        ("n", json!({"n": -1})),
        ("n", json!({"n": 1.0})),
        ("seed", json!({"seed": "x"})),
        ("seed", json!({"seed": 1.5})),
        ("stop", json!({"stop": 5})),
        ("stop", json!({"stop": {}})),
        ("stop", json!({"stop": false})),
        ("stop[0]", json!({"stop": [1]})),
        ("stop[1]", json!({"stop": ["a", null]})),
        ("stream", json!({"stream": "yes"})),
        ("stream_options", json!({"stream_options": true})),
        ("stream_options.include_usage", json!({"stream_options": {"include_usage": 1}})),
        ("response_format", json!({"response_format": "json"})),
        ("response_format.type", json!({"response_format": {}})),
        ("response_format.type", json!({"response_format": {"type": "grammar"}})),
        ("response_format.json_schema", json!({"response_format": {"type": "json_schema"}})),
        (
            "response_format.json_schema.schema",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": "{}"}}}),
        ),
        (
            "response_format.json_schema.strict",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": "true", "schema": {}}}}),
        ),
        ("modalities", json!({"modalities": "text"})),
        ("modalities[0]", json!({"modalities": [1]})),
        ("audio", json!({"audio": "alloy"})),
        ("prediction", json!({"prediction": "x"})),
        ("reasoning_effort", json!({"reasoning_effort": 5})),
        ("reasoning_effort", json!({"reasoning_effort": "much"})),
        ("reasoning", json!({"reasoning": "high"})),
        ("reasoning.effort", json!({"reasoning": {"effort": 1}})),
        ("reasoning.effort", json!({"reasoning": {"effort": "much"}})),
        ("reasoning.max_tokens", json!({"reasoning": {"max_tokens": "many"}})),
        ("reasoning.enabled", json!({"reasoning": {"enabled": "yes"}})),
        ("tools", json!({"tools": {}})),
        ("tools[0]", json!({"tools": ["f"]})),
        ("tools[0]", json!({"tools": [{}]})),
        ("tools[0].type", json!({"tools": [{"type": 1}]})),
        ("tools[0].function", tools(json!({"type": "function", "function": "f"}))),
        ("tools[0].function.name", function(json!({}))),
        ("tools[0].function.name", function(json!({"name": 5}))),
        ("tools[0].function.description", function(json!({"name": "f", "description": 5}))),
        ("tools[0].function.parameters", function(json!({"name": "f", "parameters": "{}"}))),
        ("tools[0].function.strict", function(json!({"name": "f", "strict": "true"}))),
        ("tools[0].custom", tools(json!({"type": "custom", "custom": "f"}))),
        ("tools[0].custom.name", tools(json!({"type": "custom", "custom": {"name": 5}}))),
        ("tools[0].custom.format", tools(json!({"type": "custom", "custom": {"name": "f", "format": "text"}}))),
        ("tool_choice", json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": 5})),
        ("tool_choice", json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": []})),
        ("tool_choice", json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "maybe"})),
        (
            "tool_choice",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function"}}),
        ),
        (
            "tool_choice",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "g"}}}),
        ),
        (
            "tool_choice.allowed_tools.tools[0]",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}}}),
        ),
        ("tool_choice.function", json!({"tool_choice": {"type": "function", "function": "f"}})),
        ("tool_choice.function.name", json!({"tool_choice": {"type": "function", "function": {"name": 1}}})),
        ("parallel_tool_calls", json!({"parallel_tool_calls": "yes"})),
        ("functions", json!({"functions": {}})),
        ("functions[0].name", json!({"functions": [{"name": 5}]})),
        ("function_call", json!({"functions": [{"name": "f"}], "function_call": 5})),
        ("web_search_options", json!({"web_search_options": "low"})),
        ("service_tier", json!({"service_tier": 1})),
        ("verbosity", json!({"verbosity": 3})),
        ("user", json!({"user": 5})),
        ("metadata", json!({"metadata": "x"})),
        ("store", json!({"store": "no"})),
    ];
    for (param, members) in wrong {
        for at in BOTH {
            let error = write(at, &with(&members), false).expect_err(&format!("{at:?} {members}"));
            assert_eq!(error.kind, Kind::InvalidRequest);
            let body: Value = serde_json::from_str(&error.body.expect("a body")).expect("JSON");
            assert_eq!(body["param"], param, "{at:?} {members}");
            assert_eq!(body["type"], "invalid_request_error");
            assert!(body["message"].as_str().is_some_and(|message| message.contains(&format!("`{param}`"))), "{body}");
        }
    }
}

/// What is null says nothing, wherever it stands.
#[test]
fn what_is_null_is_not_there() {
    let names = [
        "temperature",
        "top_p",
        "max_completion_tokens",
        "n",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "response_format",
        "modalities",
        "audio",
        "reasoning_effort",
        "reasoning",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "web_search_options",
        "service_tier",
        "verbosity",
        "user",
        "metadata",
        "store",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "prediction",
        "presence_penalty",
        "frequency_penalty",
    ];
    for at in BOTH {
        let plain = write(at, &with(&json!({})), true).expect("it can be sent");
        for name in names {
            let sent = write(at, &with(&json!({name: null})), true)
                .unwrap_or_else(|error| panic!("{name}: {}", error.message));
            assert_eq!(sent, plain, "{name}");
        }
        let answer = json!({"role": "assistant", "content": "x", "refusal": null, "audio": null, "tool_calls": null, "function_call": null, "reasoning_details": null, "name": null});
        write(at, &with(&answered(answer)), true).unwrap_or_else(|error| panic!("{}", error.message));
    }
}

/// Parts that are not for whom they are said to.
#[test]
fn parts_that_nobody_takes_there_are_refused_at_their_place() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let sound = json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}});
    let file = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}});
    let question = json!({"role": "user", "content": "hi"});
    for part in [&picture, &sound, &file] {
        for role in ["system", "developer"] {
            let messages = json!([{"role": role, "content": [{"type": "text", "text": "s"}, part]}, question]);
            for at in BOTH {
                assert_eq!(refused(at, &said(messages.clone())), "messages[0].content[1]", "{at:?} {part}");
            }
        }
        let answer = json!({"role": "assistant", "content": [{"type": "text", "text": "s"}, part]});
        assert_eq!(refused(CLAUDE, &answered(answer)), "messages[1].content[1]", "{part}");
    }
    let called = |part: &Value| {
        said(json!([
            question,
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "s"}, part]},
        ]))
    };
    assert_eq!(refused(CLAUDE, &called(&sound)), "messages[2].content[1]");
    for part in [json!({"type": "hologram"}), json!({"type": "tool_use", "id": "1"})] {
        for at in BOTH {
            let param = refused(at, &called(&part));
            assert!(param.starts_with("messages[2].content[1]"), "{param}");
        }
    }
}

fn refused(at: (Dialect, &str), members: &Value) -> String {
    let error = write(at, &with(members), false).err().unwrap_or_else(|| panic!("nothing is wrong with {members}"));
    let body: Value = serde_json::from_str(&error.body.expect("a body")).expect("JSON");
    body["param"].as_str().expect("a param").to_owned()
}

/// What is lost on the way, as `param action`. What was merely assumed is no loss.
fn losses(at: (Dialect, &str), members: &Value) -> Vec<String> {
    let outgoing =
        write(at, &with(members), false).unwrap_or_else(|error| panic!("{at:?} {members}: {}", error.message));
    let lost = outgoing.losses.list().iter().filter(|loss| loss.action != Action::Assumed);
    let mut lost: Vec<String> = lost.map(|loss| format!("{} {}", loss.param, loss.action.name())).collect();
    lost.sort();
    assert_eq!(write(at, &with(members), true).is_err(), !lost.is_empty(), "{at:?} {members}");
    lost
}

fn weather(strict: bool, parameters: Value) -> Value {
    json!({"type": "function", "function": {"name": "weather", "description": "d", "strict": strict, "parameters": parameters}})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// Each row loses the same on both ways.
#[test]
fn both_lose_the_same() {
    let plain = weather(false, object(json!({"city": {"type": "string"}})));
    let custom = json!({"type": "custom", "custom": {"name": "run", "description": "d"}});
    let grammar = json!({"type": "custom", "custom": {"name": "run", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}}});
    let choose = |choice: Value| json!({"tools": [plain, custom], "tool_choice": choice});
    let format = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}});
    let pdf = json!({"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="});
    let rows: Vec<(Value, &[&str])> = vec![
        // What any request may have in it.
        (json!({}), &[]),
        (
            json!({"temperature": 0.5, "max_tokens": 100, "stop": ["a"], "stream": true, "stream_options": {"include_usage": true}}),
            &[],
        ),
        (
            json!({"n": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": false, "store": false, "logit_bias": {}}),
            &[],
        ),
        (
            json!({"verbosity": "medium", "prompt_cache_retention": "in_memory", "metadata": {}, "service_tier": "auto"}),
            &[],
        ),
        (json!({"service_tier": "default", "modalities": ["text"], "response_format": {"type": "text"}}), &[]),
        (json!({"reasoning_effort": "low"}), &[]),
        (json!({"reasoning_effort": "high", "max_tokens": null, "max_completion_tokens": 100}), &[]),
        (json!({"reasoning": {"effort": "medium"}, "max_tokens": null}), &[]),
        (json!({"reasoning": {"enabled": true}}), &[]),
        (json!({"reasoning": {"effort": "low", "exclude": true}}), &[]),
        (json!({"max_tokens": 5, "max_completion_tokens": 6}), &["max_tokens dropped"]),
        (json!({"reasoning_effort": "low", "reasoning": {"effort": "high"}}), &["reasoning.effort dropped"]),
        (json!({"reasoning": {"effort": "low", "summary": "auto"}}), &["reasoning.summary dropped"]),
        (json!({"reasoning_effort": "xhigh"}), &["reasoning_effort clamped"]),
        (json!({"stream_options": {"include_obfuscation": true}}), &["stream_options.include_obfuscation dropped"]),
        (json!({"logit_bias": {"1": 2}}), &["logit_bias dropped"]),
        (json!({"prediction": {"type": "content", "content": "x"}}), &["prediction dropped"]),
        (json!({"store": true}), &["store dropped"]),
        (json!({"moderation": {"model": "m"}}), &["moderation dropped"]),
        (json!({"verbosity": "low"}), &["verbosity dropped"]),
        (json!({"prompt_cache_key": "k"}), &["prompt_cache_key dropped"]),
        (json!({"prompt_cache_retention": "24h"}), &["prompt_cache_retention dropped"]),
        (json!({"service_tier": "scale"}), &["service_tier dropped"]),
        (json!({"surprise": 1}), &["surprise dropped"]),
        // Tools.
        (json!({"tools": [plain]}), &[]),
        (json!({"tools": [weather(true, object(json!({"city": {"type": "string"}})))]}), &[]),
        (json!({"tools": [plain], "tool_choice": "auto"}), &[]),
        (json!({"tools": [plain], "tool_choice": "none"}), &[]),
        (json!({"tools": [plain], "tool_choice": "required"}), &[]),
        (json!({"tools": [plain], "tool_choice": {"type": "function", "function": {"name": "weather"}}}), &[]),
        (
            json!({"tools": [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]}),
            &[],
        ),
        (json!({"tools": [{"type": "custom", "name": "run"}]}), &[]),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "surprise": 1}}]}),
            &["tools[0].function.surprise dropped"],
        ),
        (
            json!({"tools": [{"type": "function", "surprise": 1, "function": {"name": "f"}}]}),
            &["tools[0].surprise dropped"],
        ),
        (json!({"tools": [custom]}), &[]),
        (json!({"tools": [grammar]}), &["tools[0].custom.format moved"]),
        (json!({"tools": [custom], "tool_choice": {"type": "custom", "custom": {"name": "run"}}}), &[]),
        (
            choose(
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]}}),
            ),
            &[],
        ),
        (
            choose(
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "custom", "custom": {"name": "run"}}]}}),
            ),
            &[],
        ),
        (json!({"tool_choice": "auto"}), &[]),
        (json!({"tool_choice": "required"}), &["tool_choice dropped"]),
        (json!({"function_call": {"name": "f"}}), &["function_call dropped"]),
        (json!({"tools": [plain], "tool_choice": "auto", "function_call": "auto"}), &["function_call dropped"]),
        (
            json!({"functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}], "function_call": {"name": "f"}}),
            &["functions[0] emulated"],
        ),
        (json!({"web_search_options": {"search_context_size": "medium"}}), &[]),
        (
            json!({"web_search_options": {"search_context_size": "high"}}),
            &["web_search_options.search_context_size dropped"],
        ),
        // Forms of the answer, and of tools that are held to it.
        (
            format(object(
                json!({"a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "number"}, {"type": "null"}]}}),
            )),
            &[],
        ),
        (format(object(json!({"a": {"allOf": [{"type": "string"}], "description": "d"}}))), &[]),
        (
            format(object(json!({"a": {"type": "string", "pattern": "^a$"}}))),
            &["response_format.json_schema.schema.properties.a.pattern moved"],
        ),
        (
            json!({"tools": [weather(true, object(json!({"a": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}})))]}),
            &["tools[0].function.parameters.properties.a.anyOf[0].minLength moved"],
        ),
        // Messages.
        (
            said(
                json!([{"role": "system", "content": "s"}, {"role": "developer", "content": [{"type": "text", "text": "d"}]}, {"role": "user", "content": "hi"}]),
            ),
            &[],
        ),
        (
            said(
                json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}, {"role": "system", "content": "s"}, {"role": "user", "content": "b"}]),
            ),
            &["messages[2] moved"],
        ),
        (said(json!([{"role": "user", "name": "ada", "content": "hi"}])), &["messages[0].name dropped"]),
        (part(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}})), &[]),
        (part(json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "auto"}})), &[]),
        (part(json!({"type": "file", "file": pdf})), &[]),
        (part(json!({"type": "file", "file": {"filename": "a.png", "file_data": "data:image/png;base64,aGk="}})), &[]),
        (part(json!({"type": "text", "text": "hi", "surprise": 1})), &["messages[0].content[0].surprise dropped"]),
        // The assistant's turns, as they came.
        (
            answered(
                json!({"role": "assistant", "content": "x", "refusal": null, "audio": null, "id": "msg_1", "index": 0,
                "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x.test", "title": "t", "start_index": 0, "end_index": 1}}]}),
            ),
            &[],
        ),
        (answered(json!({"role": "assistant", "content": null, "refusal": "no"})), &[]),
        (answered(json!({"role": "assistant", "name": "bob", "content": "x"})), &["messages[1].name dropped"]),
        (
            answered(json!({"role": "assistant", "content": "x", "audio": {"id": "audio_1"}})),
            &["messages[1].audio dropped"],
        ),
        (
            answered(json!({"role": "assistant", "content": "x", "reasoning_content": "t"})),
            &["messages[1].reasoning_content dropped"],
        ),
        (answered(json!({"role": "assistant", "content": "x", "reasoning": "t"})), &["messages[1].reasoning dropped"]),
        (
            answered(json!({"role": "assistant", "content": "x", "reasoning": "t", "reasoning_content": "t"})),
            &["messages[1].reasoning_content dropped"],
        ),
        (
            answered(
                json!({"role": "assistant", "content": "x", "reasoning_content": "t", "reasoning_details": [{"type": "reasoning.text", "text": "t", "format": "openai-responses-v1", "index": 0}]}),
            ),
            &["messages[1].reasoning_details[0] dropped"],
        ),
        (
            said(json!([
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "x", "tool_calls": [
                    {"id": "1", "index": 0, "type": "function", "function": {"name": "weather", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "s", "model": "gemini-3-flash-preview"}}},
                ]},
                {"role": "tool", "tool_call_id": "1", "name": "weather", "content": [{"type": "text", "text": "sun"}]},
            ])),
            &["claude: messages[1].tool_calls[0].extra_content dropped"],
        ),
    ];
    for (members, lost) in rows {
        for (name, at) in [("claude: ", CLAUDE), ("gemini: ", GEMINI)] {
            // Those of one alone are said to be so.
            let is_of_other = |lost: &&&str| !lost.contains(": ") || lost.starts_with(name);
            let mut lost: Vec<&str> =
                lost.iter().filter(is_of_other).map(|lost| lost.trim_start_matches(name)).collect();
            lost.sort_unstable();
            assert_eq!(losses(at, &members), lost, "{at:?} {members}");
        }
    }
}

/// What only one of the two can say, and why.
#[test]
fn where_they_differ_there_is_a_reason() {
    let tool = weather(false, object(json!({"a": {"type": "string", "minLength": 1}})));
    let rows: Vec<(&str, Value, &[&str], &[&str])> = vec![
        ("Anthropic has no seeds", json!({"seed": 7}), &["seed dropped"], &[]),
        ("nor penalties", json!({"presence_penalty": 0.5}), &["presence_penalty dropped"], &[]),
        (
            "nor probabilities, and Gemini 3 has none either",
            json!({"logprobs": true}),
            &["logprobs dropped"],
            &["logprobs dropped"],
        ),
        (
            "Anthropic's temperatures end at 1, Gemini's at 2",
            json!({"temperature": 1.5}),
            &["temperature clamped"],
            &[],
        ),
        ("Anthropic takes one of the two", json!({"temperature": 0.5, "top_p": 0.5}), &["top_p dropped"], &[]),
        (
            "Anthropic has no form of JSON without a schema",
            json!({"response_format": {"type": "json_object"}}),
            &["response_format emulated"],
            &[],
        ),
        ("Gemini has no name of who asks", json!({"user": "u"}), &[], &["user dropped"]),
        (
            "Gemini may always call several at once",
            json!({"tools": [tool], "parallel_tool_calls": false}),
            &[],
            &["parallel_tool_calls dropped", "tools[0].function.parameters.properties.a.minLength moved"],
        ),
        ("Anthropic's batches are another endpoint", json!({"service_tier": "flex"}), &["service_tier dropped"], &[]),
        (
            "Gemini 3 sees as closely as it is told to",
            part(json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}})),
            &["messages[0].content[0].image_url.detail dropped"],
            &[],
        ),
        (
            "Gemini caches by itself",
            part(json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}})),
            &[],
            &["messages[0].content[0].cache_control dropped"],
        ),
        (
            "Google knows where who asks is",
            json!({"web_search_options": {"user_location": {"type": "approximate", "approximate": {"country": "AT"}}}}),
            &[],
            &["web_search_options.user_location dropped"],
        ),
        ("Gemini thinks at levels", json!({"reasoning": {"max_tokens": 2000}}), &[], &["reasoning.max_tokens clamped"]),
        ("Claude thinks or does not", json!({"reasoning_effort": "none"}), &[], &["reasoning_effort clamped"]),
    ];
    for (why, members, claude, gemini) in rows {
        assert_eq!(losses(CLAUDE, &members), claude, "{why}");
        assert_eq!(losses(GEMINI, &members), gemini, "{why}");
    }
}
