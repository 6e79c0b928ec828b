//! The parts of an answer go back in the order in which they came, however they were read.

use chatmux::dialect::gemini;
use chatmux::dialect::translate::Target;

use super::*;

const MODEL: &str = "gemini-3-pro";

/// The parts that are sent for the message of an answer when the conversation goes on.
fn sent(said: &Value) -> Value {
    let calls = said["tool_calls"].as_array().into_iter().flatten();
    let results = calls.map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "x"}));
    let mut messages = vec![json!({"role": "user", "content": "x"}), said.clone()];
    messages.extend(results);
    messages.push(json!({"role": "user", "content": "go on"}));
    let request =
        json!({"model": MODEL, "messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]});
    let target = Target { model: MODEL, is_aihubmix: false, is_strict: true };
    let outgoing = gemini::write_request(&request.to_string(), &target).expect("it can be sent");
    let body: Value = serde_json::from_str(&outgoing.body).expect("a body is JSON");
    body["contents"][1]["parts"].clone()
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

fn signed(mut part: Value, signature: &str) -> Value {
    part["thoughtSignature"] = signature.into();
    part
}

fn thought(text: &str) -> Value {
    signed(json!({"text": text, "thought": true}), text)
}

fn call(id: &str) -> Value {
    json!({"functionCall": {"id": id, "name": "f", "args": {"id": id}}})
}

fn image(data: &str) -> Value {
    json!({"inlineData": {"mimeType": "image/png", "data": data}})
}

fn code(text: &str) -> Value {
    json!({"executableCode": {"language": "PYTHON", "code": text}})
}

#[test]
fn parts_go_back_where_they_stood() {
    for parts in [
        json!([text("a"), code("1"), text("b"), code("2")]),
        json!([image("AA"), text("a")]),
        json!([text("é"), image("AA"), text("b"), signed(image("BB"), "S"), text("c")]),
        json!([signed(call("1"), "S"), text("a"), call("2")]),
        json!([thought("A"), signed(call("1"), "S"), thought("B"), call("2")]),
        json!([text("a"), signed(text("bé"), "S"), text("c"), signed(text(""), "T")]),
        json!([signed(text("a"), "S"), signed(call("1"), "T"), signed(text("b"), "U"), image("AA")]),
    ] {
        assert_eq!(sent(&message_of(parts.clone())), parts);
    }
}

#[test]
fn an_answer_in_the_usual_order_needs_no_marks() {
    let said = message_of(json!([text("a"), text("b"), image("AA"), signed(call("1"), "S"), call("2")]));
    assert_eq!(said.get("reasoning_details"), None);
}

#[test]
fn a_text_that_was_edited_is_sent_whole() {
    let mut said = message_of(json!([text("one "), code("1"), text("two")]));
    for (edited, parts) in [
        ("", json!([code("1")])),
        ("1", json!([text("1"), code("1")])),
        // No character ends after four bytes.
        ("a😀", json!([code("1"), text("a😀")])),
        ("a€😀", json!([text("a€"), code("1"), text("😀")])),
    ] {
        said["content"] = edited.into();
        assert_eq!(sent(&said), parts, "{edited:?}");
    }
    said["content"] = json!([{"type": "text", "text": "on"}, {"type": "text", "text": "e two"}]);
    assert_eq!(sent(&said), json!([text("one "), code("1"), text("two")]));
}

proptest! {
    #[test]
    fn any_order_is_kept(sorts in prop::collection::vec((0..7_u8, "[a-zé😀\"\\\\]{1,12}"), 1..12)) {
        // The first call of a turn is signed, as Gemini's are.
        let (mut parts, mut has_call) = (Vec::<Value>::new(), false);
        for (at, (sort, words)) in sorts.iter().enumerate() {
            let last = parts.last_mut().filter(|last| last.get("text").is_some() && last.as_object().map(|part| part.len()) == Some(1));
            match (sort, last) {
                (0, Some(last)) => last["text"] = (last["text"].as_str().unwrap_or_default().to_owned() + words).into(),
                (0, None) => parts.push(text(words)),
                (1, _) => parts.push(thought(words)),
                (2, _) if has_call => parts.push(call(&format!("c{at}"))),
                (2, _) => {
                    has_call = true;
                    parts.push(signed(call(&format!("c{at}")), "S"));
                }
                (3, _) => parts.push(image("AA")),
                (4, _) => parts.push(signed(image("BB"), words)),
                (5, _) => parts.push(signed(text(words), words)),
                _ => parts.push(code(words)),
            }
        }
        let parts = json!(parts);
        prop_assert_eq!(sent(&message_of(parts.clone())), parts);
    }
}
