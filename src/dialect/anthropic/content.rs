//! What messages hold, as Anthropic's blocks: text, pictures, documents.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/vision>,
//! <https://platform.claude.com/docs/en/build-with-claude/pdf-support>

use super::request::{Draft, mark_of};
use crate::dialect::translate::{data_url, from_base64, is_neutral, is_string, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::concat;

/// The header that files by their ids are asked for with.
const FILES: &str = "files-api-2025-04-14";

/// The blocks of Anthropic's own that are sent as they are.
const OWN: [&str; 5] = ["container_upload", "document", "image", "search_result", "tool_result"];

/// The media types of the pictures that Claude sees.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// What a block needs to know of where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The path of its part, for reports.
    pub path: &'a str,
    /// The mark for the cache, where there is one.
    pub mark: Option<&'a str>,
}

/// Writes what a message holds as blocks, the last of which takes the message's own mark.
///
/// # Errors
/// Parts that Claude does not take.
pub fn write_all(
    draft: &mut Draft<'_>,
    content: Value<'_>,
    path: &str,
    mark: Option<&str>,
    out: &mut Writer,
) -> Result<(), Error> {
    if content.string().is_some() {
        write_text(draft, content, Place { path, mark }, out);
    }
    let last = content.items().filter(|part| !is_empty_text(*part)).last();
    for (at, part) in content.items().enumerate() {
        let is_last = last.is_some_and(|last| last.number() == part.number());
        let mark = mark_of(part).or(mark.filter(|_| is_last));
        write_part(draft, part, Place { path: &path_of(path, at, ""), mark }, out)?;
    }
    if !content.starts(b'"') && !content.starts(b'[') && !is_neutral(content) {
        return Err(refuse(path, "it must be a string or a list of parts."));
    }
    Ok(())
}

fn is_empty_text(part: Value<'_>) -> bool {
    is_string(part.at("type"), "text") && part.at("text").string().is_none_or(|text| text.text().trim().is_empty())
}

/// Writes a text as a block. Anthropic refuses blocks without words.
pub fn write_text(draft: &mut Draft<'_>, text: Value<'_>, place: Place<'_>, out: &mut Writer) {
    let Some(string) = text.string() else { return };
    if string.text().trim().is_empty() {
        if !string.raw().is_empty() {
            draft.lose(place.path, "Anthropic takes no text of white space alone");
        }
        return;
    }
    out.begin_object();
    out.member("type", "text");
    out.member_copy("text", text);
    draft.write_mark(out, place.mark, place.path);
    out.end_object();
}

/// Writes one part as a block.
///
/// # Errors
/// One that Claude does not take.
fn write_part(draft: &mut Draft<'_>, part: Value<'_>, place: Place<'_>, out: &mut Writer) -> Result<(), Error> {
    const MARKS: [&str; 3] = ["type", "cache_control", "prompt_cache_breakpoint"];
    let path = place.path;
    let kind = part.at("type");
    let kind = kind.string().map(|kind| kind.text().into_owned()).unwrap_or_default();
    if OWN.contains(&&*kind) {
        write_own(draft, part, place, out);
        return Ok(());
    }
    let inner = part.at(&kind);
    match &*kind {
        "text" => {
            if inner.string().is_none() {
                return Err(refuse(path, "a part of text has a string in `text`."));
            }
            write_text(draft, inner, place, out);
        }
        "refusal" => write_text(draft, inner, place, out),
        "image_url" => write_picture(draft, inner, place, out)?,
        "file" => write_file(draft, inner, place, out)?,
        "input_audio" => return Err(refuse(path, "Claude does not listen: it takes text, pictures and documents.")),
        _ => return Err(refuse(path, "Claude takes no part of this type.")),
    }
    let [kind_key, mark, breakpoint] = MARKS;
    draft.lose_rest(part, &[kind_key, mark, breakpoint, &kind], path);
    Ok(())
}

/// Writes a block of Anthropic's own as it stands, but for its mark.
pub fn write_own(draft: &mut Draft<'_>, block: Value<'_>, place: Place<'_>, out: &mut Writer) {
    if is_string(block.at("source").at("type"), "file") {
        draft.beta(FILES);
    }
    out.begin_object();
    for member in block.children().filter(|member| !member.is("cache_control")) {
        out.copy_key(member);
        out.copy(member);
    }
    draft.write_mark(out, place.mark, place.path);
    out.end_object();
}

