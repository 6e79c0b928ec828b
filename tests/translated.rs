//! The streams of other vendors as OpenAI's bytes: the same however they are cut, whether events are read or not, and good
//! for who reads OpenAI's.

#![cfg(not(target_arch = "wasm32"))]

use std::cell::Cell;
use std::rc::Rc;

use chatmux::Kind;
use chatmux::dialect::openai::Malformed;
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::dialect::{self, Dialect};
use chatmux::json::{Length, Writer};
use chatmux::stream::ChunkStream;
use chatmux::translator::{Events, Translator};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Counts what is read.
struct Counted(dialect::Events, Rc<Cell<usize>>);

impl Events for Counted {
    fn read_event(&mut self, name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed> {
        self.1.set(self.1.get() + 1);
        self.0.read_event(name, data, out)
    }

    fn finish(&mut self, out: &mut Writer) -> Step {
        self.0.finish(out)
    }

    fn revision(&self) -> u32 {
        self.0.revision()
    }

    fn counts(&self) -> Option<&'static str> {
        self.0.counts()
    }

    fn read_counts(&mut self, data: &str) {
        self.0.read_counts(data);
    }

    fn add_length(&mut self, choice: u32, length: Length) {
        self.0.add_length(choice, length);
    }
}

fn back() -> WayBack {
    WayBack { model: "asked".to_owned(), include_usage: true, ..WayBack::default() }
}

/// What a stream becomes that comes in these pieces, and how many events were read for it.
fn translate<'a>(dialect: Dialect, parts: impl IntoIterator<Item = &'a [u8]>, templates: bool) -> (String, usize) {
    let reads = Rc::new(Cell::new(0));
    let mut translator = Translator::new(Counted(dialect.events(back(), 7), reads.clone()));
    if !templates {
        translator = translator.without_templates();
    }
    let mut out = Vec::new();
    for part in parts {
        translator.feed(part, &mut out);
    }
    translator.finish(&mut out);
    (String::from_utf8(out).expect("the output is UTF-8"), reads.get())
}

fn anthropic(events: &[Value]) -> String {
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or(""))).collect()
}

fn deltas(index: u32, kind: &str, name: &str, texts: &[&str]) -> Vec<Value> {
    let delta =
        |text: &&str| json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, name: text}});
    texts.iter().map(delta).collect()
}

const TEXTS: [&str; 12] = ["Hel", "lo", " ", "wörld", " 😀", "\n", "\"quoted\"", "", " data: {}\n\n", " a", " b", " c"];

