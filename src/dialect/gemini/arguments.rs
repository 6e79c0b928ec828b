//! The arguments of a call that come in parts, each with its place: put together as the text of one JSON object.
//!
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#PartialArg>

use std::borrow::Cow;

use crate::json::{MAX_DEPTH, RawString, write_string};
use crate::text::{decimal, replace};

/// How many members of one object are told apart.
const MAX_KEYS: usize = 4096;

/// What stands at a place.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A string or a part of one, as it stands between its quotes, and whether more of it comes.
    Text(&'a str, bool),
    /// Any other value.
    Json(&'a str),
}

/// The arguments as far as they are known. They come in the order of the text that they make: what was left cannot be
/// entered again.
#[derive(Debug, Default)]
pub struct Arguments {
    /// The containers that are open, the outermost first.
    levels: Vec<Level>,
    /// The place of the string that goes on.
    text: Option<String>,
}

#[derive(Debug)]
struct Level {
    /// Where it is in the one before.
    step: Step<'static>,
    inside: Inside,
}

/// What a container has so far.
#[derive(Debug)]
enum Inside {
    Keys(Vec<String>),
    Items(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step<'a> {
    Key(Cow<'a, str>),
    Index(u32),
}

impl Arguments {
    /// Adds what stands at a place, and writes what it adds to the text. `None` where it cannot stand there any more.
    pub fn add(&mut self, path: &str, part: Part<'_>, out: &mut String) -> Option<()> {
        if self.text.as_deref() == Some(path) {
            let Part::Text(text, goes_on) = part else { return None };
            out.push_str(text);
            if !goes_on {
                self.end_text(out);
            }
            return Some(());
        }
        let steps = steps(path)?;
        let (last, parents) = steps.split_last()?;
        self.end_text(out);
        self.begin(out);
        let shared = self.levels.iter().skip(1).zip(parents).take_while(|(level, step)| level.step == **step).count();
        while self.levels.len() > shared + 1 {
            self.close(out);
        }
        for (at, step) in parents.iter().enumerate().skip(shared) {
            self.enter(step, out)?;
            let inside = match steps.get(at + 1) {
                Some(Step::Index(_)) => Inside::Items(0),
                _ => Inside::Keys(Vec::new()),
            };
            out.push(if matches!(inside, Inside::Items(_)) { '[' } else { '{' });
            self.levels.push(Level { step: step.to_static(), inside });
        }
        self.enter(last, out)?;
        match part {
            Part::Json(json) => out.push_str(json),
            Part::Text(text, goes_on) => {
                out.push('"');
                out.push_str(text);
                self.text = Some(path.to_owned());
                if !goes_on {
                    self.end_text(out);
                }
            }
        }
        Some(())
    }

    /// Writes what is left to be written when nothing more comes.
    pub fn finish(&mut self, out: &mut String) {
        self.end_text(out);
        self.begin(out);
        while !self.levels.is_empty() {
            self.close(out);
        }
    }

    /// Whether anything was written.
    pub fn has_begun(&self) -> bool {
        !self.levels.is_empty()
    }

    fn begin(&mut self, out: &mut String) {
        if self.levels.is_empty() {
            out.push('{');
            self.levels.push(Level { step: Step::Index(0), inside: Inside::Keys(Vec::new()) });
        }
    }

    fn end_text(&mut self, out: &mut String) {
        if self.text.take().is_some() {
            out.push('"');
        }
    }

    fn close(&mut self, out: &mut String) {
        if let Some(level) = self.levels.pop() {
            out.push(if matches!(level.inside, Inside::Items(_)) { ']' } else { '}' });
        }
    }

    /// Writes what comes before a new value of the innermost container.
    fn enter(&mut self, step: &Step<'_>, out: &mut String) -> Option<()> {
        let is_first = match (&mut self.levels.last_mut()?.inside, step) {
            (Inside::Keys(keys), Step::Key(key)) => {
                if keys.len() >= MAX_KEYS || keys.iter().any(|known| known == key) {
                    return None;
                }
                keys.push(key.clone().into_owned());
                keys.len() == 1
            }
            (Inside::Items(count), Step::Index(index)) if count == index => {
                *count += 1;
                *count == 1
            }
            _ => return None,
        };
        if !is_first {
            out.push(',');
        }
        if let Step::Key(key) = step {
            write_string(out, key);
            out.push(':');
        }
        Some(())
    }
}

impl Step<'_> {
    fn to_static(&self) -> Step<'static> {
        match self {
            Step::Key(key) => Step::Key(Cow::Owned(key.clone().into_owned())),
            Step::Index(index) => Step::Index(*index),
        }
    }
}

/// The steps of a path: `$.name`, `$['name']` and `$[0]` of <https://www.rfc-editor.org/rfc/rfc9535>.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() as u32 + 1 >= MAX_DEPTH {
            return None;
        }
        if let Some(name) = rest.strip_prefix('.') {
            let length = name.bytes().position(|byte| matches!(byte, b'.' | b'[')).unwrap_or(name.len());
            let (key, after) = name.split_at_checked(length)?;
            if key.is_empty() {
                return None;
            }
            steps.push(Step::Key(Cow::Borrowed(key)));
            rest = after;
            continue;
        }
        let inside = rest.strip_prefix('[')?;
        let length = match inside.as_bytes().first()? {
            quote @ (b'"' | b'\'') => {
                let length = quoted_length(inside.as_bytes(), *quote)?;
                let name = inside.get(1..length - 1)?;
                let name = if *quote == b'\'' { Cow::Owned(replace(name, "\\'", "'")) } else { Cow::Borrowed(name) };
                steps.push(Step::Key(Cow::Owned(RawString::new(&name).text().into_owned())));
                length
            }
            _ => {
                let length = inside.bytes().position(|byte| byte == b']')?;
                steps.push(Step::Index(decimal(inside.as_bytes().get(..length)?)?));
                length
            }
        };
        rest = inside.get(length..)?.strip_prefix(']')?;
    }
    Some(steps)
}

/// How many bytes a quoted name has, its quotes included.
fn quoted_length(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}
