//! Anthropic's answers in OpenAI's form.

use chatmux::dialect::anthropic::blocks::{Item, write_back};
use chatmux::json::{Tree, Writer};
use serde_json::{Value, json};

const MODEL: &str = "claude-opus-5";

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// What a block becomes as an item.
fn item_of(block: &str) -> String {
    let mut tree = Tree::whole();
    let number = tree.add(block).expect("it is JSON");
    let block = tree.value(number);
    let mut out = Writer::default();
    Item::of(block.get("type").expect("it has a type")).write(&mut out, 3, MODEL, block);
    out.into_json()
}

/// What an item becomes as a block.
fn block_of(item: &str, model: &str) -> Result<String, &'static str> {
    let mut tree = Tree::whole();
    let number = tree.add(item).expect("it is JSON");
    let mut out = Writer::default();
    let written = write_back(&mut out, tree.value(number), model);
    assert_eq!(written.is_ok(), !out.is_empty(), "{item}");
    written.map(|()| out.into_json())
}

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
