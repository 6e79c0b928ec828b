//! OpenAI's chat requests as those of `generateContent`.
//!
//! <https://ai.google.dev/api/generate-content#method:-models.generatecontent>

use std::borrow::Cow;

use super::{config, contents, thinking, tools};
use crate::dialect::door;
use crate::dialect::models::{self, Gemini};
use crate::dialect::translate::{Action, Losses, Outgoing, Target, WayBack, is_idle, refuse, said};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::request::invalid;
use crate::text::concat;

/// The options of Google's own that a request may have, as their endpoint of OpenAI's form names them and as
/// `generateContent` does: <https://ai.google.dev/gemini-api/docs/openai#extra-body>.
const OPTIONS: [(&str, &str); 7] = [
    ("thinking_config", "thinkingConfig"),
    ("cached_content", "cachedContent"),
    ("safety_settings", "safetySettings"),
    ("image_config", "imageConfig"),
    ("speech_config", "speechConfig"),
    ("media_resolution", "mediaResolution"),
    ("top_k", "topK"),
];

/// The parameters that are read, those of [`OPTIONS`] aside.
const KNOWN: [&str; 29] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "n",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "response_format",
    "modalities",
    "audio",
    "service_tier",
    "reasoning_effort",
    "reasoning",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "web_search_options",
    "extra_body",
    "google",
];

/// What a request is written for, and what has come of it so far.
pub struct Request<'a> {
    /// The whole of it, as it was read.
    pub value: Value<'a>,
    pub target: &'a Target<'a>,
    pub family: &'static Gemini,
    /// Whether the model is in the tables.
    pub is_known: bool,
    pub losses: Losses,
    pub back: WayBack,
}

/// Writes a chat request as one to Gemini.
///
/// # Errors
/// One of [`Kind::InvalidRequest`](crate::Kind) where it cannot be sent at all, and where anything would be lost though
/// the target is strict.
pub fn write_request(request: &str, target: &Target<'_>) -> Result<Outgoing, Error> {
    let mut tree = Tree::whole();
    let root = tree.add(request).ok().map(|root| tree.value(root)).filter(|root| root.starts(b'{'));
    let value = root.ok_or_else(|| invalid("The request is no JSON object."))?;
    let (family, is_known) = models::gemini(target.model);
    let back = WayBack { model: target.model.to_owned(), ..WayBack::default() };
    let mut request = Request { value, target, family, is_known, losses: Losses::default(), back };
    if !is_known {
        request.lose("model", Action::Assumed, "No table has this model, so that it counts as one of the newest.");
    }
    let is_stream = value.at("stream").bytes() == b"true";
    door::check(value)?;
    request.stream_options();
    let mut out = Writer::default();
    out.begin_object();
    let mut system = contents::write(&mut out, &mut request)?;
    let has_tools = tools::write(&mut out, &mut request)?;
    if let Some(settings) = request.option("safety_settings") {
        out.key("safetySettings");
        write_camel(&mut out, settings);
    }
    let mut generation = Writer::default();
    generation.begin_object();
    config::write(&mut generation, &mut request, has_tools, &mut system)?;
    thinking::write(&mut generation, &mut request)?;
    generation.end_object();
    if generation.json() != "{}" {
        out.member_raw("generationConfig", generation.json());
    }
    if !system.is_empty() {
        out.key("systemInstruction");
        out.begin_object();
        out.key("parts");
        out.begin_list();
        out.raw(system.json());
        out.end_list();
        out.end_object();
    }
    if let Some(content) = request.option("cached_content") {
        out.member_copy("cachedContent", content);
    }
    config::write_tier(&mut out, &mut request);
    out.end_object();
    request.lose_rest();
    request.losses.check(target.is_strict)?;
    Ok(Outgoing {
        path: path(target.model, is_stream)?,
        headers: Vec::new(),
        body: out.into_json(),
        losses: request.losses,
        back: request.back,
    })
}

impl<'a> Request<'a> {
    /// Reports that something is not sent as it was said.
    pub fn lose(&mut self, param: &str, action: Action, reason: &str) {
        self.losses.add(param, action, reason);
    }

