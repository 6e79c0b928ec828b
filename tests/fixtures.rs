//! The shared fixtures: decoder cases, JSON texts and recorded streams. They are not part of this repository, so this
//! test is behind a feature: `CHATMUX_FIXTURES=/path/to/fixtures cargo test --features fixtures --test fixtures`.
#![cfg(not(target_arch = "wasm32"))]

use std::path::PathBuf;

use chatmux::dialect::openai::{self, Progress};
use chatmux::json::{Reader, Tree};
use chatmux::sse::{Decoder, EventTooLarge};
use chatmux::stream::ChunkStream;
use chatmux::{Error, Kind};
use serde_json::{Value, json};

fn path(file: &str) -> PathBuf {
    let folder = std::env::var_os("CHATMUX_FIXTURES")
        .expect("set CHATMUX_FIXTURES to the folder that holds sse-cases.json, json-cases.json and index.json");
    PathBuf::from(folder).join(file)
}

fn load(file: &str) -> Vec<u8> {
    let path = path(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load_json(file: &str) -> Value {
    serde_json::from_slice(&load(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("the fixture is a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the fixture is a text")
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes().filter(|&digit| digit != b'=') {
        let value = ALPHABET.iter().position(|&letter| letter == digit).expect("the fixture is base64");
        (bits, count) = (bits << 6 | u32::try_from(value).expect("a digit is below 64"), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("a byte"));
        }
    }
    bytes
}

/// The bytes of a case, in the pieces in which they arrive where the case says so.
fn pieces(case: &Value) -> Vec<Vec<u8>> {
    if let Some(chunks) = case["chunks_b64"].as_array() {
        return chunks.iter().map(|chunk| base64(text(chunk))).collect();
    }
    match case["input_b64"].as_str() {
        Some(encoded) => vec![base64(encoded)],
        None => vec![text(&case["input"]).as_bytes().to_vec()],
    }
}

/// The bytes of a case that is described by its repetition.
fn generate(how: &Value) -> Vec<u8> {
    let count = usize::try_from(how["count"].as_u64().expect("a count")).expect("it fits");
    let [prefix, repeat, suffix] = ["prefix", "repeat", "suffix"].map(|name| text(&how[name]));
    [prefix, &repeat.repeat(count), suffix].concat().into_bytes()
}

/// The pieces as they come, the whole, every two-way cut of it, and byte by byte. A case that says how its bytes
/// arrive holds for any other way too: what it is about is the state between two pieces.
fn every_way(pieces: &[Vec<u8>]) -> Vec<Vec<&[u8]>> {
    static EMPTY: [u8; 0] = [];
    let mut ways = vec![pieces.iter().map(Vec::as_slice).collect()];
    if let [whole] = pieces {
        ways.extend((0..=whole.len()).map(|at| {
            let (head, tail) = whole.split_at(at);
            vec![head, &EMPTY, tail]
        }));
    }
    ways.push(pieces.iter().flat_map(|piece| piece.chunks(1)).collect());
    ways
}

/// Decodes the pieces and writes what came of it as the cases do, as far as the case does.
fn decode(case: &Value, pieces: &[&[u8]]) -> Value {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        let fed = decoder.feed(piece, |event| {
            let mut seen = json!({"event": event.event, "data": event.data});
            if !event.id.is_empty() {
                seen["id"] = event.id.into();
            }
            events.push(seen);
            true
        });
        assert_eq!(fed, Ok(()));
    }
    let mut seen = json!({"events": events});
    for (name, value) in [("retry", json!(decoder.retry())), ("last_event_id", json!(decoder.last_event_id()))] {
        if case.get(name).is_some() {
            seen[name] = value;
        }
    }
    seen
}

fn expected(case: &Value) -> Value {
    let mut expected = json!({"events": case["events"]});
    for name in ["retry", "last_event_id"] {
        if let Some(value) = case.get(name) {
            expected[name] = value.clone();
        }
    }
    expected
}

/// The chunks, whether the stream had ended before its bytes did, and the verdict.
fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Value>, bool, Result<(), Error>) {
    let mut stream = ChunkStream::new(200);
    let mut chunks = Vec::new();
    for piece in pieces {
        let batch = stream.feed(piece);
        if !batch.is_empty() {
            chunks.extend(serde_json::from_str::<Vec<Value>>(&batch).expect("a batch is a JSON array"));
        }
    }
    (chunks, stream.has_ended(), stream.finish())
}

#[test]
fn every_case_is_decoded_by_the_standard_however_it_is_cut() {
    let file = load_json("sse-cases.json");
    let cases = list(&file["cases"]);
    assert!(cases.len() >= 54, "the file is cut short");
    // A response of another content type never reaches the decoder: the web layer refuses it.
    let refused = |case: &Value| case["client"].as_str().is_some_and(|client| client.starts_with("reject"));
    for case in cases.iter().filter(|case| case.get("generate").is_none() && !refused(case)) {
        let pieces = pieces(case);
        for way in every_way(&pieces) {
            assert_eq!(decode(case, &way), expected(case), "{} as {way:?}", case["name"]);
        }
    }
}

#[test]
fn every_generated_case_is_decoded_in_small_reads() {
    let file = load_json("sse-cases.json");
    for case in list(&file["cases"]) {
        let Some(how) = case.get("generate") else { continue };
        let (name, bytes) = (&case["name"], generate(how));
        let mut seen = json!({"events": 0});
        let mut decoder = Decoder::default();
        for piece in bytes.chunks(1024) {
            let fed = decoder.feed(piece, |event| {
                seen["events"] = (seen["events"].as_u64().unwrap_or(0) + 1).into();
                if case["expect"].get("data_length").is_some() {
                    seen["data_length"] = event.data.len().into();
                }
                true
            });
            assert_eq!(fed, Ok(()), "{name}");
        }
        assert_eq!(seen, case["expect"], "{name}");
    }
}

#[test]
fn a_generated_event_over_a_configured_cap_is_a_typed_error() {
    let file = load_json("sse-cases.json");
    for name in ["huge-event", "endless-line"] {
        let case = list(&file["cases"]).iter().find(|case| case["name"] == name).expect("the case is there");
        let bytes = generate(&case["generate"]);
        let mut decoder = Decoder::new(4 << 20);
        let mut fed_bytes = 0;
        let fed = bytes.chunks(1024).try_for_each(|piece| {
            fed_bytes += piece.len();
            decoder.feed(piece, |_| panic!("{name}: an event that is too large was delivered"))
        });
        assert_eq!(fed, Err(EventTooLarge), "{name}");
        assert!(fed_bytes <= (4 << 20) + 2048, "{name}: {fed_bytes} bytes were taken before the error");
    }
}

#[test]
fn a_client_on_top_does_what_the_cases_say() {
    let file = load_json("sse-cases.json");
    let mut checked = 0;
    for case in list(&file["cases"]) {
        let expects = |name| case.get(name).is_some();
        if !(expects("json") || expects("done") || expects("json_error") || expects("client")) {
            continue;
        }
        let name = &case["name"];
        let pieces = pieces(case);
        for way in every_way(&pieces) {
            let (chunks, ended, verdict) = run(way);
            if let Some(expected) = case.get("json") {
                assert_eq!(json!(chunks), *expected, "{name}");
            }
            match (case.get("done"), case.get("json_error"), case["client"].as_str()) {
                (Some(Value::Bool(true)), ..) => assert_eq!((ended, verdict), (true, Ok(())), "{name}"),
                (Some(_), ..) => {
                    let kind = verdict.expect_err("no finish reason has come").kind;
                    assert_eq!((ended, kind), (false, Kind::StreamTruncated), "{name}");
                }
                (_, Some(_), _) => {
                    let error = verdict.expect_err("the data is malformed");
                    assert_eq!((ended, error.kind), (true, Kind::MalformedResponse), "{name}");
                    assert!(!error.message.contains("[DONE]x"), "{name}: {}", error.message);
                }
                // A JSON body instead of a stream: the web layer reads it whole, and this is what it asks then.
                (.., Some(client)) if client.contains("from the body") => {
                    let body = text(&case["input"]);
                    assert!(openai::is_error(body), "{name}");
                    let error = Error::from_response(200, body);
                    assert_eq!((error.kind, &error.message[..]), (Kind::BadRequest, "no"), "{name}");
                }
                (.., Some(client)) if client.contains("raise an API error") => {
                    let error = verdict.expect_err("the stream reports an error");
                    assert_eq!((ended, error.kind), (true, Kind::InternalServer), "{name}");
                    assert_eq!(chunks.len() + 1, list(&case["events"]).len(), "{name}: the chunks before it");
                    assert!(error.body.is_some(), "{name}: the error carries the object");
                }
                // Refused for its content type, which is the web layer's to do.
                (.., Some(_)) => continue,
                (None, None, None) => {}
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} runs were checked");
}

/// The reader takes text, and text is what every road to it makes first: the platform's `json()` and the decoder both
/// replace bytes that are not UTF-8 by U+FFFD. So the verdict that counts is the one on the replaced text: a chunk with a
/// broken character inside a string is a chunk, for `JSON.parse` as for the reader (the suite says "either" there), and
/// a broken byte anywhere else is no JSON before and after. None of the suite's rejections rests on the bytes alone.
#[test]
fn every_json_text_is_judged_as_the_suite_does() {
    let file = load_json("json-cases.json");
    let cases = list(&file["cases"]);
    assert!(cases.len() >= 210, "the file is cut short");
    for case in cases {
        let (name, bytes) = (text(&case["name"]), base64(text(&case["b64"])));
        let json = String::from_utf8_lossy(&bytes);
        let mut reader = Reader::new(&json);
        let accepted = reader.skip().is_ok() && reader.end().is_ok();
        match text(&case["expect"]) {
            "accept" => assert!(accepted, "{name} is refused: {json}"),
            "reject" => assert!(!accepted, "{name} is accepted: {json}"),
            "either" => {}
            other => panic!("{name}: unknown verdict {other}"),
        }
        // None of the functions on top may trap, and none may take for JSON what is none.
        let event = openai::read_event("message", &json, &mut Tree::default(), &mut Progress::default());
        let read = openai::read_error(&json);
        let reported = openai::is_error(&json);
        assert!(accepted || (event.is_err() && read.is_none() && !reported), "{name} is taken for JSON: {json}");
    }
}

/// The chunks of a recorded stream as a plain reading of its lines gives them, and the error that ends it, if any.
fn read_lines(stream: &str) -> (Vec<Value>, Option<Value>) {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|&data| data != "[DONE]");
    let parsed = data.map(|data| serde_json::from_str(data).expect("a recorded event is JSON on one line"));
    let (errors, chunks): (Vec<Value>, Vec<Value>) = parsed.partition(|event: &Value| !event["error"].is_null());
    (chunks, errors.into_iter().next())
}

/// The recorded streams of OpenAI's dialect, by name: `.sse` as they are; `.chunks.txt`, which have one event a line,
/// in the frame that SOURCES.md tells of.
fn recorded_streams() -> Vec<(String, String)> {
    let index = load_json("index.json");
    let read = |file: &str| String::from_utf8(load(file)).expect("the recordings are UTF-8");
    let streams = list(&index).iter().filter(|item| item["dialect"] == "openai").filter_map(|item| {
        let file = text(&item["file"]);
        if item["kind"] == "chunks" {
            let lines = read(file);
            let lines = lines.lines().filter(|line| !line.trim().is_empty());
            let framed: String = lines.map(|line| format!("data: {line}\n\n")).collect();
            return Some((file.to_owned(), framed + "data: [DONE]\n\n"));
        }
        (item["stream"] == true).then(|| (file.to_owned(), read(&format!("{file}.response.sse"))))
    });
    streams.collect()
}

#[test]
fn every_recorded_stream_decodes_to_its_events_at_any_read_size() {
    let streams = recorded_streams();
    assert!(streams.len() >= 17, "{} streams of the dialect were found", streams.len());
    for (name, stream) in streams {
        let (mut chunks, reported) = read_lines(&stream);
        if name == "vercel-ai/mistral/mistral-tool-call.chunks.txt" {
            // The only recording that needs a repair: its call came without an index.
            chunks[1]["choices"][0]["delta"]["tool_calls"][0]["index"] = 0.into();
        }
        for size in [1, 7, 64, 1000, 4096, 16 << 10, stream.len()] {
            let (seen, ended, verdict) = run(stream.as_bytes().chunks(size));
            assert_eq!(seen, chunks, "{name} in reads of {size}");
            assert!(ended, "{name} in reads of {size}: every recording ends by itself");
            let Some(event) = &reported else {
                assert_eq!(verdict, Ok(()), "{name} in reads of {size}");
                continue;
            };
            let error = verdict.expect_err("the recording ends in an error");
            assert_eq!(error.message, text(&event["error"]["message"]), "{name}");
            let body: Value = serde_json::from_str(&error.body.expect("the object is kept")).expect("it is JSON");
            assert_eq!(body, event["error"], "{name}");
        }
    }
}

#[test]
fn without_its_sentinel_a_recorded_stream_is_whole_only_by_a_finish_reason() {
    let mut cut_short = Vec::new();
    for (name, stream) in recorded_streams() {
        let Some(cut) = stream.strip_suffix("data: [DONE]\n\n") else { continue };
        let (_, ended, verdict) = run([cut.as_bytes()]);
        assert!(!ended, "{name}");
        if let Some(at) = cut.find("\"finish_reason\":\"") {
            assert_eq!(verdict, Ok(()), "{name}");
            let before = &cut[..cut[..at].rfind("data: ").expect("it is in an event")];
            let kind = run([before.as_bytes()]).2.expect_err("it is cut").kind;
            assert_eq!(kind, Kind::StreamTruncated, "{name}");
        } else {
            assert_eq!(verdict.expect_err("nothing says that it is whole").kind, Kind::StreamTruncated, "{name}");
            cut_short.push(name);
        }
    }
    // Snowflake gives no finish reason at all: its sentinel is the only sign of the end.
    assert_eq!(cut_short, ["pydantic-ai/test_snowflake/test_snowflake_thinking_streaming.0"]);
}

#[test]
fn the_recorded_groq_failure_is_a_bad_request() {
    let stream = load("pydantic-ai/test_groq/test_tool_use_failed_error_streaming.0.response.sse");
    let (chunks, ended, verdict) = run([&stream[..]]);
    let error = verdict.expect_err("the recording ends in an error event");
    assert_eq!((chunks.len(), ended), (94, true));
    assert_eq!((error.kind, error.status, error.upstream_status), (Kind::BadRequest, Some(400), Some(200)));
    assert!(error.message.starts_with("Tool call validation failed"), "{}", error.message);
}
