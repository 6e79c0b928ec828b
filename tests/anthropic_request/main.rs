//! Chat requests of OpenAI's as they go to Anthropic: a case or more for each row of what is translated.
#![cfg(not(target_arch = "wasm32"))]

mod conversation;
#[cfg(feature = "fixtures")]
mod recorded;
mod schemas;
mod thinking;
mod tools;

use chatmux::Kind;
use chatmux::dialect::anthropic::write_request;
use chatmux::dialect::translate::{Outgoing, Target};
use serde_json::{Value, json};

const NEWEST: &str = "claude-opus-5";
const EITHER: &str = "claude-sonnet-4-6";
const BUDGET: &str = "claude-sonnet-4-5";
const OLDER: &str = "claude-sonnet-4-20250514";
const OLDEST: &str = "claude-3-haiku-20240307";

fn target(model: &str) -> Target<'_> {
    Target { model, is_aihubmix: false, is_strict: false }
}

/// A request with a question and a limit, and these members.
fn asking(members: Value) -> Value {
    let mut request = json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in members.as_object().expect("members") {
        request[name] = value.clone();
    }
    request
}

fn outgoing(model: &str, request: &Value) -> Outgoing {
    write_request(&request.to_string(), &target(model)).unwrap_or_else(|error| panic!("{request}: {}", error.message))
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_str(&outgoing.body).unwrap_or_else(|error| panic!("{}: {error}", outgoing.body))
}

/// What was lost, as `param action`.
fn losses(outgoing: &Outgoing) -> Vec<String> {
    outgoing.losses.list().iter().map(|loss| format!("{} {}", loss.param, loss.action.name())).collect()
}

/// One row: what is asked of a model, the members that are sent (null: none), and what is reported.
#[track_caller]
fn check(model: &str, members: Value, sent: Value, lost: &[&str]) {
    let outgoing = outgoing(model, &asking(members.clone()));
    let body = body(&outgoing);
    for (name, value) in sent.as_object().expect("members") {
        assert_eq!(body[name], *value, "{name} of {members}");
    }
    assert_eq!(losses(&outgoing), lost, "{members}");
}

/// One row: what is refused, and at which parameter.
#[track_caller]
fn check_refused(model: &str, members: Value, param: &str) {
    let error = write_request(&asking(members.clone()).to_string(), &target(model)).expect_err(&members.to_string());
    assert_eq!(error.kind, Kind::InvalidRequest);
    let body: Value = serde_json::from_str(&error.body.expect("a body")).expect("JSON");
    assert_eq!(body["param"], param, "{members}: {}", error.message);
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn user(blocks: Value) -> Value {
    json!({"role": "user", "content": blocks})
}

fn assistant(blocks: Value) -> Value {
    json!({"role": "assistant", "content": blocks})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}})
}

fn tool_sent(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

#[test]
fn a_request_is_sent_whole() {
    let request = json!({
        "model": "anything",
        "max_completion_tokens": 50,
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi \"you\" \u{e9}\n"}],
        "stream": true,
        "stream_options": {"include_usage": true},
        "temperature": 0.50,
    });
    let outgoing = outgoing(BUDGET, &request);
    assert_eq!(outgoing.path, "/v1/messages");
    assert_eq!(outgoing.headers, [("anthropic-version", "2023-06-01".to_owned())]);
    assert_eq!(
        body(&outgoing),
        json!({
            "model": BUDGET,
            "max_tokens": 50,
            "system": [text("be brief")],
            "messages": [user(json!([text("hi \"you\" \u{e9}\n")]))],
            "temperature": 0.5,
            "stream": true,
        })
    );
    assert!(losses(&outgoing).is_empty());
    assert!(outgoing.back.include_usage);
    assert_eq!(outgoing.back.model, BUDGET);
}

