//! What was said, as turns of two.

use chatmux::dialect::anthropic::write_request;
use serde_json::{Value, json};

use super::{
    BUDGET, EITHER, NEWEST, asking, assistant, body, call, check, check_refused, losses, outgoing, target, text, tool,
    tool_sent, user,
};

#[test]
fn what_the_system_says_stands_apart() {
    let part = |extra: Value| {
        let mut part = text("b");
        for (name, value) in extra.as_object().expect("members") {
            part[name] = value.clone();
        }
        part
    };
    let mark = json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}});
    check(
        BUDGET,
        json!({"messages": [
            {"role": "system", "content": "a"},
            {"role": "developer", "content": [part(mark.clone()), text("")]},
            {"role": "user", "content": "hi"},
        ]}),
        json!({"system": [text("a"), part(mark)], "messages": [user(json!([text("hi")]))]}),
        &[],
    );
    let between = json!({"messages": [
        {"role": "user", "content": "one"},
        {"role": "system", "content": "now in French"},
        {"role": "user", "content": "two"},
    ]});
    check(
        BUDGET,
        between.clone(),
        json!({"system": [text("now in French")], "messages": [user(json!([text("one"), text("two")]))]}),
        &["messages[1] moved"],
    );
    // It may stand after the user, and before Claude or last.
    check(NEWEST, between, json!({"system": [text("now in French")]}), &["messages[1] moved"]);
    let system = json!({"role": "system", "content": [text("a"), text("b")]});
    check(
        NEWEST,
        json!({"messages": [
            {"role": "user", "content": "one"},
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "assistant", "content": "yes", "tool_calls": [call("c", "w", "{}")]},
            {"role": "tool", "tool_call_id": "c", "content": "two"},
            {"role": "system", "content": [text("a"), text("b")]},
        ]}),
        json!({"system": null, "messages": [
            user(json!([text("one")])),
            system,
            assistant(json!([text("yes"), {"type": "tool_use", "id": "c", "name": "w", "input": {}}])),
            user(json!([{"type": "tool_result", "tool_use_id": "c", "content": "two"}])),
            system,
        ]}),
        &[],
    );
    check(
        NEWEST,
        json!({"messages": [
            {"role": "user", "content": "one"}, {"role": "assistant", "content": "yes"}, {"role": "system", "content": "a"},
            {"role": "user", "content": "two"},
        ]}),
        json!({"system": [text("a")]}),
        &["messages[2] moved"],
    );
    let picture = json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}});
    check_refused(BUDGET, json!({"messages": [{"role": "system", "content": [picture]}]}), "messages[0].content[0]");
    check_refused(BUDGET, json!({"messages": [{"role": "system", "content": "alone"}]}), "messages");
    check_refused(BUDGET, json!({"messages": []}), "messages");
    check_refused(BUDGET, json!({"messages": [{"role": "user", "content": ""}]}), "messages");
}

