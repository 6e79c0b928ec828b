//! The shared recordings: `CHATMUX_FIXTURES=/path/to/fixtures cargo test --features fixtures --test anthropic`.

use std::path::PathBuf;

use chatmux::dialect::anthropic::{read_error, read_response};
use chatmux::dialect::translate::{Step, WayBack};
use serde_json::{Value, json};

use crate::support::*;

fn load(file: &str) -> String {
    let folder = std::env::var_os("CHATMUX_FIXTURES").expect("set CHATMUX_FIXTURES to the folder with index.json");
    let path = PathBuf::from(folder).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A recording: whole, with its status, or the events of a stream.
enum Recorded {
    Whole(u64, Value),
    Stream(Vec<Value>),
}

fn recordings() -> Vec<(String, Recorded)> {
    let index = parsed(&load("index.json"));
    let items = index.as_array().expect("a list").iter().filter(|item| item["dialect"] == "anthropic");
    let of_lines = |text: &str, mark: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(mark)).filter(|line| !line.trim().is_empty());
        Recorded::Stream(lines.map(parsed).collect())
    };
    let recordings = items.map(|item| {
        let file = item["file"].as_str().expect("a name");
        let recorded = match item["kind"].as_str() {
            Some("chunks") => of_lines(&load(file), ""),
            Some("sse") => of_lines(&load(file), "data: "),
            Some("body") => Recorded::Whole(200, parsed(&load(file))),
            _ if item["stream"] == true => of_lines(&load(&format!("{file}.response.sse")), "data: "),
            _ => {
                let status = item["status"].as_u64().expect("a status");
                Recorded::Whole(status, parsed(&load(&format!("{file}.response.json"))))
            }
        };
        (file.to_owned(), recorded)
    });
    recordings.collect()
}

fn back_of(name: &str) -> WayBack {
    WayBack { has_answer_tool: name.contains("json-tool"), ..back() }
}

/// The message that a stream is of, put together as Anthropic's own client does.
fn message_of(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let mut json = String::new();
    for event in events {
        let at = usize::try_from(event["index"].as_u64().unwrap_or(0)).expect("a place");
        let delta = &event["delta"];
        match event["type"].as_str().expect("a type") {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                json.clear();
                message["content"].as_array_mut().expect("a list").push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let block = &mut message["content"][at];
                let mut grow = |name: &str| {
                    let text = [block[name].as_str().unwrap_or(""), delta[name].as_str().expect("a text")].concat();
                    block[name] = text.into();
                };
                match delta["type"].as_str().expect("a type") {
                    "text_delta" => grow("text"),
                    "thinking_delta" => grow("thinking"),
                    "signature_delta" => grow("signature"),
                    "input_json_delta" => {
                        json.push_str(delta["partial_json"].as_str().expect("a text"));
                        if let Ok(input) = serde_json::from_str(&json) {
                            block["input"] = input;
                        }
                    }
                    other => panic!("{other}"),
                }
            }
            "message_delta" => {
                for (name, value) in delta.as_object().expect("an object") {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().expect("an object") {
                    message["usage"][name] = value.clone();
                }
                if !event["context_management"].is_null() {
                    message["context_management"] = event["context_management"].clone();
                }
            }
            _ => {}
        }
    }
    message
}

/// The same without the blanks in what was said to tools, which a whole answer does not have.
fn without_blanks(completion: &mut Value, has_answer_tool: bool) {
    let message = &mut completion["choices"][0]["message"];
    let compact = |json: &mut Value| *json = parsed(json.as_str().expect("a text")).to_string().into();
    for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
        compact(&mut call["function"]["arguments"]);
    }
    for item in message["reasoning_details"].as_array_mut().into_iter().flatten() {
        if item["type"] == "reasoning.server_tool_call" {
            compact(&mut item["data"]);
        }
    }
    if has_answer_tool {
        compact(&mut message["content"]);
    }
}

#[test]
fn every_recording_is_read_and_streams_come_to_what_their_messages_do() {
    let (mut wholes, mut streams, mut errors) = (0, 0, 0);
    for (name, recorded) in recordings() {
        let back = back_of(&name);
        match recorded {
            Recorded::Whole(200, message) => {
                let mut seen = both(&message, &back);
                let choice = &seen["choices"][0];
                assert_eq!((&seen["id"], &seen["model"]), (&message["id"], &message["model"]), "{name}");
                assert_eq!(choice["native_finish_reason"], message["stop_reason"], "{name}");
                assert_eq!(seen["usage"]["completion_tokens"], message["usage"]["output_tokens"], "{name}");
                without_blanks(&mut seen, back.has_answer_tool);
                wholes += 1;
            }
            Recorded::Whole(status, body) => {
                let error = read_error(&body.to_string(), u16::try_from(status).expect("a status"));
                assert_eq!(json!(error.expect("it is an error").message), body["error"]["message"], "{name}");
                errors += 1;
            }
            Recorded::Stream(events) => {
                let mut seen = streamed(&events, &back);
                assert_eq!(seen.end, Ok(Step::Finished), "{name}");
                let mut whole = whole(&message_of(&events), &back);
                without_blanks(&mut whole, back.has_answer_tool);
                without_blanks(&mut seen.completion, back.has_answer_tool);
                assert_eq!(seen.completion, whole, "{name}");
                streams += 1;
            }
        }
    }
    assert_eq!((wholes, streams, errors), (21, 13, 1));
}

#[test]
fn a_recorded_stream_is_read_whole_as_its_body_is() {
    // Padded by Anthropic, re-indented by whoever has recorded it.
    for (name, recorded) in recordings() {
        if let Recorded::Whole(200, message) = recorded {
            let pretty = serde_json::to_string_pretty(&message).expect("it is JSON");
            let seen = read_response(&pretty, &back_of(&name), CREATED).expect("it is an answer");
            assert_eq!(parsed(&seen), whole(&message, &back_of(&name)), "{name}");
        }
    }
}
