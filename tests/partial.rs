//! The completion as it is assembled from the chunks of a stream.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::partial::Partial;
use chatmux::stream::ChunkStream;
use serde_json::{Value, json};

/// The completion that these chunks come to.
fn assemble(chunks: &[Value]) -> Value {
    let mut partial = Partial::default();
    for chunk in chunks {
        partial.add(&chunk.to_string());
    }
    serde_json::from_str(&partial.json()).expect("a completion is JSON")
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

/// The message that these deltas come to.
fn message(deltas: &[Value]) -> Value {
    let chunks: Vec<Value> = deltas.iter().map(|value| delta(value.clone())).collect();
    assemble(&chunks)["choices"][0]["message"].take()
}

#[test]
fn a_stream_comes_to_what_the_whole_answer_would_have_been() {
    let head = json!({"id": "1", "object": "chat.completion.chunk", "created": 7, "model": "m"});
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = head.clone();
        chunk["choices"] = choices;
        chunk["usage"] = usage;
        chunk
    };
    let choice =
        |delta: Value, reason: Value| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
    let chunks = [
        chunk(choice(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null), Value::Null),
        chunk(choice(json!({"content": "Hel"}), Value::Null), Value::Null),
        chunk(choice(json!({"content": "lo \u{1f98a}\n"}), Value::Null), Value::Null),
        chunk(choice(json!({}), json!("stop")), Value::Null),
        chunk(json!([]), json!({"total_tokens": 9})),
    ];
    assert_eq!(
        assemble(&chunks),
        json!({
            "id": "1", "object": "chat.completion", "created": 7, "model": "m",
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Hello \u{1f98a}\n", "refusal": null},
            }],
            "usage": {"total_tokens": 9},
        })
    );
}

#[test]
fn tool_calls_are_put_together_by_their_index_and_come_without_it() {
    let call = |call: Value| json!({"tool_calls": [call]});
    let message = message(&[
        json!({"role": "assistant", "content": null}),
        call(json!({"index": 1, "id": "b", "type": "function", "function": {"name": "two", "arguments": ""}})),
        call(json!({"index": 0, "id": "a", "type": "function", "function": {"name": "one", "arguments": "{\"x"}})),
        call(json!({"index": 1, "function": {"arguments": "{}"}})),
        call(json!({"index": 0, "id": "", "function": {"name": null, "arguments": "\":1}"}})),
    ]);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "one", "arguments": "{\"x\":1}"}},
            {"id": "b", "type": "function", "function": {"name": "two", "arguments": "{}"}},
        ]})
    );
}

