//! What was said before, as the turns of a conversation with Gemini.

use super::{NEW, OLD, body, losses, talk, target, write, write_to};
use chatmux::dialect::translate::{Action, Target};
use serde_json::{Value, json};

#[test]
fn messages_become_turns() {
    let picture = "data:image/PNG;base64,AAAA";
    type Row = (Value, Value, Value, Vec<(&'static str, Action)>);
    let user = |parts: Value| json!([{"role": "user", "parts": parts}]);
    let rows: Vec<Row> = vec![
        (
            json!([{"role": "system", "content": "one"}, {"role": "developer", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": ""}]}, {"role": "user", "content": "hi"}]),
            json!([{"text": "one"}, {"text": "two"}]),
            user(json!([{"text": "hi"}])),
            vec![],
        ),
        (
            json!([{"role": "user", "content": "a"}, {"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": ""}]}]),
            json!([{"text": "s"}]),
            user(json!([{"text": "a"}, {"text": "b"}])),
            vec![("messages[1]", Action::Moved)],
        ),
        (
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "annotations": [{"type": "url_citation"}]}, {"role": "user", "name": "ada", "content": "c"}]),
            Value::Null,
            json!([{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}, {"text": "no"}]}, {"role": "user", "parts": [{"text": "c"}]}]),
            vec![("messages[3].name", Action::Dropped)],
        ),
        (
            json!([{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": picture, "detail": "high"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.WEBP?x=.gif", "detail": "auto"}},
                {"type": "image_url", "image_url": {"url": "https://example.com"}},
                {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC", "filename": "a.pdf"}},
                {"type": "file", "file": {"file_data": "DDDD", "filename": "b.csv"}},
                {"type": "file", "file": {"file_id": "files/abc"}},
                {"type": "video_url", "video_url": {"url": "https://youtu.be/x"}, "video_metadata": {"start_offset": "1s"}},
                {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
            ]}]),
            Value::Null,
            user(json!([
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
                {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/a.WEBP?x=.gif"}},
                {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com"}},
                {"inlineData": {"mimeType": "audio/mp3", "data": "BBBB"}},
                {"inlineData": {"mimeType": "application/pdf", "data": "CCCC"}},
                {"inlineData": {"mimeType": "text/csv", "data": "DDDD"}},
                {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
                {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"startOffset": "1s"}},
                {"text": "look"},
            ])),
            vec![
                ("messages[0].content[2].image_url", Action::Assumed),
                ("messages[0].content[8].cache_control", Action::Dropped),
            ],
        ),
    ];
    for (messages, system, contents, lost) in rows {
        let outgoing = write(NEW, &talk(messages.clone()));
        let body = body(&outgoing);
        assert_eq!(body["systemInstruction"]["parts"], system, "{messages}");
        assert_eq!(body["contents"], contents, "{messages}");
        assert_eq!(losses(&outgoing), lost, "{messages}");
    }
    let detail =
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture, "detail": "low"}}]}]);
    assert_eq!(losses(&write(OLD, &talk(detail))), [("messages[0].content[0].image_url.detail", Action::Dropped)]);
}

