//! How answers end.

use super::*;

/// A row for each finish reason: Gemini's, OpenAI's without calls, and with.
#[test]
fn finish_reasons_are_translated_and_kept() {
    let rows = [
        ("STOP", "stop", "tool_calls"),
        ("MAX_TOKENS", "length", "length"),
        ("SAFETY", "content_filter", "content_filter"),
        ("RECITATION", "content_filter", "content_filter"),
        ("BLOCKLIST", "content_filter", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter", "content_filter"),
        ("SPII", "content_filter", "content_filter"),
        ("IMAGE_SAFETY", "content_filter", "content_filter"),
        ("IMAGE_PROHIBITED_CONTENT", "content_filter", "content_filter"),
        ("IMAGE_RECITATION", "content_filter", "content_filter"),
        ("MODEL_ARMOR", "content_filter", "content_filter"),
        ("LANGUAGE", "stop", "stop"),
        ("OTHER", "stop", "stop"),
        ("IMAGE_OTHER", "stop", "stop"),
        ("NO_IMAGE", "stop", "stop"),
        ("ESCALATION", "stop", "stop"),
        ("SOMETHING_NEW", "stop", "stop"),
    ];
    for (native, plain, called) in rows {
        for (parts, expected) in [(json!([{"text": "a"}]), plain), (json!([function_call("f", json!({}))]), called)] {
            let mut body = answer(parts, native);
            body["candidates"][0]["finishMessage"] = "why".into();
            let completion = whole(&body, &back());
            assert_eq!(completion, put_together(&events_of(&body), &back()), "{native}");
            let choice = &completion["choices"][0];
            assert_eq!(choice["finish_reason"], expected, "{native}");
            assert_eq!(choice["native_finish_reason"], native);
            assert_eq!(choice["native_finish_message"], "why");
        }
    }
    let failures = [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    ];
    for native in failures {
        let mut body = answer(json!([]), native);
        body["candidates"][0]["finishMessage"] = "why".into();
        let error = read_response(&body.to_string(), &back(), CREATED).expect_err("that is a failure");
        assert_eq!((error.kind, error.status, &*error.message), (Kind::InternalServer, Some(502), "why"), "{native}");
        let (_, step) = stream(&events_of(&body), &back());
        let Step::Failed(failed) = step else { panic!("{native}: {step:?}") };
        let failed: Value = serde_json::from_str(&failed).expect("an error is JSON");
        let error = json!({"message": "why", "type": "server_error", "param": null, "code": native});
        assert_eq!(failed, json!({"error": error}));
    }
}

#[test]
fn a_stop_that_comes_early_or_with_every_event_ends_nothing() {
    let events = [answer(json!([{"text": "a"}]), "STOP"), answer(json!([function_call("f", json!({}))]), "STOP")];
    let (chunks, step) = stream(&events, &back());
    assert_eq!(step, Step::Finished);
    let reasons: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]).collect();
    assert_eq!(reasons, [&Value::Null, &Value::Null, &json!("tool_calls"), &Value::Null]);
}

#[test]
fn a_blocked_prompt_is_a_refusal() {
    for (message, native) in [(Value::Null, Value::Null), (json!("Not this."), json!("Not this."))] {
        let body = json!({
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": message},
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5},
            "responseId": "r1",
        });
        let completion = whole(&body, &back());
        assert_eq!(completion, put_together(std::slice::from_ref(&body), &back()));
        let mut choice = json!({
            "index": 0,
            "message": {"role": "assistant", "content": "", "refusal": "blocked: PROHIBITED_CONTENT"},
            "finish_reason": "content_filter",
            "native_finish_reason": "PROHIBITED_CONTENT",
        });
        if !native.is_null() {
            choice["native_finish_message"] = native;
        }
        assert_eq!(completion["choices"], json!([choice]));
        assert_eq!(completion["usage"]["prompt_tokens"], 5);
    }
}

#[test]
fn a_candidate_may_have_no_content() {
    let body = json!({"candidates": [{"finishReason": "SAFETY", "index": 0, "safetyRatings": [{"blocked": true}]}]});
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(std::slice::from_ref(&body), &back()));
    let choice = &completion["choices"][0];
    assert_eq!(choice["message"], json!({"role": "assistant", "content": "", "refusal": null}));
    assert_eq!(choice["finish_reason"], "content_filter");
    assert_eq!(choice["extra_content"], json!({"google": {"safetyRatings": [{"blocked": true}]}}));
}

#[test]
fn the_verdicts_on_a_blocked_prompt_are_kept() {
    let ratings = json!([{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH"}]);
    let body = json!({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": ratings}});
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(std::slice::from_ref(&body), &back()));
    assert_eq!(completion["choices"][0]["extra_content"], json!({"google": {"safetyRatings": ratings}}));
}

#[test]
fn a_mark_of_the_end_is_one() {
    let read = |event: &Value| {
        let mut reader = Events::new(back(), CREATED);
        let mut out = Writer::default();
        assert_eq!(reader.read_event("", &event.to_string(), &mut out), Ok(Step::Going));
        reader.read_event("", "[DONE]", &mut out)
    };
    let mut event = answer(json!([{"text": "a"}]), "STOP");
    assert_eq!(read(&event), Ok(Step::Finished));
    event["candidates"][0].as_object_mut().expect("an object").remove("finishReason");
    assert!(matches!(read(&event), Ok(Step::Failed(body)) if body.contains("stream_truncated")));
}