#[test]
fn what_is_said_once_is_sent_or_reported() {
    let rows = [
        (json!({"stop": "END"}), json!({"stop_sequences": ["END"]}), &[][..]),
        (
            json!({"stop": ["a", "\n"], "stop_sequences": ["b"]}),
            json!({"stop_sequences": ["a", "b"]}),
            &["stop[1] dropped"],
        ),
        (json!({"stop": []}), json!({"stop_sequences": null}), &[]),
        (json!({"n": 1}), json!({"n": null}), &[]),
        (json!({"user": "ada"}), json!({"metadata": {"user_id": "ada"}}), &[]),
        (json!({"safety_identifier": "x", "user": "ada"}), json!({"metadata": {"user_id": "x"}}), &["user dropped"]),
        (
            json!({"metadata": {"user_id": "ada", "team": "t"}}),
            json!({"metadata": {"user_id": "ada"}}),
            &["metadata.team dropped"],
        ),
        (json!({"service_tier": "auto"}), json!({"service_tier": "auto"}), &[]),
        (json!({"service_tier": "default"}), json!({"service_tier": "standard_only"}), &[]),
        (json!({"service_tier": "priority"}), json!({"service_tier": "auto"}), &["service_tier emulated"]),
        (json!({"service_tier": "flex"}), json!({"service_tier": null}), &["service_tier dropped"]),
        (
            json!({"logprobs": true, "top_logprobs": 2}),
            json!({"logprobs": null}),
            &["logprobs dropped", "top_logprobs dropped"],
        ),
        (json!({"seed": 7}), json!({"seed": null}), &["seed dropped"]),
        (
            json!({"frequency_penalty": 0.5, "presence_penalty": 0}),
            json!({"frequency_penalty": null}),
            &["frequency_penalty dropped"],
        ),
        (json!({"logit_bias": {"1": 2}}), json!({"logit_bias": null}), &["logit_bias dropped"]),
        (
            json!({"prediction": {"type": "content", "content": "x"}}),
            json!({"prediction": null}),
            &["prediction dropped"],
        ),
        (json!({"store": true}), json!({"store": null}), &["store dropped"]),
        (json!({"store": false, "moderation": null}), json!({"store": null}), &[]),
        (json!({"moderation": {"model": "m"}}), json!({"moderation": null}), &["moderation dropped"]),
        (json!({"verbosity": "low"}), json!({"verbosity": null}), &["verbosity dropped"]),
        (json!({"prompt_cache_key": "k"}), json!({"prompt_cache_key": null}), &["prompt_cache_key dropped"]),
        (
            json!({"prompt_cache_retention": "24h"}),
            json!({"prompt_cache_retention": null}),
            &["prompt_cache_retention dropped"],
        ),
        (
            json!({"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}),
            json!({"cache_control": null}),
            &["prompt_cache_options.ttl dropped"],
        ),
        (
            json!({"stream_options": {"include_obfuscation": true}}),
            json!({"stream_options": null}),
            &["stream_options.include_obfuscation dropped"],
        ),
        (json!({"modalities": ["text"], "audio": {"voice": "x"}}), json!({"modalities": null}), &["audio dropped"]),
        (json!({"surprise": 1}), json!({"surprise": null}), &["surprise dropped"]),
        (json!({"container": "c", "inference_geo": "us"}), json!({"container": "c", "inference_geo": "us"}), &[]),
        (json!({"system": "own"}), json!({"system": [text("own")]}), &[]),
    ];
    for (members, sent, lost) in rows {
        check(BUDGET, members, sent, lost);
    }
    check_refused(BUDGET, json!({"n": 2}), "n");
    for name in ["stop", "tools", "temperature", "messages"] {
        check_refused(BUDGET, json!({name: true}), name);
    }
    check_refused(BUDGET, json!({"modalities": ["text", "image"]}), "modalities");
}

#[test]
fn features_that_are_not_for_everybody_are_asked_for_in_a_header() {
    for (members, header) in [
        (json!({"betas": ["a-1", "b-2"], "anthropic_beta": "a-1"}), "a-1,b-2"),
        (json!({"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]}), "mcp-client-2025-04-04"),
        (
            json!({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
            "context-management-2025-06-27",
        ),
        (json!({"context_management": {"edits": [{"type": "compact_20260112"}]}}), "compact-2026-01-12"),
        (json!({"speed": "fast"}), "fast-mode-2026-02-01"),
    ] {
        let outgoing = outgoing(NEWEST, &asking(members.clone()));
        assert_eq!(outgoing.headers.last(), Some(&("anthropic-beta", header.to_owned())), "{members}");
        assert!(losses(&outgoing).is_empty(), "{members}");
        let body = body(&outgoing);
        assert!(body["betas"].is_null() && body["anthropic_beta"].is_null());
    }
}

/// What each family can do, as it shows in what is sent: the longest answer; what an effort of `xhigh` comes to; and
/// whether it takes a temperature, a schema, a tool that must be called, an answer that was begun, and a system that
/// speaks in between.
#[test]
fn every_family_is_asked_for_what_it_can_do() {
    let rows = [
        ("claude-opus-5", 128_000, "xhigh", [0, 1, 1, 0, 1]),
        ("claude-sonnet-5", 128_000, "xhigh", [0, 1, 1, 0, 0]),
        ("claude-fable-5", 128_000, "xhigh", [0, 1, 0, 0, 1]),
        ("claude-mythos-5", 128_000, "xhigh", [0, 1, 0, 0, 1]),
        ("claude-opus-4-8", 128_000, "xhigh", [0, 1, 1, 0, 1]),
        ("claude-opus-4-7", 128_000, "xhigh", [0, 1, 1, 0, 0]),
        ("claude-opus-4-6", 128_000, "max", [1, 1, 1, 1, 0]),
        ("claude-sonnet-4-6", 128_000, "max", [1, 1, 1, 1, 0]),
        ("claude-opus-4-5-20251101", 64_000, "budget", [1, 1, 1, 1, 0]),
        ("claude-sonnet-4-5-20250929", 64_000, "budget", [1, 1, 1, 1, 0]),
        ("claude-haiku-4-5", 64_000, "budget", [1, 1, 1, 1, 0]),
        ("claude-opus-4-1-20250805", 32_000, "budget", [1, 1, 1, 1, 0]),
        ("claude-sonnet-4-20250514", 64_000, "budget", [1, 0, 1, 1, 0]),
        ("claude-opus-4-0", 32_000, "budget", [1, 0, 1, 1, 0]),
        ("claude-3-7-sonnet-20250219", 64_000, "budget", [1, 0, 1, 1, 0]),
        ("claude-3-5-haiku-latest", 8192, "", [1, 0, 1, 1, 0]),
        ("claude-3-opus-20240229", 4096, "", [1, 0, 1, 1, 0]),
        ("claude-2.1", 4096, "", [1, 0, 1, 1, 0]),
        ("claude-instant-1.2", 4096, "", [1, 0, 1, 1, 0]),
    ];
    for (model, most, effort, can) in rows {
        let sent = |members: Value| body(&outgoing(model, &asking(members)));
        assert_eq!(sent(json!({"max_tokens": null}))["max_tokens"], most, "{model}");
        let thinking = sent(json!({"reasoning_effort": "xhigh"}));
        let comes_to = match thinking["thinking"]["type"].as_str() {
            Some("adaptive") => thinking["output_config"]["effort"].as_str().expect("an effort"),
            Some(_) => "budget",
            None => "",
        };
        assert_eq!(comes_to, effort, "{model}");
        let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
        let question = json!({"role": "user", "content": "x"});
        let begun = asking(json!({"messages": [question, {"role": "assistant", "content": "y"}]}));
        let between = json!({"messages": [question, {"role": "system", "content": "y"}]});
        let does = [
            sent(json!({"temperature": 0.5}))["temperature"] == 0.5,
            !sent(json!({"response_format": schema}))["output_config"].is_null(),
            sent(json!({"tools": [tool("a")], "tool_choice": "required"}))["tool_choice"]["type"] == "any",
            write_request(&begun.to_string(), &target(model)).is_ok(),
            sent(between)["system"].is_null(),
        ];
        assert_eq!(does.map(i32::from), can, "{model}");
    }
}

#[test]
fn what_is_strict_loses_nothing() {
    let strict = Target { is_strict: true, ..target(BUDGET) };
    let error = write_request(&asking(json!({"seed": 7})).to_string(), &strict).expect_err("a loss");
    assert_eq!(error.kind, Kind::InvalidRequest);
    assert!(error.message.contains("`seed` would be dropped"), "{}", error.message);
    let mut assumed = asking(json!({}));
    assumed.as_object_mut().expect("members").remove("max_tokens");
    assert!(write_request(&assumed.to_string(), &strict).is_ok());
}

#[test]
fn any_bytes_are_a_request_or_an_error() {
    let whole = asking(json!({
        "tools": [tool("a")], "tool_choice": "auto", "reasoning": {"effort": "low"}, "temperature": 1e300,
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
        "messages": [{"role": "system", "content": ["x", 1, null]}, {"role": "user", "content": [{"type": 1}]}, 5],
    }))
    .to_string();
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        assert!(write_request(&whole[..end], &target(NEWEST)).is_err());
    }
    // Every value in turn becomes one of each kind.
    let values = ["null", "1", "-0.0", "\"\"", "\"x\"", "[]", "{}", "[[]]", "{\"type\":[]}", "true"];
    let request = asking(json!({
        "tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "a"}}, "temperature": 0.5,
        "reasoning": {"effort": "low"}, "thinking": null, "metadata": {"user_id": "x"}, "stop": ["x"],
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
            {"role": "assistant", "content": "x", "tool_calls": [call("a", "a", "{}")], "reasoning_details": [{"type": "x"}]},
            {"role": "tool", "tool_call_id": "a", "content": "x"},
        ],
    }));
    let mut paths = vec![];
    collect(&request, String::new(), &mut paths);
    for path in paths {
        for value in values {
            let mut request = request.clone();
            *request.pointer_mut(&path).expect("a value") = serde_json::from_str(value).expect("JSON");
            for model in [NEWEST, BUDGET, OLDEST] {
                if let Ok(outgoing) = write_request(&request.to_string(), &target(model)) {
                    body(&outgoing);
                }
            }
        }
    }
}

fn collect(value: &Value, path: String, paths: &mut Vec<String>) {
    if let Some(object) = value.as_object() {
        object.iter().for_each(|(name, value)| collect(value, format!("{path}/{name}"), paths));
    }
    if let Some(list) = value.as_array() {
        list.iter().enumerate().for_each(|(at, value)| collect(value, format!("{path}/{at}"), paths));
    }
    paths.push(path);
}
