//! Pictures, sounds, films and files: in the request itself, or where Gemini gets them from.
//!
//! <https://ai.google.dev/api/caching#Part>

use std::borrow::Cow;

use super::request::{Request, text_of, write_camel};
use crate::dialect::translate::{Action, data_url, is_neutral, is_string, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::{before, clip, concat, find};

/// The media types of files, by the ends of their names.
#[rustfmt::skip]
const TYPES: [(&str, &str); 38] = [
    ("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp"), ("gif", "image/gif"),
    ("heic", "image/heic"), ("heif", "image/heif"), ("bmp", "image/bmp"), ("avif", "image/avif"),
    ("pdf", "application/pdf"), ("json", "application/json"), ("xml", "text/xml"), ("txt", "text/plain"),
    ("md", "text/markdown"), ("html", "text/html"), ("htm", "text/html"), ("css", "text/css"), ("csv", "text/csv"),
    ("rtf", "text/rtf"), ("js", "text/javascript"), ("py", "text/x-python"),
    ("wav", "audio/wav"), ("mp3", "audio/mp3"), ("aac", "audio/aac"), ("ogg", "audio/ogg"), ("flac", "audio/flac"),
    ("aiff", "audio/aiff"), ("m4a", "audio/m4a"), ("opus", "audio/opus"), ("mpga", "audio/mpga"),
    ("mp4", "video/mp4"), ("mpeg", "video/mpeg"), ("mpg", "video/mpg"), ("mov", "video/mov"), ("avi", "video/avi"),
    ("webm", "video/webm"), ("wmv", "video/wmv"), ("3gp", "video/3gpp"),
];

/// The media types that the result of a tool may have in it:
/// <https://ai.google.dev/gemini-api/docs/function-calling#multimodal>.
const IN_RESULTS: [&str; 5] = ["image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"];

/// One file.
pub struct Media<'a> {
    mime: Option<Cow<'a, str>>,
    /// The file itself in base64, or its URL.
    content: Cow<'a, str>,
    is_inline: bool,
    resolution: Option<&'static str>,
    /// What Gemini wants to know of a film.
    film: Option<Value<'a>>,
}

impl<'a> Media<'a> {
    /// Reads a part of a message.
    pub fn read(part: Value<'a>, path: &str, request: &mut Request<'_>) -> Result<Self, Error> {
        let kind = text_of(part.at("type"));
        let known = ["type", &kind, "video_metadata", "videoMetadata"];
        request.lose_others(part, &known, path);
        let inner = concat(&[path, ".", &kind]);
        let mut media = match &*kind {
            "image_url" | "video_url" | "audio_url" => Self::of_url(part.at(&kind), &inner, &kind, request)?,
            "input_audio" => Self::of_audio(part.at(&kind), &inner, request)?,
            "file" => Self::of_file(part.at(&kind), &inner, request)?,
            _ => {
                let reason = concat(&["Gemini has nothing like a part of the type `", &kind, "`."]);
                return Err(refuse(&concat(&[path, ".type"]), &reason));
            }
        };
        media.film = said(part, "video_metadata").or_else(|| said(part, "videoMetadata"));
        Ok(media)
    }

    /// A picture or a film, at a URL or in one.
    fn of_url(object: Value<'a>, path: &str, kind: &str, request: &mut Request<'_>) -> Result<Self, Error> {
        // Some send the URL alone.
        let url = object.get("url").unwrap_or(object);
        if !url.starts(b'"') || is_neutral(url) {
            return Err(refuse(&concat(&[path, ".url"]), "It must be a URL."));
        }
        let resolution = if object.starts(b'{') {
            request.lose_others(object, &["url", "detail", "format", "mime_type"], path);
            resolution(object.at("detail"), path, request)
        } else {
            None
        };
        let mut media = Self::at(text_of(url), path)?;
        media.resolution = resolution;
        if let Some(mime) = said(object, "format").or_else(|| said(object, "mime_type")) {
            media.mime = Some(text_of(mime));
        } else if media.mime.is_none() && kind == "image_url" && !is_of_google(&media.content) {
            let reason = "The URL does not tell the media type; it is taken for image/jpeg.";
            request.lose(path, Action::Assumed, reason);
            media.mime = Some(Cow::Borrowed("image/jpeg"));
        }
        Ok(media)
    }

    fn of_audio(object: Value<'a>, path: &str, request: &mut Request<'_>) -> Result<Self, Error> {
        request.lose_others(object, &["data", "format"], path);
        let data = object.at("data");
        if !data.starts(b'"') || is_neutral(data) {
            return Err(refuse(&concat(&[path, ".data"]), "It must be base64."));
        }
        let data = text_of(data);
        if data.starts_with("data:") {
            return Self::at(data, path);
        }
        let format = text_of(object.at("format")).to_ascii_lowercase();
        let mime = match &*format {
            "" => return Err(refuse(&concat(&[path, ".format"]), "It must be wav or mp3.")),
            _ if find(&format, "/").is_some() => format,
            _ => concat(&["audio/", &format]),
        };
        Ok(Self::inline(mime, data))
    }

