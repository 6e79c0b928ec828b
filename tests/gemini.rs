//! What Gemini answers, as OpenAI's completions and chunks.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::dialect::gemini::{Events, read_error, read_response};
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::json::Writer;
use chatmux::partial::Partial;
use serde_json::{Value, json};

const CREATED: u64 = 1_700_000_000;

fn back() -> WayBack {
    WayBack { model: "gemini-3-pro".into(), include_usage: true, may_cite: true, ..WayBack::default() }
}

/// The chunks of a stream, and how it has ended.
fn stream(events: &[Value], back: &WayBack) -> (Vec<Value>, Step) {
    let mut reader = Events::new(back.clone(), CREATED);
    let mut chunks = Vec::new();
    for event in events {
        let mut out = Writer::default();
        let step = reader.read_event("", &event.to_string(), &mut out).expect("the event is one");
        chunks.extend(out.texts().map(|chunk| serde_json::from_str(chunk).expect("a chunk is JSON")));
        if step != Step::Going {
            return (chunks, step);
        }
    }
    let mut out = Writer::default();
    let step = reader.finish(&mut out);
    chunks.extend(out.texts().map(|chunk| serde_json::from_str(chunk).expect("a chunk is JSON")));
    (chunks, step)
}

/// What the chunks of a stream come to, which must be whole.
fn put_together(events: &[Value], back: &WayBack) -> Value {
    let (chunks, step) = stream(events, back);
    assert_eq!(step, Step::Finished, "{events:?}");
    let mut partial = Partial::default();
    for chunk in chunks {
        partial.add(&chunk.to_string());
    }
    serde_json::from_str(&partial.json()).expect("a completion is JSON")
}

fn whole(body: &Value, back: &WayBack) -> Value {
    let completion = read_response(&body.to_string(), back, CREATED).expect("the body is an answer");
    serde_json::from_str(&completion).expect("a completion is JSON")
}

/// An answer of these parts.
fn answer(parts: Value, finish: &str) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12},
        "modelVersion": "gemini-3-pro-preview",
        "responseId": "r1",
    })
}

/// The events that a server could send in the place of a whole answer: a part each, and its text in halves.
fn events_of(answer: &Value) -> Vec<Value> {
    let mut events = Vec::new();
    let envelope = |candidate: Value| {
        let mut event = answer.clone();
        event["candidates"] = json!([candidate]);
        event
    };
    for candidate in answer["candidates"].as_array().into_iter().flatten() {
        let mut last = candidate.clone();
        last["content"]["parts"] = json!([]);
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            let mut pieces = vec![part.clone()];
            let text: Vec<char> = part["text"].as_str().unwrap_or("").chars().collect();
            if text.len() > 1 && part["thoughtSignature"].is_null() {
                let (head, tail) = text.split_at(text.len() / 2);
                pieces = [head, tail]
                    .map(|half| {
                        let mut piece = part.clone();
                        piece["text"] = half.iter().collect::<String>().into();
                        piece
                    })
                    .into();
            }
            for piece in pieces {
                events.push(envelope(
                    json!({"index": candidate["index"], "content": {"role": "model", "parts": [piece]}}),
                ));
            }
        }
        events.push(envelope(last));
    }
    if events.is_empty() { vec![answer.clone()] } else { events }
}

#[test]
fn text_comes_through() {
    let body = answer(json!([{"text": "Hel"}, {"text": "lo \u{1f600}"}]), "STOP");
    let completion = whole(&body, &back());
    assert_eq!(completion["choices"][0]["message"]["content"], "Hello \u{1f600}");
    assert_eq!(completion, put_together(&events_of(&body), &back()));
}

#[cfg(feature = "fixtures")]
mod recorded {
    use super::*;

    fn load(file: &str) -> String {
        let folder = std::env::var_os("CHATMUX_FIXTURES").expect("set CHATMUX_FIXTURES to the folder of index.json");
        let path = std::path::PathBuf::from(folder).join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The recorded answers: their names, their statuses, and their events, or the one body.
    fn items() -> Vec<(String, u16, bool, Vec<Value>)> {
        let index: Value = serde_json::from_str(&load("index.json")).expect("the index is JSON");
        let items = index.as_array().expect("the index is a list").iter().filter(|item| item["dialect"] == "gemini");
        let read = items.map(|item| {
            let file = item["file"].as_str().expect("a file has a name");
            let status = item["status"].as_u64().map_or(200, |status| u16::try_from(status).expect("a status"));
            let parse =
                |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let (is_stream, events) = if item["kind"] == "chunks" {
                (true, load(file).lines().filter(|line| !line.trim().is_empty()).map(parse).collect())
            } else if item["kind"] == "body" {
                (false, vec![parse(&load(file))])
            } else if item["stream"] == true {
                let text = load(&[file, ".response.sse"].concat());
                (true, text.lines().filter_map(|line| line.strip_prefix("data: ")).map(parse).collect())
            } else {
                (false, vec![parse(&load(&[file, ".response.json"].concat()))])
            };
            (file.to_owned(), status, is_stream, events)
        });
        read.collect()
    }

    #[test]
    fn every_recording_decodes() {
        let items = items();
        assert!(items.len() >= 28, "{} recordings were found", items.len());
        for (name, status, is_stream, events) in items {
            println!("{name}");
            let [body] = &events[..] else {
                assert!(is_stream);
                let joined = Value::Array(events.clone());
                println!("{}", whole(&joined, &back()));
                assert_eq!(whole(&joined, &back()), put_together(&events, &back()), "{name}");
                continue;
            };
            if status != 200 || body["error"].is_object() {
                println!("{:?}", read_error(&body.to_string(), status));
                continue;
            }
            println!("{}", whole(body, &back()));
            assert_eq!(whole(body, &back()), put_together(&events_of(body), &back()), "{name}");
        }
    }
}
