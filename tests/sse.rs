//! The event-stream decoder against the WHATWG standard, however the bytes are cut:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::sse::{Decoder, EventTooLarge};
use proptest::prelude::*;

/// One event as `(event, data, id)`.
type Triple = (String, String, String);

/// What a whole stream came to.
#[derive(Debug, PartialEq, Eq, Default)]
struct Seen {
    events: Vec<Triple>,
    last_event_id: String,
    retry: Option<u32>,
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        let fed = decoder.feed(piece, |event| {
            events.push((event.event.into_owned(), event.data.into_owned(), event.id.to_owned()));
            true
        });
        assert_eq!(fed, Ok(()));
    }
    Seen { events, last_event_id: decoder.last_event_id().to_owned(), retry: decoder.retry() }
}

/// What a case expects beside its events.
#[derive(Default)]
struct After {
    id: &'static str,
    retry: Option<u32>,
}

fn check(input: &[u8], events: &[(&str, &str, &str)], after: &After) {
    let expected = Seen {
        events: events.iter().map(|&(event, data, id)| (event.into(), data.into(), id.into())).collect(),
        last_event_id: after.id.to_owned(),
        retry: after.retry,
    };
    assert_eq!(decode([input]), expected, "whole");
    for at in 0..=input.len() {
        let (head, tail) = input.split_at(at);
        assert_eq!(decode([head, tail]), expected, "cut at byte {at}");
    }
    assert_eq!(decode(input.chunks(1)), expected, "byte by byte");
    assert_eq!(decode(input.chunks(1).flat_map(|byte| [&[][..], byte])), expected, "with empty reads between");
}

