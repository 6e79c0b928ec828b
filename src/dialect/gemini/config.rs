//! What `generationConfig` says, thoughts aside, and which tier a request is of.
//!
//! <https://ai.google.dev/api/generate-content#v1beta.GenerationConfig>

use super::request::{Request, text_of, write_camel};
use super::schema::write_described;
use crate::dialect::translate::{Action, count, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::{concat, decimal};

/// How many texts may stop an answer.
const MAX_STOPS: usize = 5;
/// How many answers one request may have.
const MAX_CANDIDATES: u64 = 8;

/// Writes the members. What is said to the model in words instead goes into `system`, a list of parts.
pub fn write(out: &mut Writer, request: &mut Request<'_>, has_tools: bool, system: &mut Writer) -> Result<(), Error> {
    write_length(out, request)?;
    write_sampling(out, request)?;
    write_stop(out, request)?;
    write_candidates(out, request)?;
    write_logprobs(out, request)?;
    write_format(out, request, has_tools, system)?;
    write_modalities(out, request);
    if let Some(resolution) = request.option("media_resolution") {
        out.member_copy("mediaResolution", resolution);
    }
    if let Some(image) = request.option("image_config") {
        out.key("imageConfig");
        write_camel(out, image);
    }
    Ok(())
}

fn write_length(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let (new, old) = (request.number("max_completion_tokens")?, request.number("max_tokens")?);
    if new.zip(old).is_some_and(|(new, old)| new.raw() != old.raw()) {
        request.lose("max_tokens", Action::Dropped, "`max_completion_tokens` says it already.");
    }
    let name = if new.is_some() { "max_completion_tokens" } else { "max_tokens" };
    let Some(asked) = new.or(old) else { return Ok(()) };
    let most = request.family.max_tokens;
    out.key("maxOutputTokens");
    // What a model that no table has can write, nobody here knows.
    if request.is_known && count(asked) > most {
        request.lose(name, Action::Clamped, "The model writes no more than that at once.");
        out.number(most);
    } else {
        out.copy(asked);
    }
    Ok(())
}

fn write_sampling(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let has_penalties = request.family.penalties || request.target.is_aihubmix;
    for (name, as_sent, is_taken, usual) in [
        ("temperature", "temperature", request.family.sampling, "1"),
        ("top_p", "topP", request.family.sampling, "1"),
        ("top_k", "topK", request.family.sampling, ""),
        ("presence_penalty", "presencePenalty", has_penalties, "0"),
        ("frequency_penalty", "frequencyPenalty", has_penalties, "0"),
    ] {
        let Some(value) = request.number(name)? else { continue };
        if is_taken {
            out.member_copy(as_sent, value);
        } else if value.raw().strip_suffix(".0").unwrap_or(value.raw()) != usual {
            request.lose(name, Action::Dropped, "The model does not take it.");
        }
    }
    if let Some(seed) = request.number("seed")? {
        let digits = seed.raw().strip_prefix('-').unwrap_or(seed.raw());
        if decimal(digits.as_bytes()).is_some_and(|seed| seed <= i32::MAX.unsigned_abs()) {
            out.member_copy("seed", seed);
        } else {
            request.lose("seed", Action::Dropped, "Gemini's seeds are whole numbers of 32 bits.");
        }
    }
    Ok(())
}

fn write_stop(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let Some(stop) = request.said("stop") else { return Ok(()) };
    let stops: Vec<Value<'_>> = if stop.starts(b'[') { stop.items().collect() } else { vec![stop] };
    let mut texts = Vec::new();
    for (at, stop) in stops.into_iter().enumerate() {
        let path = path_of("stop", at, "");
        if is_neutral(stop) {
            request.lose(&path, Action::Dropped, "Nothing stops at an empty text.");
        } else {
            texts.push(stop);
        }
    }
    if texts.len() > MAX_STOPS {
        return Err(refuse("stop", "Gemini takes no more than five texts to stop at."));
    }
    if !texts.is_empty() {
        out.key("stopSequences");
        out.begin_list();
        for text in texts {
            out.copy(text);
        }
        out.end_list();
    }
    Ok(())
}

fn write_candidates(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let Some(n) = request.number("n")? else { return Ok(()) };
    match decimal(n.bytes()).map(u64::from) {
        Some(1) => Ok(()),
        Some(0) | None => Err(refuse("n", "It must be a whole number, and at least 1.")),
        Some(_) if !request.family.candidates => {
            Err(refuse("n", "The model writes one answer to a request; send it several times instead."))
        }
        Some(n) if n > MAX_CANDIDATES => Err(refuse("n", "Gemini writes no more than eight answers to a request.")),
        Some(n) => {
            out.key("candidateCount");
            out.number(n);
            Ok(())
        }
    }
}

fn write_logprobs(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let is_asked = request.value.at("logprobs").bytes() == b"true";
    let top = request.number("top_logprobs")?;
    if is_asked && request.family.logprobs {
        out.member_raw("responseLogprobs", "true");
        if let Some(top) = top.filter(|top| !is_neutral(*top)) {
            out.member_copy("logprobs", top);
        }
        return Ok(());
    }
    let reason = if is_asked { "The model does not tell." } else { "It says nothing without `logprobs`." };
    if is_asked {
        request.lose("logprobs", Action::Dropped, reason);
    }
    if top.is_some_and(|top| !is_neutral(top)) {
        request.lose("top_logprobs", Action::Dropped, reason);
    }
    Ok(())
}

fn write_format(
    out: &mut Writer,
    request: &mut Request<'_>,
    has_tools: bool,
    system: &mut Writer,
) -> Result<(), Error> {
    let Some(format) = request.said("response_format") else { return Ok(()) };
    request.lose_others(format, &["type", "json_schema"], "response_format");
    let schema = match &*text_of(format.at("type")) {
        "text" => return Ok(()),
        "json_schema" => {
            let described = format.at("json_schema");
            // The name is OpenAI's handle of the schema. Gemini keeps to every schema, as `strict` wants.
            let known = ["name", "strict", "schema", "description"];
            request.lose_others(described, &known, "response_format.json_schema");
            Some(described)
        }
        _ => None,
    };
    let path = "response_format.json_schema.schema";
    let mut written = Writer::default();
    if let Some(described) = schema
        && let Some(schema) = said(described, "schema")
    {
        let description = said(described, "description").filter(|text| text.starts(b'"') && !is_neutral(*text));
        if description.is_some() && (said(schema, "description").is_some() || !schema.starts(b'{')) {
            let param = "response_format.json_schema.description";
            request.lose(param, Action::Dropped, "The schema has its own description.");
        }
        write_described(&mut written, schema, description, path, &mut request.losses);
    }
    if has_tools && !request.family.mixes {
        let reason = "The model takes no form of the answer beside tools; it is asked for in words.";
        request.lose("response_format", Action::Emulated, reason);
        system.begin_object();
        system.key("text");
        system.begin_string();
        system.push_text("Your final answer must be one JSON object and nothing else: no explanation, no code fence.");
        if !written.is_empty() {
            system.push_text(" It must be valid against this JSON Schema:\n");
            system.push_text(written.json());
        }
        system.end_string();
        system.end_object();
        return Ok(());
    }
    out.member("responseMimeType", "application/json");
    if !written.is_empty() {
        out.member_raw("responseJsonSchema", written.json());
    }
    Ok(())
}

fn write_modalities(out: &mut Writer, request: &mut Request<'_>) {
    let asked: Vec<Value<'_>> = request.value.at("modalities").items().collect();
    let has = |name: &str| asked.iter().any(|item| is_string(*item, name));
    let audio = request.said("audio");
    for (at, item) in asked.iter().enumerate() {
        if !["text", "image", "audio"].iter().any(|name| is_string(*item, name)) {
            request.lose(&path_of("modalities", at, ""), Action::Dropped, "Gemini has no such form of answers.");
        }
    }
    if has("audio") {
        // The models that speak write nothing besides: <https://ai.google.dev/gemini-api/docs/speech-generation>.
        if has("text") {
            request.lose("modalities", Action::Clamped, "Gemini speaks or writes, and here it speaks.");
        }
        out.key("responseModalities");
        out.begin_list();
        out.string("AUDIO");
        out.end_list();
    } else if has("image") {
        out.key("responseModalities");
        out.begin_list();
        if has("text") {
            out.string("TEXT");
        }
        out.string("IMAGE");
        out.end_list();
    }
    let own = request.option("speech_config");
    if let Some(speech) = own {
        out.key("speechConfig");
        write_camel(out, speech);
    }
    let Some(audio) = audio else { return };
    request.lose_others(audio, &["voice", "format"], "audio");
    if !is_string(audio.at("format"), "pcm16") && !is_neutral(audio.at("format")) {
        request.lose("audio.format", Action::Dropped, "Gemini speaks in pcm16 alone.");
    }
    // OpenAI has its own voices as an object with their id.
    let voice = said(audio, "voice").map(|voice| said(voice, "id").unwrap_or(voice));
    if let Some(voice) = voice.filter(|_| own.is_none()) {
        out.key("speechConfig");
        for name in ["voiceConfig", "prebuiltVoiceConfig"] {
            out.begin_object();
            out.key(name);
        }
        out.begin_object();
        out.member_copy("voiceName", voice);
        for _ in 0..3 {
            out.end_object();
        }
    }
}

/// Writes which tier the request is of: <https://ai.google.dev/gemini-api/docs/flex-inference>.
pub fn write_tier(out: &mut Writer, request: &mut Request<'_>) {
    let Some(tier) = request.said("service_tier") else { return };
    let tier = text_of(tier);
    match &*tier {
        "auto" | "" => {}
        "default" => out.member("serviceTier", "standard"),
        "standard" | "flex" | "priority" => out.member("serviceTier", &tier),
        _ => {
            let reason = concat(&["Gemini has no tier `", &tier, "`: only standard, flex and priority."]);
            request.lose("service_tier", Action::Dropped, &reason);
        }
    }
}
