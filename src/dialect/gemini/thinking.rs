//! How much a model is to think: OpenAI's `reasoning_effort`, OpenRouter's and AIHubMix's `reasoning`, AIHubMix's suffixes
//! to ids, and Google's own `thinking_config`, as the `thinkingConfig` that the family of the model takes.
//!
//! <https://ai.google.dev/gemini-api/docs/thinking>, <https://docs.aihubmix.com/en/api/unified-inference>

use super::request::{Request, text_of, write_camel};
use crate::dialect::translate::{Action, count, is_neutral, is_string, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::decimal;

/// The efforts, and how many tokens they are where a budget is asked for, as Google's endpoint of OpenAI's form reckons:
/// <https://ai.google.dev/gemini-api/docs/openai#thinking>.
const EFFORTS: [(&str, &str, u64); 6] = [
    ("minimal", "MINIMAL", 1024),
    ("low", "LOW", 1024),
    ("medium", "MEDIUM", 8192),
    ("high", "HIGH", 24_576),
    ("xhigh", "HIGH", 24_576),
    ("max", "HIGH", 24_576),
];

/// How many tokens are left for what is said, at least, and the smallest budget that models without a larger least have.
const LEAST_ROOM: u64 = 256;
const LEAST_BUDGET: u64 = 512;

/// What is asked for.
enum Amount<'a> {
    Effort(std::borrow::Cow<'a, str>),
    Tokens(u64),
    /// As much as the model thinks fit.
    Any,
}

/// Writes `thinkingConfig`, where the caller says anything of it.
pub fn write(out: &mut Writer, request: &mut Request<'_>) -> Result<(), Error> {
    let (effort, reasoning) = (request.said("reasoning_effort"), request.said("reasoning"));
    if let Some(own) = request.option("thinking_config") {
        for (name, value) in [("reasoning_effort", effort), ("reasoning", reasoning)] {
            if value.is_some_and(|value| !is_neutral(value)) {
                request.lose(name, Action::Dropped, "`thinking_config` says it in Gemini's own terms.");
            }
        }
        out.key("thinkingConfig");
        write_camel(out, own);
        return Ok(());
    }
    let Some((param, amount)) = amount(request)? else { return Ok(()) };
    let amount = leave_room(request, param, amount)?;
    let is_off = match &amount {
        Amount::Effort(effort) => effort == "none",
        Amount::Tokens(tokens) => *tokens == 0,
        Amount::Any => false,
    };
    if !request.family.thinks {
        if !is_off {
            request.lose(param, Action::Dropped, "The model does not think.");
        }
        return Ok(());
    }
    let reasoning = request.value.at("reasoning");
    let is_hidden = reasoning.at("exclude").bytes() == b"true" || is_string(reasoning.at("display"), "omitted");
    out.key("thinkingConfig");
    out.begin_object();
    if !is_off && !is_hidden {
        out.member_raw("includeThoughts", "true");
    }
    match amount {
        _ if is_off => write_off(out, request, param),
        Amount::Effort(effort) => write_effort(out, request, param, &effort)?,
        Amount::Tokens(tokens) => write_tokens(out, request, param, tokens),
        Amount::Any => {}
    }
    out.end_object();
    Ok(())
}

/// How much is asked for, and by which parameter: the first one counts, in AIHubMix's order.
fn amount<'a>(request: &mut Request<'a>) -> Result<Option<(&'static str, Amount<'a>)>, Error> {
    let effort = request.said("reasoning_effort");
    let reasoning = request.said("reasoning");
    let part = |name| reasoning.and_then(|reasoning| said(reasoning, name));
    if let Some(reasoning) = reasoning {
        request.lose_others(reasoning, &["effort", "max_tokens", "exclude", "display", "enabled"], "reasoning");
    }
    let switch = match part("enabled").map(Value::bytes) {
        Some(b"true") => Some(Amount::Any),
        Some(b"false") => Some(Amount::Tokens(0)),
        _ => None,
    };
    let tokens = match part("max_tokens") {
        Some(tokens) if decimal(tokens.bytes()).is_none() => {
            return Err(refuse("reasoning.max_tokens", "It must be a whole number of tokens."));
        }
        tokens => tokens.map(|tokens| Amount::Tokens(count(tokens))),
    };
    let asked = [
        ("reasoning_effort", effort.map(|effort| Amount::Effort(text_of(effort)))),
        ("reasoning.max_tokens", tokens),
        ("reasoning.effort", part("effort").map(|effort| Amount::Effort(text_of(effort)))),
        ("reasoning.enabled", switch),
        ("model", suffix(request)),
        // Where nothing is asked for but that thoughts are shown, they are.
        ("reasoning.display", part("display").filter(|it| is_string(*it, "summarized")).map(|_| Amount::Any)),
    ];
    let mut first = None;
    for (param, amount) in asked {
        let Some(amount) = amount else { continue };
        if first.is_none() {
            first = Some((param, amount));
        } else if !matches!(amount, Amount::Any) && param != "model" {
            request.lose(param, Action::Dropped, "Another parameter that says how much to think comes before it.");
        }
    }
    Ok(first)
}

