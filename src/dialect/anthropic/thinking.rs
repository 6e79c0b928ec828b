//! How much Claude thinks: the switches of OpenAI, OpenRouter and AIHubMix in Anthropic's words, and the limit of an
//! answer's length, which the thinking counts against.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>

use super::messages;
use super::request::Draft;
use crate::dialect::models::Thinking;
use crate::dialect::translate::{Action, count, is_neutral, is_string, refuse, said, shown};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::concat;

/// The least budget that Anthropic takes.
const LEAST: u64 = 1024;

/// The efforts: as OpenAI says them, as Claude takes them, and as a budget for models that take one.
const EFFORTS: [(&str, &str, u64); 6] = [
    ("minimal", "low", 1024),
    ("low", "low", 2048),
    ("medium", "medium", 8192),
    ("high", "high", 16_384),
    ("xhigh", "xhigh", 32_768),
    ("max", "max", 32_768),
];

/// What is sent as `thinking`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    Unsaid,
    Off,
    Adaptive,
    Budget(u64),
    /// As the caller has said it in Anthropic's words, and the budget in it.
    Own(String, u64),
}

/// How much is thought in answering one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasoning {
    mode: Mode,
    /// What is sent as `output_config.effort`.
    pub effort: Option<&'static str>,
    display: Option<&'static str>,
    /// Which parameter has said it.
    param: &'static str,
}

impl Reasoning {
    /// Whether Claude thinks.
    pub fn is_on(&self) -> bool {
        matches!(self.mode, Mode::Adaptive | Mode::Budget(_) | Mode::Own(..))
    }

    /// Whether it does so within a budget, which goes with no tool that must be called.
    pub fn has_budget(&self) -> bool {
        matches!(self.mode, Mode::Budget(_) | Mode::Own(_, 1..))
    }

    /// Writes `thinking`.
    pub fn write(&self, out: &mut Writer) {
        let kind = match &self.mode {
            Mode::Unsaid => return,
            Mode::Own(own, _) => return out.member_raw("thinking", own),
            Mode::Off => "disabled",
            Mode::Adaptive => "adaptive",
            Mode::Budget(_) => "enabled",
        };
        out.key("thinking");
        out.begin_object();
        out.member("type", kind);
        if let Mode::Budget(budget) = self.mode {
            out.key("budget_tokens");
            out.number(budget);
        }
        if let Some(display) = self.display.filter(|_| self.is_on()) {
            out.member("display", display);
        }
        out.end_object();
    }
}

/// What one switch asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    Off,
    On,
    Effort(&'static str, &'static str, u64),
    Tokens(u64),
}

fn read_effort(value: Value<'_>, param: &str) -> Result<Switch, Error> {
    let text = shown(value);
    if text == "none" {
        return Ok(Switch::Off);
    }
    let known = EFFORTS.iter().find(|(name, ..)| *name == text);
    let &(name, effort, budget) =
        known.ok_or_else(|| refuse(param, "an effort is none, minimal, low, medium, high, xhigh or max."))?;
    Ok(Switch::Effort(name, effort, budget))
}

/// The switches that were used, the one first that counts.
///
/// <https://docs.aihubmix.com/en/api/unified-inference>
fn switches(draft: &Draft<'_>, request: Value<'_>) -> Result<Vec<(&'static str, Switch)>, Error> {
    let reasoning = request.at("reasoning");
    let mut switches = Vec::new();
    if let Some(effort) = said(request, "reasoning_effort") {
        switches.push(("reasoning_effort", read_effort(effort, "reasoning_effort")?));
    }
    if let Some(tokens) = said(reasoning, "max_tokens") {
        let tokens = count(tokens);
        switches.push(("reasoning.max_tokens", if tokens == 0 { Switch::Off } else { Switch::Tokens(tokens) }));
    }
    if let Some(effort) = said(reasoning, "effort") {
        switches.push(("reasoning.effort", read_effort(effort, "reasoning.effort")?));
    }
    if let Some(enabled) = said(reasoning, "enabled") {
        let is_on = enabled.starts(b't');
        // That it is on goes without saying where it was said how much.
        if !is_on || switches.is_empty() {
            switches.push(("reasoning.enabled", if is_on { Switch::On } else { Switch::Off }));
        }
    }
    if switches.is_empty() && draft.model.ends_with("-think") {
        switches.push(("model", Switch::On));
    }
    Ok(switches)
}

