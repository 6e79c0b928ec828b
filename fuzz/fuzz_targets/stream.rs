//! Any bytes, cut anywhere, come to the same chunks and the same verdict, with shapes and without; every batch is JSON; no
//! input traps.
#![no_main]

use chatmux::Error;
use chatmux::stream::ChunkStream;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fn run<'a>(
    mut stream: ChunkStream,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (String, bool, Result<(), Error>) {
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
    (chunks, stream.has_ended(), stream.finish())
}

fuzz_target!(|input: (usize, &[u8])| {
    let (cut, bytes) = input;
    let (head, tail) = bytes.split_at(cut % (bytes.len() + 1));
    let stream = || ChunkStream::new(200);
    let judge = run(stream().without_shapes(), [bytes]);
    assert_eq!(run(stream(), [bytes]), judge);
    assert_eq!(run(stream(), [head, tail]), judge);
    assert_eq!(run(stream(), bytes.chunks(1)), judge);
});