#[test]
fn reasoning_and_fields_that_nobody_knows_grow_as_text() {
    let message = message(&[
        json!({"reasoning_content": "Let me ", "reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "a"}]}),
        json!({"reasoning_content": "think", "own_field": "x", "reasoning_details": [{"index": 0, "text": "b", "signature": "s"}]}),
        json!({"own_field": "y", "content": "ok", "annotations": [{"url": "1"}]}),
        json!({"annotations": [{"url": "2"}], "extra_content": {"google": {"thought_signature": "t"}}}),
    ]);
    assert_eq!(
        message,
        json!({
            "role": "assistant", "content": "ok", "reasoning_content": "Let me think", "own_field": "xy",
            "reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "ab", "signature": "s"}],
            "annotations": [{"url": "1"}, {"url": "2"}], "extra_content": {"google": {"thought_signature": "t"}},
        })
    );
}

#[test]
fn reasoning_of_another_type_is_another_item_though_its_index_is_the_same() {
    let details = |details: Value| json!({"reasoning_details": details});
    let text = |text: &str| json!({"type": "reasoning.text", "text": text, "index": 0});
    let message = message(&[
        details(json!([text("Let "), {"type": "reasoning.encrypted", "data": "ab", "index": 0}])),
        details(json!([text("me"), {"type": "reasoning.summary", "summary": "s", "index": 1}])),
        details(json!([{"signature": "sig", "index": 0}])),
    ]);
    assert_eq!(
        message["reasoning_details"],
        json!([
            {"type": "reasoning.text", "text": "Let me", "index": 0, "signature": "sig"},
            {"type": "reasoning.encrypted", "data": "ab", "index": 0},
            {"type": "reasoning.summary", "summary": "s", "index": 1},
        ])
    );
}

#[test]
fn items_of_one_index_and_of_all_types_there_are_take_no_more_than_their_time() {
    let list = Value::from_iter((0..15_000).map(|at| json!({"index": 0, "type": at.to_string()})));
    let told = message(&[json!({"reasoning_details": list})]);
    assert_eq!(told["reasoning_details"].as_array().map(Vec::len), Some(1024));
}

#[test]
fn it_is_there_at_any_moment_of_a_read() {
    let words = ["a", "b", "c", "d", "e"];
    let bytes: String = words.iter().map(|word| format!("data: {}\n\n", delta(json!({"content": word})))).collect();
    let mut stream = ChunkStream::new(200);
    let mut seen = 0;
    stream.room(bytes.len())[..bytes.len()].copy_from_slice(bytes.as_bytes());
    stream.decode(bytes.len(), |_| seen += 1);
    assert_eq!(seen, words.len());
    for taken in [0, 1, 1, 3, 5, 9] {
        let json = stream.partial_after(taken).json();
        let content = words[..taken.min(words.len())].concat();
        let expected = if taken == 0 {
            json!({})
        } else {
            json!({"choices": [
                {"index": 0, "message": {"content": content, "role": "assistant"}, "finish_reason": null},
            ]})
        };
        assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), expected, "{taken} taken");
    }
}

#[test]
fn before_the_first_chunk_there_is_nothing() {
    let mut partial = Partial::default();
    assert!(partial.is_empty());
    partial.add(r#"{"id":"1"}"#);
    assert!(!partial.is_empty());
}

#[test]
fn what_says_nothing_replaces_nothing() {
    let chunks = [
        json!({"id": "1", "usage": {"total_tokens": 1}, "model": "m", "x": 1,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a", "refusal": "no"}, "finish_reason": "stop"}]}),
        json!({"id": "", "usage": null, "model": null, "x": null,
            "choices": [{"index": 0, "delta": {"role": "", "content": null, "refusal": null}, "finish_reason": null}]}),
        json!({"choices": null}),
        json!({"choices": []}),
    ];
    assert_eq!(
        assemble(&chunks),
        json!({"id": "1", "usage": {"total_tokens": 1}, "model": "m", "x": 1, "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a", "refusal": "no"}, "finish_reason": "stop"},
        ]})
    );
}

#[test]
fn what_stands_for_what_nobody_has_said_is_not_replaced_by_nothing() {
    let expected = |role: &str, content: &str| json!({"choices": [{"index": 0, "message": {"role": role, "content": content}, "finish_reason": null}]});
    for blank in [Value::Null, json!("")] {
        let first = json!({"choices": [{"index": null, "delta": {"role": blank, "content": "a"}}]});
        let chunks =
            [first.clone(), first.clone(), json!({"choices": [{"delta": {"role": "tool", "content": "b"}}]}), first];
        assert_eq!(assemble(&chunks[..2]), expected("assistant", "aa"));
        assert_eq!(assemble(&chunks), expected("tool", "aaba"));
    }
}

