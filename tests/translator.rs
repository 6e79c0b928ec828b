//! Translated streams: an event like one before is written without being read, and nobody can tell.

#![cfg(not(target_arch = "wasm32"))]

use std::cell::Cell;
use std::rc::Rc;

use chatmux::dialect::openai::Malformed;
use chatmux::dialect::translate::{Step, error_body};
use chatmux::json::{Length, Tree, Writer};
use chatmux::translator::{Events, Translator};
use proptest::prelude::*;

/// A dialect of the tests' own: each event says how it is to be written.
#[derive(Default)]
struct Fake {
    reads: Rc<Cell<usize>>,
    turns: u32,
    counts: String,
    /// How long the texts of two choices are.
    lengths: [Length; 2],
}

impl Events for Fake {
    fn read_event(&mut self, name: &str, data: &str, out: &mut Writer) -> Result<Step, Malformed> {
        self.reads.set(self.reads.get() + 1);
        let mut tree = Tree::whole();
        let event = tree.add(data).map_err(Malformed::Json)?;
        let event = tree.value(event);
        let of = |name: &str| event.get(name).unwrap_or(tree.value(usize::MAX));
        self.read_counts(data);
        let text = of("text");
        match of("do").string().map(|text| text.text().into_owned()).as_deref().unwrap_or(name) {
            "text" if text.bytes().len() > 2 => {
                out.begin_text();
                out.begin_object();
                out.member("name", name);
                out.key("turn");
                out.number(self.turns.into());
                out.member_copy("text", text);
                out.end_object();
            }
            "inside" => {
                out.begin_text();
                out.begin_string();
                out.push_text("<\n");
                out.copy_text(text);
                for (choice, said) in [(0, of("more")), (1, text)] {
                    out.copy_content(said, choice);
                    let inside = said.bytes().get(1..said.bytes().len().saturating_sub(1));
                    self.add_length(choice, Length::of(inside.unwrap_or_default()));
                }
                out.end_string();
            }
            "two" => {
                for name in ["more", "text"] {
                    out.begin_text();
                    out.begin_list();
                    out.copy(of(name));
                    out.end_list();
                }
            }
            "whole" => {
                out.begin_text();
                out.begin_list();
                out.copy(event);
                out.copy(text);
                out.end_list();
            }
            "turn" => self.turns += 1,
            "end" => return Ok(Step::Finished),
            "fail" => return Ok(Step::Failed(error_body("It has failed.", "server_error"))),
            _ => {}
        }
        Ok(Step::Going)
    }

    fn finish(&mut self, out: &mut Writer) -> Step {
        out.begin_text();
        out.raw(&self.counts);
        for Length { bytes, units } in self.lengths.into_iter().filter(|length| length.bytes > 0) {
            out.begin_text();
            out.begin_list();
            out.number(bytes as u64);
            out.number(units);
            out.end_list();
        }
        if self.turns == 7 { Step::Finished } else { Step::Failed(error_body("It was cut.", "stream_truncated")) }
    }

    fn revision(&self) -> u32 {
        self.turns
    }

    fn counts(&self) -> Option<&'static str> {
        Some("usage")
    }

    fn read_counts(&mut self, data: &str) {
        let mut tree = Tree::whole();
        if let Some(usage) = tree.add(data).ok().and_then(|event| tree.value(event).get("usage")) {
            self.counts = usage.raw().to_owned();
        }
    }

    fn add_length(&mut self, choice: u32, length: Length) {
        let known = &mut self.lengths[choice as usize];
        *known = Length { bytes: known.bytes + length.bytes, units: known.units + length.units };
    }
}

/// What a stream in these pieces becomes, and how many events were read for it.
fn translate<'a>(parts: impl Iterator<Item = &'a [u8]>, templates: bool, says_cut: bool) -> (String, usize) {
    let reads = Rc::new(Cell::new(0));
    let mut translator = Translator::new(Fake { reads: reads.clone(), ..Fake::default() }).with_cuts_said(says_cut);
    if !templates {
        translator = translator.without_templates();
    }
    let mut out = Vec::new();
    for part in parts {
        translator.feed(part, &mut out);
    }
    translator.finish(&mut out);
    assert!(translator.has_ended());
    let length = out.len();
    translator.feed(b"data: {\"do\":\"text\",\"text\":\"late\"}\n\n", &mut out);
    translator.finish(&mut out);
    assert_eq!(out.len(), length, "after the end nothing comes");
    (String::from_utf8(out).expect("the output is UTF-8"), reads.get())
}

fn whole(bytes: &str) -> (String, usize) {
    translate(std::iter::once(bytes.as_bytes()), true, true)
}

const CUT: &str =
    "data: {\"error\":{\"message\":\"It was cut.\",\"type\":\"stream_truncated\",\"param\":null,\"code\":null}}\n\n";

