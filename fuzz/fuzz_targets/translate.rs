//! Any bytes of another vendor's stream, cut anywhere, come to the same bytes of OpenAI's, whether events are read or not, and
//! to one end; no input traps.
#![no_main]

use chatmux::dialect::Dialect;
use chatmux::dialect::translate::WayBack;
use chatmux::translator::Translator;
use libfuzzer_sys::fuzz_target;

fn run<'a>(dialect: Dialect, templates: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let back = WayBack { model: "m".to_owned(), include_usage: true, ..WayBack::default() };
    let mut translator = Translator::new(dialect.events(back, 7));
    if !templates {
        translator = translator.without_templates();
    }
    let mut out = Vec::new();
    for piece in pieces {
        translator.feed(piece, &mut out);
    }
    translator.finish(&mut out);
    String::from_utf8(out).expect("the output is UTF-8")
}

fuzz_target!(|input: (usize, bool, &[u8])| {
    let (cut, is_gemini, bytes) = input;
    let dialect = if is_gemini { Dialect::Gemini } else { Dialect::Anthropic };
    let (head, tail) = bytes.split_at(cut % (bytes.len() + 1));
    let judge = run(dialect, false, [bytes]);
    let is_end = |event: &&str| *event == "data: [DONE]" || event.starts_with("data: {\"error\":");
    assert_eq!(judge.split("\n\n").filter(is_end).count(), 1);
    assert_eq!(run(dialect, true, [bytes]), judge);
    assert_eq!(run(dialect, true, [head, tail]), judge);
    assert_eq!(run(dialect, true, bytes.chunks(1)), judge);
});
