//! What the native benches decode: streams like those of `benches/lib/workloads.mjs`, and each layer's part of the work.

use std::fmt::Write as _;

use chatmux::batch::Batch;
use chatmux::json::Reader;
use chatmux::sse::Decoder;
use chatmux::stream::ChunkStream;

/// How many events each stream has.
pub const EVENTS: usize = 2000;

/// A stream: its name, and what makes its text.
type Stream = (&'static str, fn() -> String);

/// The streams.
pub const STREAMS: [Stream; 6] = [
    ("text", || stream(|at| content(WORDS[at * 7 % WORDS.len()], "", ""))),
    ("cjk", || stream(|at| content(WIDE[at * 5 % WIDE.len()], "", ""))),
    ("tools", || {
        stream(|at| {
            let arguments = WORDS[at * 7 % WORDS.len()];
            event(&format!(r#""tool_calls":[{{"index":0,"function":{{"arguments":"{arguments}"}}}}]"#), "", "")
        })
    }),
    ("obfuscation", || {
        stream(|at| content(WORDS[at * 7 % WORDS.len()], "", &format!(r#","obfuscation":"{}""#, &PADDING[at % 12..])))
    }),
    ("usage", || {
        stream(|at| {
            let details = r#""prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}"#;
            let total = at + 812;
            let usage = format!(
                r#","usage":{{"prompt_tokens":812,"completion_tokens":{at},"total_tokens":{total},{details}}}"#
            );
            content(WORDS[at * 7 % WORDS.len()], "", &usage)
        })
    }),
    ("irregular", || {
        stream(|at| {
            let extra = format!(r#""member_{at}":"{}","#, &PADDING[at % 12..]);
            content(WORDS[at * 7 % WORDS.len()], &extra, "")
        })
    }),
];

const WORDS: [&str; 12] =
    [" the", " of", " model", "ing", ".", "\\n\\n", " \\\"", " token", " is", " streaming", ",", " Rust"];
const WIDE: [&str; 8] = ["你好", "世界", "，", "日本語", "한국어", "é", "😀", "👩‍💻"];
const PADDING: &str = "hN7cQx2LpR5vT9z";

fn stream(event_at: impl Fn(usize) -> String) -> String {
    let mut text: String = (0..EVENTS).map(event_at).collect();
    text.push_str("data: [DONE]\n\n");
    text
}

fn content(text: &str, before: &str, after: &str) -> String {
    event(&format!(r#""content":"{text}""#), before, after)
}

fn event(delta: &str, before: &str, after: &str) -> String {
    let mut event = String::from("data: {");
    let _ = write!(
        event,
        r#"{before}"id":"chatcmpl-BqL0k8vT2mXwYd9RzNfHs4Uc7JpEa","object":"chat.completion.chunk","created":1760000000,"#
    );
    let _ = write!(event, r#""model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_34a54ae93c","#);
    let _ =
        write!(event, r#""choices":[{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":null}}]{after}}}"#);
    event.push_str("\n\n");
    event
}

/// Bytes to batches, as JavaScript asks for them: the whole of what happens in the wasm for each read.
pub fn decode(bytes: &[u8], read: usize) -> usize {
    let mut stream = ChunkStream::new(200);
    let mut batch = Batch::default();
    let mut numbers = 0;
    for bytes in bytes.chunks(read) {
        batch.clear();
        stream.push(bytes, |piece| batch.add(&piece));
        numbers += batch.finish(&stream).len();
    }
    numbers
}

/// The server-sent events alone.
pub fn events(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::default();
    let (mut at, mut count) = (0, 0);
    while let Ok((taken, event)) = decoder.step(&bytes[at..]) {
        at += taken;
        count += usize::from(event.is_some());
        if at == bytes.len() {
            break;
        }
    }
    count
}

/// The JSON alone: each event's is read to its end.
pub fn json(text: &str) -> usize {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: {").map(|_| &line["data: ".len()..]));
    lines.map(|line| Reader::new(line).skip().map_or(0, str::len)).sum()
}