/// One test a case: name, input, the events as `(event, data, id)`, then the last event id and the retry time where
/// the stream sets them.
macro_rules! decodes {
    ($($(#[$why:meta])* $name:ident: $input:expr => [$($event:expr),*] $(, id $id:literal)? $(, retry $retry:literal)?;)*) => {
        $(
            $(#[$why])*
            #[test]
            #[allow(clippy::needless_update, reason = "a case that sets every field leaves nothing to fill in")]
            fn $name() {
                check($input, &[$($event),*], &After { $(id: $id,)? $(retry: Some($retry),)? ..After::default() });
            }
        )*
    };
}

// Line ends.
decodes! {
    a_line_feed_ends_a_line: b"data: one\n\ndata: two\n\n" => [("message", "one", ""), ("message", "two", "")];
    a_carriage_return_ends_a_line: b"data: one\r\rdata: two\r\r" => [("message", "one", ""), ("message", "two", "")];
    the_pair_is_one_line_end: b"data: one\r\ndata: two\r\n\r\n" => [("message", "one\ntwo", "")];
    /// LF CR is no pair: the CR ends an empty line.
    a_line_feed_before_a_carriage_return_is_two_line_ends: b"data: one\n\rdata: two\n\r"
        => [("message", "one", ""), ("message", "two", "")];
    only_the_second_of_two_carriage_returns_pairs_with_the_line_feed: b"data: one\r\r\ndata: two\n\n"
        => [("message", "one", ""), ("message", "two", "")];
    line_ends_may_be_mixed_in_one_event: b"data: a\rdata: b\ndata: c\r\ndata: d\r\n\r"
        => [("message", "a\nb\nc\nd", "")];
    a_line_feed_after_a_comment_that_ended_in_a_carriage_return_is_swallowed: b"data: a\r: note\r\ndata: b\r\r"
        => [("message", "a\nb", "")];
    unicode_line_separators_end_no_line: "data: a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\n\n".as_bytes()
        => [("message", "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f", "")];
    blank_lines_alone_are_no_events: b"\n\r\n\r\r\n\n" => [];
    an_empty_stream_has_no_events: b"" => [];
}

// The byte-order mark.
decodes! {
    a_mark_before_the_first_line_is_dropped: b"\xef\xbb\xbfdata: a\n\n" => [("message", "a", "")];
    only_one_mark_is_dropped: b"\xef\xbb\xbf\xef\xbb\xbfdata: a\ndata: b\n\n" => [("message", "b", "")];
    /// The line is empty without it, so it ends a block that has no data.
    a_mark_alone_on_the_first_line_is_a_blank_line: b"\xef\xbb\xbf\ndata: a\n\n" => [("message", "a", "")];
    a_mark_may_stand_before_a_comment: b"\xef\xbb\xbf: note\ndata: a\n\n" => [("message", "a", "")];
    half_a_mark_belongs_to_the_field_name: b"\xef\xbbdata: a\ndata: b\n\n" => [("message", "b", "")];
    a_mark_after_a_blank_line_is_no_mark: b"\n\xef\xbb\xbfdata: a\ndata: b\n\n" => [("message", "b", "")];
    a_mark_in_a_value_is_text: b"data:\xef\xbb\xbfa\n\n" => [("message", "\u{feff}a", "")];
    a_mark_alone_is_nothing: b"\xef\xbb\xbf" => [];
}

// Fields.
decodes! {
    exactly_one_space_after_the_colon_is_dropped: b"data:a\ndata: b\ndata:  c\ndata:\td\n\n"
        => [("message", "a\nb\n c\n\td", "")];
    a_space_at_the_end_of_a_value_stays: b"data: a \n\n" => [("message", "a ", "")];
    only_the_first_colon_parts_name_and_value: b"data:a:b: c:\n\n" => [("message", "a:b: c:", "")];
    a_name_without_a_colon_has_an_empty_value: b"data\n\n" => [("message", "", "")];
    two_empty_data_lines_are_one_line_feed: b"data\ndata:\n\n" => [("message", "\n", "")];
    a_space_alone_is_an_empty_value: b"data: \n\n" => [("message", "", "")];
    a_line_that_starts_with_a_colon_is_a_comment: b":data: no\n: \n::\n:\ndata: a\n:\n\n" => [("message", "a", "")];
    a_comment_ends_no_event: b"data: a\n: note\ndata: b\n\n" => [("message", "a\nb", "")];
    names_are_case_sensitive: b"DATA: a\nData: b\nEVENT: c\nID: d\nRETRY: 5\ndata: e\n\n" => [("message", "e", "")];
    a_space_is_part_of_the_name: b" data: a\ndata : b\n\tdata: c\ndata: d\n\n" => [("message", "d", "")];
    a_longer_or_shorter_name_is_another_name: b"dat: a\ndatas: b\nevents: c\ni: d\ndata: e\n\n"
        => [("message", "e", "")];
    text_that_is_no_field_is_ignored: b"<!doctype html>\n<title>data: no</title>\n\n{\"data\": 1}\n\n" => [];
    a_nul_in_data_is_text: b"data: a\0b\n\n" => [("message", "a\0b", "")];
    data_may_be_interleaved_with_other_fields: b"data: a\nevent: x\ndata: b\nid: 1\ndata: c\n\n"
        => [("x", "a\nb\nc", "1")], id "1";
}

// The event name.
decodes! {
    the_name_counts_for_one_event_only: b"event: ping\ndata: a\n\ndata: b\n\n"
        => [("ping", "a", ""), ("message", "b", "")];
    the_last_name_of_a_block_wins: b"event: one\nevent: two\ndata: a\n\n" => [("two", "a", "")];
    an_empty_name_is_message: b"event: one\nevent:\ndata: a\n\nevent\ndata: b\n\n"
        => [("message", "a", ""), ("message", "b", "")];
    a_name_without_data_is_no_event_and_is_forgotten: b"event: one\n\ndata: a\n\n" => [("message", "a", "")];
    a_name_keeps_its_inner_and_second_spaces: b"event:  a b \ndata: c\n\n" => [(" a b ", "c", "")];
    a_name_may_be_any_text: "event: événement\u{1f98a}\ndata: a\n\n".as_bytes() => [("événement\u{1f98a}", "a", "")];
}

// The last event id.
decodes! {
    an_id_stays_until_another_one: b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n"
        => [("message", "a", "1"), ("message", "b", "1"), ("message", "c", "2")], id "2";
    an_id_counts_for_its_own_block_wherever_it_stands: b"data: a\nid: 1\n\n" => [("message", "a", "1")], id "1";
    a_block_of_only_an_id_sets_it: b"id: 1\n\ndata: a\n\n" => [("message", "a", "1")], id "1";
    an_empty_id_resets_it: b"id: 1\ndata: a\n\nid\ndata: b\n\n" => [("message", "a", "1"), ("message", "b", "")];
    an_id_with_a_nul_is_ignored: b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid:\0\ndata: c\n\n"
        => [("message", "a", "1"), ("message", "b", "1"), ("message", "c", "1")], id "1";
    the_last_id_of_a_block_wins: b"id: 1\nid: 2\nid: 3\0\ndata: a\n\n" => [("message", "a", "2")], id "2";
    an_id_of_an_unfinished_block_is_not_kept: b"id: 1\ndata: a\n\nid: 2\ndata: b\n" => [("message", "a", "1")], id "1";
    an_id_may_be_any_text: "id: \u{2713} x\ndata: a\n\n".as_bytes() => [("message", "a", "\u{2713} x")], id "\u{2713} x";
}

// The reconnection time.
decodes! {
    a_time_counts_at_once_even_in_an_unfinished_block: b"retry: 250\n" => [], retry 250;
    the_last_good_time_wins: b"retry: 250\nretry: 500\nretry: soon\nretry:\n\n" => [], retry 500;
    zeros_in_front_do_not_make_it_octal: b"retry: 0010\n\n" => [], retry 10;
    zero_is_a_time: b"retry:0\n\n" => [], retry 0;
    the_largest_time_that_fits_counts: b"retry: 4294967295\n\n" => [], retry 4_294_967_295;
    a_time_that_does_not_fit_is_ignored: b"retry: 7\nretry: 4294967296\nretry: 99999999999999999999\n\n" => [], retry 7;
    a_time_with_anything_but_digits_is_ignored:
        "retry: +5\nretry: -5\nretry: 5.0\nretry: 5e3\nretry:  5\nretry: 5 \nretry: 0x5\nretry: \u{665}\nretry\n\n"
            .as_bytes() => [];
    an_unfinished_line_sets_no_time: b"retry: 250" => [];
}

// Bytes that are not UTF-8 become U+FFFD as the Encoding standard counts them.
decodes! {
    a_lone_continuation_byte_is_replaced: b"data: a\x80b\n\n" => [("message", "a\u{fffd}b", "")];
    bytes_that_never_occur_are_replaced_one_by_one: b"data: \xf5\xff\xc0\n\n"
        => [("message", "\u{fffd}\u{fffd}\u{fffd}", "")];
    a_character_cut_short_is_replaced_once: b"data: \xf0\x9f\xa6b\xe2\x82c\n\n"
        => [("message", "\u{fffd}b\u{fffd}c", "")];
    an_overlong_form_is_replaced_byte_by_byte: b"data: \xe0\x80\xafa\n\n"
        => [("message", "\u{fffd}\u{fffd}\u{fffd}a", "")];
    a_surrogate_is_replaced_byte_by_byte: b"data: \xed\xa0\xbda\n\n"
        => [("message", "\u{fffd}\u{fffd}\u{fffd}a", "")];
    /// The two halves of a euro sign on two lines are two broken characters, not one whole.
    a_character_never_joins_over_a_line_end: b"data: \xe2\x82\n\xac\ndata: \xac\n\n"
        => [("message", "\u{fffd}\n\u{fffd}", "")];
    a_broken_byte_makes_a_name_unknown: b"data\xff: a\n\xffdata: b\ndata: c\n\n" => [("message", "c", "")];
    names_and_ids_are_replaced_too: b"event: a\xff\nid: \xffb\ndata: c\n\n"
        => [("a\u{fffd}", "c", "\u{fffd}b")], id "\u{fffd}b";
    whole_characters_survive_any_cut: "data: aé€\u{1f98a}\u{10ffff}\n\n".as_bytes()
        => [("message", "aé€\u{1f98a}\u{10ffff}", "")];
}

// The end of the stream.
decodes! {
    an_event_without_its_blank_line_is_dropped: b"data: a\n\ndata: b\n" => [("message", "a", "")];
    an_event_without_any_line_end_is_dropped: b"data: a\n\ndata: b" => [("message", "a", "")];
    /// A CR that ends the bytes ends the blank line: waiting for an LF would hold the event back.
    a_carriage_return_at_the_very_end_delivers: b"data: a\r\n\r" => [("message", "a", "")];
    a_comment_without_an_end_is_dropped: b"data: a\n\n: note" => [("message", "a", "")];
}

#[test]
fn an_event_is_delivered_with_the_byte_that_ends_it() {
    for input in ["data: a\n\n", "data: a\r\r", "data: a\r\n\r", "event: x\ndata: a\n\n"] {
        let (last, before) = input.as_bytes().split_last().expect("the inputs are not empty");
        let mut decoder = Decoder::default();
        let mut count = 0;
        let mut feed = |bytes: &[u8]| {
            let fed = decoder.feed(bytes, |_| {
                count += 1;
                true
            });
            assert_eq!(fed, Ok(()));
            count
        };
        assert_eq!((feed(before), feed(&[*last])), (0, 1), "{input:?}");
    }
}

#[test]
fn a_callback_that_has_enough_leaves_the_rest_unread() {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    let fed = decoder.feed(b"data: 1\n\ndata: 2\n\nid: 9\n\nretry: 5\ndata: 3\n\n", |event| {
        seen.push(event.data.into_owned());
        seen.len() < 2
    });
    assert_eq!(fed, Ok(()));
    assert_eq!(seen, ["1", "2"]);
    assert_eq!((decoder.last_event_id(), decoder.retry()), ("", None));
}

/// Feeds all the pieces, or as many as are accepted; how many events came, and what became of it.
fn feed_capped<'a>(cap: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (usize, Result<(), EventTooLarge>) {
    let mut decoder = Decoder::new(cap);
    let mut count = 0;
    let fed = pieces.into_iter().try_for_each(|piece| {
        decoder.feed(piece, |_| {
            count += 1;
            true
        })
    });
    (count, fed)
}

#[test]
fn an_event_of_exactly_the_cap_is_accepted_and_one_byte_more_is_refused() {
    assert_eq!(feed_capped(4, [&b"data: abcd\n\n"[..]]), (1, Ok(())));
    assert_eq!(feed_capped(4, [&b"data: abcde\n\n"[..]]), (0, Err(EventTooLarge)));
    assert_eq!(feed_capped(0, [&b"data\n\n"[..]]), (1, Ok(())));
}

#[test]
fn the_events_before_one_that_is_too_large_are_delivered() {
    assert_eq!(feed_capped(4, [&b"data: ab\n\ndata: cd\n\ndata: abcde\n\n"[..]]), (2, Err(EventTooLarge)));
}

#[test]
fn the_line_feed_that_joins_two_data_lines_counts() {
    // "abc\ndef" is seven bytes of data.
    assert_eq!(feed_capped(7, [&b"data: abc\ndata: def\n\n"[..]]), (1, Ok(())));
    assert_eq!(feed_capped(6, [&b"data: abc\ndata: def\n\n"[..]]), (0, Err(EventTooLarge)));
}

#[test]
fn the_verdict_on_the_size_is_the_same_however_the_bytes_are_cut() {
    let inputs = [&b"data: abcdefgh\n\n"[..], b"data:abcdefgh\r\n\r\n", b"event: abcd\ndata: abc\ndata: def\n\n"];
    for input in inputs {
        for cap in 0..=input.len() {
            let whole = feed_capped(cap, [input]);
            for at in 0..=input.len() {
                let (head, tail) = input.split_at(at);
                let text = String::from_utf8_lossy(input);
                assert_eq!(feed_capped(cap, [head, tail]), whole, "{text:?}, cap {cap}, cut at byte {at}");
            }
        }
    }
}

#[test]
fn the_cap_is_for_one_event_and_not_for_the_stream() {
    let stream = "event: abcd\nid: 1\nretry: 5\n: note\ndata: abcd\n\n".repeat(1000);
    assert_eq!(feed_capped(32, stream.as_bytes().chunks(7)), (1000, Ok(())));
}

#[test]
fn many_small_data_lines_of_one_event_reach_the_cap() {
    let (count, fed) = feed_capped(1000, std::iter::repeat_n(&b"data: abc\n"[..], 1000));
    assert_eq!((count, fed), (0, Err(EventTooLarge)));
    let (count, fed) = feed_capped(1000, std::iter::repeat_n(&b"data\n"[..], 2000));
    assert_eq!((count, fed), (0, Err(EventTooLarge)), "empty lines count by what joins them");
}

#[test]
fn a_line_without_end_is_refused_as_soon_as_it_passes_the_cap() {
    let piece = [b'a'; 64 << 10];
    for start in ["data: ", ": ", "event: ", ""] {
        let mut decoder = Decoder::new(1 << 20);
        assert_eq!(decoder.feed(start.as_bytes(), |_| true), Ok(()));
        let accepted = (0..1024).take_while(|_| decoder.feed(&piece, |_| true).is_ok()).count();
        assert!((15..=16).contains(&accepted), "{start:?}: {accepted} of 1024 pieces of 64 KiB were accepted");
    }
}

#[test]
fn an_event_of_64_mib_passes_under_the_default_cap() {
    let mut decoder = Decoder::default();
    let mut lengths = Vec::new();
    let piece = vec![b'a'; 1 << 20];
    let pieces = std::iter::once(&b"data: "[..]).chain(std::iter::repeat_n(&piece[..], 64)).chain([&b"\n\n"[..]]);
    for piece in pieces {
        let fed = decoder.feed(piece, |event| {
            lengths.push(event.data.len());
            true
        });
        assert_eq!(fed, Ok(()));
    }
    assert_eq!(lengths, [64 << 20]);
}

/// The standard's text as plainly as it can be written: decode, split into lines, interpret each.
fn decode_naively(bytes: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);

    let mut lines = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                lines.push(String::new());
            }
            '\n' => lines.push(String::new()),
            other => lines.last_mut().expect("there is always a line").push(other),
        }
    }
    // What follows the last line end is no line.
    lines.pop();

    let mut seen = Seen::default();
    let (mut data, mut event, mut id) = (String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            seen.last_event_id.clone_from(&id);
            if !data.is_empty() {
                data.pop();
                let name = if event.is_empty() { "message".to_owned() } else { event.clone() };
                seen.events.push((name, data.clone(), id.clone()));
            }
            data.clear();
            event.clear();
            continue;
        }
        let (field, value) = match line.split_once(':') {
            Some(("", _)) => continue,
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (&line[..], ""),
        };
        match field {
            "event" => event = value.to_owned(),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                // The standard knows no largest time; the decoder's is `u32::MAX`.
                seen.retry = value.parse().ok().or(seen.retry);
            }
            _ => {}
        }
    }
    seen
}

