//! What is checked at the door, and where a request goes.

use crate::error::{Error, Kind};
use crate::text::{self, concat};

/// The path of chat completions under a base URL.
pub const CHAT_COMPLETIONS: &str = "/chat/completions";
/// The path of the list of models under a base URL.
pub const MODELS: &str = "/models";

/// The time allowed when the caller does not say, in milliseconds: ten minutes.
pub const TIMEOUT_MS: f64 = 600_000.0;
/// How long a stream may be silent when the caller does not say, in milliseconds: five minutes.
pub const IDLE_MS: f64 = 300_000.0;
/// The most `max_tokens` of an answer that is not streamed, where the caller sets no time: at 128 000 tokens an hour, as
/// Anthropic's client reckons, so many take ten minutes.
pub const MAX_WHOLE_TOKENS: f64 = 21_333.0;

/// AIHubMix's public catalogue for a base URL: its trailing `/v1` becomes `/api/v1/models`.
///
/// # Errors
/// [`Kind::InvalidRequest`] when the base URL does not end in `/v1`.
pub fn catalogue_url(base_url: &str) -> Result<String, Error> {
    match base_url.strip_suffix("/v1") {
        Some(root) => Ok(concat(&[root, "/api/v1/models"])),
        None => Err(invalid("The catalogue needs a `baseURL` that ends in `/v1`, such as `https://aihubmix.com/v1`.")),
    }
}

/// Whether a path is a whole URL, which stands for itself.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    path.starts_with("https://") || path.starts_with("http://")
}

/// The scheme and host of a URL: all of it that a message may show.
#[must_use]
pub fn origin(url: &str) -> &str {
    let host = text::find(url, "://").map_or(0, |at| at + 3);
    let authority = text::before(url.get(host..).unwrap_or_default(), |byte| matches!(byte, b'/' | b'?' | b'#'));
    if text::find(authority, "@").is_some() {
        // A user name and a password are secrets, and without them it is another address.
        return "the address";
    }
    url.get(..host + authority.len()).unwrap_or_default()
}

/// Checks a header before the platform sees it, whose own complaint would quote the value.
///
/// The name must be a token and the value may hold no control character but the tab, nor anything over U+00FF:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5>.
///
/// # Errors
/// [`Kind::InvalidRequest`], which names the header and never shows its value.
pub fn check_header(name: &str, value: &str) -> Result<(), Error> {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(invalid("A header name may hold only ASCII letters, digits and the characters !#$%&'*+-.^_`|~."));
    }
    if !is_header_value(value) {
        return Err(invalid(&concat(&[
            "The value of the header `",
            name,
            "` has a character that no header can carry: a line break, a control character, or one outside Latin-1.",
        ])));
    }
    Ok(())
}

/// Checks an API key: it must be sendable in a header.
///
/// # Errors
/// [`Kind::MissingApiKey`], which never shows the key.
pub fn check_api_key(key: &str) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::new(
            Kind::MissingApiKey,
            "The API key is missing or empty. Pass `apiKey` to `new Chatmux({ apiKey })` as a string or an async function; the environment's `AIHUBMIX_API_KEY` counts for AIHubMix's own hosts only.",
        ));
    }
    if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Error::new(
            Kind::MissingApiKey,
            "The API key has a line break or a character outside ASCII in it. Copy it again, whole and alone.",
        ));
    }
    Ok(())
}

/// An error of the caller's making.
#[must_use]
pub fn invalid(message: &str) -> Error {
    Error::new(Kind::InvalidRequest, message)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

fn is_header_value(value: &str) -> bool {
    // In UTF-8 the bytes over 0xc3 start the characters over U+00FF.
    value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xc3))
}
