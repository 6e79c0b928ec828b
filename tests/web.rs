//! The functions that JavaScript calls, over a caller's `fetch` that answers as each test wants. They run in Node, and
//! in a browser when built with `WASM_BINDGEN_USE_BROWSER=1`.
#![cfg(target_arch = "wasm32")]

use chatmux::web::{self, CallOptions, ChunkSource};
use js_sys::{Function, JSON, Reflect, Uint8Array};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::ReadableStreamDefaultReader;

/// A key: `canary` stands for whatever no error may show.
const KEY: &str = "sk-canary-0123456789";
const REQUEST: &str = r#"{"model":"m","messages":[{"role":"user","content":"What is the meaning of life?"}]}"#;
const COMPLETION: &str = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"42"},"finish_reason":"stop"}],"usage":{"total_tokens":3},"x_own":{"z":1,"a":[null,1.5]}}"#;
/// JavaScript for a good answer.
const OK: &str = "new Response('{\"ok\":true}', { headers: { 'content-type': 'application/json' } })";
/// JavaScript for an answer that never comes, and for one whose body never does.
const NEVER: &str = "new Promise(() => {})";
const STALLED: &str = "Promise.resolve(new Response(new ReadableStream({})))";

/// The value of a JavaScript expression.
fn js(expression: &str) -> JsValue {
    let script = Function::new_no_args(&format!("return ({expression});"));
    script.call0(&JsValue::UNDEFINED).expect("the test's script runs")
}

fn get(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, name| Reflect::get(&value, &name.into()).unwrap_or(JsValue::UNDEFINED))
}

fn text(value: &JsValue, path: &str) -> String {
    get(value, path).as_string().unwrap_or_else(|| panic!("`{path}` is no text in {}", stringify(value)))
}

fn stringify(value: &JsValue) -> String {
    JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// A caller's `fetch` whose body is `answer`: JavaScript over `url`, `init` and `n`, the number of the call. Each call is
/// noted in its `calls`.
fn fetch(answer: &str) -> JsValue {
    js(&format!(
        "(() => {{
            const fetch = function (url, init) {{
                'use strict';
                fetch.calls.push({{ url, init, self: this, count: arguments.length }});
                const n = fetch.calls.length;
                {answer}
            }};
            return Object.assign(fetch, {{ calls: [] }});
        }})()"
    ))
}

/// A `fetch` that answers with a `Response` of this body and these options, both JavaScript.
fn responding(body: &str, init: &str) -> JsValue {
    fetch(&format!("return Promise.resolve(new Response({body}, {{ {init} }}));"))
}

/// A `fetch` that answers with this status and this body, which it calls JSON.
fn answering(status: u16, body: &str) -> JsValue {
    let init = format!("status: {status}, headers: {{ 'content-type': 'application/json', 'x-request-id': 'r-1' }}");
    responding(&stringify(&body.into()), &init)
}

/// A `fetch` that answers with this event stream.
fn streaming(body: &str) -> JsValue {
    responding(&stringify(&body.into()), "headers: { 'content-type': 'text/event-stream; charset=utf-8' }")
}

/// A `fetch` that answers with an empty body and these options until its third call, which is good.
fn failing_twice(init: &str) -> JsValue {
    fetch(&format!("return Promise.resolve(n < 3 ? new Response('{{}}', {{ {init} }}) : {OK});"))
}

fn calls(fetch: &JsValue) -> u32 {
    js_sys::Array::from(&get(fetch, "calls")).length()
}

/// The headers of a call as sorted JSON pairs.
fn sent_headers(fetch: &JsValue, call: u32) -> String {
    let entries = Function::new_with_args("headers", "return [...headers].sort();");
    let headers = get(fetch, &format!("calls.{call}.init.headers"));
    stringify(&entries.call1(&JsValue::UNDEFINED, &headers).expect("the headers are a Headers"))
}

