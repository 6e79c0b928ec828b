//! The second module: the dialects of other vendors, from bytes to bytes. It names nothing of the host, and nothing but
//! numbers crosses into it: texts and bytes are put into the room made for them in its memory, and read from there.

use wasm_bindgen::prelude::*;

use crate::dialect::translate::{Losses, Target, WayBack};
use crate::dialect::{Dialect, Events};
use crate::error::Error;
use crate::json::Writer;
use crate::sse::empty;
use crate::text;
use crate::translator::Translator;

/// Flags of a request: whether it goes to AIHubMix, and whether any loss is an error.
const IS_AIHUBMIX: u32 = 1;
const IS_STRICT: u32 = 2;

fn dialect_of(number: u32) -> Dialect {
    if number == 0 { Dialect::Anthropic } else { Dialect::Gemini }
}

/// A place for one call: its input is put into the `room`, its output said by numbers. These are: a status, how many parts
/// follow, and of each where it is in the memory and how many bytes it has. They hold until the next call, or until the
/// place is freed.
#[wasm_bindgen]
#[derive(Default)]
pub struct Desk {
    input: Vec<u8>,
    parts: Vec<String>,
    numbers: Vec<u32>,
}

#[wasm_bindgen]
impl Desk {
    /// A place where nothing is.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the input goes: all texts of the call, one after the other.
    pub fn room(&mut self, length: usize) -> *mut u8 {
        self.input.clear();
        self.input.resize(length, 0);
        self.input.as_mut_ptr()
    }

    /// A request in the form of this dialect (0: Anthropic's, 1: Gemini's). The input is the request, of so many bytes, and
    /// the id of the model. The status is 1, and the parts are the path, the headers as a list of names and values, the
    /// body, the losses, and what the reader of the answer must know. A status of 0 means that it cannot be sent: the parts
    /// are the kind of the error, its message, and the error object or an empty text.
    pub fn request(&mut self, dialect: u32, request: usize, flags: u32) -> *const u32 {
        let input = std::mem::take(&mut self.input);
        let (request, model) = input.split_at_checked(request).unwrap_or_default();
        let (request, model) = (text::decode(request), text::decode(model));
        let target = Target { model: &model, is_aihubmix: flags & IS_AIHUBMIX != 0, is_strict: flags & IS_STRICT != 0 };
        match dialect_of(dialect).write_request(&request, &target) {
            Ok(sent) => {
                let mut headers = Writer::default();
                headers.begin_list();
                for (name, value) in &sent.headers {
                    headers.string(name);
                    headers.string(value);
                }
                headers.end_list();
                let losses = write_losses(&sent.losses);
                self.say(1, vec![sent.path, headers.into_json(), sent.body, losses, sent.back.write()])
            }
            Err(Error { kind, message, body, .. }) => {
                self.say(0, vec![kind.name().to_owned(), message, body.unwrap_or_default()])
            }
        }
    }

    /// A whole answer, of any status, in OpenAI's form. The input is its body, of so many bytes, and what the request has
    /// left for it. The status is that of the answer, and its body is the one part; it is 0 where the body is none of this
    /// dialect.
    pub fn answer(&mut self, dialect: u32, body: usize, status: u16, created: f64) -> *const u32 {
        let input = std::mem::take(&mut self.input);
        let (body, back) = input.split_at_checked(body).unwrap_or_default();
        let (body, back) = (text::decode(body), WayBack::read(&text::decode(back)));
        let dialect = dialect_of(dialect);
        let (status, body) = if matches!(status, 200..=299) {
            match dialect.read_response(&body, &back, created as u64) {
                Ok(completion) => (status, Some(completion)),
                // What is malformed has no body; a provider may report a success that is none.
                Err(Error { status, body, .. }) => {
                    (status.filter(|status| *status >= 400).unwrap_or(502), body.map(|error| in_body(&error)))
                }
            }
        } else {
            match dialect.read_error(&body, status) {
                Some(error) => (error.status.unwrap_or(status), Some(in_body(&error.json))),
                None => (0, None),
            }
        };
        match body {
            Some(body) => self.say(status, vec![body]),
            None => self.say(0, Vec::new()),
        }
    }

    /// The translator of a streamed answer. The input is what the request has left for it. A stream that was cut says so by
    /// an error where `says_cut`.
    pub fn stream(
        &mut self,
        dialect: u32,
        created: f64,
        max_event_bytes: f64,
        max_bytes: f64,
        says_cut: bool,
    ) -> Stream {
        let back = WayBack::read(&text::decode(&self.input));
        let translator = Translator::new(dialect_of(dialect).events(back, created as u64))
            .with_max_event_bytes(max_event_bytes as usize)
            .with_max_bytes(max_bytes as usize)
            .with_cuts_said(says_cut);
        Stream { translator, out: Vec::new(), numbers: [0; 5] }
    }

    fn say(&mut self, status: u16, parts: Vec<String>) -> *const u32 {
        self.parts = parts;
        self.numbers.clear();
        // Addresses in wasm have 32 bits.
        self.numbers.extend([status.into(), self.parts.len() as u32]);
        for part in &self.parts {
            self.numbers.extend([part.as_ptr() as u32, part.len() as u32]);
        }
        self.numbers.as_ptr()
    }
}

/// The loss report of a request: `[{ param, action, reason }]`.
fn write_losses(losses: &Losses) -> String {
    let mut out = Writer::default();
    out.begin_list();
    for loss in losses.list() {
        out.begin_object();
        out.member("param", &loss.param);
        out.member("action", loss.action.name());
        out.member("reason", &loss.reason);
        out.end_object();
    }
    out.end_list();
    out.into_json()
}

/// An error object as the body that OpenAI sends it in.
fn in_body(error: &str) -> String {
    text::concat(&["{\"error\":", error, "}"])
}

/// A streamed answer in translation. What it says after each step, by numbers: where the output is and how many bytes it
/// has, whether everything was said, and where the next bytes may be put and how many of them.
#[wasm_bindgen]
pub struct Stream {
    translator: Translator<Events>,
    out: Vec<u8>,
    numbers: [u32; 5],
}

#[wasm_bindgen]
impl Stream {
    /// Where the next bytes go: room for `length` of them, where what the last numbers say is left is too little.
    pub fn room(&mut self, length: usize) -> *mut u8 {
        self.translator.room(length).as_mut_ptr()
    }

    /// Translates the next `length` bytes.
    pub fn feed(&mut self, length: usize) -> *const u32 {
        empty(&mut self.out);
        self.translator.translate(length, &mut self.out);
        self.say()
    }

    /// The end of the bytes.
    pub fn finish(&mut self) -> *const u32 {
        empty(&mut self.out);
        self.translator.finish(&mut self.out);
        self.say()
    }

    fn say(&mut self) -> *const u32 {
        let Self { translator, out, numbers } = self;
        let space = translator.space();
        *numbers = [
            out.as_ptr() as u32,
            out.len() as u32,
            translator.has_ended().into(),
            space.as_ptr() as u32,
            space.len() as u32,
        ];
        numbers.as_ptr()
    }
}
