//! What an answer comes to, streamed and whole.

use chatmux::Kind;
use chatmux::dialect::anthropic::{read_error, read_response};
use chatmux::dialect::translate::WayBack;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn an_answer_has_the_members_of_a_completion() {
    let completion =
        both(&message(json!([{"type": "text", "text": "Héllo"}, {"type": "text", "text": " \"you\""}])), &back());
    let expected = json!({
        "id": "msg_1", "object": "chat.completion", "created": CREATED, "model": "claude-opus-5-20260901",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Héllo \"you\"", "refusal": null},
            "finish_reason": "stop", "native_finish_reason": "end_turn",
        }],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    });
    assert_eq!(completion, expected);
}

#[test]
fn finish_reasons_are_openais_and_the_native_one_is_kept() {
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
    for (native, reason, with_calls) in [
        ("end_turn", "stop", "tool_calls"),
        ("stop_sequence", "stop", "tool_calls"),
        ("pause_turn", "stop", "tool_calls"),
        ("tool_use", "stop", "tool_calls"),
        ("max_tokens", "length", "length"),
        ("model_context_window_exceeded", "length", "length"),
        ("refusal", "content_filter", "content_filter"),
        ("compaction", "stop", "tool_calls"),
        ("something_new", "stop", "tool_calls"),
    ] {
        let text = json!({"type": "text", "text": "x"});
        for (content, expected) in [(json!([text]), reason), (json!([text, call]), with_calls)] {
            let choice = &both(&ended(content, native), &back())["choices"][0];
            assert_eq!(choice["finish_reason"], expected, "{native}");
            assert_eq!(choice["native_finish_reason"], native);
        }
    }
    let mut stopped = ended(json!([]), "stop_sequence");
    stopped["stop_sequence"] = "END".into();
    let choice = &both(&stopped, &back())["choices"][0];
    assert_eq!((&choice["stop_reason"], &choice["message"]["content"]), (&json!("END"), &json!("")));
}

#[test]
fn calls_have_a_counter_of_their_own_and_arguments_in_any_case() {
    let content = json!([
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "é\"\\", "n": 1.5}},
        {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}},
    ]);
    let message = ended(content, "tool_use");
    let completion = both(&message, &back());
    let choice = &completion["choices"][0];
    let expected = json!([
        {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": r#"{"at":"é\"\\","n":1.5}"#}},
        {"id": "toolu_2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
    ]);
    assert_eq!(choice["message"]["tool_calls"], expected);
    assert_eq!(choice["message"]["content"], "I look.");
    let chunks = streamed(&events_of(&message), &back()).chunks;
    let calls: Vec<&Value> = (chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]))
        .filter(|call| !call["id"].is_null())
        .collect();
    let first = json!({"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": ""}});
    assert_eq!(*calls[0], first);
    assert_eq!(calls[1]["index"], 1);
    // Without text there is no content.
    let call = json!([{"type": "tool_use", "id": "t", "name": "f", "input": {}}]);
    assert_eq!(both(&ended(call, "tool_use"), &back())["choices"][0]["message"]["content"], Value::Null);
}

