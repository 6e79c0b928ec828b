//! Answers, the streams that they would be, and what both come to.

use chatmux::dialect::anthropic::blocks::{Item, write_back};
use chatmux::dialect::anthropic::{Events, read_response};
use chatmux::dialect::layout::Position;
use chatmux::dialect::openai::Malformed;
use chatmux::dialect::translate::{Step, WayBack};
use chatmux::json::{Tree, Writer};
use chatmux::partial::Partial;
use serde_json::{Value, json};

pub const MODEL: &str = "claude-opus-5";
pub const CREATED: u64 = 1_700_000_000;

pub fn back() -> WayBack {
    WayBack { model: MODEL.to_owned(), include_usage: true, may_cite: true, ..WayBack::default() }
}

/// A whole answer with these blocks.
pub fn message(content: Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-20260901", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null,
        "usage": {"input_tokens": 10, "output_tokens": 4},
    })
}

/// The same with another end.
pub fn ended(content: Value, reason: &str) -> Value {
    let mut message = message(content);
    message["stop_reason"] = reason.into();
    message
}

pub fn whole(message: &Value, back: &WayBack) -> Value {
    let body = message.to_string();
    parsed(&read_response(&body, back, CREATED).unwrap_or_else(|error| panic!("{}: {body}", error.message)))
}

/// A text in parts of one to three characters.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for (at, character) in text.chars().enumerate() {
        parts.last_mut().expect("there is one").push(character);
        if at % 6 == 0 || at % 6 == 1 || at % 6 == 3 {
            parts.push(String::new());
        }
    }
    parts
}

/// The events that a whole answer would be streamed as.
pub fn events_of(message: &Value) -> Vec<Value> {
    let mut start = message.clone();
    start["content"] = json!([]);
    (start["stop_reason"], start["stop_details"], start["stop_sequence"]) = (Value::Null, Value::Null, Value::Null);
    start["usage"]["output_tokens"] = 1.into();
    let mut events = vec![json!({"type": "message_start", "message": start}), json!({"type": "ping"})];
    for (index, block) in message["content"].as_array().expect("a list").iter().enumerate() {
        let mut begun = block.clone();
        let mut deltas = Vec::new();
        let text = |name: &str| block[name].as_str().map(parts).unwrap_or_default();
        match block["type"].as_str().expect("a type") {
            "text" => {
                begun["text"] = "".into();
                for citation in block["citations"].as_array().into_iter().flatten() {
                    begun["citations"] = json!([]);
                    deltas.push(json!({"type": "citations_delta", "citation": citation}));
                }
                deltas.extend(text("text").iter().map(|text| json!({"type": "text_delta", "text": text})));
            }
            "thinking" => {
                (begun["thinking"], begun["signature"]) = ("".into(), "".into());
                let thinking = text("thinking");
                deltas.extend(thinking.iter().map(|text| json!({"type": "thinking_delta", "thinking": text})));
                if !block["signature"].is_null() {
                    deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
                }
            }
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                begun["input"] = json!({});
                if block["input"] != json!({}) {
                    let json = parts(&block["input"].to_string());
                    deltas.extend(json.iter().map(|text| json!({"type": "input_json_delta", "partial_json": text})));
                }
            }
            "compaction" => {
                begun["content"] = Value::Null;
                deltas.push(json!({"type": "compaction_delta", "content": block["content"]}));
            }
            _ => {}
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.into_iter().map(delta));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut delta = json!({});
    for name in ["stop_reason", "stop_sequence", "stop_details"] {
        delta[name] = message[name].clone();
    }
    events.push(json!({"type": "message_delta", "delta": delta, "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    events
}

/// What a stream has come to: its chunks, and how it ended.
#[derive(Debug, PartialEq)]
pub struct Streamed {
    pub chunks: Vec<Value>,
    pub completion: Value,
    pub end: Result<Step, Malformed>,
}

pub fn streamed<'a>(events: impl IntoIterator<Item = &'a Value>, back: &WayBack) -> Streamed {
    let texts: Vec<(String, String)> =
        events.into_iter().map(|event| (event["type"].as_str().unwrap_or("").to_owned(), event.to_string())).collect();
    streamed_texts(texts.iter().map(|(name, data)| (&**name, &**data)), back)
}

pub fn streamed_texts<'a>(events: impl IntoIterator<Item = (&'a str, &'a str)>, back: &WayBack) -> Streamed {
    let mut reader = Events::new(back.clone(), CREATED);
    let (mut partial, mut chunks, mut end) = (Partial::default(), Vec::new(), None);
    let mut out = Writer::default();
    for (name, data) in events {
        out.clear();
        let revision = reader.revision();
        let step = reader.read_event(name, data, &mut out);
        if step == Ok(Step::Going) && reader.revision() == revision {
            // Whatever else is in the chunks would be said of the next event like this one, too.
            for copied in out.copied() {
                let source = data.get(copied.source..copied.source + copied.length);
                assert_eq!(source, out.json().get(copied.output..copied.output + copied.length), "{data}");
            }
        }
        for text in out.texts() {
            partial.add(text);
            chunks.push(parsed(text));
        }
        if step != Ok(Step::Going) {
            end = Some(step);
            break;
        }
    }
    out.clear();
    let end = end.unwrap_or_else(|| Ok(reader.finish(&mut out)));
    for text in out.texts() {
        partial.add(text);
        chunks.push(parsed(text));
    }
    Streamed { chunks, completion: parsed(&partial.json()), end }
}

/// The completion of a whole answer, which must be that of its stream.
pub fn both(message: &Value, back: &WayBack) -> Value {
    let whole = whole(message, back);
    let streamed = streamed(&events_of(message), back);
    assert_eq!(streamed.end, Ok(Step::Finished));
    assert_eq!(streamed.completion, whole, "streamed, and whole");
    whole
}

pub fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// What a block becomes as an item.
pub fn item_of(block: &str) -> String {
    let mut tree = Tree::whole();
    let number = tree.add(block).expect("it is JSON");
    let block = tree.value(number);
    let mut out = Writer::default();
    Item::of(block.get("type").expect("it has a type")).write(&mut out, 3, Position::default(), MODEL, block);
    out.into_json()
}

/// What an item becomes as a block.
pub fn block_of(item: &str, model: &str) -> Result<String, &'static str> {
    let mut tree = Tree::whole();
    let number = tree.add(item).expect("it is JSON");
    let mut out = Writer::default();
    let written = write_back(&mut out, tree.value(number), model);
    assert_eq!(written.is_ok(), !out.is_empty(), "{item}");
    written.map(|()| out.into_json())
}
