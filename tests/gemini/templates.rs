//! What lets an event like one before be written without being read.

use super::*;

/// What another event becomes that differs from the first in strings that were copied, by putting those in their place.
fn by_template(event: &str, other: &str, out: &Writer) -> String {
    let (mut written, mut from) = (String::new(), 0);
    // All of the events here have one text each, which ends at the same distance from the end.
    for copied in out.copied() {
        let rest = event.len() - copied.source - copied.length;
        written.push_str(&out.json()[from..copied.output]);
        written.push_str(&other[copied.source..other.len() - rest]);
        from = copied.output + copied.length;
    }
    written + &out.json()[from..]
}

#[test]
fn the_text_of_an_event_changes_nothing_but_itself() {
    let parts = [json!({"text": "TEXT"}), json!({"text": "TEXT", "thought": true})];
    let quiet = WayBack { may_cite: false, ..back() };
    for part in parts {
        let event = |text: &str| {
            let mut event = answer(json!([part]), "STOP");
            event["candidates"][0]["safetyRatings"] = json!([{"probability": "LOW"}]);
            event.to_string().replace("TEXT", text)
        };
        let mut reader = Events::new(quiet.clone(), CREATED);
        let mut out = Writer::default();
        let mut read = |reader: &mut Events, event: &str| {
            out.clear();
            assert_eq!(reader.read_event("", event, &mut out), Ok(Step::Going));
        };
        // The first ones tell much that is new.
        read(&mut reader, &event("a"));
        read(&mut reader, &event("b"));
        let revision = reader.revision();
        let example = event("c \\u00e9");
        read(&mut reader, &example);
        assert_eq!(reader.revision(), revision, "{example}");
        let other = event("some longer text\\n");
        let mut expected = Writer::default();
        assert_eq!(reader.read_event("", &other, &mut expected), Ok(Step::Going));
        assert_eq!(reader.revision(), revision);
        assert!(!out.copied().is_empty());
        assert_eq!(by_template(&example, &other, &out), expected.json());
    }
}

#[test]
fn whatever_later_chunks_depend_on_changes_the_revision() {
    let events = [
        answer(json!([{"text": "a"}]), "OTHER"),
        answer(json!([{"text": "t", "thought": true}]), "OTHER"),
        answer(json!([{"text": "a"}]), "OTHER"),
        answer(json!([{"text": "a", "thoughtSignature": "S"}]), "OTHER"),
        answer(json!([function_call("f", json!({}))]), "OTHER"),
        answer(json!([{"inlineData": {"mimeType": "image/png", "data": "AA"}}]), "OTHER"),
        answer(json!([{"executableCode": {"code": "1"}}]), "OTHER"),
        answer(json!([{"text": "a"}]), "STOP"),
        json!({"candidates": [{"index": 0, "safetyRatings": [1]}]}),
        json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "a"}]}}]}),
        json!({"promptFeedback": {"blockReason": "OTHER"}}),
    ];
    let mut reader = Events::new(WayBack { may_cite: false, ..back() }, CREATED);
    for event in &events {
        let revision = reader.revision();
        assert_eq!(reader.read_event("", &event.to_string(), &mut Writer::default()), Ok(Step::Going));
        assert_ne!(reader.revision(), revision, "{event}");
    }
}
