//! Whatever a server may send.

use super::*;

/// Numbers that are the same on every run.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    }
}

/// A stream that has something of everything.
fn rich() -> Vec<String> {
    let part = |call: Value| json!({"functionCall": call});
    let mut last = answer(json!([{"text": "", "thoughtSignature": "S"}]), "STOP");
    last["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
        "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 3}, "groundingChunkIndices": [0]}],
    });
    last["candidates"][0]["citationMetadata"] = json!({"citations": [{"startIndex": 0, "endIndex": 2, "uri": "u"}]});
    last["candidates"][0]["logprobsResult"] =
        json!({"chosenCandidates": [{"token": "a", "logProbability": -1}], "topCandidates": [{"candidates": []}]});
    let events = [
        answer(json!([{"text": "Hm", "thought": true}, {"text": "H\u{e9}llo"}]), "STOP"),
        answer(json!([part(json!({"name": "f", "willContinue": true}))]), "STOP"),
        answer(
            json!([part(
                json!({"partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "x", "willContinue": true}], "willContinue": true})
            )]),
            "STOP",
        ),
        answer(
            json!([part(json!({"partialArgs": [{"jsonPath": "$['c']", "numberValue": 1}], "willContinue": true}))]),
            "STOP",
        ),
        answer(json!([part(json!({}))]), "STOP"),
        answer(json!([{"functionCall": {"name": "shell", "args": {"input": "ls"}}, "thoughtSignature": "S"}]), "STOP"),
        answer(
            json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"codeExecutionResult": {"output": "1"}}]),
            "STOP",
        ),
        json!({"promptFeedback": {"blockReason": "OTHER"}}),
        last,
    ];
    events.iter().map(Value::to_string).collect()
}

#[test]
fn no_stream_however_broken_makes_it_fall() {
    let events = rich();
    let back = WayBack { customs: vec!["shell".into()], ..back() };
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "0",
        "1e999",
        "999999999999999999999",
        "\"\"",
        "\\u",
        "\\ud800",
        "{}",
        "[]",
        "\u{1f600}",
        "\"error\":{\"code\":503}",
        "\"$.a[0]\"",
        "\"$[\"",
        "$['",
        "willContinue",
        "\\\"",
    ];
    let mut next = random(7);
    let mut read = [0; 2];
    for _ in 0..10_000 {
        let mut reader = Events::new(back.clone(), CREATED);
        let mut out = Writer::default();
        let mut partial = Partial::default();
        let broken = next(events.len());
        for (at, event) in events.iter().enumerate() {
            let mut event = event.clone();
            if at == broken || next(12) == 0 {
                for _ in 0..=next(3) {
                    let places: Vec<usize> = event.char_indices().map(|(at, _)| at).collect();
                    let (one, other) = (places[next(places.len())], places[next(places.len())]);
                    let piece = pieces[next(pieces.len())];
                    match next(4) {
                        0 => event.replace_range(one.min(other)..one.max(other), ""),
                        1 => event.insert_str(one, piece),
                        2 => {
                            let copy = event[one.min(other)..one.max(other)].to_owned();
                            event.insert_str(one, &copy);
                        }
                        _ => {
                            let length = event[one..].chars().next().map_or(0, char::len_utf8);
                            event.replace_range(one..one + length, piece);
                        }
                    }
                    if event.is_empty() {
                        break;
                    }
                }
            }
            out.clear();
            let step = reader.read_event("", &event, &mut out);
            // What is read to the end is JSON, whatever it was made of.
            if let Ok(Step::Going) = step {
                for chunk in out.texts() {
                    assert!(Tree::default().add(chunk).is_ok(), "{event}\n{chunk}");
                    partial.add(chunk);
                }
            }
            let _ = read_response(&event, &back, CREATED);
            let _ = read_error(&event, 400);
            if step != Ok(Step::Going) {
                break;
            }
            read[0] += 1;
        }
        out.clear();
        if reader.finish(&mut out) == Step::Finished {
            read[1] += 1;
            for chunk in out.texts() {
                assert!(Tree::default().add(chunk).is_ok(), "{chunk}");
            }
        }
        let _ = partial.json();
    }
    assert!(read.iter().all(|count| *count > 1000), "{read:?}: most were broken too much to say anything");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_part_of_the_usage_is_more_than_the_whole(counts in proptest::collection::vec(0_u64..u64::MAX, 6), there in 0_u8..64) {
        let names = [
            "promptTokenCount", "cachedContentTokenCount", "toolUsePromptTokenCount",
            "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount",
        ];
        let mut body = answer(json!([{"text": "a"}]), "STOP");
        body["usageMetadata"] = json!({});
        for (at, (name, count)) in names.iter().zip(&counts).enumerate() {
            if there >> at & 1 == 1 {
                body["usageMetadata"][name] = (*count >> (there % 48)).into();
            }
        }
        let completion = whole(&body, &back());
        let usage = &completion["usage"];
        if there & 0b100_001 == 0 {
            prop_assert!(usage.is_null());
        } else {
            let of = |path: &str| usage.pointer(path).and_then(Value::as_u64).expect("a count");
            prop_assert_eq!(of("/total_tokens"), of("/prompt_tokens").saturating_add(of("/completion_tokens")));
            prop_assert!(of("/prompt_tokens_details/cached_tokens") <= of("/prompt_tokens"));
            prop_assert!(of("/completion_tokens_details/reasoning_tokens") <= of("/completion_tokens"));
        }
    }

    #[test]
    fn any_text_is_an_event_or_an_error(text in ".*", status in 0_u16..600) {
        let _ = Events::new(back(), CREATED).read_event("", &text, &mut Writer::default());
        let _ = read_response(&text, &back(), CREATED);
        let _ = read_error(&text, status);
    }
}