#[test]
fn parts_of_the_user_are_blocks() {
    let data = |media: &str| format!("data:{media};base64,aGk=");
    let base64 = |media: &str| json!({"type": "base64", "media_type": media, "data": "aGk="});
    let rows = [
        (
            json!({"type": "image_url", "image_url": {"url": data("image/png")}}),
            json!({"type": "image", "source": base64("image/png")}),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": data("image/jpg"), "detail": "auto"}}),
            json!({"type": "image", "source": base64("image/jpeg")}),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}),
            json!({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}),
        ),
        (
            json!({"type": "image_url", "image_url": "https://x.test/a.png"}),
            json!({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": data("application/pdf")}}),
            json!({"type": "document", "source": base64("application/pdf")}),
        ),
        (
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": data("application/pdf")}}),
            json!({"type": "document", "source": base64("application/pdf"), "title": "a.pdf"}),
        ),
        (
            json!({"type": "file", "file": {"file_data": "JVBERi0x"}}),
            json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}}),
        ),
        (
            json!({"type": "file", "file": {"filename": "a.txt", "file_data": data("text/plain")}}),
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}, "title": "a.txt"}),
        ),
        (
            json!({"type": "file", "file": {"file_data": data("image/webp")}}),
            json!({"type": "image", "source": base64("image/webp")}),
        ),
        (
            json!({"type": "file", "file": {"file_id": "https://x.test/a.pdf"}}),
            json!({"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}),
        ),
        (
            json!({"type": "search_result", "source": "s", "title": "t", "content": [text("x")]}),
            json!({"type": "search_result", "source": "s", "title": "t", "content": [text("x")]}),
        ),
    ];
    for (part, block) in rows {
        check(
            BUDGET,
            json!({"messages": [{"role": "user", "content": [text("see"), part]}]}),
            json!({"messages": [user(json!([text("see"), block]))]}),
            &[],
        );
    }
    check(
        BUDGET,
        json!({"messages": [{"role": "user", "name": "ada", "content": [
            text(""), text("  "), text("x"),
            {"type": "image_url", "image_url": {"url": "http://x.test/a", "detail": "high"}},
        ]}]}),
        json!({"messages": [user(json!([text("x"), {"type": "image", "source": {"type": "url", "url": "http://x.test/a"}}]))]}),
        &[
            "messages[0].content[1] dropped",
            "messages[0].content[3].image_url.detail dropped",
            "messages[0].name dropped",
        ],
    );
    for (part, param) in [
        (json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}), "messages[0].content[0]"),
        (
            json!({"type": "image_url", "image_url": {"url": data("image/tiff")}}),
            "messages[0].content[0].image_url.url",
        ),
        (json!({"type": "image_url", "image_url": {"url": "gs://x"}}), "messages[0].content[0].image_url.url"),
        (json!({"type": "file", "file": {"file_data": data("audio/wav")}}), "messages[0].content[0].file.file_data"),
        (json!({"type": "file", "file": {}}), "messages[0].content[0].file"),
        (json!({"type": "video_url", "video_url": {"url": "https://x"}}), "messages[0].content[0]"),
    ] {
        check_refused(BUDGET, json!({"messages": [{"role": "user", "content": [part]}]}), param);
    }
}

#[test]
fn files_by_their_ids_need_a_header() {
    let request = asking(json!({"messages": [{"role": "user", "content": [
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "file", "file": {"file_id": "file_2", "format": "image/png"}},
    ]}]}));
    let outgoing = outgoing(BUDGET, &request);
    assert_eq!(outgoing.headers.last(), Some(&("anthropic-beta", "files-api-2025-04-14".to_owned())));
    assert_eq!(
        body(&outgoing)["messages"][0]["content"],
        json!([
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_2"}},
        ])
    );
}

#[test]
fn calls_and_their_results_are_turns_of_two() {
    let messages = json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call("a.1", "w", "{\"c\": 1.50}"), call("b", "w", "")]},
        {"role": "user", "content": "quick"},
        {"role": "tool", "tool_call_id": "a.1", "content": "sun"},
        {"role": "tool", "tool_call_id": "b", "is_error": true, "name": "w", "content": [
            text("no"), {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        ]},
    ]);
    let sent = json!([
        user(json!([text("weather?")])),
        assistant(json!([
            text("I look."),
            {"type": "tool_use", "id": "a_1", "name": "w", "input": {"c": 1.5}},
            {"type": "tool_use", "id": "b", "name": "w", "input": {}},
        ])),
        user(json!([
            {"type": "tool_result", "tool_use_id": "a_1", "content": "sun"},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [
                text("no"), {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
            ]},
            text("quick"),
        ])),
    ]);
    check(BUDGET, json!({"messages": messages, "tools": [tool("w")]}), json!({"messages": sent}), &[]);
}

