//! What Gemini answers, as OpenAI's completions and chunks.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::Kind;
use chatmux::dialect::gemini::{Events, read_error, read_response};
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::json::{Tree, Writer};
use chatmux::partial::Partial;
use proptest::prelude::*;
use serde_json::{Value, json};

mod calls;
mod ends;
mod errors;
mod hostile;
mod message;
mod order;
#[cfg(feature = "fixtures")]
mod recorded;
mod templates;

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
    let mut completion: Value = serde_json::from_str(&partial.json()).expect("a completion is JSON");
    // Chunks say that they have none, and a whole answer leaves it out.
    if completion["usage"].is_null() {
        completion.as_object_mut().expect("an object").remove("usage");
    }
    completion
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

/// What an answer of these parts comes to, whole and streamed.
fn message_of(parts: Value) -> Value {
    let body = answer(parts, "STOP");
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(&events_of(&body), &back()), "{body}");
    completion["choices"][0]["message"].clone()
}

fn function_call(name: &str, args: Value) -> Value {
    json!({"functionCall": {"name": name, "args": args}})
}
