//! What is repaired in streamed tool calls, and that nothing else is touched.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::HashSet;

use chatmux::Error;
use chatmux::stream::{ChunkStream, Form};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a stream came to: its chunks as texts, how many of them were known by their shape, its completion and the verdict.
struct Outcome {
    chunks: Vec<String>,
    shaped: usize,
    completion: Value,
    verdict: Result<(), Error>,
}

fn read<'a>(mut stream: ChunkStream, parts: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut chunks, mut shaped) = (Vec::new(), 0);
    for part in parts {
        stream.push(part, |piece| {
            shaped += usize::from(matches!(piece.form, Form::Shaped(..)));
            chunks.push(piece.json().to_owned());
        });
    }
    let json = stream.partial().json();
    Outcome { chunks, shaped, completion: parse(&json), verdict: stream.finish() }
}

fn frame(events: &[String]) -> Vec<u8> {
    events.iter().flat_map(|event| format!("data: {event}\n\n").into_bytes()).collect()
}

/// Reads these events at once and in reads of other sizes, with shapes and without: always the same.
fn run(events: &[String]) -> Outcome {
    let bytes = frame(events);
    let whole = read(ChunkStream::new(200), bytes.chunks(bytes.len().max(1)));
    for size in [1, 7, 100, 1000, bytes.len().max(1)] {
        for stream in [ChunkStream::new(200), ChunkStream::new(200).without_shapes()] {
            let other = read(stream, bytes.chunks(size));
            assert_eq!(other.chunks, whole.chunks, "in reads of {size}");
            assert_eq!(other.completion, whole.completion, "in reads of {size}");
            assert_eq!(other.verdict, whole.verdict, "in reads of {size}");
        }
    }
    let mut assembled = chatmux::partial::Partial::default();
    whole.chunks.iter().for_each(|chunk| assembled.add(chunk));
    assert_eq!(parse(&assembled.json()), whole.completion, "the completion is what the chunks come to");
    whole
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).expect("it is JSON")
}

fn chunk(delta: Value, finish_reason: Value) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
    .to_string()
}

/// One event for each list of calls.
fn calls(lists: &[Value]) -> Vec<String> {
    lists.iter().map(|list| chunk(json!({ "tool_calls": list }), Value::Null)).collect()
}

/// The calls of the first choice: their names and arguments. Each must have an id that no other has.
fn named(outcome: &Outcome) -> Vec<[String; 2]> {
    let calls = outcome.completion["choices"][0]["message"]["tool_calls"].as_array().expect("there are calls");
    let ids: HashSet<&str> = calls.iter().filter_map(|call| call["id"].as_str()).collect();
    assert_eq!(ids.len(), calls.len(), "each call has an id of its own: {calls:?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tool = |call: &Value| if call["custom"].is_null() { call["function"].clone() } else { call["custom"].clone() };
    let input = |tool: &Value| text(tool.get("arguments").or(tool.get("input")).unwrap_or(&Value::Null));
    calls.iter().map(|call| [text(&tool(call)["name"]), input(&tool(call))]).collect()
}

/// The indexes of the calls in each chunk.
fn indexes(outcome: &Outcome) -> Vec<Vec<u64>> {
    let calls = |chunk: &String| parse(chunk)["choices"][0]["delta"]["tool_calls"].as_array().cloned();
    let index = |call: &Value| call["index"].as_u64().expect("each call has an index");
    outcome.chunks.iter().filter_map(calls).map(|calls| calls.iter().map(index).collect()).collect()
}

fn pairs<const N: usize>(pairs: [[&str; 2]; N]) -> Vec<[String; 2]> {
    pairs.iter().map(|pair| pair.map(str::to_owned)).collect()
}

fn unchanged(events: &[String]) -> Outcome {
    let outcome = run(events);
    assert_eq!(outcome.chunks, events);
    outcome
}

/// Without the ids that were drawn, which are to look like OpenAI's.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("\"call_");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (id, rest) = part.split_once('"').expect("an id ends");
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        out += "\"*\"";
        out += rest;
    }
    out
}

