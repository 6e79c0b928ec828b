//! Calls of tools.

use super::*;

#[test]
fn calls_are_counted_over_the_whole_stream() {
    let event = |part: Value| answer(json!([part]), "STOP");
    let events = ["f", "g", "f"].map(|name| event(function_call(name, json!({"a": 1}))));
    let (chunks, _) = stream(&events, &back());
    let calls = |at: usize| chunks[at]["choices"][0]["delta"]["tool_calls"].clone();
    for (at, name) in ["f", "g", "f"].iter().enumerate() {
        let id = ["call_r1_", &at.to_string()].concat();
        let function = json!({"name": name, "arguments": "{\"a\":1}"});
        assert_eq!(calls(at), json!([{"index": at, "id": id, "type": "function", "function": function}]));
    }
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn what_is_said_to_a_custom_tool_is_its_input() {
    let back = WayBack { customs: vec!["shell".into()], ..back() };
    let body =
        answer(json!([function_call("shell", json!({"input": "ls \"x\""})), function_call("f", json!({}))]), "STOP");
    let completion = whole(&body, &back);
    assert_eq!(completion, put_together(&events_of(&body), &back));
    let call = &completion["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(*call, json!({"id": "call_r1_0", "type": "custom", "custom": {"name": "shell", "input": "ls \"x\""}}));
    let part = |call: Value| answer(json!([{"functionCall": call}]), "STOP");
    let streamed = [
        part(json!({"name": "shell", "willContinue": true})),
        part(
            json!({"partialArgs": [{"jsonPath": "$.input", "stringValue": "ls", "willContinue": true}], "willContinue": true}),
        ),
        part(json!({"partialArgs": [{"jsonPath": "$.input", "stringValue": " -l"}], "willContinue": true})),
        part(json!({})),
    ];
    let completion = put_together(&streamed, &back);
    assert_eq!(completion["choices"][0]["message"]["tool_calls"][0]["custom"]["input"], "ls -l");
}

/// A row for each way in which arguments come in parts: the parts of each event, and the arguments that they make.
#[test]
fn arguments_that_come_in_parts_are_put_together() {
    let text =
        |path: &str, text: &str, goes_on: bool| json!({"jsonPath": path, "stringValue": text, "willContinue": goes_on});
    let rows = [
        (json!([]), json!({})),
        (json!([[text("$.a", "Bos", true)], [text("$.a", "ton", false)]]), json!({"a": "Boston"})),
        (json!([[text("$.a", "Boston", true)], [text("$.a", "", false)]]), json!({"a": "Boston"})),
        (json!([[text("$.a", "x\"\\\u{e9}", true)], [text("$.b", "y", false)]]), json!({"a": "x\"\\\u{e9}", "b": "y"})),
        (
            json!([[{"jsonPath": "$.n", "numberValue": -1.5}, {"jsonPath": "$.t", "boolValue": true}], [{"jsonPath": "$.z", "nullValue": "NULL_VALUE"}]]),
            json!({"n": -1.5, "t": true, "z": null}),
        ),
        (
            json!([
                [text("$.l[0].x", "a", false), text("$.l[0].y", "b", false)],
                [text("$.l[1].x", "c", false)],
                [text("$.m", "d", false)]
            ]),
            json!({"l": [{"x": "a", "y": "b"}, {"x": "c"}], "m": "d"}),
        ),
        (json!([[text("$.l[0]", "a", false)], [text("$.l[1]", "b", true)]]), json!({"l": ["a", "b"]})),
        (
            json!([[text("$['a.b']['it\\'s']", "x", false)], [text("$[\"q\\\"\"]", "y", false)]]),
            json!({"a.b": {"it's": "x"}, "q\"": "y"}),
        ),
        (
            json!([[text("$.l[0][0]", "a", false)], [text("$.l[0][1]", "b", false)], [text("$.l[1][0]", "c", false)]]),
            json!({"l": [["a", "b"], ["c"]]}),
        ),
    ];
    for (parts, expected) in rows {
        let event = |call: Value| answer(json!([{"functionCall": call}]), "STOP");
        let mut events = vec![event(json!({"name": "f", "willContinue": true}))];
        let parts = parts.as_array().expect("a list").iter();
        events.extend(parts.map(|parts| event(json!({"partialArgs": parts, "willContinue": true}))));
        events.push(event(json!({})));
        let completion = put_together(&events, &back());
        let arguments = completion["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str();
        let arguments: Value = serde_json::from_str(arguments.expect("a text")).expect("the arguments are JSON");
        assert_eq!(arguments, expected);
        assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
    }
}

#[test]
fn arguments_that_do_not_fit_together_fail() {
    let event = |call: Value| answer(json!([{"functionCall": call}]), "STOP");
    let begin = event(json!({"name": "f", "willContinue": true}));
    let part =
        |path: &str| event(json!({"partialArgs": [{"jsonPath": path, "stringValue": "x"}], "willContinue": true}));
    let rows = [
        vec![begin.clone(), part("$.a"), part("$.a")],
        vec![begin.clone(), part("$.a.b"), part("$.c"), part("$.a.d")],
        vec![begin.clone(), part("$.l[1]")],
        vec![begin.clone(), part("a")],
        vec![begin.clone(), part("$")],
        vec![begin.clone(), begin.clone()],
        vec![part("$.a")],
    ];
    for events in rows {
        let (_, step) = stream(&events, &back());
        let Step::Failed(body) = step else { panic!("{events:?} became {step:?}") };
        let body: Value = serde_json::from_str(&body).expect("an error is JSON");
        assert_eq!(body["error"]["code"], "MALFORMED_RESPONSE", "{events:?}");
    }
    // A call that never ends is a stream that was cut.
    let (_, step) = stream(&[begin, part("$.a")], &back());
    assert!(matches!(&step, Step::Failed(body) if body.contains("stream_truncated")), "{step:?}");
}
