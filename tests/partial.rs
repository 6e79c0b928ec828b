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