#[test]
fn defect_7_calls_without_an_index_get_one() {
    let outcome = run(&calls(&[
        json!([{"id": "a", "type": "function", "function": {"name": "one", "arguments": ""}}]),
        json!([{"function": {"arguments": "{"}}]),
        json!([{"index": null, "function": {"arguments": "}"}}]),
        json!([{"id": "b", "function": {"name": "two", "arguments": "["}}]),
        json!([{"id": null, "function": {"arguments": "]"}}]),
        json!([{"id": "", "function": {"arguments": " "}}]),
    ]));
    assert_eq!(named(&outcome), pairs([["one", "{}"], ["two", "[] "]]));
    assert_eq!(indexes(&outcome), [[0], [0], [0], [1], [1], [1]]);
}

#[test]
fn defect_7_without_an_index_a_new_id_begins_a_call_and_a_known_one_goes_on() {
    let call = |id: &str, arguments: &str| json!([{"id": id, "function": {"arguments": arguments}}]);
    let outcome = run(&calls(&[call("a", "{"), call("a", "}"), call("b", "["), call("", "]"), call("a", " ")]));
    assert_eq!(named(&outcome), pairs([["", "{} "], ["", "[]"]]));
    // A name as well, each time.
    let call = |id: &str, arguments: &str| json!([{"id": id, "function": {"name": id, "arguments": arguments}}]);
    let outcome = run(&calls(&[call("a", "{"), call("a", "}"), call("b", "["), call("b", "]")]));
    assert_eq!(named(&outcome), pairs([["a", "{}"], ["b", "[]"]]));
}

#[test]
fn defect_7_without_an_index_a_part_without_a_name_goes_on_with_a_call_that_has_one_whatever_its_id() {
    let outcome = run(&calls(&[
        json!([{"id": "x1", "function": {"name": "a", "arguments": "{"}}]),
        json!([{"id": "x2", "function": {"name": null, "arguments": "}"}}]),
    ]));
    assert_eq!(named(&outcome), pairs([["a", "{}"]]));
}