/// Bytes in which everything that the standard speaks of is frequent.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let ends = prop::sample::select(vec![&b"\r"[..], b"\n", b"\r\n", b"\n\n", b"\r\n\r\n"]);
    let fields =
        prop::sample::select(vec![&b"data"[..], b"event", b"id", b"retry", b"data:", b"data: ", b"id:", b"retry:"]);
    let parts = prop::sample::select(vec![
        &b":"[..],
        b" ",
        b"\0",
        b"0",
        b"42",
        b"a",
        b"x y",
        b"\xef\xbb\xbf",
        b"\xef",
        b"\xbb\xbf",
        b"\xc3\xa9",
        b"\xc3",
        b"\xf0\x9f\xa6\x8a",
        b"\xf0\x9f",
        b"\xa6\x8a",
        b"\xe2\x80\xa8",
        b"\xff",
    ]);
    let part = prop_oneof![3 => ends, 3 => fields, 3 => parts];
    let mark = prop::sample::select(vec![&b""[..], b"", b"\xef\xbb\xbf"]);
    (mark, prop::collection::vec(part, 0..40)).prop_map(|(mark, parts)| [mark, &parts.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_streams_cut_at_random_places_read_as_the_standard_says(
        stream in any_stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        let expected = decode_naively(&stream);
        prop_assert_eq!(&decode(pieces), &expected);
        prop_assert_eq!(decode([&stream[..]]), expected);
    }
}