#[test]
fn what_is_said_to_the_answer_tool_is_the_answer() {
    let back = WayBack { has_answer_tool: true, ..back() };
    let answer = json!({"type": "tool_use", "id": "t", "name": "json", "input": {"a": "é", "b": [1, null]}});
    let text = json!({"type": "text", "text": "Here \"it\" is: "});
    let other = json!({"type": "tool_use", "id": "u", "name": "f", "input": {}});
    for content in [json!([answer]), json!([text, answer]), json!([answer, text]), json!([answer, answer])] {
        let completion = both(&ended(content, "tool_use"), &back);
        let choice = &completion["choices"][0];
        assert_eq!(
            choice["message"],
            json!({"role": "assistant", "content": r#"{"a":"é","b":[1,null]}"#, "refusal": null})
        );
        assert_eq!(choice["finish_reason"], "stop");
    }
    // It was not called: the text is all that there is.
    let completion = both(&message(json!([text, text])), &back);
    assert_eq!(completion["choices"][0]["message"]["content"], "Here \"it\" is: Here \"it\" is: ");
    let completion = both(&ended(json!([text, other]), "tool_use"), &back);
    assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(completion["choices"][0]["message"]["content"], "Here \"it\" is: ");
    // A stream that is cut says what it has held back.
    let events = events_of(&message(json!([text])));
    let cut = streamed(&events[..events.len() - 1], &back);
    assert_eq!(cut.completion["choices"][0]["message"]["content"], "Here \"it\" is: ");
    // Without the shim it is a tool like any other.
    let completion = both(&ended(json!([answer]), "tool_use"), &crate::support::back());
    assert_eq!(completion["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "json");
}

#[test]
fn citations_are_annotations_of_the_text() {
    let web = json!({"type": "web_search_result_location", "url": "https://x/\"y", "title": "X", "cited_text": "seen", "encrypted_index": "E"});
    let page = json!({"type": "page_location", "document_index": 0, "document_title": "Doc", "start_page_number": 2, "end_page_number": 3, "cited_text": "page"});
    let found = json!({"type": "search_result_location", "source": "https://s", "title": null, "cited_text": "found"});
    let content = json!([
        {"type": "text", "text": "😀 é "},
        {"type": "text", "text": "cited", "citations": [web, page]},
        {"type": "text", "text": "."},
        {"type": "text", "text": "more", "citations": [found]},
    ]);
    let completion = both(&message(content.clone()), &back());
    let annotation = |start: u32, end: u32, title: &str, url: &str, content: &str, native: &Value| json!({"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "title": title, "url": url, "content": content}, "native_citation": native});
    let expected = json!([
        annotation(5, 10, "X", "https://x/\"y", "seen", &web),
        annotation(5, 10, "Doc", "", "page", &page),
        annotation(11, 15, "", "https://s", "found", &found),
    ]);
    assert_eq!(completion["choices"][0]["message"]["annotations"], expected);
    // Held back with the text that may not be the answer.
    let held = both(&message(content), &WayBack { has_answer_tool: true, ..back() });
    assert_eq!(held["choices"][0]["message"]["annotations"], expected);
}

#[test]
fn refusals_say_why() {
    let mut refused = ended(json!([{"type": "text", "text": "I"}]), "refusal");
    refused["stop_details"] = json!({"type": "refusal", "category": "cyber", "explanation": "No \"that\"."});
    let choice = &both(&refused, &back())["choices"][0];
    assert_eq!((&choice["message"]["refusal"], &choice["message"]["content"]), (&json!("No \"that\"."), &json!("I")));
    assert_eq!(
        (&choice["finish_reason"], &choice["native_finish_details"]["category"]),
        (&json!("content_filter"), &json!("cyber"))
    );
    let choice = &both(&ended(json!([]), "refusal"), &back())["choices"][0];
    assert_eq!(choice["message"], json!({"role": "assistant", "content": "", "refusal": null}));
    assert_eq!(choice["finish_reason"], "content_filter");
}

#[test]
fn usage_is_counted_as_openai_counts() {
    let usage_of = |usage: Value| {
        let mut message = message(json!([]));
        message["usage"] = usage;
        let completion = both(&message, &back());
        (completion["usage"].clone(), completion["service_tier"].clone())
    };
    let (usage, tier) = usage_of(json!({
        "input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 30}, "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 20}, "server_tool_use": {"web_search_requests": 1}, "nothing": null,
    }));
    let expected = json!({
        "prompt_tokens": 125, "completion_tokens": 50, "total_tokens": 175,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 30},
        "cache_creation": {"ephemeral_5m_input_tokens": 20}, "server_tool_use": {"web_search_requests": 1},
    });
    assert_eq!((usage, tier), (expected, json!("default")));
    let iterations = json!([
        {"type": "compaction", "input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3},
        {"type": "message", "input_tokens": 5, "output_tokens": 2},
    ]);
    let (usage, tier) =
        usage_of(json!({"input_tokens": 5, "output_tokens": 2, "service_tier": "priority", "iterations": iterations}));
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(115), &json!(12)));
    assert_eq!(usage["prompt_tokens_details"], json!({"cached_tokens": 7, "cache_write_tokens": 3}));
    assert_eq!((&usage["iterations"], tier), (&iterations, json!("priority")));
    // What is not counted is not made up.
    let mut silent = message(json!([]));
    silent.as_object_mut().expect("an object").remove("usage");
    assert_eq!(whole(&silent, &back())["usage"], Value::Null);
}

#[test]
fn what_the_next_turn_needs_of_the_answer_is_kept() {
    let mut message = message(json!([]));
    message["container"] = json!({"id": "c", "expires_at": "x"});
    message["context_management"] = json!({"applied_edits": []});
    let completion = both(&message, &back());
    assert_eq!(
        (&completion["container"]["id"], &completion["context_management"]),
        (&json!("c"), &json!({"applied_edits": []}))
    );
}

#[test]
fn errors_are_openais_with_the_right_status() {
    for (kind, status, seen_kind, seen_status) in [
        ("invalid_request_error", 400, "invalid_request_error", 400),
        ("authentication_error", 401, "authentication_error", 401),
        ("billing_error", 402, "insufficient_quota", 402),
        ("permission_error", 403, "permission_error", 403),
        ("not_found_error", 404, "not_found_error", 404),
        ("request_too_large", 413, "request_too_large", 413),
        ("rate_limit_error", 429, "rate_limit_error", 429),
        ("api_error", 500, "server_error", 500),
        ("timeout_error", 504, "timeout_error", 504),
        ("overloaded_error", 529, "overloaded_error", 503),
    ] {
        let body = json!({"type": "error", "error": {"type": kind, "message": "Why \"not\"."}, "request_id": "req_1"});
        let body = body.to_string();
        for status in [status, 200] {
            let error = read_error(&body, status).expect("it is an error");
            assert_eq!((&*error.message, error.status), ("Why \"not\".", Some(seen_status)), "{kind}");
            let expected = json!({"message": "Why \"not\".", "type": seen_kind, "param": null, "code": null, "request_id": "req_1"});
            assert_eq!(parsed(&error.json), expected);
        }
        let error = read_response(&body, &back(), CREATED).expect_err("it is no answer");
        assert_eq!((&*error.message, error.status), ("Why \"not\".", Some(seen_status)));
    }
    // An endpoint that speaks for Anthropic.
    let body = r#"{"error":{"message":"no key (tid: 1)","type":"Aihubmix_api_error","code":"x"},"type":"error"}"#;
    let error = read_error(body, 401).expect("it is an error");
    let expected = json!({"message": "no key (tid: 1)", "type": "Aihubmix_api_error", "param": null, "code": "x"});
    assert_eq!((parsed(&error.json), error.status), (expected, Some(401)));
    assert_eq!(read_error(body, 200).expect("it is an error").status, None);
    for other in ["", "<html>", "{}", "[]", r#"{"error":null}"#, r#"{"error":""}"#, &message(json!([])).to_string()] {
        assert_eq!(read_error(other, 500), None, "{other}");
    }
    for other in ["", "x", "{}", "[]", "null", r#"{"content":"x"}"#] {
        let error = read_response(other, &back(), CREATED).expect_err("it is no answer");
        assert_eq!(error.kind, Kind::MalformedResponse, "{other}");
    }
}