fn write_picture(draft: &mut Draft<'_>, picture: Value<'_>, place: Place<'_>, out: &mut Writer) -> Result<(), Error> {
    // A string in the place of the object is what many write.
    let param = concat(&[place.path, ".image_url.url"]);
    let url = picture.string().or(picture.at("url").string()).ok_or_else(|| refuse(&param, "it must be a URL."))?;
    let url = url.text();
    if said(picture, "detail").is_some_and(|detail| !is_string(detail, "auto")) {
        draft.lose(concat(&[place.path, ".image_url.detail"]), "Claude sees a picture as it is");
    }
    draft.lose_rest(picture, &["url", "detail"], &concat(&[place.path, ".image_url"]));
    match data_url(&url) {
        Some((media, data)) => write_data(draft, &media, data, None, &param, place, out),
        None if is_web(&url) => {
            write_block(draft, "image", "url", &[("url", &url)], None, place, out);
            Ok(())
        }
        None => Err(refuse(&param, "it must be an http URL, or a data URL in base64.")),
    }
}

/// <https://platform.claude.com/docs/en/build-with-claude/files>
fn write_file(draft: &mut Draft<'_>, file: Value<'_>, place: Place<'_>, out: &mut Writer) -> Result<(), Error> {
    let param = concat(&[place.path, ".file"]);
    let name = said(file, "filename");
    draft.lose_rest(file, &["filename", "file_data", "file_id", "format"], &param);
    if let Some(data) = said(file, "file_data").and_then(Value::string) {
        let param = concat(&[&param, ".file_data"]);
        let data = data.text();
        return match data_url(&data) {
            Some((media, data)) => write_data(draft, &media, data, name, &param, place, out),
            None if is_web(&data) => {
                write_block(draft, "document", "url", &[("url", &data)], name, place, out);
                Ok(())
            }
            // Every PDF begins with `%PDF-`, which is this in base64.
            None if data.starts_with("JVBERi0") => {
                write_data(draft, "application/pdf", &data, name, &param, place, out)
            }
            None => Err(refuse(&param, "it must be a data URL in base64.")),
        };
    }
    let Some(id) = said(file, "file_id").and_then(Value::string) else {
        return Err(refuse(&param, "it has neither `file_data` nor `file_id`."));
    };
    let id = id.text();
    let format = file.at("format").string().map(|format| format.text().into_owned()).unwrap_or_default();
    let kind = if format.starts_with("image/") { "image" } else { "document" };
    if is_web(&id) {
        write_block(draft, kind, "url", &[("url", &id)], name, place, out);
    } else {
        draft.beta(FILES);
        write_block(draft, kind, "file", &[("file_id", &id)], name, place, out);
    }
    Ok(())
}

/// Writes what is in a data URL: a picture, a PDF, or text.
fn write_data(
    draft: &mut Draft<'_>,
    media: &str,
    data: &str,
    name: Option<Value<'_>>,
    param: &str,
    place: Place<'_>,
    out: &mut Writer,
) -> Result<(), Error> {
    let media = if media == "image/jpg" { "image/jpeg" } else { media };
    if PICTURES.contains(&media) {
        write_block(draft, "image", "base64", &[("media_type", media), ("data", data)], name, place, out);
    } else if media == "application/pdf" {
        write_block(draft, "document", "base64", &[("media_type", media), ("data", data)], name, place, out);
    } else if media.starts_with("text/") || media == "application/json" {
        let bytes = from_base64(data).ok_or_else(|| refuse(param, "it is no base64."))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse(param, "it is no UTF-8."))?;
        write_block(draft, "document", "text", &[("media_type", "text/plain"), ("data", text)], name, place, out);
    } else {
        return Err(refuse(param, "Claude takes JPEG, PNG, GIF, WebP, PDF and text."));
    }
    Ok(())
}

fn write_block(
    draft: &mut Draft<'_>,
    kind: &str,
    source: &str,
    members: &[(&str, &str)],
    title: Option<Value<'_>>,
    place: Place<'_>,
    out: &mut Writer,
) {
    out.begin_object();
    out.member("type", kind);
    out.key("source");
    out.begin_object();
    out.member("type", source);
    for (name, text) in members {
        out.member(name, text);
    }
    out.end_object();
    // Pictures have no names, and nothing of what they show depends on one.
    if let Some(title) = title.filter(|title| kind == "document" && !is_neutral(*title)) {
        out.member_copy("title", title);
    }
    draft.write_mark(out, place.mark, place.path);
    out.end_object();
}

fn is_web(url: &str) -> bool {
    let has = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    has("https://") || has("http://")
}