#[test]
fn an_event_like_one_before_is_not_read() {
    let event = |text: &str| {
        format!("event: x\ndata: {{\"do\":\"text\",\"text\":\"{text}\",\"usage\":{{\"n\":{}}}}}\n\n", text.len())
    };
    let chunk = |text: &str| format!("data: {{\"name\":\"x\",\"turn\":0,\"text\":\"{text}\"}}\n\n");
    let texts = ["a", "bc", "\\n\\u00e9", "é", "d", "e"];
    let all: String = texts.map(event).concat() + "event: end\ndata: {}\n\n";
    let (out, reads) = whole(&all);
    assert_eq!(out, texts.map(chunk).concat() + "data: [DONE]\n\n");
    // The first, and the end.
    assert_eq!(reads, 2);
}

#[test]
fn an_event_is_read_when_it_must_be() {
    let text = |text: &str| format!("data: {{\"do\":\"text\",\"text\":\"{text}\"}}\n\n");
    for (events, reads, why) in [
        (text("a") + &text("") + &text("b"), 2, "a text that is empty may become nothing"),
        (text("a") + &text("\\ud800") + &text("b"), 2, "a lone surrogate"),
        (text("a") + "event: turn\ndata: {}\n\n" + &text("b") + &text("c"), 3, "a turn"),
        (text("a") + ": a comment\n\n" + &text("b") + &text("c"), 2, "a comment"),
        (text("a") + &text("b").replace('\n', "\r\n") + &text("c").replace('\n', "\r\n"), 2, "other ends of lines"),
    ] {
        let all = events.clone() + "event: end\ndata: {}\n\n";
        let (out, read) = whole(&all);
        assert_eq!(out, translate(std::iter::once(all.as_bytes()), false, true).0, "{why}");
        assert_eq!(read, reads + 1, "{why}");
    }
}

#[test]
fn a_text_that_is_copied_with_what_is_around_it_makes_no_template() {
    let event = |text: &str| format!("data: {{\"do\":\"whole\",\"text\":\"{text}\"}}\n\n");
    let (out, reads) = whole(&(event("a") + &event("b")));
    assert_eq!(out, format!("{}{}data: \n\n{CUT}", chunk("a"), chunk("b")));
    assert_eq!(reads, 2);
    fn chunk(text: &str) -> String {
        format!("data: [{{\"do\":\"whole\",\"text\":\"{text}\"}},\"{text}\"]\n\n")
    }
}

#[test]
fn the_last_counts_are_told() {
    let event =
        |text: &str, usage: &str| format!("data: {{\"do\":\"text\",\"text\":\"{text}\",\"usage\":{usage}}}\n\n");
    let all = event("a", "{\"n\":1}") + &event("b", "{\"n\":2}") + &event("c", "{\"n\":34}");
    let (out, reads) = whole(&all);
    assert!(out.ends_with(&format!("data: {{\"n\":34}}\n\n{CUT}")), "{out}");
    assert_eq!(reads, 1);
}

#[test]
fn texts_are_counted_without_being_read() {
    let event =
        |more: &str, text: &str| format!("data: {{\"do\":\"inside\",\"more\":\"{more}\",\"text\":\"{text}\"}}\n\n");
    let (out, reads) = whole(&(event("a", "b") + &event("é", "\\n😀") + &event("\\u00e9\\ud83d\\ude00", "c")));
    assert_eq!(reads, 1);
    // a, é, é😀: in bytes and in units of UTF-16; then b, a break, 😀, c.
    assert!(out.ends_with(&format!("data: [9,5]\n\ndata: [7,5]\n\n{CUT}")), "{out}");
}

#[test]
fn a_break_between_tokens_breaks_no_line() {
    let (out, _) = whole(
        "data: {\"do\":\"text\",\ndata: \"text\":\"a\"}\n\ndata: {\"do\":\"two\",\"more\":[1,\ndata: 2],\"text\":3}\n\n",
    );
    assert!(out.contains("data: [[1, 2]]\n\ndata: [3]\n\n"), "{out}");
}

#[test]
fn a_stream_ends_with_a_mark() {
    let turns = "event: turn\ndata: {}\n\n".repeat(7);
    let error = |message: &str, kind: &str| {
        format!(
            "data: {{\"error\":{{\"message\":\"{message}\",\"type\":\"{kind}\",\"param\":null,\"code\":null}}}}\n\n"
        )
    };
    for (stream, expected) in [
        ("event: end\ndata: {}\n\n".to_owned(), "data: [DONE]\n\n".to_owned()),
        (turns.clone(), "data: \n\ndata: [DONE]\n\n".to_owned()),
        (String::new(), format!("data: \n\n{CUT}")),
        ("event: ping\ndata: {}\n\n".to_owned(), format!(": ping\n\ndata: \n\n{CUT}")),
        ("data: {\"do\":\"fail\"}\n\ndata: {}\n\n".to_owned(), error("It has failed.", "server_error")),
        // What is no stream of events may be an error.
        ("{\"do\":\"fail\"}".to_owned(), error("It has failed.", "server_error")),
        ("data: {\n\n".to_owned(), error("An event of the stream is not a JSON object.", "malformed_response")),
    ] {
        assert_eq!(whole(&stream).0, expected, "{stream}");
    }
}

