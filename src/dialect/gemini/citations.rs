//! What an answer rests on, as OpenAI's annotations.
//!
//! <https://ai.google.dev/api/generate-content#GroundingMetadata>

use crate::dialect::translate::{count, said};
use crate::json::{Tree, Value, Writer};

/// How far apart the places of a text are that are counted beforehand, in bytes.
const STRIDE: usize = 1024;
/// How many bytes the annotations may have that repeat a source.
const MAX_BYTES: usize = 4 << 20;

/// Writes the `annotations` for what a search has found, which is JSON or empty, and for the sources that were
/// cited.
///
/// Gemini counts the bytes of a part of the text, and here is where each begins. The annotations count the units of JavaScript's strings; where the text is not
/// known they point to its beginning.
pub fn write(grounding: &str, citations: &[String], text: Option<&str>, starts: &[usize], out: &mut Writer) {
    let mut tree = Tree::whole();
    let Ok(root) = tree.add(if grounding.is_empty() { "null" } else { grounding }) else { return };
    let found = tree.value(root);
    let places = Places::new(text.unwrap_or_default(), starts);
    let chunks: Vec<_> = found.at("groundingChunks").items().collect();
    if chunks.is_empty() && citations.is_empty() {
        return;
    }
    // The same source may be asked for many times over.
    let most = out.json().len() + MAX_BYTES;
    out.key("annotations");
    out.begin_list();
    let mut is_cited = vec![false; chunks.len()];
    for support in found.at("groundingSupports").items() {
        for index in support.at("groundingChunkIndices").items() {
            let at = count(index) as usize;
            if let (Some(chunk), Some(is_cited)) = (chunks.get(at), is_cited.get_mut(at))
                && out.json().len() < most
            {
                *is_cited = true;
                write_one(source(*chunk), Some(support.at("segment")), &places, out);
            }
        }
    }
    for (chunk, _) in chunks.iter().zip(is_cited).filter(|(_, is_cited)| !is_cited) {
        write_one(source(*chunk), None, &places, out);
    }
    for citation in citations {
        let mut tree = Tree::default();
        if let Ok(root) = tree.add(citation) {
            write_one(tree.value(root), Some(tree.value(root)), &places, out);
        }
    }
    out.end_list();
}

/// What a chunk was taken from: the only member that it has, whatever its kind.
fn source(chunk: Value<'_>) -> Value<'_> {
    chunk.children().find(|source| source.get("uri").is_some()).unwrap_or(chunk)
}

fn write_one(source: Value<'_>, segment: Option<Value<'_>>, places: &Places<'_>, out: &mut Writer) {
    let at = |name| places.units(segment.map_or(0, |segment| places.byte(segment, name)));
    out.begin_object();
    out.member("type", "url_citation");
    out.key("url_citation");
    out.begin_object();
    out.key("start_index");
    out.number(at("startIndex"));
    out.key("end_index");
    out.number(at("endIndex"));
    match said(source, "title") {
        Some(title) => out.member_copy("title", title),
        None => out.member("title", ""),
    }
    match said(source, "uri") {
        Some(uri) => out.member_copy("url", uri),
        None => out.member("url", ""),
    }
    out.end_object();
    out.end_object();
}

/// Where the characters of a text are, in UTF-16.
struct Places<'a> {
    text: &'a str,
    /// Where each part begins.
    starts: &'a [usize],
    /// How many units come before each stride.
    strides: Vec<u64>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str, starts: &'a [usize]) -> Self {
        let (mut strides, mut sum) = (vec![0], 0);
        for stride in text.as_bytes().chunks(STRIDE) {
            sum += units(stride);
            strides.push(sum);
        }
        Self { text, starts, strides }
    }

    /// The byte of the text that a segment names.
    fn byte(&self, segment: Value<'_>, name: &str) -> usize {
        let part = count(segment.at("partIndex")) as usize;
        let start = self.starts.get(part).copied().unwrap_or(0);
        start.saturating_add(count(segment.at(name)) as usize)
    }

    /// How many units come before a byte.
    fn units(&self, byte: usize) -> u64 {
        let byte = byte.min(self.text.len());
        let stride = byte / STRIDE;
        let rest = self.text.as_bytes().get(stride * STRIDE..byte).unwrap_or_default();
        self.strides.get(stride).copied().unwrap_or(0) + units(rest)
    }
}

/// How many units of UTF-16 begin in these bytes: one a character, and two where it has four bytes.
fn units(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(byte & 0xc0 != 0x80) + u64::from(*byte >= 0xf0)).sum()
}