pub fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn results_of_tools_come_in_the_order_of_the_calls() {
    let answer = |id: &str, content: Value| json!({"role": "tool", "tool_call_id": id, "content": content});
    let messages = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "well", "tool_calls": [
            call("1", "a", ""), call("2", "b", " {\"x\":1.50} "), call("3", "c", "{}"), call("4", "d", "{}"),
            {"id": "5", "type": "custom", "custom": {"name": "e", "input": "in\nput"}},
        ]},
        answer("3", json!("[1]")),
        answer("1", json!("{\"n\": 1e2}")),
        answer("4", json!("{\"schema\": {\"$ref\": \"#\"}}")),
        answer("2", json!([{"type": "text", "text": "x"}, {"type": "text", "text": "y"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}])),
        {"role": "tool", "tool_call_id": "5", "content": "broken", "is_error": true},
        {"role": "user", "content": "and?"},
    ]);
    let result = |id: &str, name: &str, response: Value| json!({"functionResponse": {"id": id, "name": name, "response": response}});
    let mut with_picture = result("2", "b", json!({"result": "x\ny"}));
    for (model, lost) in [
        (NEW, vec![("messages[1].tool_calls[0].extra_content", Action::Assumed)]),
        (OLD, vec![("messages[5].content[2]", Action::Moved)]),
    ] {
        let outgoing = write(model, &talk(messages.clone()));
        let body = body(&outgoing);
        let mut model_parts = json!([
            {"text": "well"},
            {"functionCall": {"id": "1", "name": "a", "args": {}}},
            {"functionCall": {"id": "2", "name": "b", "args": {"x": 1.5}}},
            {"functionCall": {"id": "3", "name": "c", "args": {}}},
            {"functionCall": {"id": "4", "name": "d", "args": {}}},
            {"functionCall": {"id": "5", "name": "e", "args": {"input": "in\nput"}}},
        ]);
        let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AA"}});
        let mut after = vec![json!({"text": "and?"})];
        if model == NEW {
            model_parts[1]["thoughtSignature"] = json!("skip_thought_signature_validator");
            with_picture["functionResponse"]["parts"] = json!([picture]);
        } else {
            with_picture["functionResponse"].as_object_mut().expect("an object").remove("parts");
            after.splice(0..0, [json!({"text": "What the tool b has returned besides:"}), picture]);
        }
        assert_eq!(body["contents"][1], json!({"role": "model", "parts": model_parts}), "{model}");
        let mut results = vec![
            result("1", "a", json!({"n": 100.0})),
            with_picture.clone(),
            result("3", "c", json!({"result": "[1]"})),
            result("4", "d", json!({"result": "{\"schema\": {\"$ref\": \"#\"}}"})),
            result("5", "e", json!({"error": "broken"})),
        ];
        results.extend(after);
        assert_eq!(body["contents"][2], json!({"role": "user", "parts": results}), "{model}");
        assert_eq!(losses(&outgoing), lost, "{model}");
        assert!(outgoing.body.contains("{\"x\":1.50}"), "numbers stay as they were written");
    }
    // Calls without ids, and the older form.
    let messages = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "tool_calls": [call("", "a", "{}"), call("", "b", "{}")]},
        {"role": "tool", "tool_call_id": "", "content": "first"},
        {"role": "tool", "tool_call_id": "", "content": "second"},
        {"role": "assistant", "content": null, "function_call": {"name": "c", "arguments": "{}"}},
        {"role": "function", "name": "c", "content": "third"},
    ]);
    let body = body(&write(OLD, &talk(messages)));
    let response = |name: &str, text: &str| json!({"functionResponse": {"name": name, "response": {"result": text}}});
    assert_eq!(body["contents"][2]["parts"], json!([response("a", "first"), response("b", "second")]));
    assert_eq!(body["contents"][3]["parts"], json!([{"functionCall": {"name": "c", "args": {}}}]));
    assert_eq!(body["contents"][4]["parts"], json!([response("c", "third")]));
}

/// A turn as a Gemini has made it, with all that must come back.
pub fn signed(model: &str) -> Value {
    let item = |mut item: Value| {
        item["format"] = json!("google-gemini-v1");
        item["model"] = json!(model);
        item
    };
    let mut first = call("1", "f", "{}");
    first["extra_content"] = json!({"google": {"thought_signature": "S\u{1f511}==", "model": model}});
    json!([
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": "Grüße, signed, tail",
            "reasoning_content": "hm",
            "reasoning_details": [
                item(json!({"type": "reasoning.text", "text": "hm", "index": 0})),
                item(json!({"type": "reasoning.server_tool_call", "part": {"executableCode": {"code": "1"}}, "index": 1})),
                item(json!({"type": "reasoning.encrypted", "data": "T1", "text_bytes": 8, "index": 2, "after": {"text_bytes": 9}})),
                item(json!({"type": "reasoning.encrypted", "data": "T2", "text_bytes": 0, "index": 3, "after": {"text_bytes": 21}})),
                item(json!({"type": "reasoning.encrypted", "data": "I", "image": 0, "index": 4, "after": {"text_bytes": 21}})),
            ],
            "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}],
            "tool_calls": [first, call("2", "g", "{}")],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": "y"},
    ])
}

