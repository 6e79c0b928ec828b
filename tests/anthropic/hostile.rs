//! Whatever comes in: no panic, no hang, valid JSON out, and counts that fit together.

use chatmux::dialect::anthropic::{Events, read_error, read_response};
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::json::Writer;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

/// Reads events, and checks that all that is written is JSON.
fn read(events: &[Vec<u8>], back: &WayBack) {
    let mut reader = Events::new(back.clone(), CREATED);
    let mut out = Writer::default();
    for event in events {
        if !matches!(reader.read_event("", &String::from_utf8_lossy(event), &mut out), Ok(Step::Going)) {
            break;
        }
    }
    let step = reader.finish(&mut out);
    assert_ne!(step, Step::Going);
    for text in out.texts() {
        parsed(text);
    }
}

/// A generator that is the same each time (xorshift): the tests must not depend on luck.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).expect("it is below the bound")
    }
}

/// Answers with every sort of block.
fn seeds() -> Vec<(Value, WayBack)> {
    let call = |name: &str, input: Value| json!({"type": "tool_use", "id": "t", "name": name, "input": input});
    let citation = json!({"type": "char_location", "document_index": 0, "document_title": "D", "cited_text": "c"});
    let content = json!([
        {"type": "thinking", "thinking": "hm \"é\"", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "text", "text": "Look: 😀", "citations": [citation]},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]},
        {"type": "compaction", "content": "short"},
        call("f", json!({"a": [1, {"b": "c"}]})),
        call("shell", json!({"input": "ls \"x\" \\ é\n"})),
        call("json", json!({"answer": [true, null]})),
        call("f", json!({})),
    ]);
    let mut refused = ended(content.clone(), "refusal");
    refused["stop_details"] = json!({"type": "refusal", "explanation": "no"});
    let customs = vec!["shell".to_owned()];
    vec![
        (ended(content.clone(), "tool_use"), WayBack { customs: customs.clone(), ..back() }),
        (ended(content, "max_tokens"), WayBack { customs, has_answer_tool: true, include_usage: false, ..back() }),
        (refused, WayBack { may_cite: false, ..back() }),
    ]
}

#[test]
fn the_seeds_are_read() {
    for (message, back) in seeds() {
        both(&message, &WayBack { include_usage: true, may_cite: true, ..back });
    }
}

#[test]
fn ten_thousand_mutated_streams_are_read_without_a_trap() {
    const PIECES: [&[u8]; 16] = [
        b"null",
        b"{}",
        b"[]",
        b"\"\"",
        b"\"\\ud83d\"",
        b"-1",
        b"99999999999999999999",
        b"\xff",
        b"\"",
        b"\\",
        b"{",
        b"]",
        b"\"content_block_start\"",
        b"\"tool_use\"",
        b"\"input_json_delta\"",
        b"\"error\"",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let bytes = |event: &Value| event.to_string().into_bytes();
    let seeds: Vec<(Vec<Vec<u8>>, WayBack)> =
        seeds().iter().map(|(message, back)| (events_of(message).iter().map(bytes).collect(), back.clone())).collect();
    for round in 0..10_000 {
        let (mut events, back) = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(events.len());
            match random.below(8) {
                0 => drop(events.remove(at)),
                1 => {
                    let other = random.below(events.len());
                    events.swap(at, other);
                }
                2 => {
                    let event = events[at].clone();
                    events.insert(random.below(events.len()), event);
                }
                3 => {
                    let length = random.below(events[at].len());
                    events[at].truncate(length);
                }
                4 => {
                    let place = random.below(events[at].len());
                    if let Some(byte) = events[at].get_mut(place) {
                        *byte = u8::try_from(random.below(256)).expect("a byte");
                    }
                }
                5 => {
                    let place = random.below(events[at].len());
                    let piece = PIECES[random.below(PIECES.len())];
                    events[at].splice(place..place, piece.iter().copied());
                }
                // A value in the place of another leaves JSON behind, which is read further.
                _ => {
                    if let Ok(mut event) = serde_json::from_slice::<Value>(&events[at]) {
                        mutate(&mut event, &mut random);
                        events[at] = event.to_string().into_bytes();
                    }
                }
            }
            if events.is_empty() {
                break;
            }
        }
        read(&events, &back);
    }
}

