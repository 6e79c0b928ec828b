//! The blocks of an answer go back in the order in which they came, however they were read.

use chatmux::dialect::anthropic;
use chatmux::dialect::translate::Target;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

/// The blocks that are sent for a message when the conversation goes on.
fn sent(said: &Value, content: &Value) -> Value {
    let calls = content.as_array().expect("a list").iter().filter(|block| block["type"] == "tool_use");
    let results = calls.map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "x"}));
    let mut messages = vec![json!({"role": "user", "content": "x"}), said.clone()];
    messages.extend(results);
    messages.push(json!({"role": "user", "content": "go on"}));
    let request =
        json!({"model": MODEL, "messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]});
    let target = Target { model: MODEL, is_aihubmix: false, is_strict: true };
    let outgoing = anthropic::write_request(&request.to_string(), &target).expect("it can be sent");
    parsed(&outgoing.body)["messages"][1]["content"].clone()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn thinking(text: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": format!("s{text}")})
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "f", "input": {"id": id}})
}

fn search(id: &str) -> Value {
    json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": id}})
}

#[test]
fn blocks_go_back_where_they_stood() {
    for content in [
        json!([thinking("A"), call("1"), thinking("B"), call("2")]),
        json!([thinking("A"), text("é\n"), call("1"), thinking("B"), text("\"x\""), thinking("C"), call("2")]),
        json!([text("a"), search("s1"), {"type": "redacted_thinking", "data": "d"}, text("b"), search("s2")]),
        json!([text("a"), call("1"), text("b"), call("2"), text("c")]),
        json!([call("1"), text("b"), thinking("B"), call("2")]),
        json!([thinking(""), call("1"), call("2"), thinking("B"), text("c")]),
        json!([call("1"), thinking("B"), thinking("C"), text("c"), thinking("D")]),
    ] {
        let said = both(&message(content.clone()), &back())["choices"][0]["message"].clone();
        assert_eq!(sent(&said, &content), content);
    }
}

#[test]
fn an_answer_in_the_usual_order_needs_no_marks() {
    let content = json!([thinking("A"), text("a"), text("b"), call("1"), call("2")]);
    let said = both(&message(content), &back())["choices"][0]["message"].clone();
    let details = said["reasoning_details"].as_array().expect("a list");
    assert_eq!((details.len(), details[0].get("after")), (1, None));
    let plain = both(&message(json!([text("a"), call("1")])), &back())["choices"][0]["message"].clone();
    assert_eq!(plain.get("reasoning_details"), None);
}

#[test]
fn a_text_that_was_edited_is_sent_whole() {
    let content = json!([thinking("A"), text("one "), thinking("B"), text("two"), call("1")]);
    let mut said = both(&message(content.clone()), &back())["choices"][0]["message"].clone();
    for (edited, blocks) in [
        ("", json!([thinking("A"), thinking("B"), call("1")])),
        ("1", json!([thinking("A"), text("1"), thinking("B"), call("1")])),
        // No character ends after four bytes.
        ("eén 😀", json!([thinking("A"), text("eén"), thinking("B"), text(" 😀"), call("1")])),
        ("😃😀", json!([thinking("A"), text("😃"), thinking("B"), text("😀"), call("1")])),
        ("a😀", json!([thinking("A"), thinking("B"), text("a😀"), call("1")])),
        // Spaces alone are no block.
        ("    two", json!([thinking("A"), thinking("B"), text("    two"), call("1")])),
    ] {
        said["content"] = edited.into();
        assert_eq!(sent(&said, &content), blocks, "{edited:?}");
    }
    // The same words in parts, and with a mark for the cache.
    said["content"] = json!([text("on"), {"type": "text", "text": "e two", "cache_control": {"type": "ephemeral"}}]);
    let blocks = json!([
        thinking("A"),
        text("on"),
        text("e "),
        thinking("B"),
        {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}},
        call("1"),
    ]);
    assert_eq!(sent(&said, &content), blocks);
}

#[test]
fn nothing_is_lost_where_there_are_more_blocks_than_marks() {
    let content: Vec<Value> =
        (0..400).map(|at| if at % 2 == 0 { thinking(&at.to_string()) } else { text(&at.to_string()) }).collect();
    let content = json!(content);
    let said = both(&message(content.clone()), &back())["choices"][0]["message"].clone();
    assert_eq!(sent(&said, &content), content);
}

#[test]
fn what_stands_where_nothing_does_is_sent_at_the_end() {
    let content = json!([thinking("A"), call("1")]);
    let mut said = both(&message(content.clone()), &back())["choices"][0]["message"].clone();
    for after in [json!({"text_bytes": 99, "calls": 99, "images": 99}), json!({"calls": 1e99}), json!({"calls": 1})] {
        said["reasoning_details"][0]["after"] = after.clone();
        let is_last = after["calls"] != json!(1e99);
        let blocks = if is_last { json!([call("1"), thinking("A")]) } else { content.clone() };
        assert_eq!(sent(&said, &content), blocks, "{after}");
    }
}

proptest! {
    #[test]
    fn any_order_is_kept(sorts in prop::collection::vec((0..4_u8, "[a-zé😀\"\\\\]{1,12}"), 1..12)) {
        let mut content: Vec<Value> = Vec::new();
        for (at, (sort, words)) in sorts.iter().enumerate() {
            let last = content.last_mut().filter(|last| last["type"] == "text");
            match (sort, last) {
                (0, Some(last)) => last["text"] = (last["text"].as_str().unwrap_or_default().to_owned() + words).into(),
                (0, None) => content.push(text(words)),
                (1, _) => content.push(thinking(words)),
                (2, _) => content.push(call(&format!("c{at}"))),
                _ => content.push(search(&format!("s{at}"))),
            }
        }
        let content = json!(content);
        let said = both(&message(content.clone()), &back())["choices"][0]["message"].clone();
        prop_assert_eq!(sent(&said, &content), content);
    }
}
