//! The completion against an independent account of its rules: whatever chunks come, in whatever reads.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::partial::Partial;
use chatmux::stream::ChunkStream;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The rules of `Partial`, said once more and as slowly as one likes: a tree of values, and a list that has become a map
/// from the indexes of its items, for the time being.
#[derive(Default)]
struct Model(Map<String, Value>);

const ITEMS: &str = "\0items";
const OTHERS: &str = "\0others";

impl Model {
    fn add(&mut self, chunk: &Value) {
        for (key, value) in chunk.as_object().expect("a chunk is an object") {
            match (key.as_str(), value) {
                ("obfuscation", _) => {}
                ("created", Value::Number(zero))
                    if zero.as_u64() == Some(0) && self.0.get("created").is_some_and(|said| !said.is_null()) => {}
                ("object", _) => drop(self.0.insert(key.clone(), "chat.completion".into())),
                ("choices", Value::Array(items)) => Self::list(slot(&mut self.0, key), key, items),
                _ => Self::say(slot(&mut self.0, key), value),
            }
        }
    }

    /// Last said wins, unless it is nothing.
    fn say(node: &mut Value, value: &Value) {
        let is_blank = |value: &Value| *value == json!(null) || *value == json!("");
        if !is_blank(value) || node.is_null() {
            *node = value.clone();
        }
    }

    fn choice(into: &mut Map<String, Value>, choice: &Map<String, Value>) {
        for (key, value) in choice {
            match key.as_str() {
                "delta" => Self::grow(slot(into, "message"), "", value),
                "logprobs" => Self::grow(slot(into, key), "", value),
                _ => Self::say(slot(into, key), value),
            }
        }
    }

    fn grow(node: &mut Value, name: &str, value: &Value) {
        let whole =
            ["role", "id", "type", "name", "object", "format", "signature", "thought_signature", "finish_reason"];
        match (value, &mut *node) {
            (Value::Object(members), _) => {
                if !node.is_object() {
                    *node = json!({});
                }
                let into = node.as_object_mut().expect("it is one now");
                members.iter().for_each(|(key, value)| Self::grow(slot(into, key), key, value));
            }
            (Value::Array(items), _) => Self::list(node, name, items),
            (Value::String(_), _) if whole.contains(&name) => Self::say(node, value),
            (Value::Null, Value::String(_)) if !whole.contains(&name) => {}
            (Value::String(text), Value::String(so_far)) => so_far.push_str(text),
            (Value::String(_), _) => *node = value.clone(),
            _ => Self::say(node, value),
        }
    }

    fn list(node: &mut Value, name: &str, items: &[Value]) {
        if node.get(ITEMS).is_none() {
            *node = json!({ITEMS: {}, OTHERS: []});
        }
        for item in items {
            let said = item["index"].as_u64();
            let index = if name == "choices" { said.or(Some(0)) } else { said };
            let (Some(index @ ..=127), Value::Object(members)) = (index, item) else {
                node[OTHERS].as_array_mut().expect("a list").push(item.clone());
                continue;
            };
            let items = node[ITEMS].as_object_mut().expect("a map");
            // One index stands for one item, or for one of each type.
            let typed = |item: &Value| item["type"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let kind = if name == "choices" || name == "tool_calls" { None } else { typed(item) };
            let is_same = |known: &Value| kind.is_none() || typed(known).is_none() || typed(known) == kind;
            let mut keys = (0..).map(|turn| format!("{index:03}-{turn:03}"));
            let key = keys.find(|key| items.get(key).is_none_or(is_same)).expect("some are free");
            let into = items.entry(key).or_insert(json!({})).as_object_mut().expect("an item");
            if name == "choices" {
                Self::choice(into, members);
                continue;
            }
            for (key, value) in members.iter().filter(|(key, _)| name != "tool_calls" || *key != "index") {
                Self::grow(slot(into, key), key, value);
            }
        }
    }

    fn completion(&self) -> Value {
        let mut completion = lists(&Value::Object(self.0.clone()));
        for choice in completion.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            let choice = choice.as_object_mut().expect("a choice is an object");
            for (key, value) in [("index", json!(0)), ("message", json!({})), ("finish_reason", json!(null))] {
                choice.entry(key).or_insert(value);
            }
            let message = choice["message"].as_object_mut().expect("a message is an object");
            // Nobody's message is the assistant's.
            let role = slot(message, "role");
            if role.is_null() || *role == json!("") {
                *role = "assistant".into();
            }
            message.entry("content").or_insert(Value::Null);
        }
        completion
    }
}

fn slot<'m>(members: &'m mut Map<String, Value>, key: &str) -> &'m mut Value {
    members.entry(key).or_insert(Value::Null)
}

