//! From the bytes of a streamed answer to its chunks and its verdict, however the bytes are cut.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::stream::ChunkStream;
use chatmux::{Error, Kind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A finish reason for the only choice: with it a stream is whole even without `[DONE]`.
const FINISHED: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
/// What no error text may show.
const SECRET: &str = "SECRET-PAYLOAD";

/// What a stream came to: its chunks, whether it had ended before its bytes did, and the verdict.
type Outcome = (Vec<Value>, bool, Result<(), Error>);

fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut stream = ChunkStream::new(200);
    let mut chunks = Vec::new();
    for piece in pieces {
        let batch = stream.feed(piece);
        if !batch.is_empty() {
            let batch: Vec<Value> = serde_json::from_str(&batch).expect("a batch is a JSON array");
            assert!(!batch.is_empty(), "a batch without chunks is an empty text");
            chunks.extend(batch);
        }
    }
    (chunks, stream.has_ended(), stream.finish())
}

/// Runs a stream whole, at every two-way cut and byte by byte; the outcome, which must always be the same.
fn run_at_every_cut(input: &str) -> Outcome {
    let bytes = input.as_bytes();
    let outcome = run([bytes]);
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(run([head, tail]), outcome, "cut at byte {at} of {input:?}");
    }
    assert_eq!(run(bytes.chunks(1)), outcome, "byte by byte: {input:?}");
    outcome
}

/// One event for each of the data.
fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

fn parse(chunks: &[&str]) -> Vec<Value> {
    chunks.iter().map(|chunk| serde_json::from_str(chunk).expect("the test writes JSON")).collect()
}

/// The chunks that come before the error, and the error.
fn failure(input: &str) -> (Vec<Value>, Error) {
    let (chunks, ended, verdict) = run_at_every_cut(input);
    let error = verdict.expect_err("the stream does not end well");
    assert_eq!(ended, error.kind != Kind::StreamTruncated, "only a cut stream is judged by its end: {input:?}");
    (chunks, error)
}

fn assert_silent(error: &Error) {
    assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
}

