//! The verdict on any text is that of `serde_json`, up to the depth that is read; no input traps.
#![no_main]

use chatmux::dialect::openai::{self, Progress};
use chatmux::json::{Error, Reader, Tree};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|text: &str| {
    let mut reader = Reader::new(text);
    let read = reader.skip().and_then(|value| reader.end().map(|()| value));
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    match read {
        Ok(value) => assert!(is_json && value == text.trim_matches([' ', '\n', '\r', '\t'])),
        Err(Error::Syntax) => assert!(!is_json),
        Err(Error::TooDeep | Error::TooMany) => {}
    }

    if let Ok(expected) = serde_json::from_str::<String>(text) {
        let raw = Reader::new(text).string().expect("it is JSON").expect("it is a string");
        assert_eq!(raw.text(), expected);
    }

    let event = openai::read_event("message", text, &mut Tree::default(), &mut Progress::default());
    let found = (openai::is_error(text), openai::read_error(text).is_some());
    assert!(read.is_ok() || text == openai::DONE || (event.is_err() && found == (false, false)));
});
