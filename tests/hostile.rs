//! Chunks that no model would send: the completion is JSON all the same, and nothing panics.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::json::Reader;
use chatmux::partial::Partial;
use chatmux::stream::ChunkStream;
use chatmux::{Error, Kind};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What these chunks come to, read one by one and as a stream in reads of two sizes.
fn assemble(chunks: &[String]) -> String {
    let mut partial = Partial::default();
    for chunk in chunks {
        partial.add(chunk);
        assert_json(&partial.json());
    }
    let bytes: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    for size in [97, 1 << 16] {
        let mut stream = ChunkStream::new(200);
        for part in bytes.as_bytes().chunks(size) {
            stream.push(part, |_| {});
            let json = stream.partial().json();
            assert!(stream.finish().is_err(), "nothing here says that it has finished");
            assert_json(&json);
        }
    }
    partial.json()
}

/// Our own reader is the judge where the nesting is too deep for `serde_json`; other tests hold it against that.
fn assert_json(json: &str) {
    let mut reader = Reader::new(json);
    assert!(reader.skip().and_then(|_| reader.end()).is_ok(), "{}", json.get(..2000).unwrap_or(json));
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)
}

/// The first choice's message that these deltas come to.
fn message(deltas: &[&str]) -> Value {
    let chunks: Vec<String> = deltas.iter().map(|text| delta(text)).collect();
    let mut completion: Value = serde_json::from_str(&assemble(&chunks)).expect("a completion is JSON");
    completion["choices"][0]["message"].take()
}

