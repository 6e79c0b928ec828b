//! What a failed response comes to, in every form that servers give it.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::{Error, Kind};
use serde_json::{Value, json};

/// A key as it may look anywhere, longer than any text that a test expects.
const KEY: &str = "sk-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

/// Checks kind, status, upstream status and message.
fn check(status: u16, body: &str, expected: (Kind, u16, Option<u16>, &str)) -> Error {
    let error = Error::from_response(status, body);
    let seen = (error.kind, error.status.expect("a response has a status"), error.upstream_status, &error.message[..]);
    assert_eq!(seen, expected, "{status} {body}");
    error
}

#[test]
fn each_status_has_its_kind() {
    let table = [
        (300, Kind::Redirect),
        (302, Kind::Redirect),
        (304, Kind::Api),
        (399, Kind::Api),
        (400, Kind::BadRequest),
        (401, Kind::Authentication),
        (402, Kind::Api),
        (403, Kind::PermissionDenied),
        (404, Kind::NotFound),
        (405, Kind::Api),
        (408, Kind::Api),
        (409, Kind::Conflict),
        (410, Kind::Api),
        (413, Kind::Api),
        (422, Kind::UnprocessableEntity),
        (425, Kind::Api),
        (429, Kind::RateLimit),
        (499, Kind::Api),
        (500, Kind::InternalServer),
        (503, Kind::InternalServer),
        (529, Kind::InternalServer),
        (599, Kind::InternalServer),
        (200, Kind::Api),
        (100, Kind::Api),
        (0, Kind::Api),
        (u16::MAX, Kind::InternalServer),
    ];
    for (status, kind) in table {
        assert_eq!(Kind::of_status(status), kind, "{status}");
        assert_eq!(Error::from_response(status, "").kind, kind, "{status}");
    }
}

#[test]
fn openais_own_form_is_read() {
    let object = r#"{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}"#;
    let body = format!(" {{ \"error\" : {object} }}\n");
    let error = check(401, &body, (Kind::Authentication, 401, None, "Incorrect API key provided."));
    assert_eq!(error.body.as_deref(), Some(object));
    assert_eq!(error.code, None, "the object has its own code");
}

#[test]
fn the_status_of_a_refused_request_outranks_what_the_object_says() {
    let body = r#"{"error":{"message":"m","type":"rate_limit_error","code":404,"status_code":400}}"#;
    check(500, body, (Kind::InternalServer, 500, None, "m"));
    check(418, body, (Kind::Api, 418, None, "m"));
}

#[test]
fn other_members_beside_the_error_do_not_matter() {
    let body =
        r#"{"type":"error","request_id":"r","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    check(401, body, (Kind::Authentication, 401, None, "invalid x-api-key"));
}

