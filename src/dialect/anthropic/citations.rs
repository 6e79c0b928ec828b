//! What a text rests on, as OpenAI's annotations.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/citations>

use crate::dialect::translate::said;
use crate::json::{Value, Writer};

/// Writes the annotation for a citation of the text between these two places. Of a document that is no page of the web
/// there is a title at most; where in it is said in `native_citation`, which is the citation as it came.
pub fn write(out: &mut Writer, citation: Value<'_>, start: u64, end: u64) {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| said(citation, name).filter(|it| it.starts(b'"')));
    out.begin_object();
    out.member("type", "url_citation");
    out.key("url_citation");
    out.begin_object();
    for (name, place) in [("start_index", start), ("end_index", end)] {
        out.key(name);
        out.number(place);
    }
    for (name, value) in [("title", first(["title", "document_title"])), ("url", first(["url", "source"]))] {
        match value {
            Some(value) => out.member_copy(name, value),
            None => out.member(name, ""),
        }
    }
    if let Some(text) = said(citation, "cited_text") {
        out.member_copy("content", text);
    }
    out.end_object();
    out.member_copy("native_citation", citation);
    out.end_object();
}
