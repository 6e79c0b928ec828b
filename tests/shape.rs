//! Shapes are a short cut, and nothing but: a stream that is read with them gives exactly the chunks that it gives without.

#![cfg(not(target_arch = "wasm32"))]

use chatmux::batch::{Batch, HEADER, JSON, LEARNT, SHAPED};
use chatmux::json::Tree;
use chatmux::shape::{Match, Shape};
use chatmux::stream::{ChunkStream, Form};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A chunk as OpenAI sends it, with this delta.
fn chunk(delta: &Value) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_763_800_000, "model": "m",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}], "usage": null,
    })
    .to_string()
}

fn frame(events: &[String]) -> Vec<u8> {
    events.iter().flat_map(|event| format!("data: {event}\n\n").into_bytes()).collect()
}

/// Reads a stream in these pieces. The chunks as JSON text, how many came as values alone, and the verdict with
/// the completion that it came to.
fn read<'a>(mut stream: ChunkStream, parts: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, usize, String) {
    let (mut chunks, mut shaped) = (Vec::new(), 0);
    let mut page = Page::default();
    for part in parts {
        let mut batch = Batch::default();
        let mut expected = Vec::new();
        stream.push(part, |piece| {
            batch.add(&piece);
            shaped += usize::from(matches!(piece.form, Form::Shaped(..)));
            expected.push(piece.json().to_owned());
        });
        let taken = page.take(&mut batch, &stream);
        let parsed: Vec<Value> = expected.iter().map(|text| parse(text)).collect();
        assert_eq!(taken, parsed, "the batch says the same as the JSON");
        chunks.extend(expected);
    }
    let verdict = format!("{:?} {}", stream.finish(), stream.partial().json());
    (chunks, shaped, verdict)
}

/// The judge refuses lone surrogates, which `JSON.parse` takes: in a chunk with one, all surrogates are replaced.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| {
        let (mut text, mut rest) = (String::new(), json);
        while let Some(at) = rest.find('\\') {
            text += &rest[..at];
            let escape = &rest[at..at + if rest[at + 1..].starts_with('u') { 6 } else { 2 }];
            let is_surrogate =
                matches!(escape.as_bytes(), [_, b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
            text += if is_surrogate { "\\ufffd" } else { escape };
            rest = &rest[at + escape.len()..];
        }
        serde_json::from_str(&(text + rest)).expect("a chunk is JSON")
    })
}

/// What JavaScript does with a batch.
#[derive(Default)]
struct Page {
    shapes: Vec<(Value, Vec<Vec<Value>>)>,
}

impl Page {
    fn take(&mut self, batch: &mut Batch, stream: &ChunkStream) -> Vec<Value> {
        let units: Vec<u16> = std::str::from_utf8(batch.text()).expect("the text is UTF-8").encode_utf16().collect();
        let all = batch.finish(stream).to_vec();
        let (mut numbers, mut at) = (all.iter().copied().skip(HEADER), 0);
        let mut chunks = Vec::new();
        while let Some(kind) = numbers.next() {
            let mut text = |numbers: &mut dyn Iterator<Item = u32>| {
                let from = at;
                at += numbers.next().expect("a length follows") as usize;
                String::from_utf16(&units[from..at]).expect("a length ends between characters")
            };
            if kind == JSON || kind == LEARNT {
                let value = parse(&text(&mut numbers));
                if kind == LEARNT {
                    let number = numbers.next().expect("a number follows") as usize;
                    let paths = serde_json::from_str(&text(&mut numbers)).expect("paths are JSON");
                    self.shapes.resize_with(self.shapes.len().max(number + 1), Default::default);
                    self.shapes[number] = (value.clone(), paths);
                }
                chunks.push(value);
            } else {
                let (mut value, paths) = self.shapes[(kind - SHAPED) as usize].clone();
                for path in paths {
                    let place = path.iter().fold(&mut value, |value, step| match step {
                        Value::Number(index) => &mut value[index.as_u64().expect("an index is whole") as usize],
                        step => &mut value[step.as_str().expect("a step is a key")],
                    });
                    let text = text(&mut numbers);
                    *place =
                        if place.is_number() { serde_json::from_str(&text).expect("a count") } else { text.into() };
                }
                chunks.push(value);
            }
        }
        assert_eq!([chunks.len(), batch.text().len()].map(|n| n as u32), [all[0], all[2]]);
        assert_eq!(at, units.len(), "all of the text is used");
        chunks
    }
}