#[test]
fn an_error_may_be_a_mere_text() {
    let error =
        check(401, r#"{"error":"Un\u0061uthorized \"x\""}"#, (Kind::Authentication, 401, None, "Unauthorized \"x\""));
    assert_eq!(error.body.as_deref(), Some(r#""Un\u0061uthorized \"x\"""#));
}

#[test]
fn the_first_error_of_a_list_counts() {
    let first = r#"{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}"#;
    let body = format!(r#"[{{"error":{first}}},{{"error":{{"message":"second"}}}}]"#);
    let error = check(503, &body, (Kind::InternalServer, 503, None, "The model is overloaded."));
    assert_eq!(error.body.as_deref(), Some(first));
    check(500, r#"[[{"error":"deep"}]]"#, (Kind::InternalServer, 500, None, "deep"));
    check(500, r#"["text"]"#, (Kind::InternalServer, 500, None, r#"["text"]"#));
    check(500, "[]", (Kind::InternalServer, 500, None, "[]"));
}

#[test]
fn an_object_may_itself_be_the_error() {
    check(404, r#"{"message":"no Route matched"}"#, (Kind::NotFound, 404, None, "no Route matched"));
    check(404, r#"{"detail":"Not Found"}"#, (Kind::NotFound, 404, None, "Not Found"));
    let vllm = r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#;
    let error = check(400, vllm, (Kind::BadRequest, 400, None, "too long"));
    assert_eq!(error.body.as_deref(), Some(vllm));
}

#[test]
fn a_message_outranks_a_detail_in_either_order() {
    check(400, r#"{"message":"m","detail":"d"}"#, (Kind::BadRequest, 400, None, "m"));
    check(400, r#"{"detail":"d","message":"m"}"#, (Kind::BadRequest, 400, None, "m"));
    check(400, r#"{"error":{"message":null,"detail":"d"}}"#, (Kind::BadRequest, 400, None, "d"));
    check(400, r#"{"error":{"detail":"d","message":""}}"#, (Kind::BadRequest, 400, None, "d"));
}

#[test]
fn an_object_without_a_message_is_its_own_message() {
    let fastapi = r#"{"detail":[{"loc":["body","model"],"msg":"field required"}]}"#;
    check(422, fastapi, (Kind::UnprocessableEntity, 422, None, fastapi));
    check(400, r#"{"error":{"code":7}}"#, (Kind::BadRequest, 400, None, r#"{"code":7}"#));
    check(400, r#"{"error":{"message":""}}"#, (Kind::BadRequest, 400, None, r#"{"message":""}"#));
    check(400, r#"{"error":{}}"#, (Kind::BadRequest, 400, None, "{}"));
    check(400, r#"{"error":null,"a":1}"#, (Kind::BadRequest, 400, None, r#"{"error":null,"a":1}"#));
    check(500, "{}", (Kind::InternalServer, 500, None, "{}"));
    check(400, r#"{"error":{"message":{"why":"x"}}}"#, (Kind::BadRequest, 400, None, r#"{"why":"x"}"#));
    check(400, r#"{"error":true}"#, (Kind::BadRequest, 400, None, "true"));
}

#[test]
fn of_duplicate_members_the_last_counts_as_in_json_parse() {
    check(400, r#"{"error":{"message":"a"},"error":{"message":"b"}}"#, (Kind::BadRequest, 400, None, "b"));
    check(400, r#"{"error":{"message":"a","message":"b"}}"#, (Kind::BadRequest, 400, None, "b"));
    check(400, r#"{"\u0065rror":{"mess\u0061ge":"a"}}"#, (Kind::BadRequest, 400, None, "a"));
}

#[test]
fn json_that_is_no_object_is_quoted() {
    for body in ["\"text\"", "1", "null", "true", r#"{"error":{"message":"cut"#, r#"{"error":{}} trailing"#] {
        let error = check(500, body, (Kind::InternalServer, 500, None, body));
        assert_eq!(error.body, None, "{body}");
    }
}

#[test]
fn an_html_page_is_told_by_its_title() {
    let pages = [
        ("<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"),
        ("\n <!DOCTYPE html>\n<HTML><TITLE>\n  Just a moment...\n</TITLE>", "Just a moment..."),
        ("<html><title lang=\"de\">Wartung</title>", "Wartung"),
        ("<html lang=\"İ\"><p>ÄÖÜ€\u{1f98a}<title>Größe</title>", "Größe"),
        ("<html><title>a</title><title>b</title>", "a"),
        ("<title>x<b>y</b></title>", "x"),
    ];
    for (page, title) in pages {
        let message = format!("The server answered with an HTML page, `{title}`, instead of JSON.");
        let error = check(502, page, (Kind::InternalServer, 502, None, &message));
        assert_eq!(error.body, None);
    }
}

#[test]
fn an_html_page_without_a_usable_title_is_told_as_such() {
    let long = format!("<title>{}</title>", "x".repeat(501));
    let pages = ["<!doctype html><h1>Gateway</h1>", "<html><title> </title>", "<html><title", "<", &long];
    for page in pages {
        let message = "The server answered with an HTML page instead of JSON.";
        check(503, page, (Kind::InternalServer, 503, None, message));
    }
}

#[test]
fn plain_text_becomes_the_message() {
    check(503, "\n upstream connect error\r\n", (Kind::InternalServer, 503, None, "upstream connect error"));
    check(429, "slow down", (Kind::RateLimit, 429, None, "slow down"));
}

#[test]
fn an_empty_body_gives_an_empty_message() {
    for body in ["", " \r\n\t"] {
        assert_eq!(check(500, body, (Kind::InternalServer, 500, None, "")).body, None);
    }
}

#[test]
fn a_huge_text_is_quoted_by_its_first_500_characters() {
    for character in ["x", "é", "\u{1f98a}"] {
        check(500, &character.repeat(100_000), (Kind::InternalServer, 500, None, &character.repeat(500)));
        check(500, &character.repeat(500), (Kind::InternalServer, 500, None, &character.repeat(500)));
    }
}

#[test]
fn a_body_that_nests_too_deep_is_quoted_like_any_text() {
    let body = format!(r#"{{"error":{}"#, "[".repeat(1_000_000));
    check(500, &body, (Kind::InternalServer, 500, None, &body[..500]));
}

#[test]
fn an_error_under_a_status_of_success_counts_by_what_its_object_says() {
    let table = [
        (r#""type":"invalid_request_error""#, Kind::BadRequest, 400),
        (r#""type":"authentication_error""#, Kind::Authentication, 401),
        (r#""code":"invalid_api_key","type":"invalid_request_error""#, Kind::Authentication, 401),
        (r#""type":"invalid_request_error","code":"invalid_api_key""#, Kind::Authentication, 401),
        (r#""type":"permission_error""#, Kind::PermissionDenied, 403),
        (r#""code":"insufficient_user_quota","type":"Aihubmix_api_error""#, Kind::PermissionDenied, 403),
        (r#""type":"not_found_error""#, Kind::NotFound, 404),
        (r#""code":"model_not_found""#, Kind::NotFound, 404),
        (r#""type":"request_too_large""#, Kind::Api, 413),
        (r#""type":"rate_limit_error""#, Kind::RateLimit, 429),
        (r#""code":"rate_limit_exceeded""#, Kind::RateLimit, 429),
        (r#""type":"insufficient_quota","code":"insufficient_quota""#, Kind::RateLimit, 429),
        (r#""type":"server_error""#, Kind::InternalServer, 500),
        (r#""type":"api_error""#, Kind::InternalServer, 500),
        (r#""type":"overloaded_error""#, Kind::InternalServer, 503),
        (r#""type":"timeout_error""#, Kind::InternalServer, 504),
        (r#""code":429"#, Kind::RateLimit, 429),
        (r#""code":"429""#, Kind::RateLimit, 429),
        (r#""status":502"#, Kind::InternalServer, 502),
        (r#""status_code":422"#, Kind::UnprocessableEntity, 422),
        (r#""code":403,"status":"PERMISSION_DENIED""#, Kind::PermissionDenied, 403),
        (r#""type":"invalid_request_error","code":429"#, Kind::RateLimit, 429),
        (r#""code":1001,"type":"rate_limit_error""#, Kind::RateLimit, 429),
    ];
    for (hint, kind, status) in table {
        let body = format!(r#"{{"error":{{"message":"m",{hint}}}}}"#);
        check(200, &body, (kind, status, Some(200), "m"));
    }
}

#[test]
fn a_number_that_is_no_error_status_is_the_vendors_own() {
    for code in ["0", "1", "200", "302", "399", "600", "1001", "-401", "401.0", "4e2", "\"E401\"", "null", "[401]"] {
        check(200, &format!(r#"{{"error":{{"message":"m","code":{code}}}}}"#), (Kind::Api, 200, None, "m"));
    }
}

#[test]
fn no_available_channel_is_a_model_that_does_not_exist() {
    let messages = [
        "No available channel for model gtp-4 under group default (request id: 1)",
        "NO AVAILABLE CHANNEL",
        "当前分组 default 下对于模型 gtp-4 无可用渠道 (tid: 2026)",
    ];
    for message in messages {
        let body = json!({"error": {"message": message, "type": "Aihubmix_api_error", "code": 503}}).to_string();
        for status in [503, 200] {
            let error = check(status, &body, (Kind::NotFound, 404, Some(status), message));
            assert_eq!(error.code, Some("model_not_found"));
            let object: Value = serde_json::from_str(&error.body.expect("the object is kept")).expect("it is JSON");
            assert_eq!(object["message"], message);
        }
        check(500, &body, (Kind::InternalServer, 500, None, message));
        check(400, &body, (Kind::BadRequest, 400, None, message));
    }
}

#[test]
fn another_503_stays_an_overload() {
    let error = check(
        503,
        r#"{"error":{"message":"The engine is overloaded"}}"#,
        (Kind::InternalServer, 503, None, "The engine is overloaded"),
    );
    assert_eq!(error.code, None);
}

#[test]
fn the_key_is_taken_out_of_message_and_body() {
    let body =
        json!({"error": {"message": format!("bad key {KEY}, {KEY}"), "header": format!("Bearer {KEY}")}}).to_string();
    let error = Error::from_response(401, &body).redact(KEY);
    assert_eq!(error.message, "bad key [redacted], [redacted]");
    let object: Value = serde_json::from_str(&error.body.expect("the object is kept")).expect("it is still JSON");
    assert_eq!(object, json!({"message": "bad key [redacted], [redacted]", "header": "Bearer [redacted]"}));
}

#[test]
fn the_key_is_taken_out_of_text_and_titles() {
    let error = Error::from_response(500, &format!("dump: {KEY}")).redact(KEY);
    assert_eq!(error.message, "dump: [redacted]");
    let error = Error::from_response(500, &format!("<title>{KEY}</title>")).redact(KEY);
    assert_eq!(error.message, "The server answered with an HTML page, `[redacted]`, instead of JSON.");
}

/// PHP writes `/` as `\/`, and any character may be written as `\u….`: the object that the caller gets is parsed.
#[test]
fn the_key_is_taken_out_however_json_writes_it() {
    let key = "sk-proj/AbCdEf+\"0123\\456789";
    for written in [
        "sk-proj\\/AbCdEf+\\\"0123\\\\456789",
        "sk-proj/AbCdEf\\u002b\\\"0123\\\\456789",
        "\\u0073k-proj/AbCdEf+\\\"0123\\\\456789",
    ] {
        let error = Error::from_response(401, &format!(r#"{{"error":{{"message":"bad key {written}"}}}}"#)).redact(key);
        assert_eq!(error.message, "bad key [redacted]", "{written}");
        let object: Value = serde_json::from_str(&error.body.expect("the object is kept")).expect("it is JSON");
        let shown = object["message"].as_str().expect("it is a text");
        assert!(!shown.contains(key), "{written}: {shown}");
    }
}

/// An object without a message is its own message, escapes and all.
#[test]
fn the_key_is_taken_out_of_a_message_that_is_json_itself() {
    let body = r#"{"error":{"header":"Bearer sk-proj\/AbCdEf012345"}}"#;
    let error = Error::from_response(401, body).redact("sk-proj/AbCdEf012345");
    assert_eq!(error.message, r#"{"header":"Bearer [redacted]"}"#);
}

/// Half a key is too much of it: the first 500 characters may end within one.
#[test]
fn a_key_that_the_quote_would_cut_is_taken_out_too() {
    for shift in 0..KEY.len() {
        let body = format!("{}{KEY} and more", "x".repeat(500 - KEY.len() + shift));
        let error = Error::from_response(500, &body).redact(KEY);
        assert!(!error.message.contains(&KEY[..8]), "{shift} bytes of the key are cut off: {}", &error.message[440..]);
    }
}

#[test]
fn what_is_too_short_to_be_a_key_is_left_alone() {
    let error = Error::from_response(400, r#"{"error":{"message":"the demo key"}}"#);
    for secret in ["", "e", "demo", "error"] {
        assert_eq!(error.clone().redact(secret), error, "{secret:?}");
    }
    assert_eq!(error.clone().redact("mo key").message, "the de[redacted]");
}

#[test]
fn a_redacted_object_is_still_json() {
    // A key of digits alone may also stand in the object as a part of a number.
    let error = Error::from_response(401, r#"{"error":{"message":"m","code":1234567890}}"#).redact("345678");
    let body = error.body.expect("the object is kept");
    assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
}

#[test]
fn an_error_is_written_as_the_facade_reads_it() {
    let error = Error::from_response(503, r#"{"error":{"message":"No available channel"}}"#);
    let expected = json!({
        "kind": "not_found",
        "message": "No available channel",
        "status": 404,
        "upstreamStatus": 503,
        "code": "model_not_found",
    });
    assert_eq!(serde_json::to_value(&error).expect("it is plain data"), expected);
    let error = Error::new(Kind::Abort, "Request was aborted.");
    let expected = json!({"kind": "abort", "message": "Request was aborted."});
    assert_eq!(serde_json::to_value(&error).expect("it is plain data"), expected);
}

#[test]
fn kinds_are_written_in_snake_case() {
    let table = [
        (Kind::InvalidRequest, "invalid_request"),
        (Kind::MissingApiKey, "missing_api_key"),
        (Kind::BadRequest, "bad_request"),
        (Kind::Authentication, "authentication"),
        (Kind::PermissionDenied, "permission_denied"),
        (Kind::NotFound, "not_found"),
        (Kind::Conflict, "conflict"),
        (Kind::UnprocessableEntity, "unprocessable_entity"),
        (Kind::RateLimit, "rate_limit"),
        (Kind::InternalServer, "internal_server"),
        (Kind::Api, "api"),
        (Kind::Redirect, "redirect"),
        (Kind::MalformedResponse, "malformed_response"),
        (Kind::Connection, "connection"),
        (Kind::Timeout, "timeout"),
        (Kind::StreamTruncated, "stream_truncated"),
        (Kind::Abort, "abort"),
    ];
    for (kind, name) in table {
        assert_eq!(serde_json::to_value(kind).expect("it is a text"), name);
    }
}