#[test]
fn reasoning_goes_back_to_the_model_that_made_it() {
    let outgoing = write(NEW, &talk(signed(NEW)));
    assert_eq!(losses(&outgoing), []);
    let expected = json!([
        {"text": "hm", "thought": true},
        {"executableCode": {"code": "1"}},
        {"text": "Grüße, "},
        {"text": "signed, ", "thoughtSignature": "T1"},
        {"text": "tail"},
        {"text": "", "thoughtSignature": "T2"},
        {"inlineData": {"mimeType": "image/png", "data": "AA"}, "thoughtSignature": "I"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "S\u{1f511}=="},
        {"functionCall": {"id": "2", "name": "g", "args": {}}},
    ]);
    assert_eq!(body(&outgoing)["contents"][1]["parts"], expected);
}

#[test]
fn reasoning_of_another_model_is_left_out_and_reported() {
    let parts = |signature: Option<&str>| {
        let mut parts = json!([
            {"text": "Grüße, signed, tail"},
            {"inlineData": {"mimeType": "image/png", "data": "AA"}},
            {"functionCall": {"id": "1", "name": "f", "args": {}}},
            {"functionCall": {"id": "2", "name": "g", "args": {}}},
        ]);
        if let Some(signature) = signature {
            parts[2]["thoughtSignature"] = json!(signature);
        }
        parts
    };
    for (model, signature) in [(NEW, Some("skip_thought_signature_validator")), (OLD, None)] {
        let outgoing = write(model, &talk(signed("gemini-3-pro-preview")));
        assert_eq!(body(&outgoing)["contents"][1]["parts"], parts(signature));
        let lost = losses(&outgoing);
        for at in 0..5 {
            assert!(lost.contains(&(&*format!("messages[1].reasoning_details[{at}]"), Action::Dropped)), "{lost:?}");
        }
        assert!(lost.contains(&("messages[1].tool_calls[0].extra_content.google.thought_signature", Action::Dropped)));
        assert_eq!(lost.len(), 6 + usize::from(signature.is_some()));
        let strict = Target { is_strict: true, ..target(model) };
        let error = write_to(&strict, &talk(signed("gemini-3-pro-preview"))).expect_err("something is lost");
        assert!(error.message.contains("reasoning_details[0]"), "{}", error.message);
    }
    // Claude's thinking, thoughts of nobody, a text that was edited, and OpenRouter's way to sign a call.
    let mut edited = signed(NEW);
    edited[1]["content"] = json!("else");
    let outgoing = write(NEW, &talk(edited));
    assert_eq!(body(&outgoing)["contents"][1]["parts"][2], json!({"text": "else"}));
    assert_eq!(losses(&outgoing).len(), 2);
    let foreign = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-claude-v1"}]},
        {"role": "assistant", "content": "c", "reasoning_content": "t"},
        {"role": "assistant", "content": null, "tool_calls": [call("x", "f", "{}")], "reasoning_details": [{"type": "reasoning.encrypted", "data": "O", "id": "x", "format": "google-gemini-v1"}]},
        {"role": "tool", "tool_call_id": "x", "content": "d"},
    ]);
    let outgoing = write(NEW, &talk(foreign));
    let expected = json!([{"text": "b"}, {"text": "c"}, {"functionCall": {"id": "x", "name": "f", "args": {}}, "thoughtSignature": "O"}]);
    assert_eq!(body(&outgoing)["contents"][1]["parts"], expected);
    let lost =
        [("messages[1].reasoning_details[0]", Action::Dropped), ("messages[2].reasoning_content", Action::Dropped)];
    assert_eq!(losses(&outgoing), lost);
}

#[test]
fn a_signature_without_a_place_of_its_own_is_kept() {
    let details = json!([{"type": "reasoning.encrypted", "data": "L", "format": "google-gemini-v1"}]);
    let alone = json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_details": details}, {"role": "user", "content": "c"}]);
    let parts = &body(&write(NEW, &talk(alone)))["contents"][1]["parts"];
    assert_eq!(*parts, json!([{"text": "b"}, {"text": "", "thoughtSignature": "L"}]));
    let calls = json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": null, "tool_calls": [call("x", "f", "{}")], "reasoning_details": details}]);
    let parts = &body(&write(NEW, &talk(calls)))["contents"][1]["parts"];
    assert_eq!(*parts, json!([{"functionCall": {"id": "x", "name": "f", "args": {}}, "thoughtSignature": "L"}]));
}
