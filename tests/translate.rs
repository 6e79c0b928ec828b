//! What the dialects have in common when they translate.

use chatmux::dialect::models;
use chatmux::dialect::translate::{
    Action, Losses, Usage, count, data_url, from_base64, is_neutral, is_same_model, refuse,
};
use chatmux::json::{Tree, Writer};
use serde_json::{Value, json};

fn written(write: impl FnOnce(&mut Writer)) -> Value {
    let mut out = Writer::default();
    write(&mut out);
    serde_json::from_str(out.json()).unwrap_or_else(|error| panic!("{error}: {}", out.json()))
}

#[test]
fn a_whole_tree_follows_every_value() {
    let object: serde_json::Map<String, Value> = (0..3000).map(|at| (format!("name{at}"), json!(at))).collect();
    let list: Vec<u32> = (0..100_000).collect();
    let text = json!({"object": object, "list": list}).to_string();
    for (mut tree, members, items) in [(Tree::whole(), 3000, 100_000), (Tree::default(), 64, 65_535)] {
        let root = tree.add(&text).expect("it is JSON");
        let root = tree.value(root);
        let of = |name| root.get(name).map_or(0, |value| value.children().count());
        assert_eq!(of("object"), members);
        assert_eq!(of("list"), items);
    }
    let mut tree = Tree::whole();
    let root = tree.add(r#"{"a":1,"b":2,"a":3}"#).expect("it is JSON");
    assert_eq!(tree.value(root).get("a").map(|value| value.raw().to_owned()), Some("3".to_owned()));
    assert_eq!(tree.value(root).children().count(), 2);
}

#[test]
fn a_writer_notes_what_it_copied() {
    let mut tree = Tree::default();
    let first = tree.add(r#"{"x":1}"#).expect("it is JSON");
    let second = tree.add(r#" {"te\u0078t":"a\"b","deep":{ "a": "x y\n" , "b":[1, 2]}}"#).expect("it is JSON");
    let (first, second) = (tree.value(first), tree.value(second));
    let member = |name| second.get(name).expect("it is there");
    let mut out = Writer::default();
    out.begin_text();
    out.begin_object();
    out.copy_key(member("text"));
    out.begin_string();
    out.push_text("tab\t\"");
    out.copy_text(member("text"));
    out.end_string();
    out.member_copy("none", first.get("x").expect("it is there"));
    out.key("json");
    out.begin_string();
    out.push_json(member("deep"));
    out.end_string();
    out.end_object();
    out.begin_text();
    out.begin_list();
    out.raw("1,2");
    out.raw("");
    out.number(u64::MAX);
    out.end_list();
    let texts: Vec<&str> = out.texts().collect();
    let expected = r#"{"te\u0078t":"tab\u0009\"a\"b","none":1,"json":"{\"a\":\"x y\\n\",\"b\":[1,2]}"}"#;
    assert_eq!(texts, [expected, "[1,2,18446744073709551615]"]);
    let copied = out.copied();
    assert_eq!(copied.len(), 2);
    let at = copied[0];
    assert_eq!(at.source, member("text").start() + 1);
    assert_eq!(&out.json()[at.output..at.output + at.length], r#"a\"b"#);
    assert_eq!(out.starts(), [0, expected.len()]);
}

#[test]
fn losses_are_errors_in_strict_mode_only_and_assumptions_never() {
    let mut losses = Losses::default();
    losses.add("max_tokens", Action::Assumed, "the model needs one");
    assert!(losses.check(true).is_ok());
    losses.add("seed", Action::Dropped, "there is none");
    assert!(losses.check(false).is_ok());
    let error = losses.check(true).expect_err("something is lost");
    assert!(error.message.contains("`seed` would be dropped: there is none"), "{}", error.message);
    assert!(!error.message.contains("max_tokens"), "{}", error.message);
    let refused = refuse("messages[0].content", "no").body.expect("it has an object");
    let refused: Value = serde_json::from_str(&refused).expect("it is JSON");
    assert_eq!(refused["param"], "messages[0].content");
}

#[test]
fn no_part_of_the_usage_is_more_than_its_whole() {
    let usage = Usage { prompt: 5, cached: 9, cache_write: Some(7), completion: 3, reasoning: Some(4) };
    let written = written(|out| {
        out.begin_object();
        usage.write(out);
        out.end_object();
    });
    let expected = json!({
        "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 3},
    });
    assert_eq!(written, expected);
}

#[test]
fn small_things_are_told_apart() {
    let mut tree = Tree::default();
    for (text, neutral, tokens) in [
        ("null", true, 0),
        ("false", true, 0),
        ("0", true, 0),
        ("{ }", true, 0),
        ("[]", true, 0),
        ("12", false, 12),
        ("99999999999999999999999", false, u64::MAX),
        ("1.5", false, 0),
        ("{\"a\":1}", false, 0),
    ] {
        let number = tree.add(text).expect("it is JSON");
        let value = tree.value(number);
        assert_eq!((is_neutral(value), count(value)), (neutral, tokens), "{text}");
    }
    assert_eq!(data_url("DATA:Image/PNG;base64,AAAA"), Some(("image/png".to_owned(), "AAAA")));
    assert_eq!(data_url("data:text/plain;charset=utf-8;base64,"), Some(("text/plain".to_owned(), "")));
    for url in ["data:image/png,AAAA", "https://example.com/;base64,", "data:;base6", ""] {
        assert_eq!(data_url(url), None, "{url}");
    }
    assert_eq!(from_base64("aMOpbGxv").as_deref(), Some("héllo".as_bytes()));
    assert_eq!(from_base64("YQ==").as_deref(), Some(&b"a"[..]));
    assert_eq!(from_base64("a b"), None);
    for (one, other, same) in [
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", true),
        ("anthropic/claude-opus-5", "claude-opus-5-think", true),
        ("claude-sonnet-4@20250514", "claude-sonnet-4-0", false),
        ("gemini-2.5-pro", "gemini-2.5-flash", false),
        ("", "x", false),
    ] {
        assert_eq!(is_same_model(one, other), same, "{one} and {other}");
    }
}

#[test]
fn a_model_belongs_to_its_family_and_an_unknown_one_to_the_newest() {
    for (model, family, known) in [
        ("claude-opus-5", "opus-5", true),
        ("claude-opus-4-1-20250805", "opus-4-1", true),
        ("claude-opus-4-20250514", "opus-4-", true),
        ("Claude-Sonnet-4-5-20250929", "sonnet-4-5", true),
        ("claude-3-5-haiku-latest", "claude-3-5", true),
        ("claude-3-haiku-20240307", "claude-3", true),
        ("claude-saga-9", "opus-5", false),
    ] {
        let (found, is_known) = models::claude(model);
        assert_eq!((found.name, is_known), (family, known), "{model}");
    }
    for (model, family, known) in [
        ("gemini-3.7-flash", "gemini-3.7-flash", true),
        ("gemini-3-flash-preview", "gemini-3-", true),
        ("gemini-2.5-flash-lite", "2.5", true),
        ("gemini-2.5-pro", "2.5-pro", true),
        ("gemini-9", "gemini-3.7-flash", false),
    ] {
        let (found, is_known) = models::gemini(model);
        assert_eq!((found.name, is_known), (family, known), "{model}");
    }
}