/// Thinking, a text, two calls of tools.
fn anthropic_stream() -> String {
    let start =
        |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let stop = |index: u32| json!({"type": "content_block_stop", "index": index});
    let usage = json!({"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1});
    let mut events = vec![
        json!({"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
        }}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
    ];
    events.extend(deltas(0, "thinking_delta", "thinking", &TEXTS));
    events.extend(deltas(0, "signature_delta", "signature", &["c2ln"]));
    events.extend([stop(0), start(1, json!({"type": "text", "text": ""}))]);
    events.extend(deltas(1, "text_delta", "text", &TEXTS));
    events.push(stop(1));
    for index in 2..4 {
        let block = json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": "write", "input": {}});
        events.push(start(index, block));
        let parts = ["", "{\"te", "xt\": ", "\"a", " \\\"b", "\\\" c", " d", " e", "\"", "}"];
        events.extend(deltas(index, "input_json_delta", "partial_json", &parts));
        events.push(stop(index));
    }
    let end = json!({"stop_reason": "tool_use", "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 40}}));
    events.push(json!({"type": "message_stop"}));
    anthropic(&events)
}

/// Thoughts, a text, a call.
fn gemini_stream() -> String {
    let mut count = 0;
    let mut event = |part: Value, finish: Option<&str>| {
        count += 1;
        let mut candidate = json!({"content": {"parts": [part], "role": "model"}, "index": 0});
        if let Some(reason) = finish {
            candidate["finishReason"] = reason.into();
        }
        let details = json!([{"modality": "TEXT", "tokenCount": 5}]);
        let usage = json!({
            "promptTokenCount": 5, "candidatesTokenCount": count, "totalTokenCount": 5 + count,
            "promptTokensDetails": details, "thoughtsTokenCount": count / 2,
        });
        let event =
            json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-x", "responseId": "r1"});
        format!("data: {event}\r\n\r\n")
    };
    let mut stream = String::new();
    for text in TEXTS {
        stream += &event(json!({"text": text, "thought": true}), None);
    }
    for text in TEXTS {
        stream += &event(json!({"text": text}), None);
    }
    let call = json!({"functionCall": {"name": "write", "args": {"text": "a \"b\""}}, "thoughtSignature": "c2ln"});
    stream += &event(call, None);
    stream + &event(json!({"text": ""}), Some("STOP"))
}

fn streams() -> [(Dialect, String); 2] {
    [(Dialect::Anthropic, anthropic_stream()), (Dialect::Gemini, gemini_stream())]
}

/// What who reads OpenAI's streams makes of it.
fn read(stream: &str) -> (Value, Result<(), Kind>) {
    let mut chunks = ChunkStream::new(200);
    chunks.feed(stream.as_bytes());
    let completion = chunks.partial().json();
    let verdict = chunks.finish().map_err(|error| error.kind);
    (if completion.is_empty() { Value::Null } else { serde_json::from_str(&completion).expect("JSON") }, verdict)
}

#[test]
fn they_are_good_for_who_reads_openais() {
    for (dialect, stream) in streams() {
        let (out, _) = translate(dialect, [stream.as_bytes()], true);
        let (completion, verdict) = read(&out);
        assert_eq!(verdict, Ok(()), "{dialect:?}");
        let message = &completion["choices"][0]["message"];
        assert_eq!(message["content"], TEXTS.concat(), "{dialect:?}");
        assert_eq!(message["reasoning_content"], TEXTS.concat(), "{dialect:?}");
        assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls", "{dialect:?}");
        for call in message["tool_calls"].as_array().expect("calls") {
            let arguments = call["function"]["arguments"].as_str().expect("a text");
            let arguments: Value = serde_json::from_str(arguments).expect("JSON");
            assert!(arguments["text"].as_str().is_some_and(|text| text.starts_with("a \"b\"")), "{dialect:?}");
        }
        assert_eq!(completion["created"], 7, "{dialect:?}");
        let usage = &completion["usage"];
        assert_eq!(usage["completion_tokens"], if dialect == Dialect::Anthropic { 40 } else { 26 + 13 }, "{dialect:?}");
        assert!(out.ends_with("data: [DONE]\n\n"), "{dialect:?}");
    }
}

#[test]
fn they_are_the_same_however_they_are_cut() {
    for (dialect, stream) in streams() {
        let bytes = stream.as_bytes();
        let (judge, all) = translate(dialect, [bytes], false);
        let (out, reads) = translate(dialect, [bytes], true);
        assert_eq!(out, judge, "{dialect:?}");
        // The texts in a row, less the first of each row and those that are empty.
        assert!(reads * 3 < all * 2, "{dialect:?}: {reads} of {all} were read");
        for at in 0..=bytes.len() {
            let (one, other) = bytes.split_at(at);
            assert_eq!(translate(dialect, [one, other], true).0, judge, "{dialect:?}, cut at {at}");
        }
        for size in 1..300 {
            assert_eq!(translate(dialect, bytes.chunks(size), true).0, judge, "{dialect:?}, in parts of {size}");
        }
    }
}

#[test]
fn a_long_text_is_written_without_being_read() {
    let texts: Vec<String> = (0..1000).map(|number| format!(" {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let part = |name: &str, text: &&str, count: usize| {
        let part = if name == "text" { json!({"text": text}) } else { json!({"text": text, "thought": true}) };
        let candidates = json!([{"content": {"parts": [part], "role": "model"}, "index": 0}]);
        let usage = json!({"promptTokenCount": 5, "candidatesTokenCount": count, "totalTokenCount": count + 5});
        format!("data: {}\r\n\r\n", json!({"candidates": candidates, "usageMetadata": usage, "responseId": "r"}))
    };
    let gemini = |name: &str| texts.iter().enumerate().map(|(count, text)| part(name, text, count)).collect::<String>();
    let block = |kind: &str, block: Value, delta: &str, name: &str| {
        let block = json!({"type": "content_block_start", "index": 0, "content_block": block});
        let message = json!({"id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}});
        let start = json!({"type": "message_start", "message": message});
        (kind.to_owned(), anthropic(&[start, block]) + &anthropic(&deltas(0, delta, name, &texts)))
    };
    let tool = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
    for (dialect, (what, stream)) in [
        (Dialect::Anthropic, block("text", json!({"type": "text", "text": ""}), "text_delta", "text")),
        (
            Dialect::Anthropic,
            block("thinking", json!({"type": "thinking", "thinking": ""}), "thinking_delta", "thinking"),
        ),
        (Dialect::Anthropic, block("arguments", tool, "input_json_delta", "partial_json")),
        (Dialect::Gemini, ("text".to_owned(), gemini("text"))),
        (Dialect::Gemini, ("thoughts".to_owned(), gemini("thought"))),
    ] {
        let (out, reads) = translate(dialect, [stream.as_bytes()], true);
        assert_eq!(out, translate(dialect, [stream.as_bytes()], false).0, "{dialect:?}, {what}");
        assert!(reads < 10, "{dialect:?}, {what}: {reads} were read");
    }
}

#[test]
fn one_that_is_cut_is_never_taken_for_whole() {
    for (dialect, stream) in streams() {
        // The last event of each is what says that it was whole.
        let last = stream.rfind("\ndata:").expect("the last event");
        for at in (0..last).step_by(7) {
            let (out, _) = translate(dialect, [&stream.as_bytes()[..at]], true);
            assert!(out.contains("\"type\":\"stream_truncated\""), "{dialect:?}, cut at {at}");
            assert!(!out.contains("[DONE]"), "{dialect:?}, cut at {at}");
            assert!(read(&out).1.is_err(), "{dialect:?}, cut at {at}");
        }
    }
}

#[test]
fn the_way_back_can_be_written_down() {
    for way in [
        WayBack::default(),
        back(),
        WayBack {
            model: "a \"b\" \\ é 😀\n".to_owned(),
            customs: vec!["x".to_owned(), "y\"".to_owned()],
            has_answer_tool: true,
            may_cite: true,
            ..WayBack::default()
        },
    ] {
        assert_eq!(WayBack::read(&way.write()), way);
        serde_json::from_str::<Value>(&way.write()).expect("JSON");
    }
    for none in ["", "null", "[]", "{", "{\"model\":7,\"customs\":{}}"] {
        assert_eq!(WayBack::read(none), WayBack::default(), "{none}");
    }
}

proptest! {
    #[test]
    fn nobody_can_tell_what_was_not_read(
        is_gemini in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..6),
        swaps in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 0..4),
        size in 1..400_usize,
    ) {
        let (dialect, stream) = &streams()[usize::from(is_gemini)];
        let mut events: Vec<&str> = stream.split_inclusive(if is_gemini { "\r\n\r\n" } else { "\n\n" }).collect();
        for [one, other] in swaps {
            let event = events[one.index(events.len())];
            events.insert(other.index(events.len()), event);
        }
        let mut bytes = events.concat().into_bytes();
        for (place, byte, how) in changes {
            let at = place.index(bytes.len());
            match how {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, byte),
                _ => bytes[at] = byte,
            }
        }
        let (judge, _) = translate(*dialect, [&bytes[..]], false);
        prop_assert_eq!(&translate(*dialect, [&bytes[..]], true).0, &judge);
        prop_assert_eq!(&translate(*dialect, bytes.chunks(size), true).0, &judge);
        // It is one of OpenAI's in any case, and ends in one way.
        let ends = judge.matches("data: [DONE]\n\n").count() + judge.matches("data: {\"error\":").count();
        prop_assert_eq!(ends, 1);
    }
}

/// The recorded streams. They are not part of this repository: see `tests/fixtures.rs`.
#[cfg(feature = "fixtures")]
#[test]
fn recorded_streams_are_the_same_however_they_are_cut() {
    let folder = std::path::PathBuf::from(std::env::var_os("CHATMUX_FIXTURES").expect("set CHATMUX_FIXTURES"));
    let load = |file: &str| std::fs::read_to_string(folder.join(file)).expect("the file can be read");
    let index: Value = serde_json::from_str(&load("index.json")).expect("JSON");
    let mut count = 0;
    for item in index.as_array().expect("a list") {
        let dialect = match item["dialect"].as_str() {
            Some("anthropic") => Dialect::Anthropic,
            Some("gemini") => Dialect::Gemini,
            _ => continue,
        };
        let file = item["file"].as_str().expect("a file");
        let stream = if file.ends_with(".chunks.txt") {
            let frame = |line: &str| {
                let event: Value = serde_json::from_str(line).expect("JSON");
                match event["type"].as_str() {
                    Some(name) => format!("event: {name}\ndata: {line}\n\n"),
                    None => format!("data: {line}\n\n"),
                }
            };
            load(file).lines().filter(|line| !line.is_empty()).map(frame).collect()
        } else if item["kind"] == "sse" {
            load(file)
        } else {
            let Ok(stream) = std::fs::read_to_string(folder.join(format!("{file}.response.sse"))) else { continue };
            stream
        };
        count += 1;
        let bytes = stream.as_bytes();
        let (judge, _) = translate(dialect, [bytes], false);
        assert_eq!(read(&judge).1, Ok(()), "{file}");
        assert_eq!(translate(dialect, [bytes], true).0, judge, "{file}");
        for at in 0..=bytes.len().min(4096) {
            let (one, other) = bytes.split_at(at);
            assert_eq!(translate(dialect, [one, other], true).0, judge, "{file}, cut at {at}");
        }
        for size in [1, 7, 64, 1000] {
            assert_eq!(translate(dialect, bytes.chunks(size), true).0, judge, "{file}, in parts of {size}");
        }
    }
    assert!(count > 20, "{count} streams");
}