#[test]
fn items_of_an_index_are_told_apart_by_their_types_however_these_are_written() {
    let mut partial = Partial::default();
    for item in
        [r#""type":"a","text":"1""#, r#""type":"b","text":"2""#, r#""type":"\u0061","text":"3""#, r#""text":"4""#]
    {
        partial.add(&format!(r#"{{"choices":[{{"delta":{{"items":[{{"index":0,{item}}}]}}}}]}}"#));
    }
    let completion: Value = serde_json::from_str(&partial.json()).expect("JSON");
    assert_eq!(
        completion["choices"][0]["message"]["items"],
        json!([{"index": 0, "type": "a", "text": "134"}, {"index": 0, "type": "b", "text": "2"}])
    );
}

#[test]
fn no_time_does_not_replace_one() {
    let created = |chunks: &[u32]| {
        let chunks: Vec<_> = chunks.iter().map(|created| json!({"created": created, "choices": []})).collect();
        assemble(&chunks)["created"].take()
    };
    assert_eq!(created(&[0]), json!(0));
    assert_eq!(created(&[0, 5]), json!(5));
    assert_eq!(created(&[0, 5, 0, 6, 0]), json!(6));
}

#[test]
fn what_was_said_last_counts() {
    let chunks = [
        json!({"model": "m", "usage": {"total_tokens": 1, "cost": 1}, "choices": [{"delta": {"role": "a"}, "finish_reason": "length", "x": {"a": 1}}]}),
        json!({"model": "n", "usage": {"total_tokens": 2}, "choices": [{"delta": {"role": "b"}, "finish_reason": "stop", "x": {"b": 2}}]}),
    ];
    assert_eq!(
        assemble(&chunks),
        json!({"model": "n", "usage": {"total_tokens": 2}, "choices": [
            {"index": 0, "message": {"role": "b", "content": null}, "finish_reason": "stop", "x": {"b": 2}},
        ]})
    );
}

#[test]
fn choices_come_in_the_order_of_their_indexes_and_have_what_a_whole_answer_has() {
    let chunks = [
        json!({"choices": [{"index": 2, "delta": {"content": "c"}}, {"index": 0, "finish_reason": "stop"}]}),
        json!({"choices": [{"index": 1}, {"index": 2, "delta": {"content": "C"}}]}),
    ];
    assert_eq!(
        assemble(&chunks)["choices"],
        json!([
            {"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": null}, "finish_reason": null},
            {"index": 2, "message": {"role": "assistant", "content": "cC"}, "finish_reason": null},
        ])
    );
}

#[test]
fn logprobs_are_put_one_after_the_other() {
    let chunk = |logprobs: Value| json!({"choices": [{"index": 0, "delta": {}, "logprobs": logprobs}]});
    let chunks = [
        chunk(
            json!({"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}], "refusal": null}),
        ),
        chunk(json!(null)),
        chunk(json!({"content": [{"token": "b"}, {"token": "c"}], "refusal": [{"token": "r"}]})),
    ];
    assert_eq!(
        assemble(&chunks)["choices"][0]["logprobs"],
        json!({
            "content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}, {"token": "b"}, {"token": "c"}],
            "refusal": [{"token": "r"}],
        })
    );
}

#[test]
fn padding_is_left_out() {
    assert_eq!(assemble(&[json!({"id": "1", "obfuscation": "xyz"}), json!({"obfuscation": "z"})]), json!({"id": "1"}));
}

#[test]
fn of_a_member_that_comes_twice_the_last_counts() {
    for (chunk, expected) in [
        (r#"{"id":"1","id":"2"}"#, json!({"id": "2"})),
        (r#"{"id":"1","\u0069d":"2"}"#, json!({"id": "2"})),
        (
            r#"{"choices":[{"delta":{"content":"a","content":"b"}}]}"#,
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "b"}, "finish_reason": null}]}),
        ),
        (
            r#"{"choices":[{"index":7}],"choices":[{"index":1,"index":0,"delta":{"content":"a"},"delta":{}}]}"#,
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": null}]}),
        ),
    ] {
        let mut partial = Partial::default();
        partial.add(chunk);
        assert_eq!(serde_json::from_str::<Value>(&partial.json()).expect("JSON"), expected, "{chunk}");
    }
}

#[test]
fn what_was_said_last_counts_by_the_values_of_a_shape_too() {
    let chunk =
        |reason: &str, content: Value| json!({"choices": [{"delta": {"content": content}, "finish_reason": reason}]});
    for (chunks, reason, content) in [
        (["a", "b", "a"].map(|reason| chunk(reason, json!("x"))), "a", json!("xxx")),
        ([chunk("a", json!("x")), chunk("a", json!({})), chunk("a", json!("y"))], "a", json!("y")),
    ] {
        let mut stream = ChunkStream::new(200);
        for chunk in &chunks {
            stream.push(format!("data: {chunk}\n\n").as_bytes(), |_| {});
        }
        let completion: Value = serde_json::from_str(&stream.partial().json()).expect("a completion is JSON");
        let choice = &completion["choices"][0];
        assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!(reason), &content));
    }
}

