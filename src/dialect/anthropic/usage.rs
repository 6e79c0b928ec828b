//! What Anthropic counts.
//!
//! <https://platform.claude.com/docs/en/api/messages#response-usage>

use crate::dialect::translate::{Usage, count, is_string, said};
use crate::json::{MAX_MEMBERS, Value, Writer};

/// The members that OpenAI's `usage` has other names for, or that it has itself.
const KNOWN: [&str; 11] = [
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens_details",
    "service_tier",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
];

/// The counts of one answer. In a stream later ones replace those before, but only those that are said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    is_known: bool,
    input: u64,
    cache_read: u64,
    cache_write: Option<u64>,
    output: u64,
    thinking: Option<u64>,
    /// What it took to make the conversation shorter, which the others leave out: read anew, from the cache, written to
    /// the cache, and written.
    compaction: [u64; 4],
    /// The tier, and what else is said, as JSON.
    tier: String,
    others: Vec<(String, String)>,
}

impl Counts {
    /// Takes over what is said.
    pub fn read(&mut self, usage: Value<'_>) {
        self.is_known |= usage.starts(b'{');
        let number = |name| said(usage, name).map(count);
        self.input = number("input_tokens").unwrap_or(self.input);
        self.output = number("output_tokens").unwrap_or(self.output);
        self.cache_read = number("cache_read_input_tokens").unwrap_or(self.cache_read);
        self.cache_write = number("cache_creation_input_tokens").or(self.cache_write);
        if let Some(details) = said(usage, "output_tokens_details") {
            self.thinking = said(details, "thinking_tokens").map(count).or(self.thinking);
        }
        if let Some(iterations) = said(usage, "iterations") {
            self.compaction = [0; 4];
            for iteration in iterations.items().filter(|iteration| is_string(iteration.at("type"), "compaction")) {
                let parts = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
                for (sum, part) in self.compaction.iter_mut().zip(parts) {
                    *sum = sum.saturating_add(count(iteration.at(part)));
                }
            }
        }
        if let Some(tier) = said(usage, "service_tier") {
            tier.raw().clone_into(&mut self.tier);
        }
        for member in usage.children().filter(|member| !member.starts(b'n')) {
            if KNOWN.iter().any(|name| member.is(name)) {
                continue;
            }
            let (name, json) = (member.key().text(), member.raw().to_owned());
            let has_room = self.others.len() < MAX_MEMBERS;
            match self.others.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = json,
                None if has_room => self.others.push((name.into_owned(), json)),
                None => {}
            }
        }
    }

    /// Whether anything was said.
    pub fn are_known(&self) -> bool {
        self.is_known
    }

    /// Writes the `usage`: OpenAI's members, and the others as they came.
    pub fn write(&self, out: &mut Writer) {
        let [input, cache_read, cache_write, output] = self.compaction;
        let cached = self.cache_read.saturating_add(cache_read);
        let written = self.cache_write.unwrap_or(0).saturating_add(cache_write);
        let usage = Usage {
            prompt: [input, cached, written].iter().fold(self.input, |sum, part| sum.saturating_add(*part)),
            cached,
            cache_write: self.cache_write.map(|_| written).or(Some(written).filter(|written| *written > 0)),
            completion: self.output.saturating_add(output),
            reasoning: self.thinking,
        };
        out.begin_object();
        usage.write(out);
        for (name, json) in &self.others {
            out.member_raw(name, json);
        }
        out.end_object();
    }

    /// Writes the `service_tier`, where it was said.
    pub fn write_tier(&self, out: &mut Writer) {
        match &*self.tier {
            "" => {}
            "\"standard\"" => out.member("service_tier", "default"),
            tier => out.member_raw("service_tier", tier),
        }
    }
}
