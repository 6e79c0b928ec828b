//! A request in Anthropic's form: what is said once, and the order in which the rest is written.
//!
//! <https://platform.claude.com/docs/en/api/messages/create>

use super::schema::{self, Form};
use super::thinking::{self, Reasoning};
use super::{messages, tools};
use crate::dialect::door;
use crate::dialect::models::{self, Claude};
use crate::dialect::translate::{
    Action, Losses, Outgoing, Target, WayBack, count, is_idle, is_neutral, is_string, path_of, refuse, said, shown,
};
use crate::error::Error;
use crate::json::{Tree, Value, Writer};
use crate::text::{concat, find};

/// How many places of a prompt may be marked to be cached.
///
/// <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>
const MAX_BREAKPOINTS: usize = 4;

/// What Anthropic takes itself, and is sent as it is.
const OWN: [&str; 5] = ["container", "context_management", "inference_geo", "mcp_servers", "speed"];

/// What is read elsewhere.
const READ: [&str; 42] = [
    "audio",
    "betas",
    "cache_control",
    "container",
    "context_management",
    "function_call",
    "functions",
    "inference_geo",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "output_config",
    "parallel_tool_calls",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "service_tier",
    "speed",
    "stop",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "web_search_options",
    "anthropic_beta",
];

/// What a request comes to while it is written.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The model that is asked.
    pub model: &'a str,
    /// What it can do.
    pub family: &'static Claude,
    /// Whether that is known, not guessed.
    pub is_known: bool,
    /// What is lost.
    pub losses: Losses,
    /// What the reader of the answer must know.
    pub back: WayBack,
    betas: Vec<String>,
    breakpoints: usize,
}

impl Draft<'_> {
    /// Reports what is not sent.
    pub fn lose(&mut self, param: impl Into<String>, reason: &str) {
        self.losses.add(param, Action::Dropped, reason);
    }

    /// Reports the members of an object that nobody has read.
    pub fn lose_rest(&mut self, object: Value<'_>, read: &[&str], path: &str) {
        for member in object.children().filter(|member| !is_idle(*member, path)) {
            if !read.iter().any(|name| member.is(name)) {
                let dot = if path.is_empty() { "" } else { "." };
                let param = concat(&[path, dot, &member.key().text()]);
                self.lose(param, "Anthropic has no such parameter");
            }
        }
    }

    /// Asks for a feature that is not for everybody yet.
    pub fn beta(&mut self, name: &str) {
        if !self.betas.iter().any(|beta| beta == name) {
            self.betas.push(name.to_owned());
        }
    }

    /// Writes a mark for the cache, while there may be one more.
    pub fn write_mark(&mut self, out: &mut Writer, mark: Option<&str>, path: &str) {
        let Some(mark) = mark else { return };
        if self.breakpoints == MAX_BREAKPOINTS {
            self.lose(concat(&[path, ".cache_control"]), "no more than four places of a prompt can be marked");
            return;
        }
        self.breakpoints += 1;
        out.member_raw("cache_control", mark);
    }
}