/// Options with a key, no retries and this `fetch`, changed by the members of a JavaScript object.
fn options(fetch: &JsValue, members: &str) -> CallOptions {
    let options =
        js(&format!("{{ apiKey: '{KEY}', baseURL: 'https://api.test/v1', maxRetries: 0, ...{{ {members} }} }}"));
    Reflect::set(&options, &"fetch".into(), fetch).expect("it is a plain object");
    options.unchecked_into()
}

/// The same of a chat, which has the JSON of `REQUEST`.
fn chat_options(fetch: &JsValue, members: &str) -> CallOptions {
    options(fetch, &format!("json: {}, {members}", stringify(&REQUEST.into())))
}

fn number(value: &JsValue, path: &str) -> Option<f64> {
    get(value, path).as_f64()
}

async fn answered(fetch: &JsValue, members: &str) -> JsValue {
    web::create_chat_completion(&js(REQUEST), &chat_options(fetch, members)).await.expect("the call is answered")
}

async fn stream(fetch: &JsValue, members: &str) -> Result<ChunkSource, JsValue> {
    let request = js(&format!("{{ ...{REQUEST}, stream: true }}"));
    let source = web::create_chat_completion_stream(&request, &chat_options(fetch, members)).await?;
    Ok(ChunkSource::try_from_js_value(source).expect("it is a source of chunks"))
}

async fn opened(fetch: &JsValue, members: &str) -> ChunkSource {
    stream(fetch, members).await.expect("the call is answered by a stream")
}

async fn catalogue(fetch: &JsValue, members: &str) -> Result<JsValue, JsValue> {
    web::list_catalogue(&options(fetch, members)).await
}

/// Checks that error data is of this kind and shows nothing of a key or of what else must not be seen.
fn check_kind(error: &JsValue, kind: &str) {
    assert_eq!(text(error, "kind"), kind, "{}", stringify(error));
    let shown = [stringify(error), stringify(&get(error, "cause")), text(error, "message")].concat();
    assert!(!shown.contains("canary"), "{shown}");
}

async fn refused(fetch: &JsValue, members: &str, kind: &str) -> JsValue {
    let error =
        web::create_chat_completion(&js(REQUEST), &chat_options(fetch, members)).await.expect_err("the call fails");
    check_kind(&error, kind);
    error
}

async fn refused_stream(fetch: &JsValue, members: &str, kind: &str) -> JsValue {
    let error = stream(fetch, members).await.err().expect("the call fails");
    check_kind(&error, kind);
    error
}

/// Reads a stream to its end by hand, byte by byte: the text of each batch.
async fn drain(source: &mut ChunkSource) -> Vec<String> {
    let reader = ReadableStreamDefaultReader::new(source.body().unchecked_ref()).expect("the body is a web stream");
    let mut batches = Vec::new();
    while !source.ended() {
        let result = JsFuture::from(reader.read()).await.expect("the body can be read");
        if get(&result, "done").is_truthy() {
            break;
        }
        let bytes = get(&result, "value").unchecked_into::<Uint8Array>().to_vec();
        for byte in bytes.chunks(1) {
            let room = source.room(byte.len());
            let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
            Uint8Array::new(&memory.buffer()).set(&Uint8Array::from(byte), room as u32);
            source.feed(byte.len());
            if !source.batch().text().is_empty() {
                batches.push(String::from_utf8(source.batch().text().to_vec()).expect("the text is UTF-8"));
            }
        }
    }
    batches
}

#[test]
async fn a_whole_answer_is_the_servers_json_with_all_that_it_says() {
    let fetch = answering(200, &COMPLETION.replace(':', " : "));
    assert_eq!((stringify(&answered(&fetch, "").await), calls(&fetch)), (COMPLETION.to_owned(), 1));
}

#[test]
async fn fetch_is_called_unbound_with_a_url_and_an_init() {
    let fetch = answering(200, COMPLETION);
    answered(&fetch, "").await;
    let call = get(&fetch, "calls.0");
    assert_eq!(text(&call, "url"), "https://api.test/v1/chat/completions");
    assert_eq!((number(&call, "count"), get(&call, "self")), (Some(2.0), JsValue::UNDEFINED));
    assert_eq!((text(&call, "init.method"), text(&call, "init.redirect")), ("POST".into(), "manual".into()));
    assert_eq!(get(&call, "init.signal.aborted"), JsValue::FALSE);
    assert_eq!(text(&call, "init.headers.constructor.name"), "Headers");
}