/// How much the caller wants to be thought.
///
/// # Errors
/// An effort that nobody knows.
pub fn read(draft: &mut Draft<'_>, request: Value<'_>) -> Result<Reasoning, Error> {
    let switches = switches(draft, request)?;
    let display = read_display(draft, request);
    let mut reasoning = Reasoning { mode: Mode::Unsaid, effort: None, display, param: "thinking" };
    let mut switches = switches.into_iter();
    let first = switches.next();
    for (param, switch) in switches {
        if let Some((winner, _)) = first.filter(|(_, first)| *first != switch) {
            draft.lose(param, &concat(&["`", winner, "` comes before it"]));
        }
    }
    if let Some(own) = said(request, "thinking") {
        let budget = if is_string(own.at("type"), "enabled") { count(own.at("budget_tokens")) } else { 0 };
        reasoning.mode =
            if is_string(own.at("type"), "disabled") { Mode::Off } else { Mode::Own(own.raw().to_owned(), budget) };
        match first {
            Some((param, Switch::Effort(name, effort, _)))
                if matches!(draft.family.thinking, Thinking::Adaptive | Thinking::Either) =>
            {
                take_effort(draft, &mut reasoning, param, name, effort);
            }
            Some((param, _)) => draft.lose(param, "`thinking` says it"),
            None => {}
        }
    } else if let Some((param, switch)) = first {
        reasoning.param = param;
        apply(draft, &mut reasoning, switch);
    }
    if reasoning.has_budget() && messages::is_bare_loop(request, draft.model) {
        // Claude refuses to think on where a turn that calls tools was begun without its thoughts.
        reasoning.mode = Mode::Unsaid;
        draft.lose(reasoning.param, "the calls that are answered here were made without thoughts of this model");
    }
    cap_effort(draft, request, &mut reasoning);
    Ok(reasoning)
}

fn read_display(draft: &mut Draft<'_>, request: Value<'_>) -> Option<&'static str> {
    let reasoning = request.at("reasoning");
    draft.lose_rest(reasoning, &["display", "effort", "enabled", "exclude", "max_tokens"], "reasoning");
    match said(reasoning, "display") {
        Some(display) if is_string(display, "omitted") => return Some("omitted"),
        Some(display) if is_string(display, "summarized") => return Some("summarized"),
        Some(_) => draft.lose("reasoning.display", "Anthropic knows `summarized` and `omitted`"),
        None => {}
    }
    reasoning.at("exclude").starts(b't').then_some("omitted")
}

fn apply(draft: &mut Draft<'_>, reasoning: &mut Reasoning, switch: Switch) {
    let param = reasoning.param;
    match (draft.family.thinking, switch) {
        (Thinking::No, Switch::Off) => {}
        (Thinking::No, _) => draft.lose(param, "this model does not think"),
        (_, Switch::Off) => reasoning.mode = Mode::Off,
        (Thinking::Adaptive | Thinking::Either, Switch::On) => reasoning.mode = Mode::Adaptive,
        (Thinking::Budget, Switch::On) => reasoning.mode = Mode::Budget(8192),
        (Thinking::Adaptive | Thinking::Either, Switch::Effort(name, effort, _)) => {
            reasoning.mode = Mode::Adaptive;
            take_effort(draft, reasoning, param, name, effort);
        }
        (Thinking::Budget, Switch::Effort(.., budget)) => reasoning.mode = Mode::Budget(budget),
        (Thinking::Budget | Thinking::Either, Switch::Tokens(tokens)) => {
            if tokens < LEAST {
                draft.losses.add(param, Action::Clamped, "Claude's budgets begin at 1024 tokens");
            }
            reasoning.mode = Mode::Budget(tokens.max(LEAST));
        }
        (Thinking::Adaptive, Switch::Tokens(tokens)) => {
            let nearest = EFFORTS.iter().skip(1).min_by_key(|(.., budget)| budget.abs_diff(tokens));
            if let Some((_, effort, _)) = nearest {
                reasoning.mode = Mode::Adaptive;
                reasoning.effort = Some(effort);
                let reason = concat(&["this model takes an effort, and no budget: `", effort, "` is sent"]);
                draft.losses.add(param, Action::Emulated, reason);
            }
        }
    }
    // The newest models keep their thoughts to themselves unless they are asked for them.
    if reasoning.mode == Mode::Adaptive && reasoning.display.is_none() {
        reasoning.display = Some("summarized");
    }
}