#[test]
fn no_two_calls_have_one_id() {
    let turn = |id: &str| json!({"role": "assistant", "content": null, "tool_calls": [call(id, "w", "{}")]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": ""});
    let request = asking(json!({"messages": [
        {"role": "user", "content": "x"}, turn("call:0"), result("call:0"), turn("call:0"), result("call:0"),
        turn("call.0"), result("call.0"),
    ]}));
    let body = body(&outgoing(BUDGET, &request));
    for (at, id) in [(1, "call_0"), (3, "call_0_"), (5, "call_0__")] {
        assert_eq!(body["messages"][at]["content"][0]["id"], id);
        assert_eq!(body["messages"][at + 1]["content"], json!([{"type": "tool_result", "tool_use_id": id}]));
    }
}

#[test]
fn what_is_said_of_calls_is_checked() {
    for (call, param) in [
        (call("a", "w", "{"), "messages[1].tool_calls[0].function.arguments"),
        (call("a", "w", "[]"), "messages[1].tool_calls[0].function.arguments"),
        (call("", "w", "{}"), "messages[1].tool_calls[0].id"),
        (call("a", "", "{}"), "messages[1].tool_calls[0].function.name"),
    ] {
        let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call]}]);
        check_refused(BUDGET, json!({"messages": messages}), param);
    }
    check_refused(BUDGET, json!({"messages": [{"role": "tool", "content": "x"}]}), "messages[0].tool_call_id");
    check_refused(BUDGET, json!({"messages": [{"role": "robot", "content": "x"}]}), "messages[0].role");
    check(
        BUDGET,
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"},
             "extra_content": {"google": {"thought_signature": "s"}}},
        ]}]}),
        json!({}),
        &["messages[1].tool_calls[0].extra_content dropped"],
    );
}

#[test]
fn functions_of_old_are_tools() {
    check(
        BUDGET,
        json!({
            "functions": [{"name": "w", "parameters": {"type": "object", "properties": {}}}],
            "function_call": {"name": "w"},
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": null, "function_call": {"name": "w", "arguments": "{}"}},
                {"role": "function", "name": "w", "content": "sun"},
            ],
        }),
        json!({
            "tools": [tool_sent("w")],
            "tool_choice": {"type": "tool", "name": "w"},
            "messages": [
                user(json!([text("x")])),
                assistant(json!([{"type": "tool_use", "id": "function_call", "name": "w", "input": {}}])),
                user(json!([{"type": "tool_result", "tool_use_id": "function_call", "content": "sun"}])),
            ],
        }),
        &["functions[0] emulated"],
    );
}

#[test]
fn an_answer_may_be_begun_where_the_model_goes_on_with_it() {
    let begun = |content: Value| json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]});
    let sent = json!({"messages": [user(json!([text("x")])), assistant(json!([text("It is")]))]});
    check(EITHER, begun(json!("It is")), sent.clone(), &[]);
    check(EITHER, begun(json!("It is \n")), sent.clone(), &["messages[1].content clamped"]);
    check(EITHER, begun(json!([text("It is ")])), sent, &["messages[1].content[0] clamped"]);
    for model in [NEWEST, "claude-opus-4-7"] {
        check_refused(model, begun(json!("It is")), "messages[1]");
    }
    check(
        NEWEST,
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": null, "refusal": "No."}, {"role": "user", "content": "y"}]}),
        json!({"messages": [user(json!([text("x")])), assistant(json!([text("No.")])), user(json!([text("y")]))]}),
        &[],
    );
}