#[test]
async fn the_body_is_the_json_as_it_is_given() {
    let fetch = answering(200, COMPLETION);
    let json = r#"'{ "temperature": 0.70, "x": "ä€🦊\ud800" }'"#;
    answered(&fetch, &format!("json: {json}")).await;
    // Compared as JavaScript has them: a lone surrogate would be lost on the way to Rust.
    assert_eq!(get(&fetch, "calls.0.init.body"), js(json));
}

#[test]
async fn a_key_named_proto_pollutes_nothing() {
    answered(&answering(200, r#"{"__proto__":{"polluted":1},"choices":[]}"#), "").await;
    assert_eq!(js("({}).polluted"), JsValue::UNDEFINED);
}

#[test]
async fn only_three_headers_are_sent() {
    let fetch = answering(200, COMPLETION);
    answered(&fetch, "").await;
    let rest = format!(r#"["authorization","Bearer {KEY}"],["content-type","application/json"]]"#);
    assert_eq!(sent_headers(&fetch, 0), format!(r#"[["accept","application/json"],{rest}"#));
    let fetch = streaming("data: [DONE]\n\n");
    opened(&fetch, "").await;
    assert_eq!(sent_headers(&fetch, 0), format!(r#"[["accept","text/event-stream"],{rest}"#));
}

#[test]
async fn the_headers_that_other_options_stand_for_are_sent_and_checked() {
    let fetch = answering(200, COMPLETION);
    answered(&fetch, "ownHeaders: { 'APP-Code': 'ABC1', 'x-none': undefined }").await;
    assert!(sent_headers(&fetch, 0).contains(r#"["app-code","ABC1"]"#), "{}", sent_headers(&fetch, 0));
    refused(&fetch, "ownHeaders: { 'APP-Code': 'A\\r\\nx: y' }", "invalid_request").await;
}

#[test]
async fn the_calls_headers_win_over_the_clients_and_null_removes() {
    let fetch = answering(200, COMPLETION);
    let members = "defaultHeaders: { 'X-A': '1', 'X-B': '2', 'X-C': '3' }, headers: [['x-a', 'one'], ['x-d', '4']]";
    answered(&fetch, members).await;
    let members = "defaultHeaders: new Headers({ 'x-a': '1' }), headers: { 'X-A': null, accept: undefined, 'content-type': null, 'x-l': ['a', 'b'] }";
    answered(&fetch, members).await;
    let own = r#"["content-type","application/json"],["x-a","one"],["x-b","2"],["x-c","3"],["x-d","4"]]"#;
    assert!(sent_headers(&fetch, 0).ends_with(own), "{}", sent_headers(&fetch, 0));
    let all = format!(r#"[["accept","application/json"],["authorization","Bearer {KEY}"],["x-l","a, b"]]"#);
    assert_eq!(sent_headers(&fetch, 1), all);
}

#[test]
async fn a_header_that_cannot_be_sent_is_refused_before_anything_is() {
    let fetch = answering(200, COMPLETION);
    let list = "{ 'x-a': 'canary\\r\\nx-b: 1' } | { 'x-a': 'canary\\0' } | { 'x-a': 'canary🦊' } | { '\\u212aey': 'canary' } \
        | { 'x y': 'canary' } | ['canary'] | 'canary' | { 'x-a': { toString() { throw new Error('canary') } } }";
    for headers in list.split('|') {
        refused(&fetch, &format!("headers: {headers}"), "invalid_request").await;
    }
    assert_eq!(calls(&fetch), 0);
}

#[test]
async fn the_query_stands_in_the_url() {
    let fetch = answering(200, COMPLETION);
    answered(&fetch, "").await;
    answered(&fetch, "search: '?a=1&b=2'").await;
    assert_eq!(text(&fetch, "calls.0.url"), "https://api.test/v1/chat/completions");
    assert_eq!(text(&fetch, "calls.1.url"), "https://api.test/v1/chat/completions?a=1&b=2");
}

#[test]
async fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let fetch = answering(200, COMPLETION);
    let list = "undefined | null | 'text' | {} | { messages: [{}] } | { model: '', messages: [{}] } | { model: 1, messages: [{}] } \
        | { model: 'm' } | { model: 'm', messages: {} } \
        | { model: 'm', messages: [{}], stream: true }";
    for request in list.split('|') {
        let error = web::create_chat_completion(&js(request), &options(&fetch, "")).await.expect_err(request);
        check_kind(&error, "invalid_request");
    }
    let streamed = web::create_chat_completion_stream(&js(REQUEST), &chat_options(&fetch, "")).await;
    check_kind(&streamed.expect_err("`stream` is missing"), "invalid_request");
    assert_eq!(calls(&fetch), 0);
}

#[test]
async fn a_missing_or_unsendable_key_is_refused_before_anything_is_sent() {
    let fetch = answering(200, COMPLETION);
    let list =
        "undefined | null | '' | ' \\n' | 5 | {} | () => '' | async () => null | 'sk-canary\\r\\nx: y' | 'sk-canaryé'";
    for key in list.split('|') {
        refused(&fetch, &format!("apiKey: {key}"), "missing_api_key").await;
    }
    for key in ["() => { throw new Error('canary') }", "async () => { throw new Error('canary') }"] {
        let error = refused(&fetch, &format!("apiKey: {key}"), "missing_api_key").await;
        assert_eq!(text(&error, "cause.message"), "canary", "the caller's own error is the cause");
    }
    assert_eq!(calls(&fetch), 0);
}

#[test]
async fn a_key_in_a_header_of_the_callers_is_enough() {
    let fetch = answering(200, COMPLETION);
    answered(&fetch, "apiKey: undefined, headers: { 'x-api-key': 'k' }").await;
    let headers = r#"[["accept","application/json"],["content-type","application/json"],["x-api-key","k"]]"#;
    assert_eq!(sent_headers(&fetch, 0), headers);
}

#[test]
async fn a_key_function_is_asked_for_each_try() {
    let fetch = failing_twice("status: 500, headers: { 'retry-after-ms': '0' }");
    let key = "(() => { let n = 0; return async () => ` key-${++n}\\n`; })()";
    answered(&fetch, &format!("maxRetries: 2, apiKey: {key}")).await;
    for call in 0..3 {
        let sent = format!(r#"["authorization","Bearer key-{}"]"#, call + 1);
        assert!(sent_headers(&fetch, call).contains(&sent), "{}", sent_headers(&fetch, call));
    }
}

#[test]
async fn an_error_leaves_as_data_with_what_the_server_said() {
    let object = r#"{"message":"bad key [redacted]","type":"invalid_request_error","code":"invalid_api_key"}"#;
    let body = format!(r#"{{"error":{}}}"#, object.replace("[redacted]", KEY));
    let error = refused(&answering(401, &body), "", "authentication").await;
    assert_eq!((text(&error, "message"), number(&error, "status")), ("bad key [redacted]".into(), Some(401.0)));
    assert_eq!(stringify(&get(&error, "error")), object);
    let request_id = Function::new_with_args("error", "return error.headers.get('X-Request-Id');");
    assert_eq!(request_id.call1(&JsValue::UNDEFINED, &error).expect("the headers are a Headers"), "r-1");
}

#[test]
async fn an_error_that_is_no_json_is_told_by_its_text() {
    let error = refused(&answering(502, "<html><title>Bad Gateway</title></html>"), "", "internal_server").await;
    assert_eq!(text(&error, "message"), "The server answered with an HTML page, `Bad Gateway`, instead of JSON.");
    let error = refused(&answering(418, &format!("no tea for {KEY}")), "", "api").await;
    assert_eq!((text(&error, "message"), get(&error, "error")), ("no tea for [redacted]".into(), JsValue::UNDEFINED));
}

/// As the host's own `text()` and `json()` drop it.
#[test]
async fn a_byte_order_mark_before_an_error_is_dropped() {
    let error = refused(&answering(400, "\u{feff}{\"error\":{\"message\":\"m\"}}"), "", "bad_request").await;
    assert_eq!(text(&error, "message"), "m");
}

#[test]
async fn an_error_under_a_status_of_success_is_an_error() {
    let body = r#"{"error":{"message":"m","type":"rate_limit_error"}}"#;
    let statuses = |error| (number(&error, "status"), number(&error, "upstreamStatus"));
    assert_eq!(statuses(refused(&answering(200, body), "", "rate_limit").await), (Some(429.0), Some(200.0)));
    assert_eq!(statuses(refused_stream(&answering(200, body), "", "rate_limit").await), (Some(429.0), Some(200.0)));
}

#[test]
async fn a_success_that_is_no_json_object_is_malformed_and_not_quoted() {
    for body in [" ", "{\"a\":\"canary", "canary", "\"canary\"", "1", "null", "<p>canary</p>", "{} canary"] {
        let error = refused(&answering(200, body), "", "malformed_response").await;
        assert_eq!(get(&error, "cause"), JsValue::UNDEFINED, "the host's own message quotes the body");
    }
    let nothing = responding("null", "status: 204");
    assert_eq!(answered(&nothing, "").await, JsValue::NULL);
    assert_eq!(answered(&answering(200, ""), "").await, JsValue::UNDEFINED);
}

#[test]
async fn a_redirect_is_not_followed_and_only_its_origin_is_shown() {
    for status in [301, 302, 303, 307, 308] {
        let location = "headers: { location: 'https://other.test/path?canary' }";
        let fetch = responding("null", &format!("status: {status}, {location}"));
        let error = refused(&fetch, "maxRetries: 2", "redirect").await;
        assert!(text(&error, "message").contains("redirects to https://other.test."), "{}", text(&error, "message"));
        assert_eq!((calls(&fetch), number(&error, "status")), (1, Some(f64::from(status))));
    }
    // What a browser gives for `redirect: "manual"`.
    let opaque = fetch("return Promise.resolve({ status: 0, type: 'opaqueredirect', headers: new Headers() });");
    refused(&opaque, "", "redirect").await;
}

#[test]
async fn what_may_pass_is_tried_again_after_the_time_that_the_server_asks_for() {
    let list = "'retry-after-ms': '0' | 'retry-after': '0' | 'retry-after-ms': '0', 'retry-after': '50' \
        | 'retry-after-ms': 'soon', 'retry-after': '0.001'";
    for asked in list.split('|') {
        for status in [408, 409, 429, 500, 503] {
            let fetch = failing_twice(&format!("status: {status}, headers: {{ {asked} }}"));
            answered(&fetch, "maxRetries: undefined").await;
            assert_eq!(calls(&fetch), 3, "{status}, {asked}");
        }
    }
}

#[test]
async fn the_tries_are_as_many_as_allowed() {
    let fetch = failing_twice("status: 429, headers: { 'retry-after-ms': '0' }");
    refused(&fetch, "maxRetries: 1", "rate_limit").await;
    let lasting = answering(400, "{}");
    refused(&lasting, "maxRetries: 5", "bad_request").await;
    assert_eq!((calls(&fetch), calls(&lasting)), (2, 1));
}

#[test]
async fn the_servers_advice_on_retries_wins() {
    let fetch = failing_twice("status: 400, headers: { 'x-should-retry': 'true', 'retry-after-ms': '0' }");
    answered(&fetch, "maxRetries: 2").await;
    let fetch = failing_twice("status: 500, headers: { 'x-should-retry': 'false' }");
    refused(&fetch, "maxRetries: 2", "internal_server").await;
    assert_eq!(calls(&fetch), 1);
}

#[test]
async fn a_model_that_nobody_serves_is_not_tried_again() {
    let fetch = answering(503, r#"{"error":{"message":"No available channel for model x"}}"#);
    let error = refused(&fetch, "maxRetries: 2", "not_found").await;
    assert_eq!((number(&error, "status"), &text(&error, "code")[..]), (Some(404.0), "model_not_found"));
    assert_eq!(calls(&fetch), 1);
}

#[test]
async fn the_body_of_a_refusal_is_let_go_before_the_next_try() {
    let body = "new ReadableStream({ cancel() { fetch.cancelled = (fetch.cancelled ?? 0) + 1; } })";
    let init = "{ status: 429, headers: { 'retry-after-ms': '0' } }";
    let fetch = fetch(&format!("return Promise.resolve(n < 3 ? new Response({body}, {init}) : {OK});"));
    answered(&fetch, "maxRetries: 2").await;
    assert_eq!((calls(&fetch), number(&fetch, "cancelled")), (3, Some(2.0)));
}

#[test]
async fn a_failed_connection_names_the_host_and_is_tried_again() {
    let failed = "Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })";
    let rejecting = fetch(&format!("return Promise.reject({failed});"));
    let members = "baseURL: 'https://api.test/canary/v1', search: '?a=canary'";
    let error = refused(&rejecting, members, "connection").await;
    assert_eq!(text(&error, "message"), "Connection error: could not reach `https://api.test` (ECONNREFUSED).");
    assert_eq!(text(&error, "cause.message"), "fetch failed");
    let throwing = fetch(&format!("if (n < 2) throw {failed}; return {OK};"));
    answered(&throwing, "maxRetries: 1").await;
    assert_eq!(calls(&throwing), 2);
}

#[test]
async fn a_fetch_that_gives_no_response_is_refused() {
    for value in ["undefined", "null", "'text'", "Promise.resolve(7)"] {
        refused(&fetch(&format!("return {value};")), "", "invalid_request").await;
    }
}

#[test]
async fn a_response_of_a_foreign_class_is_read_by_what_it_has() {
    let class = "class Foreign { constructor(status, own) { Object.assign(this, { status, own }); } async json() { return JSON.parse(this.own); } async text() { return this.own; } }";
    let foreign = |own: &str| fetch(&format!("{class} return Promise.resolve(new Foreign({own}));"));
    let bare = foreign(r#"200, '{"ok":true}'"#);
    assert_eq!(stringify(&answered(&bare, "").await), r#"{"ok":true}"#);
    let error = refused(&foreign(r#"404, '{"error":{"message":"m"}}'"#), "", "not_found").await;
    assert_eq!(text(&error, "message"), "m");
    let body = "new Response('data: {}\\n\\ndata: [DONE]\\n\\n').body";
    let parts = format!("headers: new Map([['content-type', 'text/event-stream']]), body: {body}");
    let streaming = fetch(&format!("return Promise.resolve({{ status: 200, {parts} }});"));
    assert_eq!(drain(&mut opened(&streaming, "").await).await, ["{}"]);
    refused_stream(&bare, "", "malformed_response").await;
}

#[test]
async fn a_try_may_last_no_longer_than_its_time_wherever_it_hangs() {
    for answer in [NEVER, STALLED] {
        let error = refused(&fetch(&format!("return {answer};")), "timeout: 20", "timeout").await;
        assert_eq!(text(&error, "message"), "Request timed out: no answer within 20 ms (`timeout`).");
    }
    // What the status says is known, however long its text takes.
    let no = fetch("return Promise.resolve(new Response(new ReadableStream({}), { status: 500 }));");
    refused(&no, "timeout: 20", "internal_server").await;
    refused(&answering(200, COMPLETION), "timeout: 20, apiKey: () => new Promise(() => {})", "timeout").await;
    refused_stream(&fetch(&format!("return {NEVER};")), "timeout: 20", "timeout").await;
}

#[test]
async fn an_abort_before_the_call_sends_nothing() {
    let fetch = answering(200, COMPLETION);
    let error = refused(&fetch, "signal: AbortSignal.abort('enough')", "abort").await;
    assert_eq!((calls(&fetch), text(&error, "cause")), (0, "enough".into()));
}

#[test]
async fn an_abort_ends_the_call_wherever_it_is() {
    let soon = "maxRetries: 2, signal: (() => { const c = new AbortController(); setTimeout(() => c.abort('enough'), 20); return c.signal; })()";
    let waiting = "Promise.resolve(new Response('{}', { status: 429, headers: { 'retry-after': '50' } }))";
    for answer in [NEVER, STALLED, waiting] {
        let fetch = fetch(&format!("return {answer};"));
        let error = refused(&fetch, soon, "abort").await;
        assert_eq!((calls(&fetch), text(&error, "cause")), (1, "enough".into()), "{answer}");
    }
}

#[test]
async fn no_listener_is_left_on_the_callers_signal() {
    let signal = js("(() => {
        const signal = Object.assign(new AbortController().signal, { open: 0 });
        for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
            signal[name] = function (...rest) { signal.open += step; return AbortSignal.prototype[name].apply(signal, rest); };
        }
        return globalThis.countedSignal = signal;
    })()");
    let open = || number(&signal, "open");
    let with = "signal: globalThis.countedSignal, maxRetries: 2";
    answered(&failing_twice("status: 500, headers: { 'retry-after-ms': '1' }"), with).await;
    refused(&answering(400, "{}"), with, "bad_request").await;
    refused(&answering(200, "broken"), with, "malformed_response").await;
    assert_eq!(open(), Some(0.0));
    let mut source = opened(&streaming("data: [DONE]\n\n"), with).await;
    assert_eq!(open(), Some(1.0), "a stream that is being read can still be aborted");
    source.close();
    assert_eq!(open(), Some(0.0));
}

#[test]
async fn a_stream_is_read_to_its_end_and_judged() {
    let body = "data: {\"a\":\"ä\"}\n\n: note\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\ndata: late\n\n";
    let mut source = opened(&streaming(body), "").await;
    assert_eq!(drain(&mut source).await, [r#"{"a":"ä"}"#, r#"{"b":2}"#]);
    assert_eq!((source.ended(), source.finish()), (true, Ok(())));
}

#[test]
async fn a_stream_that_breaks_off_is_an_error() {
    let mut source = opened(&streaming("data: {\"a\":1}\n\n"), "").await;
    assert_eq!((drain(&mut source).await, source.ended()), (vec![r#"{"a":1}"#.to_owned()], false));
    check_kind(&source.finish().expect_err("it is cut"), "stream_truncated");
    let broken = source.broken(js("new TypeError('terminated')"));
    check_kind(&broken, "stream_truncated");
    assert_eq!(text(&broken, "cause.message"), "terminated");
}

#[test]
async fn an_error_in_a_stream_has_the_headers_and_not_the_key() {
    let body = format!("data: {{\"a\":1}}\n\ndata: {{\"error\":{{\"message\":\"bad {KEY}\",\"code\":401}}}}\n\n");
    let mut source = opened(&streaming(&body), "").await;
    assert_eq!(drain(&mut source).await, [r#"{"a":1}"#]);
    let error = source.finish().expect_err("it reports an error");
    check_kind(&error, "authentication");
    assert_eq!([text(&error, "message"), text(&error, "error.message")], ["bad [redacted]", "bad [redacted]"]);
    assert!(get(&error, "headers.get").is_function());
}

#[test]
async fn a_stream_can_be_aborted_from_either_side_after_its_headers() {
    let fetch = streaming("data: {}\n\n");
    opened(&fetch, "").await.controller().abort();
    assert_eq!(get(&fetch, "calls.0.init.signal.aborted"), JsValue::TRUE);
    let _source = opened(&fetch, "signal: (globalThis.mine = new AbortController()).signal").await;
    js("globalThis.mine.abort()");
    assert_eq!(get(&fetch, "calls.1.init.signal.aborted"), JsValue::TRUE);
}

#[test]
async fn what_is_plainly_no_event_stream_is_refused() {
    let typed = |media_type: &str| {
        responding("'data: {\"canary\":1}\\n\\n'", &format!("headers: {{ 'content-type': '{media_type}' }}"))
    };
    for media_type in ["text/html", "application/json", "x bogus", "text/event-streams"] {
        refused_stream(&typed(media_type), "", "malformed_response").await;
    }
    for media_type in ["text/event-stream", "Text/Event-Stream;", "text/event-stream;charset=x", "text/plain"] {
        opened(&typed(media_type), "").await;
    }
}

#[test]
async fn the_models_of_the_account_are_asked_for_with_the_key() {
    let body = r#"{"object":"list","data":[{"id":"m","own":1}]}"#;
    let fetch = answering(200, body);
    let list = web::list_models(&options(&fetch, "search: '?a=1'")).await.expect("it is answered");
    assert_eq!(stringify(&list), body);
    let call = [text(&fetch, "calls.0.url"), text(&fetch, "calls.0.init.method")];
    assert_eq!(call, ["https://api.test/v1/models?a=1", "GET"]);
    assert_eq!(sent_headers(&fetch, 0), format!(r#"[["accept","application/json"],["authorization","Bearer {KEY}"]]"#));
    assert_eq!(get(&fetch, "calls.0.init.body"), JsValue::UNDEFINED);
}

#[test]
async fn the_catalogue_is_read_from_all_the_forms_that_it_has() {
    let body = r#"{"success":true,"message":"","data":[
        {"model_id":"a","model_name":"A","developer_id":"D","desc":"d","types":"llm, tts","features":"tools,,thinking","input_modalities":"text,image","endpoints":["chat_completions",1],
            "context_length":"128000","max_output":4096.0,"pricing":{"input":0.15,"output":"0.6","cache_read":0,"cache_write":null}},
        {"model_id":"b","model_name":"","developer_id":7,"context_length":0,"max_output":"","types":null,"pricing":{"input":"free","output":1}},
        {"model_name":"without an id"},{"model_id":""},null,"text"
    ]}"#;
    let fetch = answering(200, body);
    let list = catalogue(&fetch, "search: '?type=llm'").await.expect("it is answered");
    let a = r#"{"id":"a","name":"A","developer":"D","description":"d","types":["llm","tts"],"features":["tools","thinking"],"input_modalities":["text","image"],"endpoints":["chat_completions"],"context_length":128000,"max_output":4096,"pricing":{"input":0.15,"output":0.6,"cache_read":0}}"#;
    // JSON writes `null` for the price that is not a number.
    let b = r#"{"id":"b","name":"b","developer":"7","description":"","types":[],"features":[],"input_modalities":[],"endpoints":[],"context_length":null,"max_output":null,"pricing":{"input":null,"output":1}}"#;
    assert_eq!(stringify(&list), format!("[{a},{b}]"));
    assert_eq!(text(&fetch, "calls.0.url"), "https://api.test/api/v1/models?type=llm");
}

#[test]
async fn the_catalogue_is_asked_for_without_a_key() {
    let fetch = answering(200, r#"{"data":[]}"#);
    let members = "appCode: 'ABC1', defaultHeaders: { authorization: 'Bearer x', 'x-a': '1' }";
    catalogue(&fetch, members).await.expect("it is answered");
    catalogue(&fetch, "apiKey: () => { throw new Error('not asked') }").await.expect("it is answered");
    assert_eq!(sent_headers(&fetch, 0), r#"[["accept","application/json"],["x-a","1"]]"#);
    assert_eq!(sent_headers(&fetch, 1), r#"[["accept","application/json"]]"#);
}

#[test]
async fn a_catalogue_that_failed_says_why() {
    let missing = "The server's reply is no model catalogue: it has no list `data`.";
    let later = r#"{"success":false,"message":"later","data":[]}"#;
    for (body, message) in [(later, "later"), (r#"{"success":false}"#, missing), (r#"{"data":{}}"#, missing)] {
        let error = catalogue(&answering(200, body), "").await.expect_err(body);
        check_kind(&error, "malformed_response");
        assert_eq!((&text(&error, "message")[..], number(&error, "status")), (message, Some(200.0)));
    }
    let error = catalogue(&answering(200, "{}"), "baseURL: 'https://api.test'").await.expect_err("no `/v1`");
    check_kind(&error, "invalid_request");
}
