//! How likely the tokens of an answer were, in OpenAI's form.
//!
//! <https://ai.google.dev/api/generate-content#LogprobsResult>

use crate::dialect::translate::said;
use crate::json::{Value, Writer};

/// Writes the `logprobs` of a choice.
pub fn write(result: Value<'_>, out: &mut Writer) {
    out.key("logprobs");
    out.begin_object();
    out.key("content");
    out.begin_list();
    let mut tops = result.at("topCandidates").items();
    for chosen in result.at("chosenCandidates").items() {
        out.begin_object();
        write_one(chosen, out);
        out.key("top_logprobs");
        out.begin_list();
        for top in tops.next().into_iter().flat_map(|top| top.at("candidates").items()) {
            out.begin_object();
            write_one(top, out);
            out.end_object();
        }
        out.end_list();
        out.end_object();
    }
    out.end_list();
    out.member_raw("refusal", "null");
    out.end_object();
}

fn write_one(token: Value<'_>, out: &mut Writer) {
    match said(token, "token") {
        Some(text) => out.member_copy("token", text),
        None => out.member("token", ""),
    }
    out.key("logprob");
    match said(token, "logProbability") {
        // Of what cannot be, and in JSON cannot be said: as OpenAI has it.
        Some(word) if word.starts(b'"') => out.raw("-9999.0"),
        Some(number) => out.raw(number.raw()),
        // A logarithm of 0 is not written at all.
        None => out.raw("0"),
    }
    out.member_raw("bytes", "null");
}
