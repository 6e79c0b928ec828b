//! What each family of models can do: the one place to change when a new one comes. A model belongs to the first line of
//! which the name is a part of its id, so the longer names stand above the shorter ones. The first line of each table is
//! its newest family, which stands for ids that nobody knows.

use crate::text;

/// How a Claude thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// As much as it thinks fit for an effort; a budget is refused.
    Adaptive,
    /// The same, or within a budget of tokens.
    Either,
    /// Within a budget of tokens.
    Budget,
    /// Not at all.
    No,
}

/// What a family of Claude models can do.
///
/// <https://platform.claude.com/docs/en/about-claude/models/overview>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claude {
    /// A part of the ids of its models.
    pub name: &'static str,
    /// The most tokens of an answer, which are asked for where the caller does not say.
    pub max_tokens: u64,
    /// How it thinks.
    pub thinking: Thinking,
    /// Whether there is an effort `xhigh`.
    pub xhigh: bool,
    /// Whether it takes `temperature`, `top_p` and `top_k`.
    pub sampling: bool,
    /// Whether it takes a schema for its answer, and strict tools.
    pub schema: bool,
    /// Whether it can be made to call a tool.
    pub forced: bool,
    /// Whether it goes on with an answer that was begun for it.
    pub prefill: bool,
    /// Whether it takes messages of the role `system` in between.
    pub system: bool,
}

/// The families of Claude.
#[rustfmt::skip]
pub const CLAUDE: [Claude; 19] = {
    use Thinking::{Adaptive, Budget, Either, No};
    const fn line(
        name: &'static str, max_tokens: u64, thinking: Thinking,
        [xhigh, sampling, schema, forced, prefill, system]: [u8; 6],
    ) -> Claude {
        Claude {
            name, max_tokens, thinking, xhigh: xhigh > 0, sampling: sampling > 0, schema: schema > 0,
            forced: forced > 0, prefill: prefill > 0, system: system > 0,
        }
    }
    [
        //                       max_tokens  thinking  xhigh sampling schema forced prefill system
        line("opus-5",              128_000, Adaptive, [1,    0,       1,     1,     0,      1]),
        line("sonnet-5",            128_000, Adaptive, [1,    0,       1,     1,     0,      0]),
        line("fable-5",             128_000, Adaptive, [1,    0,       1,     0,     0,      1]),
        line("mythos-5",            128_000, Adaptive, [1,    0,       1,     0,     0,      1]),
        line("opus-4-8",            128_000, Adaptive, [1,    0,       1,     1,     0,      1]),
        line("opus-4-7",            128_000, Adaptive, [1,    0,       1,     1,     0,      0]),
        line("opus-4-6",            128_000, Either,   [0,    1,       1,     1,     1,      0]),
        line("sonnet-4-6",          128_000, Either,   [0,    1,       1,     1,     1,      0]),
        line("opus-4-5",             64_000, Budget,   [0,    1,       1,     1,     1,      0]),
        line("sonnet-4-5",           64_000, Budget,   [0,    1,       1,     1,     1,      0]),
        line("haiku-4-5",            64_000, Budget,   [0,    1,       1,     1,     1,      0]),
        line("opus-4-1",             32_000, Budget,   [0,    1,       1,     1,     1,      0]),
        line("sonnet-4-",            64_000, Budget,   [0,    1,       0,     1,     1,      0]),
        line("opus-4-",              32_000, Budget,   [0,    1,       0,     1,     1,      0]),
        line("claude-3-7-sonnet",    64_000, Budget,   [0,    1,       0,     1,     1,      0]),
        line("claude-3-5",            8_192, No,       [0,    1,       0,     1,     1,      0]),
        line("claude-3",              4_096, No,       [0,    1,       0,     1,     1,      0]),
        line("claude-2",              4_096, No,       [0,    1,       0,     1,     1,      0]),
        line("claude-instant",        4_096, No,       [0,    1,       0,     1,     1,      0]),
    ]
};

