//! Any bytes, cut anywhere, come to the same chunks, the same completion and the same verdict, with shapes and without;
//! every batch is JSON, and so is the completion at any moment; no input traps.
#![no_main]

use chatmux::Error;
use chatmux::json::Reader;
use chatmux::stream::ChunkStream;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// The completion, which must be JSON: it may nest too deep for `serde_json`.
fn completion(stream: &mut ChunkStream, taken: usize) -> String {
    let json = stream.partial_after(taken).json();
    let mut reader = Reader::new(&json);
    reader.skip().and_then(|_| reader.end()).expect("a completion is JSON");
    json
}

fn run<'a>(
    mut stream: ChunkStream,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (String, String, bool, Result<(), Error>) {
    let mut chunks = String::new();
    for piece in pieces {
        let batch = stream.feed(piece);
        if !batch.is_empty() {
            serde_json::from_str::<Vec<IgnoredAny>>(&batch).expect("a batch is a JSON array");
            let items = batch.strip_prefix('[').and_then(|batch| batch.strip_suffix(']')).expect("it is an array");
            chunks.push_str(items);
            chunks.push(',');
        }
    }
    (chunks, completion(&mut stream, usize::MAX), stream.has_ended(), stream.finish())
}

/// What the completion is after each chunk of which a bit of `asks` is set.
fn moments(mut stream: ChunkStream, bytes: &[u8], asks: usize) -> Vec<(usize, String)> {
    let (mut moments, mut done) = (Vec::new(), 0);
    for piece in bytes.chunks(1 << 16) {
        stream.room(piece.len())[..piece.len()].copy_from_slice(piece);
        let mut count = 0;
        stream.decode(piece.len(), |_| count += 1);
        for taken in (0..=count).filter(|taken| asks >> ((done + taken) % 64) & 1 == 1) {
            moments.push((done + taken, completion(&mut stream, taken)));
        }
        done += count;
    }
    moments
}

fuzz_target!(|input: (usize, &[u8])| {
    let (cut, bytes) = input;
    let (head, tail) = bytes.split_at(cut % (bytes.len() + 1));
    let stream = || ChunkStream::new(200);
    let judge = run(stream().without_shapes(), [bytes]);
    assert_eq!(run(stream(), [bytes]), judge);
    assert_eq!(run(stream(), [head, tail]), judge);
    assert_eq!(run(stream(), bytes.chunks(1)), judge);
    assert_eq!(moments(stream(), bytes, cut), moments(stream().without_shapes(), bytes, cut));
});