#[test]
fn a_member_may_change_its_kind_from_chunk_to_chunk() {
    for (content, expected) in [
        (&[r#""a""#, "{}", r#""b""#][..], json!("b")),
        (&[r#""a""#, r#"{"x":"1"}"#, r#"{"x":"2"}"#], json!({"x": "12"})),
        (&[r#""a""#, "[1]", "[2]"], json!([1, 2])),
        (&["[1]", r#"{"a":1}"#, "7", r#""b""#, r#""c""#], json!("bc")),
        (&["true", "null", "false"], json!(false)),
        (&["7", "null"], json!(7)),
        (
            &[r#"[{"index":1,"x":"b"}]"#, r#"[{"index":0,"x":"a"},{"index":1,"x":"B"}]"#, "[null]"],
            json!([
                {"index": 0, "x": "a"}, {"index": 1, "x": "bB"}, null,
            ]),
        ),
    ] {
        let deltas: Vec<String> = content.iter().map(|value| format!(r#"{{"content":{value}}}"#)).collect();
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
        assert_eq!(message(&deltas)["content"], expected, "{content:?}");
    }
}

#[test]
fn choices_and_deltas_may_be_of_any_kind() {
    let kinds = ["null", "7", "true", r#""x""#, "[]", "{}", "[[]]", "[null,7]", r#"[{"index":"0"}]"#, r#"{"index":0}"#];
    for first in kinds {
        for second in kinds {
            let choices = |value: &str| format!(r#"{{"choices":{value}}}"#);
            let calls = |value: &str| delta(&format!(r#"{{"tool_calls":{value}}}"#));
            for (one, two) in
                [(choices(first), choices(second)), (delta(first), delta(second)), (calls(first), calls(second))]
            {
                let plain = delta(r#"{"content":"a"}"#);
                assemble(&[plain.clone(), one, two, plain.clone(), plain]);
            }
        }
    }
}

#[test]
fn an_absurd_index_makes_no_list_of_its_length() {
    for index in ["128", "4294967295", "4294967296", "-1", "1.5", "1e5", r#""0""#, "null", "{}", "[0]"] {
        for chunk in [
            format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"a"}}}}]}}"#),
            delta(&format!(r#"{{"tool_calls":[{{"index":{index},"id":"x"}}]}}"#)),
        ] {
            let json = assemble(&[chunk.clone(), chunk.clone(), chunk]);
            assert!(json.len() < 400, "{json}");
        }
    }
}

#[test]
fn nesting_is_followed_as_deep_as_it_may_be_and_comes_whole() {
    for depth in [2, 15, 16, 17, 18, 60, 124] {
        let nested = |text: &str| format!("{}\"{text}\"{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        let listed = |text: &str| format!("{}\"{text}\"{}", "[".repeat(depth), "]".repeat(depth));
        let json =
            assemble(&[delta(&format!(r#"{{"x":{}}}"#, nested("1"))), delta(&format!(r#"{{"x":{}}}"#, nested("2")))]);
        assert!(json.contains(if depth < 16 { "\"12\"" } else { "\"2\"" }), "{depth}: {json}");
        let json =
            assemble(&[delta(&format!(r#"{{"x":{}}}"#, listed("1"))), delta(&format!(r#"{{"x":{}}}"#, listed("2")))]);
        assert!(json.contains("\"2\""), "{depth}: {json}");
    }
}

#[test]
fn ten_thousand_members_are_not_followed_and_do_no_harm() {
    let members = |value: &str| {
        let members: Vec<String> = (0..10_000).map(|n| format!("\"key{n}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let json = assemble(&[members("1"), members("2"), delta(&members("\"a\"")), delta(r#"{"content":"x"}"#)]);
    assert!(json.contains("\"key0\":2"), "the first of them are");
    let same = format!("{{{}}}", vec![r#""content":"a""#; 10_000].join(","));
    assert!(assemble(&[delta(&same)]).contains(r#""content":"a"}"#));
    let choices: Vec<String> = (0..10_000).map(|n| format!(r#"{{"index":{n},"delta":{{"content":"a"}}}}"#)).collect();
    let json = assemble(&[format!(r#"{{"choices":[{}]}}"#, choices.join(","))]);
    assert!(
        json.contains(r#"{"index":127,"message":{"#) && json.contains(r#"{"index":128,"delta":{"#),
        "128 choices are"
    );
}

/// The chunks of a stream and its verdict, which are the same with shapes and without, in reads of any size.
fn run(events: &[String]) -> (Vec<String>, Result<(), Error>) {
    let bytes: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let outcomes = [(1, true), (97, false), (97, true), (bytes.len(), true)].map(|(size, shapes)| {
        let mut stream = ChunkStream::new(200);
        if !shapes {
            stream = stream.without_shapes();
        }
        let mut chunks = Vec::new();
        bytes.as_bytes().chunks(size).for_each(|part| stream.push(part, |piece| chunks.push(piece.json().to_owned())));
        (chunks, stream.finish())
    });
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    let [outcome, ..] = outcomes;
    outcome
}

#[test]
fn c2_g15_an_index_that_is_none_ends_the_stream_after_the_chunks_before_it() {
    let before = delta(r#"{"content":"a"}"#);
    let bad = [
        "128",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "-1",
        "-0",
        "1.5",
        "1.0",
        "1e2",
        "1e0",
        "\"0\"",
        "\"SECRET\"",
        "true",
        "{}",
        "[0]",
        "[]",
        "\"\"",
    ];
    for index in bad {
        let hidden: String = (0..80).map(|n| format!("\"m{n}\":0,")).collect();
        for event in [
            format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"SECRET"}}}}]}}"#),
            format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"id":"SECRET","index":{index}}}]}}}}]}}"#),
            format!(r#"{{"choices":[{{{hidden}"index":{index}}}]}}"#),
            format!(r#"{{"choices":[{{{hidden}"delta":{{{hidden}"tool_calls":[{{{hidden}"index":{index}}}]}}}}]}}"#),
            format!(r#"{{"choices":[{{}},{{"index":{index}}}]}}"#),
            format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":0}},{{"index":{index}}}]}}}}]}}"#),
        ] {
            let (chunks, verdict) = run(&[before.clone(), before.clone(), event, before.clone(), "[DONE]".to_owned()]);
            assert_eq!(chunks, [before.clone(), before.clone()], "{index}");
            let error = verdict.expect_err("the index is none");
            assert_eq!((error.kind, error.status), (Kind::MalformedResponse, Some(200)), "{index}");
            assert!(error.message.starts_with("An index in the stream") && error.body.is_none(), "{error:?}");
            assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
        }
    }
    for index in ["0", "7", "127", "null"] {
        let event = format!(r#"{{"choices":[{{"index":{index},"delta":{{}}}}]}}"#);
        assert_eq!(run(&[event.clone(), "[DONE]".to_owned()]).0, [event]);
    }
}

#[test]
fn g15_more_choices_or_calls_than_indexes_are_refused() {
    let fails = |events: &[String]| {
        let error = run(events).1.expect_err("there are too many");
        assert_eq!(error.kind, Kind::MalformedResponse);
    };
    let list = |count: usize, item: &str| vec![item; count].join(",");
    let choices = |count| format!(r#"{{"choices":[{}]}}"#, list(count, r#"{"index":0}"#));
    assert_eq!(run(&[choices(128)]).0.len(), 1);
    fails(&[choices(129)]);
    // Nor can they hide in an event that is too large to be followed.
    fails(&[format!(r#"{{"x":[{}],"choices":[{},{{"index":4294967295}}]}}"#, list(70_000, "1"), list(128, "{}"))]);
    let named = |count| {
        format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{}]}}}}]}}"#, list(count, r#"{"function":{"name":"f"}}"#))
    };
    assert_eq!(run(&[named(128)]).0.len(), 1);
    fails(&[named(129)]);
    fails(&[named(100), named(29)]);
    // In all choices together.
    let all: Vec<String> =
        (0..128).map(|n| named(40).replace("{\"delta\"", &format!("{{\"index\":{n},\"delta\""))).collect();
    fails(&all);
}

/// Any value, of names that mean something somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "choices",
        "delta",
        "message",
        "content",
        "index",
        "tool_calls",
        "id",
        "function",
        "arguments",
        "usage",
        "total_tokens",
        "logprobs",
        "finish_reason",
        "object",
        "obfuscation",
        "role",
        "text",
        "",
        "\"",
        "__proto__",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![0_u64, 1, 2, 127, 128, 4_294_967_295]).prop_map(Value::from),
        "[a\"\\\\é🦊\n]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|list| list.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_come_to_json(
        values in prop::collection::vec((any_value(), 0..3), 1..12), end in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let chunks = values.into_iter().map(|(value, place)| match place {
            0 if value.is_object() => value.to_string(),
            1 => format!(r#"{{"choices":{value}}}"#),
            _ => delta(&value.to_string()),
        });
        // Some of them come again: what has been learnt of one is used for another.
        let mut chunks: Vec<String> = chunks.collect();
        chunks.extend(end.iter().map(|at| at.get(&chunks).clone()).collect::<Vec<_>>());
        let mut partial = Partial::default();
        let mut stream = ChunkStream::new(200);
        for chunk in &chunks {
            partial.add(chunk);
            stream.push(format!("data: {chunk}\n\n").as_bytes(), |_| {});
            for json in [partial.json(), stream.partial().json()] {
                prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
            }
        }
    }
}