/// What a family of Gemini models can do.
///
/// <https://ai.google.dev/gemini-api/docs/models>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gemini {
    /// A part of the ids of its models.
    pub name: &'static str,
    /// The most tokens of an answer, its thoughts included.
    pub max_tokens: u64,
    /// The largest budget of tokens for thoughts, where the model takes a budget; otherwise it takes a level.
    pub budget: Option<u64>,
    /// The lowest level, or the smallest budget.
    pub least: &'static str,
    /// Whether it thinks, and signs its thoughts.
    pub thinks: bool,
    /// Whether it can do without thoughts.
    pub can_stop: bool,
    /// Whether it takes `temperature`, `topP` and `topK`.
    pub sampling: bool,
    /// Whether it takes `presencePenalty` and `frequencyPenalty` from Google's own API.
    pub penalties: bool,
    /// Whether it answers several times to one request.
    pub candidates: bool,
    /// Whether it says how likely its words were.
    pub logprobs: bool,
    /// Whether it takes tools together with an answer in JSON, or with tools of Google.
    pub mixes: bool,
    /// Whether it takes files in the results of tools, and a resolution for each file.
    pub media: bool,
    /// Whether it refuses calls of functions without a signature.
    pub signs_calls: bool,
    /// Whether it goes on with an answer that was begun for it.
    pub prefill: bool,
}

/// The families of Gemini.
#[rustfmt::skip]
pub const GEMINI: [Gemini; 12] = {
    const fn line(
        name: &'static str, max_tokens: u64, budget: Option<u64>, least: &'static str,
        [thinks, can_stop]: [u8; 2],
        [sampling, penalties, candidates, logprobs, mixes, media, signs_calls, prefill]: [u8; 8],
    ) -> Gemini {
        Gemini {
            name, max_tokens, budget, least, thinks: thinks > 0, can_stop: can_stop > 0, sampling: sampling > 0,
            penalties: penalties > 0, candidates: candidates > 0, logprobs: logprobs > 0, mixes: mixes > 0,
            media: media > 0, signs_calls: signs_calls > 0, prefill: prefill > 0,
        }
    }
    [
        //                       max_tokens budget        least      thinks     sampling   candidates mixes signs_calls
        //                                                              can_stop   penalties  logprobs   media prefill
        line("gemini-3.7-flash",     65_536, None,         "LOW",     [1, 0],    [0, 1,     0, 0,      1, 1, 1, 0]),
        line("gemini-3.7",           65_536, None,         "LOW",     [1, 0],    [0, 1,     0, 0,      1, 1, 1, 0]),
        line("gemini-3.1-pro",       65_536, None,         "LOW",     [1, 0],    [1, 1,     0, 0,      1, 1, 1, 1]),
        line("gemini-3-pro",         65_536, None,         "LOW",     [1, 0],    [1, 1,     0, 0,      1, 1, 1, 1]),
        line("gemini-3-",            65_536, None,         "MINIMAL", [1, 0],    [1, 1,     0, 0,      1, 1, 1, 1]),
        line("gemini-3.1",           65_536, None,         "MINIMAL", [1, 0],    [1, 1,     0, 0,      1, 1, 1, 1]),
        line("gemini-3.5",           65_536, None,         "MINIMAL", [1, 0],    [1, 1,     0, 0,      1, 1, 1, 1]),
        line("2.5-flash-image",      65_536, Some(0),      "0",       [0, 1],    [1, 0,     1, 1,      0, 0, 0, 1]),
        line("2.5-pro",              65_536, Some(32_768), "128",     [1, 0],    [1, 0,     1, 1,      0, 0, 0, 1]),
        line("2.5",                  65_536, Some(24_576), "0",       [1, 1],    [1, 0,     1, 1,      0, 0, 0, 1]),
        line("gemini-2.0",            8_192, Some(0),      "0",       [0, 1],    [1, 1,     1, 1,      0, 0, 0, 1]),
        line("gemini-1.5",            8_192, Some(0),      "0",       [0, 1],    [1, 1,     1, 1,      0, 0, 0, 1]),
    ]
};

/// The family of a Claude, and whether its id is known. Others write `claude-opus-4.1` and `claude-sonnet-4@20250514`,
/// and an id may end where a date is looked for.
#[must_use]
pub fn claude(model: &str) -> (&'static Claude, bool) {
    let dashed = text::concat(&[&text::replace(&text::replace(model, ".", "-"), "@", "-"), "-"]);
    find(&CLAUDE, &dashed, |family| family.name)
}

/// The family of a Gemini, and whether its id is known.
#[must_use]
pub fn gemini(model: &str) -> (&'static Gemini, bool) {
    find(&GEMINI, model, |family| family.name)
}

fn find<T, const N: usize>(
    families: &'static [T; N],
    model: &str,
    name: impl Fn(&T) -> &'static str,
) -> (&'static T, bool) {
    const { assert!(N > 0) };
    let model = model.to_ascii_lowercase();
    let found = families.iter().find(|family| text::find(&model, name(family)).is_some());
    (found.unwrap_or(&families[0]), found.is_some())
}