    /// A parameter that says something.
    pub fn said(&self, name: &str) -> Option<Value<'a>> {
        said(self.value, name)
    }

    /// An option of Google's own, by its name in their endpoint of OpenAI's form: from the places in which clients put
    /// them, the one that is most surely meant for Google first.
    pub fn option(&self, name: &str) -> Option<Value<'a>> {
        let camel = OPTIONS.iter().find(|(snake, _)| *snake == name).map_or(name, |(_, camel)| *camel);
        let google = [self.value.at("extra_body").at("google"), self.value.at("google"), self.value];
        google.into_iter().find_map(|place| said(place, name).or_else(|| said(place, camel)))
    }

    /// A parameter that must be a number.
    pub fn number(&self, name: &str) -> Result<Option<Value<'a>>, Error> {
        match self.option(name) {
            Some(value) if !matches!(value.bytes().first(), Some(b'-' | b'0'..=b'9')) => {
                Err(refuse(name, "It must be a number."))
            }
            value => Ok(value),
        }
    }

    /// Reports the members of an object that are not read.
    pub fn lose_others(&mut self, object: Value<'_>, known: &[&str], path: &str) {
        for member in object.children() {
            if !known.iter().any(|name| member.is(name)) && !is_idle(member, path) {
                let dot = if path.is_empty() { "" } else { "." };
                let param = concat(&[path, dot, &member.key().text()]);
                let is_cache = member.is("cache_control") || member.is("prompt_cache_breakpoint");
                let reason = if is_cache {
                    "Gemini caches what requests have in common by itself, and takes no marks for it."
                } else {
                    "Gemini has nothing like it."
                };
                self.lose(&param, Action::Dropped, reason);
            }
        }
    }

    fn stream_options(&mut self) {
        let options = self.value.at("stream_options");
        self.back.include_usage = options.at("include_usage").bytes() == b"true";
        self.lose_others(options, &["include_usage"], "stream_options");
    }

    /// Reports the parameters that are not read.
    fn lose_rest(&mut self) {
        let options = || OPTIONS.iter().flat_map(|(snake, camel)| [*snake, *camel]);
        let known: Vec<&str> = KNOWN.into_iter().chain(options()).collect();
        self.lose_others(self.value, &known, "");
        let known: Vec<&str> = options().collect();
        self.lose_others(self.value.at("google"), &known, "google");
        let extra = self.value.at("extra_body");
        self.lose_others(extra, &["google"], "extra_body");
        self.lose_others(extra.at("google"), &known, "extra_body.google");
    }
}

/// The text of a string; nothing of any other value.
pub fn text_of(value: Value<'_>) -> Cow<'_, str> {
    value.string().map(|text| text.text()).unwrap_or_default()
}

/// Writes a value of Google's own, with its names as `generateContent` has them.
pub fn write_camel(out: &mut Writer, value: Value<'_>) {
    match value.bytes().first() {
        Some(b'{') => {
            out.begin_object();
            for member in value.children() {
                out.key(&camel(&member.key().text()));
                write_camel(out, member);
            }
            out.end_object();
        }
        Some(b'[') => {
            out.begin_list();
            for item in value.children() {
                write_camel(out, item);
            }
            out.end_list();
        }
        _ => out.copy(value),
    }
}

/// A name with capitals in the place of its underscores.
pub fn camel(name: &str) -> String {
    let mut is_raised = false;
    let mut camel = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '_' && !camel.is_empty() {
            is_raised = true;
            continue;
        }
        camel.push(if is_raised { letter.to_ascii_uppercase() } else { letter });
        is_raised = false;
    }
    camel
}

/// The path of a model's method. The id stays one segment of it, whatever is in it.
fn path(model: &str, is_stream: bool) -> Result<String, Error> {
    let id = model.strip_prefix("models/").unwrap_or(model);
    if matches!(id, "" | "." | "..") {
        return Err(refuse("model", "It is no id of a model."));
    }
    let mut path = String::from("/v1beta/models/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            let digit = |value| char::from_digit(value, 16).map_or('0', |digit| digit.to_ascii_uppercase());
            path.push('%');
            path.push(digit(u32::from(byte) >> 4));
            path.push(digit(u32::from(byte) & 15));
        }
    }
    path.push_str(if is_stream { ":streamGenerateContent?alt=sse" } else { ":generateContent" });
    Ok(path)
}