fn take_effort(draft: &mut Draft<'_>, reasoning: &mut Reasoning, param: &str, name: &str, effort: &'static str) {
    let sent = if effort == "xhigh" && !draft.family.xhigh { "max" } else { effort };
    if sent != name {
        let reason = concat(&["this model has no such effort: `", sent, "` is sent"]);
        draft.losses.add(param, Action::Clamped, reason);
    }
    reasoning.effort = Some(sent);
}

/// The highest efforts are refused where thinking is off.
fn cap_effort(draft: &mut Draft<'_>, request: Value<'_>, reasoning: &mut Reasoning) {
    let own = request.at("output_config").at("effort");
    if reasoning.effort.is_some_and(|effort| !is_neutral(own) && !is_string(own, effort)) {
        draft.lose("output_config.effort", "a switch of OpenAI's says it");
    }
    let said = reasoning.effort.map(str::to_owned).unwrap_or_else(|| shown(own));
    let is_high = matches!(&*said, "xhigh" | "max");
    if is_high && reasoning.mode == Mode::Off && draft.family.thinking == Thinking::Adaptive {
        let param = if reasoning.effort.is_some() { "reasoning_effort" } else { "output_config.effort" };
        reasoning.effort = Some("high");
        draft.losses.add(param, Action::Clamped, "it ends at `high` where thinking is off");
    }
}

/// How long the answer may be. A budget of thinking comes on top of what the caller has said, as OpenAI's models are
/// asked for words to read; the model's own limit holds for both.
///
/// # Errors
/// A limit that is no number.
pub fn limit(draft: &mut Draft<'_>, request: Value<'_>, reasoning: &mut Reasoning) -> Result<u64, Error> {
    let most = draft.family.max_tokens;
    let budget = match reasoning.mode {
        Mode::Budget(budget) | Mode::Own(_, budget) => budget,
        _ => 0,
    };
    let newer = said(request, "max_completion_tokens");
    let older = said(request, "max_tokens");
    let param = if newer.is_some() { "max_completion_tokens" } else { "max_tokens" };
    let Some(limit) = newer.or(older) else {
        let reason = "Anthropic wants to be told: the most that the model gives is asked for";
        draft.losses.add(param, Action::Assumed, reason);
        shrink(draft, reasoning, most);
        return Ok(most);
    };
    if older.is_some_and(|older| older.raw() != limit.raw()) {
        draft.lose("max_tokens", "`max_completion_tokens` comes before it");
    }
    let mut limit = count(limit);
    // Who speaks Anthropic's words means its limit, which holds for thoughts and answer together.
    let is_added = match reasoning.mode {
        Mode::Own(..) => budget > 0 && limit <= budget,
        _ => budget > 0,
    };
    if is_added {
        limit = limit.saturating_add(budget);
        // Who has said both in Anthropic's words has said it wrongly; who has not, means the words of the answer.
        let action = if matches!(reasoning.mode, Mode::Own(..)) { Action::Emulated } else { Action::Assumed };
        draft.losses.add(param, action, "the budget of the thinking is added, which Anthropic counts with it");
    }
    if limit > most && draft.is_known {
        limit = most;
        draft.losses.add(param, Action::Clamped, "the model gives no more");
    }
    shrink(draft, reasoning, limit);
    Ok(limit)
}

/// Keeps a budget below the limit of the whole answer.
fn shrink(draft: &mut Draft<'_>, reasoning: &mut Reasoning, limit: u64) {
    if let Mode::Budget(budget) = &mut reasoning.mode
        && *budget >= limit
    {
        *budget = limit.saturating_sub(limit / 4).max(LEAST);
        draft.losses.add(reasoning.param, Action::Clamped, "the budget must be less than what the model gives");
    }
}
