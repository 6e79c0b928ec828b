//! Recorded conversations: what is read from an answer goes back as it was recorded in the next request.
//! `CHATMUX_FIXTURES=/path/to/fixtures cargo test --features fixtures --test anthropic_request`.

use std::path::PathBuf;

use chatmux::dialect::anthropic::read_response;
use serde_json::{Value, json};

use super::{asking, body, losses, outgoing};

fn load(name: &str) -> Value {
    let folder = std::env::var_os("CHATMUX_FIXTURES").expect("set CHATMUX_FIXTURES to the folder with index.json");
    let path = PathBuf::from(folder).join("pydantic-ai/test_anthropic").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// The blocks without what says no more than its absence.
fn bare(blocks: &Value) -> Vec<Value> {
    let mut blocks = blocks.as_array().expect("blocks").clone();
    for block in &mut blocks {
        if let Some(block) = block.as_object_mut() {
            block.retain(|name, value| !(name == "is_error" && *value == json!(false)));
        }
    }
    blocks
}

#[test]
fn an_answer_goes_back_as_it_came() {
    for name in ["test_anthropic_tool_with_thinking", "test_multiple_parallel_tool_calls"] {
        let first = load(&format!("{name}.0.request.json"));
        let answer = load(&format!("{name}.0.response.json"));
        let second = load(&format!("{name}.1.request.json"));
        let model = first["model"].as_str().expect("a model");
        let mut asked = asking(json!({"thinking": first["thinking"], "max_tokens": first["max_tokens"]}));
        let question = &first["messages"][0]["content"][0]["text"];
        let messages = json!([{"role": "user", "content": question}]);
        asked["messages"] = messages;
        if let Some(tools) = first["tools"].as_array() {
            let tool = |tool: &Value| {
                let function = json!({"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]});
                json!({"type": "function", "function": function})
            };
            asked["tools"] = tools.iter().map(tool).collect();
            asked["tool_choice"] = json!("auto");
        }
        let sent = outgoing(model, &asked);
        let read = read_response(&answer.to_string(), &sent.back, 0).expect("an answer");
        let read: Value = serde_json::from_str(&read).expect("JSON");
        let message = &read["choices"][0]["message"];
        let list = asked["messages"].as_array_mut().expect("messages");
        list.push(message.clone());
        for block in second["messages"][2]["content"].as_array().expect("blocks") {
            let content = &block["content"];
            list.push(json!({"role": "tool", "tool_call_id": block["tool_use_id"], "content": content}));
        }
        let sent = outgoing(model, &asked);
        assert!(losses(&sent).is_empty(), "{name}: {:?}", losses(&sent));
        let sent = body(&sent);
        for at in 0..3 {
            let (given, wanted) = (&sent["messages"][at], &second["messages"][at]);
            assert_eq!(given["role"], wanted["role"], "{name} {at}");
            assert_eq!(bare(&given["content"]), bare(&wanted["content"]), "{name} {at}");
        }
        assert_eq!(sent["thinking"], second["thinking"], "{name}");
        assert_eq!(sent["tool_choice"], second["tool_choice"], "{name}");
    }
}
