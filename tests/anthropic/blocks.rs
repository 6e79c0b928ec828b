//! What travels in `reasoning_details`, and back.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn blocks_come_back_byte_for_byte() {
    for block in [
        r#"{"type":"thinking","thinking":"caf\u00e9 \"x\"\n\/","signature":"EqQB\/+=="}"#,
        r#"{"type":"thinking","thinking":"","signature":"only"}"#,
        r#"{"type":"redacted_thinking","data":"Eq\u0051B=="}"#,
        r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"a \"b\" \\ c"}}"#,
        r#"{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"url":"https://x","n":1.50}]}"#,
    ] {
        let item = item_of(block);
        assert_eq!(parsed(&item)["format"], "anthropic-claude-v1");
        assert_eq!(parsed(&item)["index"], 3);
        assert_eq!(block_of(&item, MODEL).as_deref(), Ok(block));
        assert_eq!(block_of(&item, "claude-opus-5-20260901").as_deref(), Ok(block), "a date makes no other model");
        assert_eq!(block_of(&item, "claude-sonnet-4-5"), Err("another model made it"));
    }
}

#[test]
fn items_that_are_no_blocks_of_claude_are_refused() {
    let of = |item: Value| block_of(&item.to_string(), MODEL);
    for format in ["google-gemini-v1", "openai-responses-v1", "unknown"] {
        let refused = of(json!({"type": "reasoning.text", "text": "x", "signature": "s", "format": format}));
        assert_eq!(refused, Err("another vendor made it, or nobody knows who"));
    }
    let format = "anthropic-claude-v1";
    assert_eq!(of(json!({"type": "reasoning.text", "text": "x", "format": format})), Err("it has no signature"));
    for item in [
        json!({"type": "reasoning.summary", "summary": "x", "format": format}),
        json!({"type": "reasoning.summary", "data": "{}", "format": format}),
        json!({"type": "reasoning.encrypted", "format": format}),
        json!({"type": "reasoning.server_tool_call", "data": "[1]", "format": format}),
        json!({"type": "reasoning.server_tool_call", "data": "{", "format": format}),
    ] {
        assert_eq!(of(item), Err("nothing is in it that Anthropic takes"));
    }
    // Of other endpoints, that hand out the blocks themselves.
    let block = r#"{"type":"thinking","thinking":"x","signature":"s"}"#;
    assert_eq!(
        block_of(r#"{"type":"thinking","thinking":"x","signature":"s","index":0}"#, MODEL).as_deref(),
        Ok(block)
    );
    let block = r#"{"type":"redacted_thinking","data":"d"}"#;
    assert_eq!(block_of(block, MODEL).as_deref(), Ok(block));
    assert!(block_of(r#"{"type":"thinking","thinking":"x","signature":"s","format":"unknown"}"#, MODEL).is_err());
}

#[test]
fn thinking_is_shown_and_comes_back_with_its_signature() {
    let content = json!([
        {"type": "thinking", "thinking": "First \"é\\n\"", "signature": "sig+/1=="},
        {"type": "redacted_thinking", "data": "enc=="},
        {"type": "thinking", "thinking": "", "signature": "sig2"},
        {"type": "text", "text": "Hi"},
        {"type": "thinking", "thinking": "then", "signature": "sig3"},
    ]);
    let message = message(content.clone());
    let completion = both(&message, &back());
    let said = &completion["choices"][0]["message"];
    assert_eq!(said["reasoning_content"], "First \"é\\n\"then");
    let format = "anthropic-claude-v1";
    let text = |index: u32, text: &str, signature: &str| json!({"type": "reasoning.text", "index": index, "format": format, "model": MODEL, "text": text, "signature": signature});
    let mut expected = json!([
        text(0, "First \"é\\n\"", "sig+/1=="),
        {"type": "reasoning.encrypted", "index": 1, "format": format, "model": MODEL, "data": "enc=="},
        text(2, "", "sig2"),
        text(3, "then", "sig3"),
    ]);
    expected[3]["after"] = json!({"text_bytes": 2});
    assert_eq!(said["reasoning_details"], expected);
    let blocks: Vec<Value> = (expected.as_array().expect("a list").iter())
        .map(|item| parsed(&block_of(&item.to_string(), MODEL).expect("it is a block")))
        .collect();
    let thinking: Vec<Value> =
        content.as_array().expect("a list").iter().filter(|block| block["type"] != "text").cloned().collect();
    assert_eq!(blocks, thinking);
    // The text is not said again with the signature.
    let chunks = streamed(&events_of(&message), &back()).chunks;
    let signed: Vec<&Value> = (chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]))
        .filter(|delta| !delta["reasoning_details"][0]["signature"].is_null())
        .collect();
    assert_eq!(
        *signed[0],
        json!({"reasoning_details": [{"type": "reasoning.text", "index": 0, "format": format, "signature": "sig+/1=="}]})
    );
    // Only a signature: nothing is to be shown.
    let completion =
        both(&crate::support::message(json!([{"type": "thinking", "thinking": "", "signature": "s"}])), &back());
    assert_eq!(completion["choices"][0]["message"].get("reasoning_content"), None);
}

#[test]
fn more_items_of_reasoning_than_indexes_are_still_whole() {
    let block = |at: u32| json!({"type": "thinking", "thinking": at.to_string(), "signature": "s".repeat(at as usize)});
    let completion = both(&message((1..140).map(block).collect()), &back());
    let details = completion["choices"][0]["message"]["reasoning_details"].as_array().expect("a list").clone();
    assert_eq!(details.len(), 139);
    for (at, item) in (1..140).zip(details) {
        assert_eq!(
            item_of(&block(at).to_string()).replace(":3,", ":0,"),
            item_of(&block(at).to_string()).replace(":3,", ":0,")
        );
        assert_eq!(parsed(&block_of(&item.to_string(), MODEL).expect("it is a block")), block(at));
    }
}

#[test]
fn what_the_provider_s_own_tools_say_is_kept_for_the_next_turn() {
    let blocks = [
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a \"b\""}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "https://x", "encrypted_content": "E=="}]}),
        json!({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "s", "input": {}}),
        json!({"type": "container_upload", "file_id": "f"}),
        json!({"type": "compaction", "content": "We spoke of \"x\"."}),
        json!({"type": "something_new", "a": {"b": 1.50}}),
    ];
    let mut content: Vec<Value> = blocks.to_vec();
    content.insert(2, json!({"type": "text", "text": "So"}));
    let completion = both(&message(json!(content)), &back());
    let said = &completion["choices"][0]["message"];
    assert_eq!((&said["content"], said.get("tool_calls")), (&json!("So"), None));
    let items = said["reasoning_details"].as_array().expect("a list");
    let seen: Vec<Value> =
        items.iter().map(|item| parsed(&block_of(&item.to_string(), MODEL).expect("it is a block"))).collect();
    assert_eq!(seen, blocks);
    assert!(items.iter().enumerate().all(|(at, item)| item["index"] == at));
}
