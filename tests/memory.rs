//! What a stream costs in memory: counted by the allocator, byte by byte.
#![cfg(not(target_arch = "wasm32"))]
#![allow(unsafe_code, reason = "an allocator is unsafe by its nature; this one counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chatmux::batch::Batch;
use chatmux::stream::ChunkStream;

/// Bytes that may be held beside what grows: buffers for a read, shapes, the head of an answer.
const FIXED: usize = 768 << 10;

/// What one thread has allocated.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    live: usize,
    peak: usize,
    /// Of all allocations, however short they lived.
    bytes: usize,
    calls: usize,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { live: 0, peak: 0, bytes: 0, calls: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(taken: usize, given: usize) {
    // A thread that is ending has no counter any more.
    let _ = COUNT.try_with(|cell| {
        let mut count = cell.get();
        count.live = (count.live + taken).saturating_sub(given);
        count.peak = count.peak.max(count.live);
        if taken > 0 {
            count.bytes += taken;
            count.calls += 1;
        }
        cell.set(count);
    });
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new place may exist side by side for a moment.
        note(size, 0);
        note(0, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `run` allocates beyond what it found, and what it leaves alive.
fn measure<T>(run: impl FnOnce() -> T) -> (T, Count) {
    let before = COUNT.get();
    COUNT.set(Count { live: before.live, peak: before.live, bytes: 0, calls: 0 });
    let value = run();
    let count = COUNT.get();
    (value, Count { live: count.live.saturating_sub(before.live), peak: count.peak - before.live, ..count })
}

/// Reads a stream as JavaScript has it read: into the room made for each read, and out of one batch.
fn read(stream: &mut ChunkStream, bytes: &[u8], size: usize) {
    let mut batch = Batch::default();
    for part in bytes.chunks(size) {
        batch.clear();
        stream.room(part.len())[..part.len()].copy_from_slice(part);
        stream.decode(part.len(), |piece| batch.add(&piece));
        batch.finish(stream);
    }
    assert!(!stream.has_ended());
}

fn events(count: usize, event: impl Fn(usize) -> String) -> Vec<u8> {
    (0..count).flat_map(|n| format!("data: {}\n\n", event(n)).into_bytes()).collect()
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)
}

const WORD: &str = "a token, or a few of them in one event, ";

#[test]
fn the_completion_grows_at_most_by_half_more_than_what_was_received() {
    type Streams = [(&'static str, fn(usize) -> String, usize); 6];
    let streams: Streams = [
        ("text", |_| delta(&format!(r#"{{"content":"{WORD}"}}"#)), WORD.len()),
        ("escapes", |_| delta(&format!(r#"{{"content":"{}"}}"#, r"\u00e9\n".repeat(5))), 40),
        ("reasoning and text", |_| delta(&format!(r#"{{"content":"{WORD}","reasoning":"{WORD}"}}"#)), 2 * WORD.len()),
        (
            "two tool calls",
            |n| delta(&format!(r#"{{"tool_calls":[{{"index":{},"function":{{"arguments":"{WORD}"}}}}]}}"#, n % 2)),
            WORD.len(),
        ),
        (
            "text and counts",
            |n| format!(r#"{{"choices":[{{"delta":{{"content":"{WORD}"}}}}],"usage":{{"total_tokens":{n}}}}}"#),
            WORD.len(),
        ),
        ("no two alike", |n| delta(&format!(r#"{{"content":"{WORD}","role":"r{n}"}}"#)), WORD.len()),
    ];
    for (name, event, length) in streams {
        let times = if name == "text" { 200_000 } else { 50_000 };
        let bytes = events(times, event);
        for size in if name == "text" { vec![1000, 64 << 10] } else { vec![64 << 10] } {
            let (mut stream, count) = measure(|| {
                let mut stream = ChunkStream::new(200);
                read(&mut stream, &bytes, size);
                stream
            });
            let content = times * length;
            assert!(count.peak <= content + content / 2 + FIXED, "{name}: {} for {content}", count.peak);
            assert!(stream.partial().json().len() > content, "{name}: it is all there");
        }
    }
}

#[test]
fn asking_for_the_completion_costs_nothing_that_stays() {
    let bytes = events(10_000, |_| delta(&format!(r#"{{"content":"{WORD}"}}"#)));
    let mut stream = ChunkStream::new(200);
    read(&mut stream, &bytes, 1000);
    let partial = stream.partial();
    let (_, count) = measure(|| {
        for _ in 0..100 {
            let mut length = 0;
            partial.write(&mut |part| length += part.len());
            assert!(length > 10_000 * WORD.len());
        }
    });
    assert_eq!((count.peak, count.live), (0, 0));
}

#[test]
fn what_adds_nothing_takes_no_memory() {
    const COUNT: usize = 50_000;
    let usage = |n: usize| format!(r#"{{"choices":[],"usage":{{"total_tokens":{n}}}}}"#);
    let padding = |n: usize| delta(&format!(r#"{{}}}}],"obfuscation":"{}","x":[{{"y":{{"z":1}}"#, "x".repeat(n % 30)));
    let calls = |n: usize| delta(&format!(r#"{{"content":"","tool_calls":[{{"index":{}}}]}}"#, n % 3));
    let own = |n: usize| format!(r#"{{"key":{n},"choices":[{{"index":{},"finish_reason":"{n}"}}]}}"#, n % 128);
    let repaired = |_| delta(&format!(r#"{{"tool_calls":[{{"id":"","type":"{}"}}]}}"#, WORD.repeat(3)));
    let streams: [(&str, Vec<u8>); 7] = [
        ("comments", b": keep-alive\n\n".repeat(COUNT)),
        ("fields that nobody knows", b"id: 1\nretry: 5\nevent: ping\n\n".repeat(COUNT)),
        ("usage", events(COUNT, usage)),
        ("padding", events(COUNT, padding)),
        ("empty calls", events(COUNT, calls)),
        ("calls without an index", events(COUNT, repaired)),
        ("last said", events(COUNT, own)),
    ];
    for (name, bytes) in &streams {
        for size in [1000, 64 << 10] {
            let (_, count) = measure(|| read(&mut ChunkStream::new(200), bytes, size));
            assert!(count.peak <= FIXED, "{name}: {} in reads of {size}", count.peak);
        }
    }
}

#[test]
fn after_a_large_event_its_memory_is_given_back() {
    let bytes = |length: usize, delta: &str| {
        let (head, tail) = delta.split_once('@').expect("a place for the text");
        [b"data: ", head.as_bytes(), &vec![b'x'; length], tail.as_bytes(), b"\n\n"].concat()
    };
    let small = events(3, |_| delta(r#"{"content":"a"}"#));
    let (huge, large) = (64 << 20, 16 << 20);
    for (large, length, kept) in [
        (bytes(huge, &delta(r#"{"content":"@"}"#)), huge, huge),
        (bytes(large, r#"{"choices":[],"obfuscation":"@"}"#), large, 0),
        (bytes(large, r#"{"id":"@"}"#), large, large),
        ([b": ", &vec![b'x'; large][..], b"\n\n"].concat(), large, 0),
    ] {
        let (_, count) = measure(|| {
            let mut stream = ChunkStream::new(200);
            for bytes in [&small, &large, &small] {
                read(&mut stream, bytes, 64 << 10);
            }
            std::mem::forget(stream);
        });
        assert!(count.live <= kept + kept / 2 + FIXED, "{} of {kept}", count.live);
        // The line as it arrives in a buffer that doubles, then the data of the event, and a batch with its text.
        assert!(count.peak <= 4 * length, "{} at most", count.peak);
    }
}

#[test]
fn what_is_allocated_grows_with_the_input_and_no_faster() {
    let words = |count| events(count, |_| delta(&format!(r#"{{"content":"{WORD}"}}"#)));
    let mixed = |count| events(count, |n| delta(&format!(r#"{{"content":"{WORD}","role":"r{n}"}}"#)));
    let large = |count: usize| events(1, |_| delta(&format!(r#"{{"content":"{}"}}"#, WORD.repeat(count))));
    type Inputs<'a> = [(&'static str, &'a dyn Fn(usize) -> Vec<u8>); 3];
    let inputs: Inputs<'_> = [("alike", &words), ("mixed", &mixed), ("large", &large)];
    for (name, input) in inputs {
        for size in [1, 1000] {
            let cost = |count: usize| {
                let bytes = input(count);
                let (_, cost) = measure(|| read(&mut ChunkStream::new(200), &bytes, size));
                (cost.bytes, cost.calls)
            };
            let (short, long) = (cost(3_000), cost(30_000));
            assert!(long.0 <= 12 * short.0, "{name}, reads of {size}: {short:?}, then {long:?}");
            assert!(long.1 <= 11 * short.1, "{name}, reads of {size}: {short:?}, then {long:?}");
        }
    }
}