#[test]
fn defect_6_names_in_one_event_are_calls_of_their_own_under_one_index() {
    let call = |city: u8| json!({"index": 0, "function": {"name": "w", "arguments": format!("{{\"c\":{city}}}")}});
    let outcome = run(&calls(&[json!([call(1), call(2)])]));
    assert_eq!(named(&outcome), pairs([["w", r#"{"c":1}"#], ["w", r#"{"c":2}"#]]));
    assert_eq!(indexes(&outcome), [[0, 1]]);
}

#[test]
fn defect_6_calls_that_share_an_id_are_told_apart_by_their_names() {
    let call = |name: &str| json!([{"index": 0, "id": "x", "function": {"name": name, "arguments": "{"}}]);
    let rest = json!([{"index": 0, "id": "x", "function": {"arguments": "}"}}]);
    let outcome = run(&calls(&[call("a"), rest.clone(), call("b"), rest]));
    assert_eq!(named(&outcome), pairs([["a", "{}"], ["b", "{}"]]));
    let calls = &outcome.completion["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["id"], "x");
    assert_ne!(calls[1]["id"], "x", "a result must find its call");
}

#[test]
fn defect_7_whole_calls_as_gemini_sends_them() {
    let call = |name: &str, arguments: &str| json!({"function": {"arguments": arguments, "name": name}, "id": "", "type": "function"});
    let (one, two) = (call("f", r#"{"a":1}"#), call("f", r#"{"a":2}"#));
    for events in [calls(&[json!([one, two])]), calls(&[json!([one]), json!([two])])] {
        let outcome = run(&events);
        assert_eq!(named(&outcome), pairs([["f", r#"{"a":1}"#], ["f", r#"{"a":2}"#]]));
    }
    // No id at all.
    let bare = json!({"function": {"name": "f", "arguments": "{}"}});
    let outcome = run(&calls(&[json!([bare, bare]), json!([bare])]));
    assert_eq!(indexes(&outcome), [vec![0, 1], vec![2]]);
    assert_eq!(named(&outcome), pairs([["f", "{}"]; 3]));
}

#[test]
fn defect_7_arguments_before_any_call_are_those_of_the_first() {
    let outcome = run(&calls(&[json!([{"function": {"arguments": "{"}}]), json!([{"function": {"arguments": "}"}}])]));
    assert_eq!(named(&outcome), pairs([["", "{}"]]));
    let outcome = run(&calls(&[json!([{}]), json!([{}])]));
    assert_eq!(indexes(&outcome), [[0], [0]]);
}

#[test]
fn defect_6_parallel_calls_with_the_same_index_are_two() {
    let call = |id: &str, name: &str, arguments: &str| json!([{"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]);
    // Whole calls, as ollama has sent them.
    let outcome = run(&calls(&[call("a", "f", r#"{"x":1}"#), call("b", "f", r#"{"y":2}"#), call("c", "g", "{}")]));
    assert_eq!(named(&outcome), pairs([["f", r#"{"x":1}"#], ["f", r#"{"y":2}"#], ["g", "{}"]]));
    assert_eq!(indexes(&outcome), [[0], [1], [2]]);
    // In one event, and in parts.
    let both = json!([call("a", "f", "1")[0], call("b", "f", "2")[0]]);
    assert_eq!(named(&run(&calls(&[both]))), pairs([["f", "1"], ["f", "2"]]));
    let more = |arguments: &str| json!([{"index": 0, "function": {"arguments": arguments}}]);
    let outcome = run(&calls(&[
        call("a", "f", ""),
        more("{"),
        more("}"),
        call("b", "g", ""),
        more("["),
        more("]"),
        more(" "),
        json!([{"index": 0, "id": "a", "function": {"arguments": "\n"}}]),
        more("\t"),
    ]));
    assert_eq!(named(&outcome), pairs([["f", "{}\n"], ["g", "[] \t"]]));
}

#[test]
fn defect_6_without_ids_another_name_is_another_call_and_the_same_name_the_same() {
    let call = |name: &str, arguments: &str| json!([{"index": 0, "function": {"name": name, "arguments": arguments}}]);
    let outcome = run(&calls(&[call("f", "{"), call("f", "}"), call("g", "["), call("g", "]"), call("", " ")]));
    assert_eq!(named(&outcome), pairs([["f", "{}"], ["g", "[] "]]));
}

#[test]
fn defect_6_the_next_free_index_is_taken_by_nobody_else() {
    let call = |index: u32, id: &str| json!([{"index": index, "id": id, "function": {"name": id, "arguments": id}}]);
    let outcome = run(&calls(&[call(0, "a"), call(0, "b"), call(1, "c"), call(1, "c"), call(5, "d"), call(5, "e")]));
    assert_eq!(indexes(&outcome), [[0], [1], [2], [2], [5], [6]]);
    assert_eq!(named(&outcome), pairs([["a", "a"], ["b", "b"], ["c", "cc"], ["d", "d"], ["e", "e"]]));
    // Calls with an index among such that have none.
    let bare = |id: &str| json!([{"id": id, "function": {"name": id, "arguments": id}}]);
    let outcome = run(&calls(&[bare("a"), call(1, "b"), bare("c"), call(2, "d"), call(0, "a")]));
    assert_eq!(indexes(&outcome), [[0], [1], [2], [3], [0]]);
    assert_eq!(named(&outcome), pairs([["a", "aa"], ["b", "b"], ["c", "c"], ["d", "d"]]));
}

#[test]
fn shapes_that_were_known_before_a_collision_are_read_anew_after_it() {
    let begin = |id: &str| json!([{"index": 0, "id": id, "function": {"name": id, "arguments": ""}}]);
    let more = |text: &str| json!([{"index": 0, "function": {"arguments": text}}]);
    let mut lists = vec![begin("a")];
    lists.extend((0..10).map(|n| more(&n.to_string())));
    lists.push(begin("b"));
    lists.extend((0..10).map(|n| more(&n.to_string())));
    lists.push(json!([{"index": 0, "id": "a", "function": {"arguments": "."}}]));
    lists.push(json!([{"index": 0, "id": "a", "function": {"arguments": ":"}}]));
    let outcome = run(&calls(&lists));
    assert_eq!(named(&outcome), pairs([["a", "0123456789.:"], ["b", "0123456789"]]));
    assert_eq!(outcome.shaped, 9 + 1, "those before the collision, and what still goes to the first call");
}

#[test]
fn c8_an_empty_or_missing_id_becomes_one_of_its_own() {
    let call = |id: Value, index: u32| json!([{"id": id, "index": index, "function": {"name": "f", "arguments": ""}}]);
    let more =
        json!([{"index": 0, "id": "", "function": {"arguments": "x"}}, {"index": 1, "function": {"arguments": "x"}}]);
    let events = calls(&[call(json!(""), 0), call(Value::Null, 1), more]);
    let outcome = run(&events);
    assert_eq!(named(&outcome), pairs([["f", "x"], ["f", "x"]]));
    assert_eq!(outcome.chunks[2], events[2], "only what begins a call must have one");
    for (chunk, event) in outcome.chunks.iter().zip(&events).take(2) {
        assert_eq!(
            without_ids(chunk),
            event.replace("\"id\":\"\"", "\"id\":\"*\"").replace("\"id\":null", "\"id\":\"*\"")
        );
    }
    let ids = |seed: u64| {
        let bytes = frame(&events);
        let outcome = read(ChunkStream::new(200).with_seed(seed), bytes.chunks(bytes.len()));
        outcome.chunks.iter().map(|chunk| parse(chunk).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
    assert_ne!(ids(u64::MAX), ids(0));
}

#[test]
fn c8_ids_that_are_drawn_are_never_the_same_twice() {
    let call = json!({"function": {"name": "f", "arguments": "{}"}});
    let list = json!([call, call, call, call]);
    let mut seen = HashSet::new();
    for seed in 0..200_u64 {
        let bytes = frame(&calls(&[list.clone(), list.clone()]));
        let stream = ChunkStream::new(200).with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for chunk in read(stream, bytes.chunks(bytes.len())).chunks {
            for call in parse(&chunk)["choices"][0]["delta"]["tool_calls"].as_array().expect("a list") {
                assert!(seen.insert(call["id"].to_string()), "{call}");
            }
        }
    }
}

#[test]
fn c8_an_id_that_comes_late_is_passed_as_it_came() {
    let outcome = run(&calls(&[
        json!([{"index": 0, "function": {"name": "f", "arguments": "{"}}]),
        json!([{"index": 0, "id": "late", "function": {"arguments": "}"}}]),
        json!([{"index": 0, "id": "late", "function": {"name": "f", "arguments": " "}}]),
    ]));
    assert_eq!(named(&outcome), pairs([["f", "{} "]]));
    assert_eq!(outcome.completion["choices"][0]["message"]["tool_calls"][0]["id"], "late");
}

#[test]
fn custom_tools_are_called_like_functions() {
    let call = |name: &str, input: &str| json!({"type": "custom", "custom": {"name": name, "input": input}});
    let outcome = run(&calls(&[
        json!([call("one", "a"), call("two", "b")]),
        json!([{"type": "custom", "custom": {"input": "c"}}]),
    ]));
    assert_eq!(named(&outcome), pairs([["one", "a"], ["two", "bc"]]));
}

#[test]
fn a_repaired_event_is_the_same_text_but_for_what_was_repaired() {
    for (delta, expected) in [
        (r#"{ "tool_calls" : [ { } ] }"#, r#"{ "tool_calls" : [ {"index":0,"id":"*" } ] }"#),
        (r#"{"tool_calls":[{}, {"x":1e-7}]}"#, r#"{"tool_calls":[{"index":0,"id":"*"}, {"index":0,"x":1e-7}]}"#),
        (
            "{\"tool_calls\":[{ \"id\" : null ,\"x\":1.0e+2, \"index\":\tnull }]}",
            "{\"tool_calls\":[{ \"id\" : \"*\" ,\"x\":1.0e+2, \"index\":\t0 }]}",
        ),
        (
            r#"{"tool_calls":[{"x":"é\u00e9🦊","function":{"name":"f"},"function":{"name":"g"},"id":"a"}],"z":[1,2,{}]}"#,
            r#"{"tool_calls":[{"index":0,"x":"é\u00e9🦊","function":{"name":"f"},"function":{"name":"g"},"id":"a"}],"z":[1,2,{}]}"#,
        ),
        (r#"{"tool_calls":[{"\u0069d":"","i\u006edex":null}]}"#, r#"{"tool_calls":[{"\u0069d":"*","i\u006edex":0}]}"#),
        (
            r#"{"tool_calls":[{"id":"x","id":"","index":"?","index":null}]}"#,
            r#"{"tool_calls":[{"id":"x","id":"*","index":"?","index":0}]}"#,
        ),
        (
            r#"{"tool_calls":[null,7,[{"index":-1}],"x",{"id":"a"}]}"#,
            r#"{"tool_calls":[null,7,[{"index":-1}],"x",{"index":0,"id":"a"}]}"#,
        ),
    ] {
        let event = |delta: &str| format!(r#"{{"x" : 0.10,"choices":[{{"delta":{delta} }}],"y":null}}"#);
        let bytes = frame(&[event(delta)]);
        let outcome = read(ChunkStream::new(200), bytes.chunks(bytes.len()));
        assert_eq!(outcome.chunks.iter().map(|chunk| without_ids(chunk)).collect::<Vec<_>>(), [event(expected)]);
    }
}

#[test]
fn stop_after_calls_becomes_tool_calls_and_nothing_else_does() {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]);
    let begin = chunk(json!({ "tool_calls": call }), Value::Null);
    let reason = |outcome: &Outcome| outcome.completion["choices"][0]["finish_reason"].clone();
    // In an event of its own, and in that of the call.
    let stop = chunk(json!({}), json!("stop"));
    let outcome = run(&[begin.clone(), stop.clone()]);
    assert_eq!(outcome.chunks, [begin.clone(), stop.replace("\"stop\"", "\"tool_calls\"")]);
    assert_eq!((reason(&outcome), outcome.verdict), (json!("tool_calls"), Ok(())));
    let both = chunk(json!({ "tool_calls": call }), json!("stop"));
    assert_eq!(run(std::slice::from_ref(&both)).chunks, [both.replace("\"stop\"", "\"tool_calls\"")]);
    // Before the delta, in the order of the text.
    let first =
        format!(r#"{{"choices":[{{"finish_reason":"s\u0074op","delta":{{"tool_calls":[{}]}}}}]}}"#, r#"{"id":"a"}"#);
    let expected = first.replace(r#""s\u0074op""#, r#""tool_calls""#).replace(r#"{"id""#, r#"{"index":0,"id""#);
    assert_eq!(run(&[first]).chunks, [expected]);
    // Any other reason, a stop without calls, and calls that are none.
    for other in ["length", "content_filter", "tool_calls", "error", "STOP"] {
        unchanged(&[begin.clone(), chunk(json!({}), json!(other))]);
    }
    unchanged(&[chunk(json!({"content": "a"}), Value::Null), stop.clone()]);
    unchanged(&[chunk(json!({"tool_calls": []}), Value::Null), chunk(json!({"tool_calls": null}), Value::Null), stop]);
}

#[test]
fn a_shape_with_a_stop_is_read_anew_once_there_are_calls() {
    let stop = |text: &str| chunk(json!({"content": text}), json!("stop"));
    let begin = calls(&[json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}])]);
    let events = [vec![stop("a"), stop("b"), stop("c")], begin, vec![stop("d"), stop("e")]].concat();
    let outcome = run(&events);
    assert_eq!(outcome.shaped, 2);
    assert_eq!(outcome.chunks[4..], [stop("d"), stop("e")].map(|event| event.replace("\"stop\"", "\"tool_calls\"")));
}

#[test]
fn each_choice_has_calls_of_its_own() {
    let event = |index: u32, call: Value, reason: Value| {
        json!({"choices": [{"index": index, "delta": {"tool_calls": [call]}, "finish_reason": reason}]}).to_string()
    };
    let call = |id: &str| json!({"index": 0, "id": id, "function": {"name": "f", "arguments": id}});
    let outcome = unchanged(&[
        event(0, call("a"), Value::Null),
        event(1, call("b"), Value::Null),
        event(1, call("b"), json!("length")),
        event(0, call("a"), json!("tool_calls")),
    ]);
    let ids: Vec<_> = (0..2).map(|n| outcome.completion["choices"][n]["message"]["tool_calls"].clone()).collect();
    assert_eq!([&ids[0][0]["function"]["arguments"], &ids[1][0]["function"]["arguments"]], ["aa", "bb"]);
    // Only the choice with calls has them as its reason.
    let two = json!({"choices": [
        {"index": 1, "delta": {"content": "x"}, "finish_reason": "stop"},
        {"index": 0, "delta": {"tool_calls": [{"id": "a"}]}, "finish_reason": "stop"},
    ]});
    let outcome = run(&[two.to_string()]);
    let reasons = [0, 1].map(|n| outcome.completion["choices"][n]["finish_reason"].clone());
    assert_eq!(reasons, ["tool_calls", "stop"]);
}

#[test]
fn the_text_of_a_repaired_event_is_where_it_was() {
    let event = r#"{"choices":[{"index":1,"delta":{"tool_calls":[{"a":1}],"content":"no"}},{"index":0,"delta":{"tool_calls":[{},{"x":[2]}],"content":"yes"},"finish_reason":"stop"}]}"#;
    let mut texts = Vec::new();
    let text = |piece: chatmux::stream::Piece<'_>| texts.push(piece.text().map(|text| text.raw().to_owned()));
    ChunkStream::new(200).push(&frame(&[event.to_owned()]), text);
    assert_eq!(texts, [Some("yes".to_owned())]);
    run(&[event.to_owned()]);
}

#[test]
fn habits_that_need_no_repair_are_left_alone() {
    let call = |call: Value| json!([call]);
    let streams = [
        // As OpenAI has it, with content beside the calls.
        vec![
            chunk(json!({"role": "assistant", "content": "Let me see"}), Value::Null),
            chunk(
                json!({"content": null, "tool_calls": call(json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}))}),
                Value::Null,
            ),
            chunk(
                json!({"content": ".", "tool_calls": call(json!({"index": 0, "function": {"arguments": "{}"}}))}),
                Value::Null,
            ),
            chunk(json!({}), json!("tool_calls")),
        ],
        // An index that begins with 1, and one that leaves some out.
        calls(&[
            call(json!({"index": 1, "id": "a", "function": {"name": "f", "arguments": "{"}})),
            call(json!({"index": 1, "function": {"arguments": "}"}})),
            call(json!({"index": 127, "id": "b", "function": {"name": "f", "arguments": "{}"}})),
        ]),
        // The id and the name each time.
        calls(&["{", "\"a\"", ":1}"].map(|text| {
            call(json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": text}}))
        })),
        // An id that is null or empty later, with a name that is, too.
        calls(&[
            call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}})),
            call(json!({"index": 0, "id": null, "function": {"name": null, "arguments": "\"a\""}})),
            call(json!({"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": ":1}"}})),
        ]),
        // A new id with each part.
        calls(&[
            call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}})),
            call(json!({"index": 0, "id": "b", "function": {"arguments": "}"}})),
            call(json!({"index": 0, "id": "c", "function": {"arguments": " "}})),
        ]),
        // Two calls, interleaved.
        calls(&[
            json!([{"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}, {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
            call(json!({"index": 0, "function": {"arguments": "{"}})),
            call(json!({"index": 1, "function": {"arguments": "["}})),
            json!([{"index": 0, "function": {"arguments": "}"}}, {"index": 1, "function": {"arguments": "]"}}]),
        ]),
    ];
    for events in streams {
        let outcome = unchanged(&events);
        named(&outcome);
    }
}

#[test]
fn choices_that_are_null_or_missing_in_a_chunk_become_an_empty_list() {
    for (event, expected) in [
        (r#"{"choices":null,"usage":{"total_tokens":1}}"#, r#"{"choices":[],"usage":{"total_tokens":1}}"#),
        (r#"{ "id":"1","choices": null }"#, r#"{ "id":"1","choices": [] }"#),
        (r#"{"choices":null}"#, r#"{"choices":[]}"#),
        (r#"{"usage":{"total_tokens":1}}"#, r#"{"usage":{"total_tokens":1}}"#),
        (r#"{ "object":"chat.completion.chunk"}"#, r#"{"choices":[], "object":"chat.completion.chunk"}"#),
        (r#"{"id":"1"}"#, r#"{"id":"1"}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
        ("{}", "{}"),
        (r#"{"id":"1","choices":{}}"#, r#"{"id":"1","choices":{}}"#),
        (r#"{"id":"1","choices":[null,7]}"#, r#"{"id":"1","choices":[null,7]}"#),
    ] {
        let outcome = run(&[event.to_owned(), "[DONE]".to_owned()]);
        assert_eq!((outcome.chunks, outcome.verdict), (vec![expected.to_owned()], Ok(())));
    }
}

#[test]
fn c9_g16_arguments_that_parse_already_are_not_whole_for_that() {
    let texts: Vec<String> = (0..50)
        .map(|n| match n % 5 {
            0 => format!("{{}}{}", " ".repeat(n)),
            1 => format!("{n}{n}{n}"),
            2 => format!("{{\"a\":{{\"b\":[{n},{{}}]}},\"c\":\"é🦊\\\"}}{{\"}}"),
            3 => format!("[]{}", "[]".repeat(n % 7)),
            _ => format!("\"text {n}\"{{\"x\":{n}}}null"),
        })
        .collect();
    for text in &texts {
        for split in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            let (head, tail) = text.split_at(split);
            for index in [json!({"index": 0}), json!({})] {
                let item = |more: Value| {
                    let mut item = index.clone();
                    item.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
                    json!([item])
                };
                let events = calls(&[
                    item(json!({"id": "a", "function": {"name": "f", "arguments": head}})),
                    item(json!({"function": {"arguments": tail}})),
                    json!([{"index": 1, "id": "b", "function": {"name": "g", "arguments": text}}]),
                ]);
                let bytes = frame(&events);
                let outcome = read(ChunkStream::new(200), bytes.chunks(bytes.len()));
                assert_eq!(named(&outcome), pairs([["f", text], ["g", text]]));
            }
        }
    }
}

/// Deltas of well-formed calls, and such that need a repair.
fn any_item(is_whole: bool) -> impl Strategy<Value = Value> {
    let index = if is_whole { (0..4_u32).prop_map(Some).boxed() } else { prop::option::of(0..3_u32).boxed() };
    (index, prop::option::of("[a-c]?"), prop::option::of("[f-g]?"), "[a{}\"\\\\é]{0,3}").prop_map(
        move |(index, id, name, arguments)| {
            let mut item = json!({"function": {"arguments": arguments}});
            if let Some(index) = index {
                item["index"] = index.into();
            }
            if is_whole {
                // Always the same for the same call.
                item["id"] = format!("id{}", index.unwrap_or(0)).into();
            } else if let Some(id) = id {
                item["id"] = id.into();
            }
            if let Some(name) = name {
                item["function"]["name"] = if is_whole { "f".into() } else { name.into() };
            }
            item
        },
    )
}

fn any_events(is_whole: bool) -> impl Strategy<Value = Vec<String>> {
    let reason = prop_oneof![8 => Just(Value::Null), 1 => Just(json!("length")), 1 => Just(json!("tool_calls"))];
    let reason = if is_whole { reason.boxed() } else { prop_oneof![2 => reason, 1 => Just(json!("stop"))].boxed() };
    let delta = prop_oneof![
        2 => "[a-z\"]{0,3}".prop_map(|text| json!({"content": text})),
        3 => prop::collection::vec(any_item(is_whole), 0..3).prop_map(|items| json!({"tool_calls": items})),
    ];
    let event = (0..2_u32, delta, reason, any::<bool>()).prop_map(|(index, delta, finish_reason, pretty)| {
        let event = json!({"choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}], "n": 1.50});
        if pretty { event.to_string().replace(',', " ,\t") } else { event.to_string() }
    });
    // Each comes again now and then, so that its shape is met.
    prop::collection::vec((event, 1..4_usize), 1..12)
        .prop_map(|events| events.into_iter().flat_map(|(event, times)| vec![event; times]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn well_formed_streams_come_out_byte_for_byte(events in any_events(true)) {
        prop_assert_eq!(run(&events).chunks, events);
    }

    #[test]
    fn whatever_comes_each_call_has_an_index_and_begins_with_an_id(events in any_events(false)) {
        let outcome = run(&events);
        let mut begun = HashSet::new();
        prop_assert_eq!(outcome.chunks.len(), events.len());
        for (chunk, event) in outcome.chunks.iter().zip(&events) {
            let (chunk, event) = (parse(chunk), parse(event));
            let choice = &chunk["choices"][0];
            let is_first = |key: (u64, u64), begun: &mut HashSet<_>| begun.insert(key);
            let items = choice["delta"]["tool_calls"].as_array().cloned().unwrap_or_default();
            for item in &items {
                let index = item["index"].as_u64().expect("an index");
                if is_first((choice["index"].as_u64().expect("an index"), index), &mut begun) {
                    prop_assert!(!item["id"].as_str().expect("an id").is_empty());
                }
            }
            let has_calls = begun.iter().any(|(choice_index, _)| choice["index"] == *choice_index);
            prop_assert!(!(has_calls && choice["finish_reason"] == "stop"));
            // All that was said is still there.
            let texts = |chunk: &Value| chunk["choices"][0]["delta"]["tool_calls"].as_array().map(|items| {
                items.iter().map(|item| item["function"].clone()).collect::<Vec<_>>()
            });
            prop_assert_eq!(texts(&chunk), texts(&event));
        }
    }
}