/// Puts some other value in the place of one.
fn mutate(value: &mut Value, random: &mut Random) {
    let count = match value {
        Value::Object(members) => members.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if count > 0 && random.below(4) > 0 {
        let at = random.below(count);
        let inner = match value {
            Value::Object(members) => members.values_mut().nth(at),
            Value::Array(items) => items.get_mut(at),
            _ => None,
        };
        return inner.map(|inner| mutate(inner, random)).unwrap_or_default();
    }
    let others = [
        json!(null),
        json!({}),
        json!([]),
        json!(""),
        json!("text"),
        json!("tool_use"),
        json!("thinking"),
        json!(-1.5),
        json!(true),
        json!(u64::MAX),
        json!([{"type": "text", "text": "x"}]),
        json!("\u{0}\"\\"),
        json!("{\"input\":\""),
        json!("thinking_delta"),
        json!("json"),
        json!("shell"),
        json!("input_json_delta"),
        json!("signature_delta"),
    ];
    *value = others[random.below(others.len())].clone();
}

#[test]
fn mutated_answers_are_read_without_a_trap() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let seeds = seeds();
    for round in 0..3_000 {
        let (mut message, back) = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(3) {
            mutate(&mut message, &mut random);
        }
        let body = message.to_string();
        for body in [&*body, body.get(..random.below(body.len())).unwrap_or("")] {
            if let Ok(completion) = read_response(body, &back, CREATED) {
                parsed(&completion);
            }
            if let Some(error) = read_error(body, 200) {
                parsed(&error.json);
            }
        }
    }
}

#[test]
fn many_open_blocks_cost_no_more_than_their_events() {
    let mut reader = Events::new(back(), CREATED);
    let mut out = Writer::default();
    for index in 0..50_000 {
        out.clear();
        let block =
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": "x"}});
        assert_eq!(reader.read_event("", &block.to_string(), &mut out), Ok(Step::Going));
    }
    // A custom tool whose input never begins.
    let custom = WayBack { customs: vec!["shell".to_owned()], ..back() };
    let mut reader = Events::new(custom, CREATED);
    let block = json!({"type": "tool_use", "id": "t", "name": "shell", "input": {}});
    let start = json!({"type": "content_block_start", "index": 0, "content_block": block});
    assert_eq!(reader.read_event("", &start.to_string(), &mut out), Ok(Step::Going));
    let blank = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "    "}});
    for _ in 0..50_000 {
        assert_eq!(reader.read_event("", &blank.to_string(), &mut out), Ok(Step::Going));
    }
    // Members without end, of what is kept.
    let many = |name: &str| -> Value { (0..50_000).map(|at| (format!("{name}{at}"), json!(at))).collect() };
    let mut crowded = message(json!([many("a"), {"type": "text", "text": "x"}]));
    crowded["usage"] = many("u");
    crowded["id"] = "i".repeat(1 << 20).into();
    let completion = whole(&crowded, &back());
    assert_eq!(completion["choices"][0]["message"]["content"], "x");
    assert_eq!(completion["id"], format!("chatcmpl-{CREATED}"));
    let mut reader = Events::new(back(), CREATED);
    let start = json!({"type": "content_block_start", "index": 0, "content_block": many("a")});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": many("b")});
    for event in [&start, &delta, &delta] {
        assert_eq!(reader.read_event("", &event.to_string(), &mut out), Ok(Step::Going));
    }
    let calls = (0..200).map(|_| json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}));
    assert!(read_response(&message(calls.collect()).to_string(), &back(), CREATED).is_err(), "more calls than indexes");
}

proptest! {
    #[test]
    fn any_text_is_read(texts in prop::collection::vec(".{0,60}", 0..6)) {
        let events: Vec<Vec<u8>> = texts.iter().map(|text| text.clone().into_bytes()).collect();
        read(&events, &back());
        for text in &texts {
            let _ = read_response(text, &back(), CREATED);
            let _ = read_error(text, 400);
        }
    }

    #[test]
    fn whatever_is_counted_the_sums_are_right(
        usages in prop::collection::vec(
            (any::<[Option<u64>; 4]>(), any::<Option<u64>>(), prop::collection::vec(any::<[u32; 4]>(), 0..3)),
            1..4,
        ),
    ) {
        let names = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
        let usages: Vec<Value> = usages
            .into_iter()
            .map(|(counts, thinking, iterations)| {
                let mut usage = json!({"output_tokens_details": {"thinking_tokens": thinking}});
                for (name, count) in names.iter().zip(counts) {
                    usage[name] = json!(count);
                }
                for counts in iterations {
                    let mut iteration = json!({"type": "compaction"});
                    for (name, count) in names.iter().zip(counts) {
                        iteration[name] = json!(count);
                    }
                    usage["iterations"] = json!([iteration]);
                }
                usage
            })
            .collect();
        let mut events = events_of(&message(json!([])));
        events[0]["message"]["usage"] = usages[0].clone();
        events[2]["usage"] = json!({});
        for usage in &usages[1..] {
            events.insert(2, json!({"type": "message_delta", "delta": {}, "usage": usage}));
        }
        let usage = &streamed(&events, &back()).completion["usage"];
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let (prompt, completion) = (number(&usage["prompt_tokens"]), number(&usage["completion_tokens"]));
        prop_assert_eq!(number(&usage["total_tokens"]), prompt.saturating_add(completion));
        prop_assert!(number(&usage["prompt_tokens_details"]["cached_tokens"]) <= prompt);
        prop_assert!(number(&usage["prompt_tokens_details"]["cache_write_tokens"]) <= prompt);
        prop_assert!(number(&usage["completion_tokens_details"]["reasoning_tokens"]) <= completion);
    }
}