/// The mark of a part for the cache: Anthropic's own word, or OpenAI's for the same.
pub fn mark_of(part: Value<'_>) -> Option<&str> {
    if let Some(own) = said(part, "cache_control") {
        return Some(own.raw());
    }
    let breakpoint = said(part, "prompt_cache_breakpoint")?;
    is_string(breakpoint.at("mode"), "explicit").then_some(r#"{"type":"ephemeral"}"#)
}

/// Writes a chat request of OpenAI's as one to Anthropic: `POST /v1/messages`.
///
/// <https://platform.claude.com/docs/en/api/messages/create>
///
/// # Errors
/// What Anthropic cannot be asked at all; in strict mode, anything that would be lost.
pub fn write_request(request: &str, target: &Target<'_>) -> Result<Outgoing, Error> {
    let mut tree = Tree::whole();
    let number = tree.add(request).map_err(|_| refuse("messages", "the request is no JSON that can be read."))?;
    let request = tree.value(number);
    if !request.starts(b'{') {
        return Err(refuse("messages", "the request is no object."));
    }
    let (family, is_known) = models::claude(target.model);
    let back = WayBack { model: target.model.to_owned(), ..WayBack::default() };
    let losses = Losses::default();
    let mut draft = Draft { model: target.model, family, is_known, losses, back, betas: Vec::new(), breakpoints: 0 };
    if !is_known {
        let reason = concat(&["nothing is known of this model: it is taken for one of `", family.name, "`"]);
        draft.losses.add("model", Action::Assumed, reason);
    }
    let body = write_body(&mut draft, request, target)?;
    let Draft { losses, back, betas, .. } = draft;
    losses.check(target.is_strict)?;
    let mut headers = vec![("anthropic-version", "2023-06-01".to_owned())];
    if !betas.is_empty() {
        headers.push(("anthropic-beta", betas.join(",")));
    }
    Ok(Outgoing { path: "/v1/messages".to_owned(), headers, body, losses, back })
}

fn write_body(draft: &mut Draft<'_>, request: Value<'_>, target: &Target<'_>) -> Result<String, Error> {
    door::check(request)?;
    refuse_impossible(request)?;
    read_betas(draft, request);
    let mut reasoning = thinking::read(draft, request)?;
    let max_tokens = thinking::limit(draft, request, &mut reasoning)?;
    let form = schema::form(draft, request, &reasoning);
    let mut out = Writer::default();
    out.begin_object();
    out.member("model", sent_model(target));
    out.key("max_tokens");
    out.number(max_tokens);
    // What is marked first for the cache keeps its mark, in the order in which a prompt is read: tools stand first.
    write_cache(draft, request, &mut out);
    tools::write(draft, request, &reasoning, &form, &mut out)?;
    messages::write(draft, request, &form, &mut out)?;
    reasoning.write(&mut out);
    write_output_config(draft, request, &reasoning, &form, &mut out);
    write_sampling(draft, request, &reasoning, &mut out);
    write_stop(draft, request, &mut out);
    write_metadata(draft, request, &mut out);
    write_service_tier(draft, request, &mut out);
    write_stream(draft, request, &mut out);
    for name in OWN {
        if let Some(value) = said(request, name) {
            out.member_copy(name, value);
        }
    }
    out.end_object();
    lose_others(draft, request);
    Ok(out.into_json())
}

/// The id as it is sent. AIHubMix knows the suffix `-think`, Anthropic does not.
fn sent_model<'a>(target: &Target<'a>) -> &'a str {
    if target.is_aihubmix { target.model } else { target.model.strip_suffix("-think").unwrap_or(target.model) }
}

fn refuse_impossible(request: Value<'_>) -> Result<(), Error> {
    if said(request, "n").is_some_and(|n| count(n) != 1) {
        return Err(refuse("n", "Anthropic gives one answer to a request."));
    }
    let modalities = request.at("modalities").items();
    if modalities.into_iter().any(|modality| !is_string(modality, "text")) {
        return Err(refuse("modalities", "Claude answers in text alone."));
    }
    Ok(())
}

/// The features that are not for everybody yet, which are asked for in a header.
///
/// <https://platform.claude.com/docs/en/api/beta-headers>
fn read_betas(draft: &mut Draft<'_>, request: Value<'_>) {
    for name in ["betas", "anthropic_beta"] {
        let said = request.at(name);
        for beta in said.items().chain(Some(said)).filter_map(Value::string) {
            draft.beta(&beta.text());
        }
    }
    if said(request, "mcp_servers").is_some() {
        let is_new = request.at("tools").items().any(|tool| is_string(tool.at("type"), "mcp_toolset"));
        draft.beta(if is_new { "mcp-client-2025-11-20" } else { "mcp-client-2025-04-04" });
    }
    if let Some(management) = said(request, "context_management") {
        let (compacts, edits): (Vec<_>, Vec<_>) =
            management.at("edits").items().partition(|edit| find(edit.at("type").raw(), "compact").is_some());
        if !compacts.is_empty() {
            draft.beta("compact-2026-01-12");
        }
        if !edits.is_empty() || compacts.is_empty() {
            draft.beta("context-management-2025-06-27");
        }
    }
    if request.at("container").get("skills").is_some() {
        draft.beta("skills-2025-10-02");
    }
    if is_string(request.at("speed"), "fast") {
        draft.beta("fast-mode-2026-02-01");
    }
}

