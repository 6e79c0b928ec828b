//! Any bytes, cut anywhere, come to the same events and the same verdict on their size; no input traps.
#![no_main]

use chatmux::sse::{Decoder, EventTooLarge, MAX_EVENT_BYTES};
use libfuzzer_sys::fuzz_target;

type Seen = (Vec<(String, String, String)>, String, Option<u32>, Result<(), EventTooLarge>);

fn decode<'a>(cap: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = Decoder::new(cap);
    let mut events = Vec::new();
    let fed = pieces.into_iter().try_for_each(|piece| {
        decoder.feed(piece, |event| {
            events.push((event.event.into_owned(), event.data.into_owned(), event.id.to_owned()));
            true
        })
    });
    (events, decoder.last_event_id().to_owned(), decoder.retry(), fed)
}

fuzz_target!(|input: (usize, &[u8])| {
    let (cut, bytes) = input;
    let (head, tail) = bytes.split_at(cut % (bytes.len() + 1));
    // Under three bytes, half a byte-order mark would count for more than a whole one.
    for cap in [3 + cut % 64, MAX_EVENT_BYTES] {
        let whole = decode(cap, [bytes]);
        assert_eq!(decode(cap, [head, tail]), whole);
        assert_eq!(decode(cap, bytes.chunks(1)), whole);
    }
});