#[test]
fn who_wants_to_find_out_by_himself_is_not_told_of_a_cut() {
    assert_eq!(translate([&b"data: {}\n\n"[..]].into_iter(), true, false).0, "data: \n\n");
    let failed = translate([&b"data: {\"do\":\"fail\"}\n\n"[..]].into_iter(), true, false).0;
    assert!(failed.contains("It has failed."));
}

#[test]
fn sizes_are_limited() {
    let event = |text: &str| format!("data: {{\"do\":\"text\",\"text\":\"{text}\"}}\n\n");
    for is_learnt in [false, true] {
        let mut out = Vec::new();
        let mut translator = Translator::new(Fake::default()).with_max_event_bytes(40);
        if is_learnt {
            translator.feed(event("a").as_bytes(), &mut out);
        }
        translator.feed(event(&"a".repeat(50)).as_bytes(), &mut out);
        assert!(translator.has_ended());
        let said = String::from_utf8(out).expect("the output is UTF-8");
        assert!(said.contains("`maxEventBytes`") && said.contains("too_large"), "{said}");
    }
    let mut out = Vec::new();
    let mut translator = Translator::new(Fake::default()).with_max_bytes(40);
    translator.feed(event("a").as_bytes(), &mut out);
    assert!(!translator.has_ended());
    translator.feed(event("b").as_bytes(), &mut out);
    let said = String::from_utf8(out).expect("the output is UTF-8");
    assert!(translator.has_ended() && said.contains("`maxResponseBytes`"), "{said}");
}

/// Texts as they stand in JSON.
const TEXTS: [&str; 12] =
    ["", "a", "bc", "\\n", "\\\"", "\\\\", "é", "\\u00e9", "😀", "\\ud83d\\ude00", "\\ud83d", "data: {}\\n\\n"];

fn event() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        6 => Just("text"),
        3 => Just("inside"),
        2 => Just("two"),
        1 => Just("whole"),
        1 => Just("turn"),
        1 => Just("ping"),
    ];
    let text = prop::sample::select(&TEXTS[..]);
    let usage = prop_oneof![
        Just(String::new()),
        (0..200_u32).prop_map(|n| format!(",\"usage\":{{\"n\":{n},\"m\":[{{\"n\":{n}}},\"x\"]}}")),
        (0..200_u32).prop_map(|n| format!(",\"usage\":{{\"m\":{n}}}")),
        Just(",\"usage\":{\"n\":007}".to_owned()),
    ];
    let line = prop_oneof![8 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let head = prop_oneof![4 => Just("data: "), 1 => Just("data:"), 1 => Just("event: x\ndata: "), 1 => Just(": y\ndata: "), 1 => Just("id: 7\ndata: ")];
    (kind, text.clone(), text, usage, line, head).prop_map(|(kind, text, more, usage, line, head)| {
        format!("{head}{{\"do\":\"{kind}\",\"text\":\"{text}\",\"more\":\"{more}\"{usage}}}\n\n").replace('\n', line)
    })
}

proptest! {
    #[test]
    fn nobody_can_tell_what_was_not_read(
        events in prop::collection::vec(event(), 1..4),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        cuts in prop::collection::vec(1..60_usize, 1..40),
        is_whole in any::<bool>(),
    ) {
        // Few events many times, so that most are like one before.
        let mut stream: String = order.iter().map(|index| index.get(&events).as_str()).collect();
        if is_whole {
            stream += "event: end\ndata: {}\n\n";
        }
        let bytes = stream.as_bytes();
        let judge = translate(std::iter::once(bytes), false, true);
        prop_assert_eq!(&translate(std::iter::once(bytes), true, true).0, &judge.0);
        let (mut rest, mut parts) = (bytes, Vec::new());
        for cut in cuts.iter().cycle() {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            parts.push(part);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&translate(parts.into_iter(), true, true).0, &judge.0);
    }

    #[test]
    fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 1..50_usize) {
        let judge = translate(std::iter::once(&bytes[..]), false, true);
        prop_assert_eq!(translate(bytes.chunks(cut), true, true).0, judge.0);
    }
}

#[test]
fn every_split_gives_the_same() {
    let events = [
        "event: x\r\ndata: {\"do\":\"text\",\"text\":\"é\",\"usage\":{\"n\":1}}\r\n\r\n",
        "data: {\"do\":\"inside\",\"text\":\"\\u00e9\",\"more\":\"x\"}\n\n",
        "event: x\r\ndata: {\"do\":\"text\",\"text\":\"abc\",\"usage\":{\"n\":22}}\r\n\r\n",
        "data: {\"do\":\"inside\",\"text\":\"y\",\"more\":\"😀\"}\n\n",
    ];
    let stream = events.concat().repeat(2);
    let bytes = stream.as_bytes();
    let judge = translate(std::iter::once(bytes), false, true).0;
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        assert_eq!(translate([one, other].into_iter(), true, true).0, judge, "split at {at}");
    }
    for size in 1..=bytes.len() {
        assert_eq!(translate(bytes.chunks(size), true, true).0, judge, "parts of {size}");
    }
}