fn write_cache(draft: &mut Draft<'_>, request: Value<'_>, out: &mut Writer) {
    let options = request.at("prompt_cache_options");
    let is_implicit = is_string(options.at("mode"), "implicit");
    let own = said(request, "cache_control").map(Value::raw);
    draft.write_mark(out, own.or(is_implicit.then_some(r#"{"type":"ephemeral"}"#)), "");
    draft.lose_rest(options, &["mode"], "prompt_cache_options");
    let retention = said(request, "prompt_cache_retention");
    if retention.is_some_and(|retention| !is_idle(retention, "")) {
        draft.lose("prompt_cache_retention", "Anthropic caches for as long as `cache_control` says");
    }
}

fn write_output_config(
    draft: &mut Draft<'_>,
    request: Value<'_>,
    reasoning: &Reasoning,
    form: &Form<'_>,
    out: &mut Writer,
) {
    let own = request.at("output_config");
    let has_format = matches!(form, Form::Schema(_));
    let effort = reasoning.effort;
    if own.children().next().is_none() && !has_format && effort.is_none() {
        return;
    }
    out.key("output_config");
    out.begin_object();
    for member in own.children() {
        if has_format && member.is("format") {
            draft.lose("output_config.format", "`response_format` says it");
        } else if !(effort.is_some() && member.is("effort")) {
            out.copy_key(member);
            out.copy(member);
        }
    }
    if let Some(effort) = effort {
        out.member("effort", effort);
    }
    if let Form::Schema(schema) = form {
        out.key("format");
        out.begin_object();
        out.member("type", "json_schema");
        out.key("schema");
        schema::write(draft, *schema, "response_format.json_schema.schema", out);
        out.end_object();
    }
    out.end_object();
}

/// How a number compares with what may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Negative,
    Within,
    One,
    Above,
}

/// How a number compares with 0 and 1, without arithmetic: it is sent as it was written.
fn size(number: &str) -> Size {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let (digits, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = exponent.trim_start_matches('+').parse::<i32>().unwrap_or(i32::MAX);
    let all = concat(&[whole, fraction]);
    let digits = all.trim_start_matches('0');
    let zeros = i32::try_from(all.len() - digits.len()).unwrap_or(i32::MAX);
    let point = i32::try_from(whole.len()).unwrap_or(i32::MAX).saturating_add(exponent).saturating_sub(zeros);
    match digits.trim_end_matches('0') {
        "" => Size::Within,
        _ if number.starts_with('-') => Size::Negative,
        _ if point <= 0 => Size::Within,
        "1" if point == 1 => Size::One,
        _ => Size::Above,
    }
}

fn write_sampling(draft: &mut Draft<'_>, request: Value<'_>, reasoning: &Reasoning, out: &mut Writer) {
    // 1 is what both are where nothing is said.
    let is_said = |value: &Value<'_>| size(value.raw()) != Size::One;
    let temperature = said(request, "temperature").filter(is_said);
    let top_p = said(request, "top_p").filter(is_said);
    let top_k = said(request, "top_k");
    let reason = match reasoning.is_on() {
        _ if !draft.family.sampling => "this model does not take it",
        true => "Claude does not take it while it thinks",
        false => "",
    };
    if !reason.is_empty() {
        for (name, value) in [("temperature", temperature), ("top_p", top_p), ("top_k", top_k)] {
            if value.is_some() {
                draft.lose(name, reason);
            }
        }
        return;
    }
    if let Some(temperature) = temperature {
        let (nearest, reason) = match size(temperature.raw()) {
            Size::Negative => ("0", "Anthropic's begins at 0"),
            Size::Above => ("1", "Anthropic's ends at 1"),
            Size::Within | Size::One => (temperature.raw(), ""),
        };
        if !reason.is_empty() {
            draft.losses.add("temperature", Action::Clamped, reason);
        }
        out.member_raw("temperature", nearest);
    }
    match top_p {
        Some(_) if temperature.is_some() => draft.lose("top_p", "Claude takes either this or `temperature`"),
        Some(top_p) => out.member_copy("top_p", top_p),
        None => {}
    }
    if let Some(top_k) = top_k {
        out.member_copy("top_k", top_k);
    }
}

fn write_stop(draft: &mut Draft<'_>, request: Value<'_>, out: &mut Writer) {
    let mut list = Writer::default();
    for name in ["stop", "stop_sequences"] {
        let stop = request.at(name);
        let single = stop.string().map(|_| stop);
        for (at, entry) in stop.items().chain(single).enumerate() {
            if shown(entry).trim().is_empty() {
                let path = if single.is_some() { name.to_owned() } else { path_of(name, at, "") };
                draft.lose(path, "Anthropic does not stop at white space alone");
            } else {
                list.copy(entry);
            }
        }
    }
    if !list.is_empty() {
        out.key("stop_sequences");
        out.begin_list();
        out.raw(list.json());
        out.end_list();
    }
}

/// Who asks: the one thing of `metadata` that Anthropic keeps.
fn write_metadata(draft: &mut Draft<'_>, request: Value<'_>, out: &mut Writer) {
    let metadata = request.at("metadata");
    draft.lose_rest(metadata, &["user_id"], "metadata");
    let mut sent: Option<Value<'_>> = None;
    for (param, value) in [
        ("metadata.user_id", said(metadata, "user_id")),
        ("safety_identifier", said(request, "safety_identifier")),
        ("user", said(request, "user")),
    ] {
        let Some(value) = value.filter(|value| !is_neutral(*value)) else { continue };
        match sent {
            None => sent = Some(value),
            Some(sent) if sent.string() == value.string() => {}
            Some(_) => draft.lose(param, "Anthropic takes one name of who asks, and another was said"),
        }
    }
    if let Some(sent) = sent {
        out.key("metadata");
        out.begin_object();
        out.member_copy("user_id", sent);
        out.end_object();
    }
}

/// <https://platform.claude.com/docs/en/api/service-tiers>
fn write_service_tier(draft: &mut Draft<'_>, request: Value<'_>, out: &mut Writer) {
    let Some(tier) = said(request, "service_tier") else { return };
    match &*shown(tier) {
        "auto" => out.member("service_tier", "auto"),
        "default" | "standard_only" => out.member("service_tier", "standard_only"),
        "priority" => {
            out.member("service_tier", "auto");
            draft.losses.add("service_tier", Action::Emulated, "`auto` is priority at Anthropic where it was bought");
        }
        _ => draft.lose("service_tier", "Anthropic has no such tier"),
    }
}

fn write_stream(draft: &mut Draft<'_>, request: Value<'_>, out: &mut Writer) {
    if request.at("stream").starts(b't') {
        out.member_raw("stream", "true");
    }
    let options = request.at("stream_options");
    draft.back.include_usage = options.at("include_usage").starts(b't');
    draft.lose_rest(options, &["include_usage"], "stream_options");
}

/// Reports what Anthropic has no word for.
fn lose_others(draft: &mut Draft<'_>, request: Value<'_>) {
    for name in ["logprobs", "top_logprobs"] {
        if said(request, name).is_some_and(|value| !is_neutral(value)) {
            draft.lose(name, "Anthropic does not say how likely its words were");
        }
    }
    if said(request, "audio").is_some() {
        draft.lose("audio", "Claude does not speak");
    }
    draft.lose_rest(request, &READ, "");
}