/// What AIHubMix's suffix to the id asks for: <https://docs.aihubmix.com/en/api/Capability-Suffix>.
fn suffix<'a>(request: &Request<'_>) -> Option<Amount<'a>> {
    let model = request.target.model;
    match () {
        () if !request.target.is_aihubmix => None,
        () if model.ends_with("-nothink") => Some(Amount::Tokens(0)),
        () if model.ends_with("-think") => Some(Amount::Any),
        () => None,
    }
}

/// Writes that there are to be no thoughts, or as few as can be.
fn write_off(out: &mut Writer, request: &mut Request<'_>, param: &str) {
    let family = request.family;
    if family.budget.is_some() {
        out.member_raw("thinkingBudget", family.least);
    } else {
        out.member("thinkingLevel", family.least);
    }
    if !family.can_stop {
        request.lose(param, Action::Clamped, "The model always thinks; it is asked to think as little as it can.");
    }
}

/// Keeps a budget below the most tokens of the answer, of which thoughts are a part: with as many the model would think
/// and say nothing. The room that is left is a quarter, and enough for a paragraph.
fn leave_room<'a>(request: &mut Request<'_>, param: &str, amount: Amount<'a>) -> Result<Amount<'a>, Error> {
    let Some(most) = request.family.budget.filter(|most| *most > 0) else { return Ok(amount) };
    let limit = request.said("max_completion_tokens").or(request.said("max_tokens")).map(count);
    let Some(limit) = limit.filter(|limit| *limit <= request.family.max_tokens) else { return Ok(amount) };
    let asked = match &amount {
        Amount::Effort(effort) => tokens_of(effort, param)?,
        Amount::Tokens(tokens) => *tokens,
        // The model stops thinking by itself.
        Amount::Any => return Ok(amount),
    };
    let least = decimal(request.family.least.as_bytes()).map_or(0, u64::from);
    let room = limit.saturating_sub(LEAST_ROOM.max(limit / 4));
    if asked.min(most) <= room.max(least) {
        return Ok(amount);
    }
    // So few tokens of thought are worth nothing, and some models refuse them.
    let is_worth_it = room >= LEAST_BUDGET || !request.family.can_stop;
    let within = if is_worth_it { room.max(least) } else { 0 };
    let (action, reason) = match amount {
        Amount::Tokens(_) => {
            (Action::Clamped, "Thoughts count as tokens of the answer: room is left for what is said.")
        }
        // Nobody has said how many tokens an effort is.
        _ => (Action::Assumed, "Its budget is smaller here: thoughts count as tokens of the answer, and room is left."),
    };
    request.lose(param, action, reason);
    Ok(Amount::Tokens(within))
}

/// How many tokens an effort is.
fn tokens_of(effort: &str, param: &str) -> Result<u64, Error> {
    if effort == "none" {
        return Ok(0);
    }
    let known = EFFORTS.iter().find(|(name, ..)| *name == effort);
    let wrong = || refuse(param, "It must be one of none, minimal, low, medium, high, xhigh and max.");
    known.map(|(.., tokens)| *tokens).ok_or_else(wrong)
}

fn write_effort(out: &mut Writer, request: &mut Request<'_>, param: &str, effort: &str) -> Result<(), Error> {
    let Some((_, level, tokens)) = EFFORTS.iter().find(|(name, ..)| *name == effort) else {
        return Err(refuse(param, "It must be one of none, minimal, low, medium, high, xhigh and max."));
    };
    if matches!(effort, "xhigh" | "max") {
        request.lose(param, Action::Clamped, "Gemini has no effort above high.");
    }
    if let Some(most) = request.family.budget {
        out.key("thinkingBudget");
        out.number((*tokens).min(most));
    } else if *level == "MINIMAL" && request.family.least != "MINIMAL" {
        request.lose(param, Action::Clamped, "The lowest level of the model is higher.");
        out.member("thinkingLevel", request.family.least);
    } else {
        out.member("thinkingLevel", level);
    }
    Ok(())
}

fn write_tokens(out: &mut Writer, request: &mut Request<'_>, param: &str, tokens: u64) {
    if let Some(most) = request.family.budget {
        // A budget has its least as well: 0 is another matter, and was asked for by nobody.
        let least = decimal(request.family.least.as_bytes()).map_or(0, u64::from);
        let within = tokens.clamp(least.min(most), most);
        if within != tokens {
            request.lose(param, Action::Clamped, "The model's budget for thoughts has other bounds.");
        }
        out.key("thinkingBudget");
        out.number(within);
        return;
    }
    // The nearest of the levels, by the tokens of the efforts.
    let level = match tokens {
        ..512 => request.family.least,
        512..4608 => "LOW",
        4608..16_384 => "MEDIUM",
        _ => "HIGH",
    };
    request.lose(param, Action::Clamped, "The model thinks at levels, and takes no budget: the nearest one is sent.");
    out.member("thinkingLevel", level);
}