/// The maps of items have become lists again.
fn lists(value: &Value) -> Value {
    match (value.get(ITEMS), value) {
        (Some(items), _) => {
            let items = items.as_object().expect("a map").values().map(lists);
            items.chain(value[OTHERS].as_array().expect("a list").iter().cloned()).collect()
        }
        (None, Value::Object(members)) => members.iter().map(|(key, value)| (key.clone(), lists(value))).collect(),
        _ => value.clone(),
    }
}

/// How a chunk is written down. JSON leaves much of it open.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pen {
    Plain,
    /// Everything outside ASCII as escapes.
    Ascii,
    /// Every character of every string and name as an escape.
    Escaped,
    /// Each member twice: once with a value that does not count.
    Twice,
}

/// Stands for half of a character, which Rust's strings cannot hold: written as an escape, and as itself once it is read.
const HALF: char = '\u{e000}';

fn write(value: &Value, pen: Pen) -> String {
    let string = |text: &str, pen: Pen| {
        let characters = text.chars().map(|character| match character {
            HALF => "\\udbff".to_owned(),
            ' '..='~' if pen != Pen::Escaped && !['"', '\\'].contains(&character) => character.to_string(),
            '\u{a0}'.. if matches!(pen, Pen::Plain | Pen::Twice) => character.to_string(),
            _ => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        });
        format!("\"{}\"", characters.collect::<String>())
    };
    match value {
        Value::String(text) => string(text, pen),
        Value::Array(items) => format!("[{}]", items.iter().map(|item| write(item, pen)).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().flat_map(|(key, value)| {
                let member = |value| format!("{}:{value}", string(key, pen));
                let first = (pen == Pen::Twice).then(|| member("{\"content\":\"twice\"}".to_owned()));
                first.into_iter().chain([member(write(value, pen))])
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn parse(json: &str) -> Value {
    serde_json::from_str(&json.replace("\\udbff", "\\ue000")).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z \\n\"\\\\{}/é日🦊\u{2028}\u{7f}\u{e000}]{0,6}",
        1 => Just(String::new()),
        1 => "x{0,300}",
    ]
}

/// What a delta may say.
fn any_delta() -> impl Strategy<Value = Value> {
    let nullable = || prop_oneof![4 => text().prop_map(Value::from), 1 => Just(Value::Null)];
    let texts = vec!["content", "reasoning_content", "reasoning", "refusal", "own", "role", "signature"];
    let key = prop::sample::select(texts);
    let call = (0..3_u32, any::<bool>(), prop::option::of("[f-h]?"), text());
    let call = call.prop_map(|(index, has_id, name, arguments)| {
        let mut call = json!({"index": index, "function": {"arguments": arguments}});
        if has_id {
            call["id"] = name.clone().unwrap_or_default().into();
            call["type"] = "function".into();
        }
        if let Some(name) = name {
            call["function"]["name"] = name.into();
        }
        call
    });
    let kind = prop::sample::select(vec![Some("reasoning.text"), Some("reasoning.encrypted"), Some(""), None]);
    let detail = (prop::option::of(0..2_u32), text(), kind).prop_map(|(index, text, kind)| match index {
        Some(index) => match kind {
            Some(kind) => json!({"index": index, "type": kind, "text": text}),
            None => json!({"index": index, "text": text}),
        },
        None => json!({"type": "reasoning.summary", "summary": text}),
    });
    let extra = (text(), 0..3)
        .prop_map(|(text, n)| json!({"extra": {"google": {"thought_signature": text, "n": n, "more": text}}}));
    prop_oneof![
        8 => (key.clone(), nullable()).prop_map(|(key, text)| json!({key: text})),
        2 => (key, nullable(), nullable()).prop_map(|(key, text, other)| json!({key: text, "content": other})),
        4 => prop::collection::vec(call, 1..3).prop_map(|calls| json!({"tool_calls": calls})),
        1 => prop::collection::vec(detail, 0..3).prop_map(|details| json!({"reasoning_details": details})),
        1 => text().prop_map(|url| json!({"annotations": [{"url": url}, 1, null]})),
        1 => extra,
        1 => Just(json!({})),
    ]
}

/// Chunks as any server may send them: of three choices that take turns, with all that may stand beside the deltas.
fn any_chunk() -> impl Strategy<Value = Value> {
    let reason = prop_oneof![8 => Just(Value::Null), 1 => Just(json!("stop")), 1 => Just(json!("length"))];
    let logprobs = prop_oneof![
        6 => Just(Value::Null),
        1 => text().prop_map(|token| json!({"content": [{"token": token, "bytes": [1, 2]}], "refusal": null})),
    ];
    let choice = (prop_oneof![3 => Just(0), 2 => 0..3_u32], any_delta(), reason, logprobs)
        .prop_map(|(index, delta, finish_reason, logprobs)| {
            json!({"index": index, "delta": delta, "finish_reason": finish_reason, "logprobs": logprobs})
        })
        .boxed();
    let more = prop_oneof![
        8 => Just(json!({"usage": null})),
        3 => (0..1000_u32).prop_map(|n| json!({"usage": {"completion_tokens": n, "total_tokens": n + 7}})),
        1 => (0..3_u32).prop_map(|n| json!({"usage": {"cost": n}, "id": n.to_string()})),
        1 => (0..3_u32).prop_map(|n| json!({"model": "m", "created": n, "system_fingerprint": null})),
        1 => text().prop_map(|text| json!({"obfuscation": text})),
        1 => text().prop_map(|text| json!({"provider": text, "x": {"content": text}, "content": [text]})),
    ];
    let choices = prop_oneof![6 => prop::collection::vec(choice.clone(), 1), 2 => prop::collection::vec(choice, 0..3)];
    (choices, more).prop_map(|(choices, mut chunk)| {
        chunk["object"] = "chat.completion.chunk".into();
        chunk["choices"] = choices.into();
        chunk
    })
}

/// Streams in which few forms of chunks come many times, as those of a model do.
fn any_stream() -> impl Strategy<Value = Vec<(Value, String)>> {
    let pen = prop_oneof![6 => Just(Pen::Plain), 2 => Just(Pen::Ascii), 1 => Just(Pen::Escaped), 1 => Just(Pen::Twice)];
    let run = (any_chunk(), pen, prop::collection::vec(text(), 0..4)).prop_map(|(chunk, pen, texts)| {
        let mut chunks = vec![chunk];
        for text in texts {
            let mut chunk = chunks[0].clone();
            let delta = chunk.pointer_mut("/choices/0/delta").and_then(Value::as_object_mut).into_iter().flatten();
            delta.filter(|(_, value)| value.is_string()).for_each(|(_, value)| *value = text.as_str().into());
            chunks.push(chunk);
        }
        chunks.into_iter().map(|chunk| (chunk.clone(), write(&chunk, pen))).collect()
    });
    prop::collection::vec(run, 1..10)
        .prop_flat_map(|runs: Vec<Vec<(Value, String)>>| Just(runs.concat()).prop_shuffle())
}

/// Reads a stream in reads of this size, and compares the completion after each chunk that is asked about. What counts are
/// the chunks that the stream gives: some of their calls are repaired.
fn follows_the_rules(
    mut stream: ChunkStream,
    chunks: &[(Value, String)],
    size: usize,
    asks: u64,
) -> Result<(), TestCaseError> {
    let bytes: Vec<u8> = chunks.iter().flat_map(|(_, text)| format!("data: {text}\n\n").into_bytes()).collect();
    let (mut model, mut done) = (Model::default(), 0);
    for part in bytes.chunks(size) {
        stream.room(part.len())[..part.len()].copy_from_slice(part);
        let mut given = Vec::new();
        stream.decode(part.len(), |piece| given.push(parse(piece.json())));
        for (taken, chunk) in (1..).zip(given) {
            model.add(&chunk);
            done += 1;
            if asks >> (done % 64) & 1 == 1 {
                prop_assert_eq!(parse(&stream.partial_after(taken).json()), model.completion());
            }
        }
    }
    prop_assert_eq!(done, chunks.len());
    prop_assert_eq!(parse(&stream.partial().json()), model.completion());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_come_to_what_the_rules_say(chunks in any_stream()) {
        let (mut partial, mut model) = (Partial::default(), Model::default());
        for (chunk, text) in &chunks {
            partial.add(text);
            model.add(chunk);
            prop_assert_eq!(parse(&partial.json()), model.completion());
        }
    }

    #[test]
    fn a_stream_comes_to_what_the_rules_say_after_each_chunk(
        chunks in any_stream(), size in prop_oneof![1..200_usize, Just(1 << 16)], asks in any::<u64>(),
    ) {
        follows_the_rules(ChunkStream::new(200).without_shapes(), &chunks, size, asks)?;
    }

    #[test]
    fn a_stream_comes_to_what_the_rules_say_by_the_values_of_its_shapes(
        chunks in any_stream(), size in prop_oneof![1..200_usize, Just(1 << 16)], asks in any::<u64>(),
    ) {
        follows_the_rules(ChunkStream::new(200), &chunks, size, asks)?;
    }
}
