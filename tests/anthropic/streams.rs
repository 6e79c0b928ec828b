//! What is so of streams alone.

use chatmux::dialect::anthropic::Events;
use chatmux::dialect::openai::Malformed;
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::json::Writer;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn chunks_have_one_id_and_one_time_and_the_usage_only_on_request() {
    let message = message(json!([{"type": "text", "text": "Hello"}]));
    let seen = streamed(&events_of(&message), &back()).chunks;
    for chunk in &seen {
        assert_eq!((&chunk["id"], &chunk["created"]), (&json!("msg_1"), &json!(CREATED)));
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
    let first = json!({"role": "assistant", "content": null, "refusal": null});
    assert_eq!(seen[0]["choices"], json!([{"index": 0, "delta": first, "finish_reason": null}]));
    assert_eq!(seen[1]["choices"][0]["delta"], json!({"content": "H"}));
    let (last, before) = seen.split_last().expect("there are chunks");
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(14)));
    assert!(before.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    let end = json!({"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "end_turn"});
    assert_eq!(before.last().expect("there is one")["choices"], json!([end]));
    let seen = streamed(&events_of(&message), &WayBack { include_usage: false, ..back() }).chunks;
    assert!(seen.iter().all(|chunk| chunk.get("usage").is_none() && chunk["choices"] != json!([])));
}

#[test]
fn a_call_that_is_whole_from_its_start_needs_no_deltas() {
    let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1, 2]}});
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}}),
        json!({"type": "content_block_start", "index": 7, "content_block": block}),
        json!({"type": "content_block_delta", "index": 7, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        json!({"type": "message_stop"}),
    ];
    let call = &streamed(&events, &back()).completion["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"a":[1,2]}"#);
}

#[test]
fn custom_tools_get_their_input_as_it_is() {
    let back = WayBack { customs: vec!["shell".to_owned()], ..back() };
    let call =
        |input: Value| ended(json!([{"type": "tool_use", "id": "t", "name": "shell", "input": input}]), "tool_use");
    for (input, expected) in [
        (json!({"input": "ls \"a b\"\n\\ é 😀 \u{1} \u{10ffff}"}), "ls \"a b\"\n\\ é 😀 \u{1} \u{10ffff}"),
        (json!({"input": ""}), ""),
        (json!({}), "{}"),
        (json!({"text": "x", "y": [1, "z"]}), r#"{"text":"x","y":[1,"z"]}"#),
        (json!({"input": {"a": 1}}), r#"{"input":{"a":1}}"#),
    ] {
        let completion = both(&call(input), &back);
        let expected = json!([{"id": "t", "type": "custom", "custom": {"name": "shell", "input": expected}}]);
        assert_eq!(completion["choices"][0]["message"]["tool_calls"], expected);
    }
    // However its JSON is written, and cut, and where it breaks off.
    for (json, expected) in [
        (r#" { "input" : "a\u00e9\ud83d\ude00\/\"b" , "x": 1}"#, "aé😀/\"b"),
        (r#"{"input":"a\ud83d"}"#, "a\u{fffd}"),
        (r#"{"input":"a\ud83dxyzwv\n"}"#, "a\u{fffd}xyzwv\n"),
        (r#"{"input":"cut of"#, "cut of"),
        (r#"{"inp"#, r#"{"inp"#),
    ] {
        for size in 1..json.len() {
            let deltas = json.as_bytes().chunks(size).map(|part| {
                let part = std::str::from_utf8(part).expect("it is ASCII");
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": part}})
            });
            let mut events = events_of(&call(json!({})));
            events.splice(3..3, deltas);
            let call = &streamed(&events, &back).completion["choices"][0]["message"]["tool_calls"][0];
            assert_eq!(call["custom"]["input"], expected, "{json} in {size}");
        }
    }
}

#[test]
fn counts_that_come_again_replace_only_what_they_say() {
    let delta = |usage: Value| json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage});
    let start = json!({"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1, "service_tier": "batch"});
    let events = [
        json!({"type": "message_start", "message": {"id": "m", "model": "x", "usage": start}}),
        delta(json!({"output_tokens": 5, "input_tokens": null})),
        delta(json!({"output_tokens": 8, "output_tokens_details": {"thinking_tokens": 3}})),
        json!({"type": "message_stop"}),
    ];
    let completion = streamed(&events, &back()).completion;
    let expected = json!({
        "prompt_tokens": 13, "completion_tokens": 8, "total_tokens": 21,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3},
    });
    assert_eq!((&completion["usage"], &completion["service_tier"]), (&expected, &json!("batch")));
}

#[test]
fn an_error_ends_a_stream() {
    let start = r#"{"type":"message_start","message":{"id":"m","model":"x","content":[]}}"#;
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for (name, data, message, kind) in [
        ("error", overloaded, "Overloaded", "overloaded_error"),
        ("message", overloaded, "Overloaded", "overloaded_error"),
        ("", r#"{"error":{"message":"m","type":"t"}}"#, "m", "t"),
        ("error", r#"{"message":"bare"}"#, r#"{"message":"bare"}"#, "server_error"),
        ("error", r#""text""#, "text", "server_error"),
        ("error", "plain", "plain", "server_error"),
    ] {
        let seen = streamed_texts([("message_start", start), (name, data)], &back());
        let Ok(Step::Failed(body)) = seen.end else { panic!("{data}: {:?}", seen.end) };
        let error = &parsed(&body)["error"];
        assert_eq!((&error["message"], &error["type"]), (&json!(message), &json!(kind)), "{data}");
        assert_eq!(seen.chunks.len(), 1);
    }
    assert!(streamed_texts([("error", r#"{"error": "cut"#)], &back()).end.is_err());
}

#[test]
fn a_stream_without_its_end_is_cut() {
    let content =
        json!([{"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]);
    let events = events_of(&message(content));
    for length in 0..events.len() {
        let seen = streamed(&events[..length], &back());
        let Ok(Step::Failed(body)) = seen.end else { panic!("{length}: {:?}", seen.end) };
        assert_eq!(parsed(&body)["error"]["type"], "stream_truncated");
        assert!(seen.chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    }
}

#[test]
fn what_nobody_knows_is_left_out_and_what_is_missing_is_made_up() {
    let text =
        |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let events = [
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "m"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "something_new", "index": 0}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "something_new"}}),
        json!({}),
        text("a"),
        json!({"type": "message_start", "message": {"id": "late", "content": [{"type": "text", "text": "twice"}]}}),
        text("b"),
        json!({"type": "content_block_stop", "index": 9}),
        json!({"type": "message_stop"}),
        text("c"),
    ];
    let seen = streamed(&events, &back());
    assert_eq!(seen.end, Ok(Step::Finished));
    assert_eq!((&seen.completion["id"], &seen.completion["model"]), (&json!("chatcmpl-1700000000"), &json!(MODEL)));
    let said = &seen.completion["choices"][0]["message"];
    assert_eq!((&said["content"], &said["reasoning_content"]), (&json!("ab"), &json!("hmm")));
    assert_eq!(said["reasoning_details"][0]["text"], "hmm");
    assert_eq!(said["reasoning_details"][0]["signature"], "s");
    let citation = json!({"type": "web_search_result_location", "url": "u", "title": "t"});
    let cited =
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "citations_delta", "citation": citation}});
    let seen = streamed([&cited, &text("a"), &json!({"type": "message_stop"})], &back());
    let annotation = &seen.completion["choices"][0]["message"]["annotations"][0]["url_citation"];
    assert_eq!(*annotation, json!({"start_index": 0, "end_index": 1, "title": "t", "url": "u"}));
    // Arguments of nothing are nobody's.
    let lost =
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}});
    assert_eq!(streamed([&lost], &back()).end, Err(Malformed::Index));
    for data in ["", "{", "[]", "1", "{}x"] {
        assert!(streamed_texts([("content_block_delta", data)], &back()).end.is_err(), "{data}");
    }
    assert_eq!(
        streamed_texts([("", "[DONE]"), ("message_stop", r#"{"type":"message_stop"}"#)], &back()).end,
        Ok(Step::Finished)
    );
}

#[test]
fn a_revision_stays_where_events_differ_in_their_text_alone() {
    let content = json!([
        {"type": "thinking", "thinking": "long enough to be cut", "signature": "s"},
        {"type": "text", "text": "long enough to be cut"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "long enough to be cut"}},
    ]);
    let mut reader = Events::new(WayBack { may_cite: false, ..back() }, CREATED);
    let (mut out, mut changes) = (Writer::default(), Vec::new());
    for event in events_of(&message(content)) {
        out.clear();
        let before = reader.revision();
        assert!(reader.read_event("", &event.to_string(), &mut out).is_ok());
        let kind = event["delta"]["type"].as_str().or(event["type"].as_str()).unwrap_or("").to_owned();
        let parts = ["text", "thinking", "partial_json"].iter().filter_map(|name| event["delta"][name].as_str());
        if parts.clone().any(|part| !part.is_empty()) {
            assert_eq!(out.texts().count(), 1);
            assert!(!out.copied().is_empty(), "{event}");
            changes.push((kind, reader.revision() != before));
        } else if kind.ends_with("start") || kind.ends_with("stop") || kind == "message_delta" {
            assert_ne!(reader.revision(), before, "{event}");
        }
    }
    // But for the first of the text and of the arguments, since the end depends on there being any.
    let changed: Vec<&str> = changes.iter().filter(|(_, is_new)| *is_new).map(|(kind, _)| &**kind).collect();
    assert_eq!(changed, ["text_delta", "input_json_delta"]);
    assert!(changes.len() > 20);
}

/// What stays of the chunks without what was copied into them.
fn skeleton(out: &Writer) -> (String, Vec<usize>) {
    let (mut rest, mut end, mut sources) = (String::new(), 0, Vec::new());
    for copied in out.copied() {
        rest.push_str(&out.json()[end..copied.output]);
        rest.push('*');
        end = copied.output + copied.length;
        sources.push(copied.source);
    }
    rest.push_str(&out.json()[end..]);
    (rest, sources)
}

#[test]
fn events_that_differ_in_their_text_alone_become_chunks_that_do() {
    let content = json!([
        {"type": "thinking", "thinking": "one two three four five six", "signature": "s"},
        {"type": "text", "text": "one two three \"four\" five six"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "one two three four", "b": [1, 2, 3, 4, 5, 6]}},
        {"type": "tool_use", "id": "t", "name": "json", "input": {"a": "one two three four", "b": [1, 2, 3, 4, 5, 6]}},
    ]);
    for has_answer_tool in [false, true] {
        let mut reader = Events::new(WayBack { may_cite: false, has_answer_tool, ..back() }, CREATED);
        let (mut known, mut compared) = (Vec::<(u32, String, (String, Vec<usize>))>::new(), 0);
        for event in events_of(&message(content.clone())) {
            let (mut out, before) = (Writer::default(), reader.revision());
            assert_ne!(reader.read_event("", &event.to_string(), &mut out), Err(Malformed::Index));
            let delta = &event["delta"];
            let text = ["text", "thinking", "partial_json"].iter().find_map(|name| delta[name].as_str());
            if text.is_none_or(str::is_empty) || reader.revision() != before {
                continue;
            }
            let kind = delta["type"].to_string();
            match known.iter().find(|(revision, known, _)| *revision == before && *known == kind) {
                Some((.., seen)) => {
                    assert_eq!(skeleton(&out), *seen, "{event}");
                    compared += 1;
                }
                None => known.push((before, kind, skeleton(&out))),
            }
        }
        assert!(compared > 40, "{compared}");
    }
}