#[test]
fn the_chunks_of_one_feed_are_one_batch() {
    let mut stream = ChunkStream::new(200);
    assert_eq!(stream.feed(b"data: {\"a\":1}\n\ndata: { \"a\" : 2 }\r\n\r\nda"), r#"[{"a":1},{ "a" : 2 }]"#);
    assert_eq!(stream.feed(b"ta: {\"a\""), "");
    assert_eq!(stream.feed(b""), "");
    assert_eq!(stream.feed(b":3}\n"), "");
    assert_eq!(stream.feed(b"\n"), r#"[{"a":3}]"#);
    assert!(!stream.has_ended());
    assert_eq!(stream.feed(b"data: [DONE]\n\n"), "");
    assert!(stream.has_ended());
    assert_eq!(stream.finish(), Ok(()));
}

#[test]
fn a_chunk_over_several_data_lines_is_one_chunk() {
    let (chunks, _, verdict) =
        run_at_every_cut("data: {\ndata: \"a\":\ndata:\ndata: [1,\ndata: 2]}\n\ndata: [DONE]\n\n");
    assert_eq!((chunks, verdict), (parse(&[r#"{"a":[1,2]}"#]), Ok(())));
}

#[test]
fn comments_names_and_ids_change_nothing() {
    let input =
        "\u{feff}: PROCESSING\n\nevent: chunk\nid: 1\ndata: {\"a\":1}\n\nretry: 5\n\nevent: x\n\ndata: [DONE]\n\n";
    assert_eq!(run_at_every_cut(input), (parse(&[r#"{"a":1}"#]), true, Ok(())));
}

#[test]
fn the_sentinel_ends_the_stream_with_or_without_its_space() {
    for sentinel in ["data: [DONE]\n\n", "data:[DONE]\r\n\r\n", "event: done\rdata: [DONE]\r\r"] {
        let input = events(&[r#"{"a":1}"#]) + sentinel;
        assert_eq!(run_at_every_cut(&input), (parse(&[r#"{"a":1}"#]), true, Ok(())), "{sentinel:?}");
    }
}

#[test]
fn the_sentinel_alone_is_a_whole_stream() {
    assert_eq!(run_at_every_cut("data: [DONE]\n\n"), (vec![], true, Ok(())));
}

#[test]
fn only_the_exact_text_is_the_sentinel() {
    let near = [
        "data: [DONE]x\n\n",
        "data: [DONE] \n\n",
        "data:  [DONE]\n\n",
        "data: [done]\n\n",
        "data: DONE\n\n",
        "data: [ DONE ]\n\n",
        "data: \"[DONE]\"\n\n",
        "data: [\"DONE\"]\n\n",
        "data: [DONE]\ndata:\n\n",
        "data: [DONE]\ndata: [DONE]\n\n",
        "data: \u{feff}[DONE]\n\n",
    ];
    for sentinel in near {
        let (chunks, error) = failure(&(events(&[FINISHED]) + sentinel));
        assert_eq!((chunks.len(), error.kind), (1, Kind::MalformedResponse), "{sentinel:?}");
    }
}

#[test]
fn whatever_follows_the_sentinel_is_ignored() {
    let input = events(&["{\"a\":1}", "[DONE]", "{\"a\":2}", "{broken", r#"{"error":{"message":"late"}}"#, "[DONE]"])
        + "event: error\ndata: late\n\n";
    assert_eq!(run_at_every_cut(&input), (parse(&[r#"{"a":1}"#]), true, Ok(())));
}

#[test]
fn the_verdict_is_the_same_when_asked_for_twice() {
    for (data, expected) in [("[DONE]", None), ("{broken", Some(Kind::MalformedResponse))] {
        let mut stream = ChunkStream::new(200);
        stream.feed(events(&[data]).as_bytes());
        let first = stream.finish();
        assert_eq!(first.as_ref().err().map(|error| error.kind), expected, "{data}");
        assert!(stream.has_ended(), "{data}: still over after the verdict");
        assert_eq!(stream.feed(&events(&[r#"{"a":1}"#]).into_bytes()), "", "{data}: bytes after the end are ignored");
        assert_eq!(stream.finish(), first, "{data}");
    }
}

#[test]
fn an_error_member_ends_the_stream_after_the_chunks_before_it() {
    let error = r#"{"error":{"message":"boom","type":"server_error","param":null,"code":null}}"#;
    let (chunks, error) = failure(&events(&[r#"{"a":1}"#, r#"{"a":2}"#, error, r#"{"a":3}"#, "[DONE]"]));
    assert_eq!(chunks, parse(&[r#"{"a":1}"#, r#"{"a":2}"#]));
    assert_eq!((error.kind, &error.message[..]), (Kind::InternalServer, "boom"));
    assert_eq!((error.status, error.upstream_status), (Some(500), Some(200)));
    assert_eq!(error.body.as_deref(), Some(r#"{"message":"boom","type":"server_error","param":null,"code":null}"#));
}

#[test]
fn an_error_without_a_hint_at_its_status_keeps_that_of_the_response() {
    let (_, error) = failure(&events(&[r#"{"error":{"message":"boom"}}"#]));
    assert_eq!((error.kind, error.status, error.upstream_status), (Kind::Api, Some(200), None));
}

#[test]
fn an_error_may_be_a_mere_text() {
    let (_, error) = failure(&events(&[r#"{"error":"out of \"memory\""}"#]));
    assert_eq!((error.kind, &error.message[..]), (Kind::Api, r#"out of "memory""#));
    assert_eq!(error.body.as_deref(), Some(r#""out of \"memory\"""#));
}

#[test]
fn an_error_event_as_groq_sends_it_has_the_status_of_its_status_code() {
    let input = "data: {\"a\":1}\n\nevent: error\ndata: {\"error\":{\"message\":\"Tool call validation failed\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"failed_generation\":\"{}\",\"status_code\":400}}\n\n";
    let (chunks, error) = failure(input);
    assert_eq!(chunks, parse(&[r#"{"a":1}"#]));
    assert_eq!((error.kind, &error.message[..]), (Kind::BadRequest, "Tool call validation failed"));
    assert_eq!((error.status, error.upstream_status), (Some(400), Some(200)));
}

#[test]
fn an_error_event_as_anthropic_sends_it_has_the_status_of_its_type() {
    let input = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let (_, error) = failure(input);
    assert_eq!((error.kind, &error.message[..], error.status), (Kind::InternalServer, "Overloaded", Some(503)));
}

#[test]
fn an_error_event_needs_no_error_member() {
    let (_, error) = failure("event: error\ndata: {\"message\":\"gone\",\"code\":429}\n\n");
    assert_eq!((error.kind, &error.message[..], error.status), (Kind::RateLimit, "gone", Some(429)));
    let (_, error) = failure("event: error\ndata: Overloaded\n\n");
    assert_eq!((error.kind, &error.message[..]), (Kind::Api, "Overloaded"));
}

#[test]
fn an_error_chunk_as_openrouter_sends_it_has_the_status_of_its_numeric_code() {
    let chunk = r#"{"id":"gen-1","object":"chat.completion.chunk","error":{"code":502,"message":"Provider disconnected","metadata":{"provider_name":"x"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;
    let (chunks, error) = failure(&events(&[r#"{"a":1}"#, chunk]));
    assert_eq!(chunks, parse(&[r#"{"a":1}"#]));
    assert_eq!((error.kind, &error.message[..]), (Kind::InternalServer, "Provider disconnected"));
    assert_eq!((error.status, error.upstream_status), (Some(502), Some(200)));
}

#[test]
fn a_model_that_nobody_serves_is_not_found_in_a_stream_too() {
    let (_, error) = failure(&events(&[r#"{"error":{"message":"No available channel for model x"}}"#]));
    assert_eq!((error.kind, error.status, error.upstream_status), (Kind::NotFound, Some(404), Some(200)));
    assert_eq!(error.code, Some("model_not_found"));
}

#[test]
fn an_error_member_that_says_nothing_is_part_of_a_chunk() {
    let quiet = [r#"{"error":null}"#, r#"{"error":false}"#, r#"{"error":""}"#, r#"{"error":0,"a":1}"#];
    let nested = [r#"{"a":{"error":{"message":"x"}}}"#, r#"{"errors":[1]}"#, r#"{"choices":[{"error":"x"}]}"#];
    for chunk in quiet.into_iter().chain(nested) {
        let input = events(&[chunk, "[DONE]"]);
        assert_eq!(run_at_every_cut(&input), (parse(&[chunk]), true, Ok(())), "{chunk}");
    }
}

#[test]
fn a_key_counts_by_what_it_says_and_not_by_how_it_is_written() {
    let (chunks, error) =
        failure(&events(&[r#"{"\u0065rro\u0072":{"\u006dessage":"boom","\u0074ype":"rate_limit_error"}}"#]));
    assert_eq!((chunks, error.kind, &error.message[..]), (vec![], Kind::RateLimit, "boom"));

    let finished = r#"{"choice\u0073":[{"ind\u0065x":0,"finish\u005freason":"stop"}]}"#;
    assert_eq!(run_at_every_cut(&events(&[finished])), (parse(&[finished]), false, Ok(())));
}

#[test]
fn of_duplicate_keys_the_last_counts_as_in_json_parse() {
    let chunk = r#"{"error":{"message":"x"},"error":null}"#;
    assert_eq!(run_at_every_cut(&events(&[chunk, "[DONE]"])).2, Ok(()));
    let (_, error) = failure(&events(&[r#"{"error":null,"error":{"message":"y"}}"#]));
    assert_eq!(error.message, "y");
    let (_, error) = failure(&events(&[r#"{"error":{"message":"x"},"\u0065rror":{"message":"y"}}"#]));
    assert_eq!(error.message, "y");

    for (choices, verdict) in [
        (r#"{"choices":[{"finish_reason":"stop"}],"choices":[{"finish_reason":null}]}"#, Some(Kind::StreamTruncated)),
        (r#"{"choices":[{"finish_reason":null}],"choices":[{"finish_reason":"stop"}]}"#, None),
        (r#"{"choices":[{"finish_reason":"stop","finish_reason":null}]}"#, Some(Kind::StreamTruncated)),
        (r#"{"choices":[{"index":1,"index":0,"finish_reason":"stop"}]}"#, None),
    ] {
        let (_, _, ended) = run_at_every_cut(&events(&[choices]));
        assert_eq!(ended.err().map(|error| error.kind), verdict, "{choices}");
    }
}

#[test]
fn malformed_data_is_an_error_after_the_chunks_before_it_and_shows_nothing_of_it() {
    let broken = [
        format!("{{\"a\":\"{SECRET}"),
        format!("{{\"a\":\"{SECRET}\"}}}}"),
        format!("{{'a':'{SECRET}'}}"),
        format!("{{\"a\":\"{SECRET}\",}}"),
        format!("{{\"a\":1}},{{\"b\":\"{SECRET}\"}}"),
        format!("{{\"a\":1}}{{\"b\":\"{SECRET}\"}}"),
        format!("{{\"a\":1}} {SECRET}"),
        format!("{{\"{SECRET}\u{1}\":1}}"),
        format!("{{\"error\":{{\"message\":\"{SECRET}\"}}"),
        format!("{{\"a\":NaN,\"b\":\"{SECRET}\"}}"),
        format!("\"{SECRET}\""),
        format!("[{{\"a\":\"{SECRET}\"}}]"),
        SECRET.to_owned(),
        "null".to_owned(),
        "1".to_owned(),
        "true".to_owned(),
        "[]".to_owned(),
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
    ];
    for broken in &broken {
        let (chunks, error) = failure(&events(&[r#"{"a":1}"#, r#"{"a":2}"#, broken, r#"{"a":3}"#, "[DONE]"]));
        assert_eq!(chunks, parse(&[r#"{"a":1}"#, r#"{"a":2}"#]), "{broken}");
        let expected = Error::new(Kind::MalformedResponse, "An event of the stream is not a JSON object.");
        assert_eq!(error, expected.with_status(200), "{broken}");
        assert_silent(&error);
    }
}

#[test]
fn two_objects_in_one_event_are_malformed_and_never_two_chunks() {
    let (chunks, error) = failure(&events(&[r#"{"a":1},{"b":2}"#]));
    assert_eq!((chunks, error.kind), (vec![], Kind::MalformedResponse));
    let (chunks, error) = failure("data: {\"a\":1}\ndata: {\"b\":2}\n\n");
    assert_eq!((chunks, error.kind), (vec![], Kind::MalformedResponse));
}

/// What a provider says of a failed answer may quote what the model wrote, as groq's `failed_generation` does: cut
/// short, it is as malformed as any other event.
#[test]
fn an_error_event_that_is_broken_json_shows_nothing_of_it_either() {
    let input = format!("event: error\ndata: {{\"error\":{{\"failed_generation\":\"{SECRET}\n\n");
    let (_, error) = failure(&input);
    assert_silent(&error);
}

#[test]
fn a_stream_that_stops_early_is_truncated() {
    let unfinished = [
        r#"{"choices":[{"index":0,"delta":{"content":"SECRET-PAYLOAD"},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{}}]}"#,
        r#"{"choices":[{"index":0,"finish_reason":""}]}"#,
        r#"{"choices":[]}"#,
        r#"{"finish_reason":"stop"}"#,
        r#"{"choices":[{"delta":{"finish_reason":"stop"}}]}"#,
        r#"{"choices":{"finish_reason":"stop"}}"#,
        "{}",
    ];
    for chunk in unfinished {
        let (chunks, error) = failure(&events(&[chunk]));
        assert_eq!((chunks, error.kind), (parse(&[chunk]), Kind::StreamTruncated), "{chunk}");
        assert!(error.message.starts_with("The stream was cut in the middle of the answer"), "{}", error.message);
        assert_silent(&error);
    }
}

#[test]
fn a_stream_without_any_event_says_so() {
    for input in ["", ": hello\n\n", "\n\n", "<!doctype html>\n<p>SECRET-PAYLOAD</p>\n\n", "{\"a\":1}"] {
        let (chunks, error) = failure(input);
        assert_eq!((chunks, error.kind), (vec![], Kind::StreamTruncated), "{input:?}");
        assert!(error.message.starts_with("The stream ended before any event arrived"), "{}", error.message);
        assert_silent(&error);
    }
}

#[test]
fn a_finish_reason_is_enough_even_without_the_sentinel() {
    let (chunks, ended, verdict) = run_at_every_cut(&events(&[r#"{"choices":[{"index":0,"delta":{}}]}"#, FINISHED]));
    assert_eq!((chunks.len(), ended, verdict), (2, false, Ok(())));
    // Usage comes after it, with no choices.
    let (chunks, _, verdict) = run_at_every_cut(&events(&[FINISHED, r#"{"choices":[],"usage":{"total_tokens":3}}"#]));
    assert_eq!((chunks.len(), verdict), (2, Ok(())));
    // Some servers leave the index out where there is one choice only.
    let (_, _, verdict) = run_at_every_cut(&events(&[r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#]));
    assert_eq!(verdict, Ok(()));
}

#[test]
fn every_choice_must_have_finished() {
    let first = r#"{"choices":[{"index":0,"delta":{}},{"index":1,"delta":{}}]}"#;
    let second = r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#;
    let (chunks, error) = failure(&events(&[first, second]));
    assert_eq!((chunks.len(), error.kind), (2, Kind::StreamTruncated));

    assert_eq!(run_at_every_cut(&events(&[first, second, FINISHED])).2, Ok(()));
    assert_eq!(run_at_every_cut(&events(&[first, second, "[DONE]"])).2, Ok(()), "the sentinel outranks them");

    let last = r#"{"choices":[{"index":127,"delta":{}}]}"#;
    assert_eq!(failure(&events(&[FINISHED, last])).1.kind, Kind::StreamTruncated);
}

#[test]
fn an_event_without_its_blank_line_is_dropped_before_the_verdict() {
    let (chunks, error) = failure(&format!("data: {{\"a\":1}}\n\ndata: {FINISHED}\n"));
    assert_eq!((chunks, error.kind), (parse(&[r#"{"a":1}"#]), Kind::StreamTruncated));
    let (chunks, error) = failure("data: {\"a\":1}\n\ndata: [DONE]\n");
    assert_eq!((chunks, error.kind), (parse(&[r#"{"a":1}"#]), Kind::StreamTruncated));
    let input = format!("data: {FINISHED}\n\ndata: {{\"a\":2}}\n");
    assert_eq!(run_at_every_cut(&input), (parse(&[FINISHED]), false, Ok(())));
    let input = format!("data: {FINISHED}\n\ndata: [DONE]");
    assert_eq!(run_at_every_cut(&input), (parse(&[FINISHED]), false, Ok(())));
}

#[test]
fn a_connection_that_broke_is_a_truncated_stream_whatever_has_arrived() {
    let mut stream = ChunkStream::new(200);
    assert!(stream.truncated().message.starts_with("The stream ended before any event arrived"));
    stream.feed(events(&[FINISHED]).as_bytes());
    assert_eq!(stream.truncated().kind, Kind::StreamTruncated);
    assert!(stream.truncated().message.starts_with("The connection broke after the answer was finished"));
    let mut stream = ChunkStream::new(200);
    stream.feed(events(&[r#"{"choices":[{"index":0}]}"#]).as_bytes());
    assert!(stream.truncated().message.starts_with("The stream was cut in the middle"));
}

#[test]
fn a_chunk_may_nest_128_levels_and_no_more() {
    let chunk = |depth: usize| format!("{{\"{SECRET}\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let (chunks, _, verdict) = run([events(&[&chunk(126), "[DONE]"]).as_bytes()]);
    assert_eq!((chunks.len(), verdict), (1, Ok(())));
    // With the batch around it this is too deep for serde_json; its text is enough here.
    assert_eq!(ChunkStream::new(200).feed(events(&[&chunk(128)]).as_bytes()), format!("[{}]", chunk(128)));
    for depth in [129, 1_000_000] {
        let (chunks, ended, verdict) = run([events(&[r#"{"a":1}"#, &chunk(depth)]).as_bytes()]);
        let error = verdict.expect_err("it nests too deep");
        assert_eq!((chunks.len(), ended, error.kind), (1, true, Kind::MalformedResponse), "{depth}");
        assert_eq!(error.message, "An event of the stream nests deeper than 128 levels.");
    }
}

#[test]
fn an_event_over_the_cap_ends_the_stream_after_the_chunks_before_it() {
    let mut stream = ChunkStream::new(200);
    assert_eq!(stream.feed(b"data: {\"a\":1}\n\ndata: {\"a\":\""), r#"[{"a":1}]"#);
    let piece = vec![b'x'; 1 << 20];
    let accepted = (0..1024).take_while(|_| stream.feed(&piece).is_empty() && !stream.has_ended()).count();
    assert!((127..=128).contains(&accepted), "{accepted} MiB were accepted");
    assert_eq!(stream.feed(b"\"}\n\ndata: {\"a\":2}\n\n"), "", "what follows is ignored");
    let error = stream.finish().expect_err("the event is too large");
    assert_eq!((error.kind, error.status), (Kind::TooLarge, Some(200)));
    assert_eq!(error.message, "An event of the stream has more bytes than `maxEventBytes` allows.");
}

#[test]
fn the_cap_on_an_event_is_the_callers() {
    for (cap, ends) in [(12, true), (13, false)] {
        let mut stream = ChunkStream::new(200).with_max_event_bytes(cap);
        assert_eq!(stream.feed(b"data: {\"a\":\"1\"}\n\n"), r#"[{"a":"1"}]"#);
        assert_eq!(stream.feed(b"data: {\"a\":\"12345\"}\n\n").is_empty(), ends);
        assert_eq!(stream.has_ended(), ends);
    }
}

#[test]
fn the_cap_holds_for_an_event_of_a_known_shape_however_it_is_cut() {
    let event = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let input = [event("a"), event("b"), event(&"c".repeat(60)), event("d")].concat();
    for (cap, count) in [(99, 4), (98, 4), (97, 2), (40, 2)] {
        for size in [1, 50, input.len()] {
            let mut stream = ChunkStream::new(200).with_max_event_bytes(cap);
            let mut chunks = 0;
            for part in input.as_bytes().chunks(size) {
                stream.push(part, |_| chunks += 1);
            }
            assert_eq!((chunks, stream.has_ended()), (count, count < 4), "a cap of {cap}, reads of {size}");
        }
    }
}

#[test]
fn a_stream_may_have_no_more_bytes_than_are_allowed() {
    let bytes =
        events(&["a", "b", "c"].map(|text| format!(r#"{{"content":"{text}"}}"#)).each_ref().map(String::as_str));
    let bytes = bytes.as_bytes();
    let length = bytes.len() / 3;
    for allowed in [0, 1, length - 1, length, length + 1, 2 * length, bytes.len() - 1] {
        for size in [1, 13, length, bytes.len()] {
            let mut stream = ChunkStream::new(200).with_max_bytes(allowed);
            let mut count = 0;
            bytes.chunks(size).for_each(|part| stream.push(part, |_| count += 1));
            assert_eq!(count, allowed / length, "{allowed} bytes in reads of {size}");
            assert!(stream.has_ended());
            let error = stream.finish().expect_err("there are too many");
            assert_eq!((error.kind, error.status), (Kind::TooLarge, Some(200)));
            assert!(error.message.contains("`maxResponseBytes`"), "{}", error.message);
        }
    }
    // As many as allowed; and what comes after the end does not count.
    let mut stream = ChunkStream::new(200).with_max_bytes(bytes.len());
    stream.feed(bytes);
    assert!(!stream.has_ended());
    let mut stream = ChunkStream::new(200).with_max_bytes(14);
    stream.feed(b"data: [DONE]\n\n and more of it");
    assert_eq!(stream.finish(), Ok(()));
}

/// A chunk of any shape, except that it reports no error and needs no repair.
fn any_chunk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let member = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|list| list.into_iter().collect()),
        ]
    });
    let key = prop_oneof![any::<String>(), Just("choices".to_owned()), Just("message".to_owned())];
    prop::collection::vec((key, member), 0..4).prop_map(|members| {
        let stays = |(key, value): &(String, Value)| key != "error" && (key != "choices" || !value.is_null());
        let members: Map<String, Value> = members.into_iter().filter(stays).collect();
        Value::from(members)
    })
}

/// One event: the chunk on one line or on many, with some line end, and perhaps a comment or a name around it.
fn frame(chunk: &Value, (pretty, end, comment, name): (bool, &str, bool, bool)) -> String {
    let text = if pretty { format!("{chunk:#}") } else { chunk.to_string() };
    let mut framed = String::new();
    for line in [comment.then_some(": note"), name.then_some("event: chunk")].into_iter().flatten() {
        framed = framed + line + end;
    }
    for line in text.split('\n') {
        framed = framed + "data: " + line + end;
    }
    framed + end
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_batches_are_the_chunks_that_were_framed(
        framed in prop::collection::vec(
            (any_chunk(), (any::<bool>(), prop::sample::select(vec!["\n", "\r", "\r\n"]), any::<bool>(), any::<bool>())),
            0..6,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut stream: String = framed.iter().map(|(chunk, how)| frame(chunk, *how)).collect();
        stream.push_str("data: [DONE]\n\n");
        let bytes = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let (chunks, ended, verdict) = run(cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]));
        prop_assert_eq!(chunks, framed.into_iter().map(|(chunk, _)| chunk).collect::<Vec<_>>());
        prop_assert_eq!((ended, verdict), (true, Ok(())));
    }
}