#[test]
fn thoughts_come_back_byte_for_byte() {
    let request = r#"{"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y",
        "reasoning_content":"a\u00e9\/","reasoning_details":[
        {"type":"reasoning.text","text":"a\u00e9\/","signature":"S\u002b=","index":0,"format":"anthropic-claude-v1","model":"claude-opus-5"},
        {"type":"reasoning.text","text":"","signature":"T","index":1,"format":"anthropic-claude-v1"},
        {"type":"reasoning.encrypted","data":"D==","index":2,"format":"anthropic-claude-v1","model":"claude-opus-5"},
        {"type":"reasoning.text","text":"z","signature":"U","index":3,"format":"google-gemini-v1"},
        {"type":"reasoning.text","text":"z","signature":"U","index":4,"format":"anthropic-claude-v1","model":"claude-haiku-4-5"},
        {"type":"reasoning.summary","summary":"z"}]},{"role":"user","content":"z"}]}"#;
    let outgoing = write_request(request, &target(NEWEST)).expect("a request");
    let blocks = concat!(
        r#"{"role":"assistant","content":[{"type":"thinking","thinking":"a\u00e9\/","signature":"S\u002b="},"#,
        r#"{"type":"thinking","thinking":"","signature":"T"},{"type":"redacted_thinking","data":"D=="},"#,
        r#"{"type":"text","text":"y"}]}"#
    );
    assert!(outgoing.body.contains(blocks), "{}", outgoing.body);
    let lost: Vec<String> = (3..6).map(|at| format!("messages[1].reasoning_details[{at}] dropped")).collect();
    assert_eq!(losses(&outgoing), lost);
    for (members, lost) in [
        (json!({"reasoning_content": "z"}), &["messages[1].reasoning_content dropped"][..]),
        (json!({"reasoning": "z"}), &["messages[1].reasoning dropped"]),
        (
            json!({"reasoning_content": "z", "thinking_blocks": [{"type": "thinking", "thinking": "z", "signature": "S"}]}),
            &[],
        ),
        (json!({"content_blocks": [{"type": "thinking", "thinking": "z", "signature": "S"}, text("y")]}), &[]),
        (json!({"content": [{"type": "thinking", "thinking": "z", "signature": "S"}, text("y")]}), &[]),
    ] {
        let mut message = assistant(json!("y"));
        for (name, value) in members.as_object().expect("members") {
            message[name] = value.clone();
        }
        let thought = json!({"type": "thinking", "thinking": "z", "signature": "S"});
        let blocks = if lost.is_empty() { json!([thought, text("y")]) } else { json!([text("y")]) };
        let messages = json!([{"role": "user", "content": "x"}, message, {"role": "user", "content": "z"}]);
        let sent = json!({"messages": [user(json!([text("x")])), assistant(blocks), user(json!([text("z")]))]});
        check(NEWEST, json!({"messages": messages}), sent, lost);
    }
}

#[test]
fn four_places_are_marked_for_the_cache() {
    let mark = json!({"type": "ephemeral"});
    let marked = |words: &str| json!({"type": "text", "text": words, "cache_control": mark});
    let mut tool = tool("a");
    tool["function"]["cache_control"] = mark.clone();
    let request = asking(json!({
        "cache_control": mark,
        "tools": [tool],
        "messages": [
            {"role": "system", "content": [marked("s")]},
            {"role": "user", "content": "u", "cache_control": mark},
            {"role": "user", "content": [{"type": "text", "text": "v", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
        ],
    }));
    let outgoing = outgoing(BUDGET, &request);
    let body = body(&outgoing);
    assert_eq!(body["cache_control"], mark);
    assert_eq!(body["tools"][0]["cache_control"], mark);
    assert_eq!(body["system"], json!([marked("s")]));
    assert_eq!(body["messages"][0]["content"], json!([marked("u"), text("v")]));
    assert_eq!(losses(&outgoing), ["messages[2].content[0].cache_control dropped"]);
    check(NEWEST, json!({"prompt_cache_options": {"mode": "implicit"}}), json!({"cache_control": mark}), &[]);
    check(
        NEWEST,
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": null, "tool_calls": [call("a", "w", "{}")], "cache_control": mark}]}),
        json!({"messages": [user(json!([text("x")])), assistant(json!([{"type": "tool_use", "id": "a", "name": "w", "input": {}, "cache_control": mark}]))]}),
        &[],
    );
}