#[test]
fn a_lone_surrogate_stays_what_it_was_and_its_halves_meet() {
    let mut partial = Partial::default();
    for half in ["\\ud83d", "\\ude00", "\\ud83d"] {
        partial.add(&format!(r#"{{"choices":[{{"delta":{{"content":"{half}"}}}}]}}"#));
    }
    assert!(partial.json().contains(r#""content":"\ud83d\ude00\ud83d""#), "{}", partial.json());
}

#[test]
fn a_shape_that_changes_what_was_said_is_read_each_time() {
    let chunk = |text: &str| {
        let calls = json!([{"index": 0, "function": {"arguments": {}}}, {"index": 0, "function": {"arguments": text}}]);
        format!("data: {}\n\n", delta(json!({"tool_calls": calls})))
    };
    let bytes = ["A", "B", "C"].map(chunk).concat();
    let run = |mut stream: ChunkStream| {
        stream.feed(bytes.as_bytes());
        stream.partial().json()
    };
    assert_eq!(run(ChunkStream::new(200)), run(ChunkStream::new(200).without_shapes()));
}

#[test]
fn padding_beside_the_usage_leaves_no_trace() {
    let chunk = |n: u32| {
        let mut chunk = delta(json!({"content": "a"}));
        chunk["usage"] = json!({"total_tokens": n});
        chunk["obfuscation"] = json!("zz");
        format!("data: {chunk}\n\n")
    };
    let mut stream = ChunkStream::new(200);
    stream.feed([chunk(1), chunk(2), chunk(3)].concat().as_bytes());
    let completion: Value = serde_json::from_str(&stream.partial().json()).expect("a completion is JSON");
    assert_eq!(completion.get("obfuscation"), None);
    assert_eq!(completion["usage"], json!({"total_tokens": 3}));
}

#[test]
fn a_long_list_hides_neither_the_choices_beside_it_nor_the_events_behind_it() {
    let two = |texts: [&str; 2], reason: Value| {
        let choices =
            [0, 1].map(|index| json!({"index": index, "delta": {"content": texts[index]}, "finish_reason": reason}));
        json!({"x": null, "choices": choices})
    };
    let mut long = two(["a", "b"], Value::Null);
    long["x"] = json!(vec![1; 70_000]);
    let events = [long, two(["c", "d"], Value::Null), two(["", ""], json!("stop"))];
    let bytes: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    for size in [1000, 1 << 16, bytes.len()] {
        let mut stream = ChunkStream::new(200);
        bytes.as_bytes().chunks(size).for_each(|part| stream.push(part, |_| ()));
        assert_eq!(stream.finish(), Ok(()), "every choice has finished");
        let completion: Value = serde_json::from_str(&stream.partial().json()).expect("a completion is JSON");
        let texts = [0, 1].map(|index| completion["choices"][index]["message"]["content"].clone());
        assert_eq!(texts, [json!("ac"), json!("bd")]);
    }
}

#[test]
fn members_that_were_replaced_make_room_for_others() {
    let extra = |from: u32| {
        let members = (from..from + 40).map(|n| (format!("m{n}"), json!(1))).collect::<serde_json::Map<_, _>>();
        json!({ "extra": members })
    };
    let message = message(&[extra(0), json!({"extra": "s"}), extra(100)]);
    assert_eq!(message["extra"].as_object().map(|members| members.len()), Some(40));
}