/// Reads a stream both ways, in reads of this size, and returns how many chunks came as values alone.
fn differential(bytes: &[u8], size: usize) -> usize {
    let (with, shaped, verdict) = read(ChunkStream::new(200), bytes.chunks(size));
    let (without, none, judge) = read(ChunkStream::new(200).without_shapes(), bytes.chunks(size));
    assert_eq!(none, 0);
    assert_eq!(with, without, "{:?}", String::from_utf8_lossy(bytes));
    assert_eq!(verdict, judge);
    shaped
}

#[test]
fn a_stream_of_text_is_read_by_its_values() {
    let words = ["Hello", ", ", "w\u{f6}rld", " \u{1f98a}", "\n\"quoted\"\\", "", "\u{2028}", "日本語"];
    let events: Vec<String> = words.iter().map(|word| chunk(&json!({"content": word}))).collect();
    let bytes = frame(&events);
    for size in [1, 2, 3, 7, 64, 1000, bytes.len()] {
        assert_eq!(differential(&bytes, size), words.len() - 1, "all but the first, in reads of {size} bytes");
    }
}

#[test]
fn values_alone_come_for_every_kind_of_stream() {
    let call = |index: u32, text: &str| {
        chunk(&json!({"tool_calls": [{"index": index, "id": index.to_string(), "function": {"arguments": text}}]}))
    };
    let usage = |n: u32| {
        json!({"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"completion_tokens": n, "total_tokens": n + 7}}).to_string()
    };
    let choice = |index: u32| json!({"choices": [{"index": index, "delta": {"content": "x"}}]}).to_string();
    let obfuscated =
        |pad: &str| json!({"choices": [{"index": 0, "delta": {"content": "x"}}], "obfuscation": pad}).to_string();
    let streams: [Vec<String>; 6] = [
        (0..20).map(|n| call(n % 2, "{\"a\":")).collect(),
        (0..20).map(usage).collect(),
        (0..20).map(|n| choice(n % 3)).collect(),
        ["a", "bcd", "", "efghij"].into_iter().cycle().take(20).map(obfuscated).collect(),
        (0..20)
            .map(|n| chunk(&if n % 2 == 0 { json!({"reasoning_content": "r"}) } else { json!({"content": "c"}) }))
            .collect(),
        (0..20).map(|n| chunk(&json!({"reasoning": "r", "content": n.to_string()}))).collect(),
    ];
    for (number, events) in streams.iter().enumerate() {
        let shaped = differential(&frame(events), 1 << 20);
        assert!(shaped >= 17, "stream {number}: {shaped} of 20 by their values");
    }
}

#[test]
fn other_line_ends_have_shapes_of_their_own() {
    for end in ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"] {
        let event = |word: &str| format!("data: {}{end}", chunk(&json!({"content": word})));
        let stream = ["a", "b", "c", "d"].map(event).concat();
        for size in 1..80 {
            differential(stream.as_bytes(), size);
        }
        // A bare CR waits to see whether an LF follows, and until then the next event has not begun.
        let expected = if end == "\r\r" { 0 } else { 3 };
        assert_eq!(differential(stream.as_bytes(), stream.len()), expected, "{end:?}");
    }
}

fn learn(event: &[u8], at: usize, json: &str) -> Option<Shape> {
    let mut tree = Tree::default();
    let chunk = tree.add(json).expect("well-formed");
    Shape::learn(event, at, json, tree.value(chunk), None, &mut Vec::new())
}

#[test]
fn what_could_not_be_trusted_is_not_learnt() {
    let learn = |json: &str| learn(format!("data: {json}\n\n").as_bytes(), 6, json);
    assert!(learn(r#"{"content":"a"}"#).is_some());
    for json in [
        r#"{"id":"a"}"#,
        r#"{"content":"a","content":"b"}"#,
        r#"{"a":{"content":"a"},"a":1}"#,
        r#"{"content":"a","\u0063ontent":"b"}"#,
        r#"{"__proto__":{"content":"a"}}"#,
        r#"{"content":null}"#,
        r#"{"content":["a"]}"#,
    ] {
        assert!(learn(json).is_none(), "{json}");
    }
}

#[test]
fn only_a_well_formed_value_fills_a_hole() {
    let shape = |json: &str| learn(json.as_bytes(), 0, json).expect("it has a hole");
    let text = shape(r#"{"content":"a"}"#);
    for (value, fits) in [
        (&b""[..], true),
        (b"b", true),
        (br"\n\u00e9\ud83d\ude00", true),
        ("日本".as_bytes(), true),
        (b"\n", false),
        (b"\x7f", true),
        (b"\xff", false),
        (b"\xed\xa0\x80", false),
        (br"\x", false),
        (br"\u12g4", false),
        (br"\ud83d", false),
        (br"\ude00\ud83d", false),
        (br#"",""#, false),
    ] {
        let event = [br#"{"content":""#, value, br#""}"#].concat();
        assert_eq!(
            matches!(text.compare(&event, &mut Vec::new()), Match::Whole(_)),
            fits,
            "{:?}",
            String::from_utf8_lossy(value)
        );
    }
    let count = shape(r#"{"usage":{"total_tokens":1}}"#);
    for (value, fits) in [
        ("0", true),
        ("12345", true),
        ("01", false),
        ("-1", false),
        ("1.5", false),
        ("1e3", false),
        ("", false),
        ("null", false),
    ] {
        let event = format!(r#"{{"usage":{{"total_tokens":{value}}}}}"#);
        assert_eq!(matches!(count.compare(event.as_bytes(), &mut Vec::new()), Match::Whole(_)), fits, "{value}");
    }
}

#[test]
fn the_beginning_of_an_event_is_short_and_anything_else_is_another() {
    let event = br#"{"content":"abc"} "#;
    let shape = learn(event, 0, r#"{"content":"abc"}"#).expect("it has a hole");
    let mut values = Vec::new();
    for end in 0..event.len() {
        assert_eq!(shape.compare(&event[..end], &mut values), Match::Short, "{end} bytes");
    }
    assert_eq!(shape.compare(br#"{"conten_":"abc"} "#, &mut values), Match::No);
    assert_eq!(shape.compare(event, &mut values), Match::Whole(18));
}

#[test]
fn a_finish_or_an_error_is_never_taken_for_a_token() {
    let token = chunk(&json!({"content": "a"}));
    for last in [
        token.replace("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
        json!({"error": {"message": "boom"}}).to_string(),
        "[DONE]".to_owned(),
        token.replace("\"usage\":null", "\"error\":\"content\""),
    ] {
        let events = [token.clone(), token.clone(), token.clone(), last, token.clone()];
        for size in [1, 50, 10_000] {
            differential(&frame(&events), size);
        }
    }
}

/// Strings that JSON may hold, written as it may write them: `serde_json` escapes only what it must.
fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a string is JSON")),
        "(\\\\u[0-9a-fA-F]{4}|[ -!#-\\[\\]-~]|\\\\[\"\\\\/bfnrt]){0,12}".prop_map(|inner| format!("\"{inner}\"")),
    ]
}

fn event() -> impl Strategy<Value = String> {
    let key = prop_oneof!["content", "reasoning_content", "refusal", "arguments", "other"];
    let with = |key: String, text: String, end: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"{key}\":{text}}}}}]}}{end}")
    };
    prop_oneof![
        8 => (key, written()).prop_map(move |(key, text)| with(key, text, "\n\n")),
        2 => (written(), 0..99_u32).prop_map(|(text, n)| format!("data: {{\"content\":{text},\"usage\":{{\"total_tokens\":{n}}}}}\r\n\r\n")),
        1 => Just(": keep-alive\n\n".to_owned()),
        1 => Just("event: message\nid: 7\ndata: {\"content\":\"x\"}\n\n".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_events_is_read_as_without_shapes(events in prop::collection::vec(event(), 1..24), size in 1..600_usize) {
        differential(events.concat().as_bytes(), size);
    }

    #[test]
    fn damaged_events_are_read_as_without_shapes(
        events in prop::collection::vec(event(), 4..16),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        size in 1..600_usize,
    ) {
        let mut bytes = events.concat().into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        differential(&bytes, size);
    }
}
