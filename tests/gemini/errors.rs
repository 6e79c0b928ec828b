//! Errors, and streams that are none.

use super::*;

/// A row for each error: its body, the status it came with, and status, type and code that it has for us.
#[test]
fn errors_have_the_status_and_the_type_of_openai() {
    let google = |code: u16, status: &str| json!({"error": {"code": code, "message": "m", "status": status}});
    let mut key = google(400, "INVALID_ARGUMENT");
    key["error"]["details"] = json!([{"@type": "t", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
    let mut key_by_words = google(400, "INVALID_ARGUMENT");
    key_by_words["error"]["message"] = "API key not valid. Please pass a valid API key.".into();
    let gateway = json!({"error": {"message": "m", "type": "Aihubmix_api_error", "code": "insufficient_user_quota"}});
    let rows = [
        (google(400, "INVALID_ARGUMENT"), 400, 400, "invalid_request_error", json!("INVALID_ARGUMENT")),
        (google(400, "FAILED_PRECONDITION"), 400, 400, "invalid_request_error", json!("FAILED_PRECONDITION")),
        (key, 400, 401, "authentication_error", json!("INVALID_ARGUMENT")),
        (key_by_words, 400, 401, "authentication_error", json!("INVALID_ARGUMENT")),
        (google(401, "UNAUTHENTICATED"), 401, 401, "authentication_error", json!("UNAUTHENTICATED")),
        (google(403, "PERMISSION_DENIED"), 403, 403, "permission_error", json!("PERMISSION_DENIED")),
        (google(404, "NOT_FOUND"), 404, 404, "not_found_error", json!("NOT_FOUND")),
        (google(413, ""), 413, 413, "request_too_large", Value::Null),
        (google(429, "RESOURCE_EXHAUSTED"), 429, 429, "rate_limit_error", json!("RESOURCE_EXHAUSTED")),
        (google(500, "INTERNAL"), 500, 500, "server_error", json!("INTERNAL")),
        (google(503, "UNAVAILABLE"), 503, 503, "overloaded_error", json!("UNAVAILABLE")),
        (google(504, "DEADLINE_EXCEEDED"), 504, 504, "timeout_error", json!("DEADLINE_EXCEEDED")),
        // Under a status of success what the error says counts.
        (google(429, "RESOURCE_EXHAUSTED"), 200, 429, "rate_limit_error", json!("RESOURCE_EXHAUSTED")),
        (
            json!({"error": {"message": "m", "status": "UNAVAILABLE"}}),
            200,
            503,
            "overloaded_error",
            json!("UNAVAILABLE"),
        ),
        (json!({"error": {"message": "m"}}), 200, 502, "server_error", Value::Null),
        (json!([google(503, "UNAVAILABLE")]), 503, 503, "overloaded_error", json!("UNAVAILABLE")),
        (gateway, 403, 403, "permission_error", json!("insufficient_user_quota")),
        (json!({"error": "m"}), 402, 402, "insufficient_quota", Value::Null),
    ];
    for (body, status, expected, kind, code) in rows {
        let error = read_error(&body.to_string(), status).expect("the body has an error");
        assert_eq!(error.status, Some(expected), "{body}");
        let json: Value = serde_json::from_str(&error.json).expect("an error is JSON");
        assert_eq!(json["message"], error.message, "{body}");
        assert_eq!((&json["type"], &json["param"], &json["code"]), (&json!(kind), &Value::Null, &code), "{body}");
    }
    for body in
        ["", "{", "{}", "[]", "7", "null", "{\"error\":null}", "{\"error\":false}", "{\"error\":\"\"}", "<html>"]
    {
        assert_eq!(read_error(body, 500), None, "{body}");
    }
}

#[test]
fn the_name_of_an_error_stands_for_a_status() {
    let rows = [
        ("INVALID_ARGUMENT", 400, "invalid_request_error"),
        ("FAILED_PRECONDITION", 400, "invalid_request_error"),
        ("OUT_OF_RANGE", 400, "invalid_request_error"),
        ("UNAUTHENTICATED", 401, "authentication_error"),
        ("PERMISSION_DENIED", 403, "permission_error"),
        ("NOT_FOUND", 404, "not_found_error"),
        ("ABORTED", 409, "invalid_request_error"),
        ("ALREADY_EXISTS", 409, "invalid_request_error"),
        ("RESOURCE_EXHAUSTED", 429, "rate_limit_error"),
        ("CANCELLED", 499, "invalid_request_error"),
        ("INTERNAL", 500, "server_error"),
        ("UNAVAILABLE", 503, "overloaded_error"),
        ("DEADLINE_EXCEEDED", 504, "timeout_error"),
        ("SOMETHING_NEW", 502, "server_error"),
    ];
    for (name, status, kind) in rows {
        let body = json!({"error": {"message": "m", "status": name}});
        let error = read_error(&body.to_string(), 200).expect("the body has an error");
        let json: Value = serde_json::from_str(&error.json).expect("an error is JSON");
        assert_eq!((error.status, &json["type"], &json["code"]), (Some(status), &json!(kind), &json!(name)));
    }
}

#[test]
fn an_error_says_when_to_try_again() {
    let rows = [
        ("34s", Some(34_000)),
        ("34.4s", Some(34_400)),
        ("0.001s", Some(1)),
        ("0.0001s", Some(1)),
        ("1.5000000s", Some(1500)),
        ("99999999999s", None),
        ("-1s", None),
        ("soon", None),
        ("", None),
    ];
    for (delay, expected) in rows {
        let details =
            json!([{"@type": "quota"}, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
        let body = json!({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": details}});
        let error = read_error(&body.to_string(), 429).expect("the body has an error");
        let json: Value = serde_json::from_str(&error.json).expect("an error is JSON");
        assert_eq!(json["retry_after_ms"].as_u64(), expected, "{delay}");
        assert_eq!(json["details"], details);
    }
}

#[test]
fn an_error_may_come_in_the_place_of_an_answer_or_in_the_middle_of_it() {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    for body in [error.clone(), json!([error])] {
        let failed = read_response(&body.to_string(), &back(), CREATED).expect_err("that is an error");
        assert_eq!((failed.kind, failed.status), (Kind::InternalServer, Some(503)));
        assert_eq!(failed.message, "The model is overloaded.");
        let (chunks, step) = stream(&[answer(json!([{"text": "a"}]), "STOP"), body], &back());
        assert_eq!(chunks.len(), 1);
        let Step::Failed(body) = step else { panic!("{step:?}") };
        let body: Value = serde_json::from_str(&body).expect("an error is JSON");
        assert_eq!(body["error"]["type"], "overloaded_error");
    }
}

#[test]
fn a_stream_may_be_one_list() {
    let body = answer(json!([{"text": "Hello"}, function_call("f", json!({}))]), "STOP");
    let list = Value::Array(events_of(&body));
    assert_eq!(whole(&list, &back()), whole(&body, &back()));
    assert_eq!(put_together(&[list], &back()), whole(&body, &back()));
}

#[test]
fn a_stream_without_a_finish_reason_was_cut() {
    let mut event = answer(json!([{"text": "a"}]), "STOP");
    event["candidates"][0].as_object_mut().expect("an object").remove("finishReason");
    let mut unspecified = event.clone();
    unspecified["candidates"][0]["finishReason"] = "FINISH_REASON_UNSPECIFIED".into();
    let empty = json!({"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}});
    for events in [vec![], vec![event.clone()], vec![unspecified], vec![empty.clone()], vec![json!([event.clone()])]] {
        let (_, step) = stream(&events, &back());
        assert!(matches!(&step, Step::Failed(body) if body.contains("\"stream_truncated\"")), "{events:?}: {step:?}");
    }
    // One object is whole; a list of events may have been cut, and what has no candidates is no answer.
    let completion = whole(&event, &back());
    let choice = &completion["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["native_finish_reason"]), (&json!("stop"), &Value::Null));
    for body in [json!([event]), empty, json!({}), json!([]), json!(7), json!("x")] {
        let error = read_response(&body.to_string(), &back(), CREATED).expect_err("that is no answer");
        assert_eq!(error.kind, Kind::MalformedResponse, "{body}");
    }
}

#[test]
fn what_is_no_event_is_malformed() {
    for data in
        ["", "{", "7", "\"x\"", "null", "{\"candidates\":[{\"index\":128}]}", "{\"candidates\":[{\"index\":-1}]}"]
    {
        let read = Events::new(back(), CREATED).read_event("", data, &mut Writer::default());
        assert!(read.is_err(), "{data}: {read:?}");
    }
    for data in [
        "{}",
        "{\"candidates\":null}",
        "{\"candidates\":[7,null]}",
        "{\"candidates\":[{\"content\":{\"parts\":[7,{}]}}]}",
    ] {
        let mut out = Writer::default();
        assert_eq!(Events::new(back(), CREATED).read_event("", data, &mut out), Ok(Step::Going), "{data}");
        assert!(out.is_empty(), "{data}");
    }
}