    fn of_file(object: Value<'a>, path: &str, request: &mut Request<'_>) -> Result<Self, Error> {
        let known = ["file_data", "file_id", "file_url", "filename", "format", "mime_type", "detail"];
        request.lose_others(object, &known, path);
        // Gemini does not tell its models what files are called: the name says what is in the file, no more.
        let name = text_of(object.at("filename"));
        let mime = said(object, "format").or_else(|| said(object, "mime_type")).map(text_of);
        let named = mime.or_else(|| guess(&name).map(Cow::Borrowed));
        let resolution = resolution(object.at("detail"), path, request);
        let (data, id) = (said(object, "file_data"), said(object, "file_id").or_else(|| said(object, "file_url")));
        let mut media = match (data.map(text_of), id.map(text_of)) {
            // No base64 has a colon in it, and each URL has one in its beginning.
            (Some(data), _) if find(clip(&data, 8), ":").is_some() => Self::at(data, path)?,
            (Some(data), _) if !data.is_empty() => {
                let mime = named.clone().unwrap_or_else(|| {
                    request.lose(
                        path,
                        Action::Assumed,
                        "Nothing tells the media type; it is taken for application/pdf.",
                    );
                    Cow::Borrowed("application/pdf")
                });
                Self::inline(mime.into_owned(), data)
            }
            (_, Some(id)) if !id.is_empty() => {
                let mut media = Self::at(if id.starts_with("files/") { Cow::Owned(whole_uri(&id)) } else { id }, path)?;
                media.mime = named.or(media.mime);
                media
            }
            _ => return Err(refuse(path, "It must have `file_data` or a `file_id`.")),
        };
        media.resolution = resolution;
        Ok(media)
    }

    fn inline(mime: String, content: Cow<'a, str>) -> Self {
        Self { mime: Some(usual(Cow::Owned(mime))), content, is_inline: true, resolution: None, film: None }
    }

    /// What is in a URL, or at one.
    pub fn at(url: Cow<'a, str>, path: &str) -> Result<Self, Error> {
        if let Some((mime, data)) = data_url(&url) {
            let content = match &url {
                // The data is the end of the URL.
                Cow::Borrowed(url) => Cow::Borrowed(url.get(url.len() - data.len()..).unwrap_or_default()),
                Cow::Owned(_) => Cow::Owned(data.to_owned()),
            };
            let mime = if mime.is_empty() { "text/plain".to_owned() } else { mime };
            return Ok(Self::inline(mime, content));
        }
        if url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            return Err(refuse(path, "The data of a `data:` URL must be in base64."));
        }
        let mime = guess(&url).map(Cow::Borrowed);
        Ok(Self { mime, content: url, is_inline: false, resolution: None, film: None })
    }

    /// Whether the result of a tool may have it in it.
    pub fn fits_results(&self) -> bool {
        self.is_inline && self.mime.as_deref().is_some_and(|mime| IN_RESULTS.contains(&mime))
    }

    /// Writes the part, with the signature that it came with.
    pub fn write(&self, out: &mut Writer, signature: Option<Value<'_>>) {
        out.begin_object();
        out.key(if self.is_inline { "inlineData" } else { "fileData" });
        out.begin_object();
        if let Some(mime) = &self.mime {
            out.member("mimeType", mime);
        }
        out.member(if self.is_inline { "data" } else { "fileUri" }, &self.content);
        out.end_object();
        if let Some(level) = self.resolution {
            out.key("mediaResolution");
            out.begin_object();
            out.member("level", level);
            out.end_object();
        }
        if let Some(film) = self.film {
            out.key("videoMetadata");
            write_camel(out, film);
        }
        if let Some(signature) = signature {
            out.member_copy("thoughtSignature", signature);
        }
        out.end_object();
    }
}

/// What OpenAI's `detail` comes to: <https://ai.google.dev/gemini-api/docs/media-resolution>.
fn resolution(detail: Value<'_>, path: &str, request: &mut Request<'_>) -> Option<&'static str> {
    if detail.bytes().is_empty() || is_neutral(detail) || is_string(detail, "auto") {
        return None;
    }
    let level = match &*text_of(detail) {
        "low" => Some("MEDIA_RESOLUTION_LOW"),
        "medium" => Some("MEDIA_RESOLUTION_MEDIUM"),
        "high" => Some("MEDIA_RESOLUTION_HIGH"),
        "original" => Some("MEDIA_RESOLUTION_ULTRA_HIGH"),
        _ => None,
    };
    let level = level.filter(|_| request.family.media);
    if level.is_none() {
        let reason = "The model takes no such resolution for one file.";
        request.lose(&concat(&[path, ".detail"]), Action::Dropped, reason);
    }
    level
}

/// The media type of what has this name or URL.
fn guess(name: &str) -> Option<&'static str> {
    let path = before(name, |byte| matches!(byte, b'?' | b'#'));
    let file = path.rsplit('/').next().unwrap_or_default();
    let (stem, end) = file.rsplit_once('.')?;
    let end = end.to_ascii_lowercase();
    // A host is no file: `https://example.com`.
    let is_host = path.strip_suffix(file).is_some_and(|start| start.ends_with("//"));
    TYPES.iter().find(|(name, _)| *name == end && !stem.is_empty() && !is_host).map(|(_, mime)| *mime)
}

/// A media type by the name that Gemini knows it by.
fn usual(mime: Cow<'_, str>) -> Cow<'_, str> {
    match &*mime {
        "image/jpg" => Cow::Borrowed("image/jpeg"),
        _ => mime,
    }
}

/// Whether Google itself knows what is at a URL: a file that was uploaded there, or a film on YouTube.
fn is_of_google(url: &str) -> bool {
    let hosts = ["generativelanguage.googleapis.com/", "www.youtube.com/", "youtube.com/", "youtu.be/"];
    let rest = url.strip_prefix("https://").unwrap_or_default();
    hosts.iter().any(|host| rest.starts_with(host))
}

/// The URI of an uploaded file: <https://ai.google.dev/api/files>.
fn whole_uri(id: &str) -> String {
    concat(&["https://generativelanguage.googleapis.com/v1beta/", id])
}
