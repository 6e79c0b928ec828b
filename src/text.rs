//! Small things with text that the standard library does with machinery worth several kilobytes of wasm: its searches
//! are built for long needles, and its slices bring the messages of their panics.

use std::borrow::Cow;

/// Eight bytes that are one each, and eight of which the top bit alone is set: to look at eight bytes in one step.
pub const ONES: u64 = 0x0101_0101_0101_0101;
/// See [`ONES`].
pub const TOPS: u64 = 0x8080_8080_8080_8080;

/// Where `needle` first stands in `haystack`, in bytes.
pub fn find(haystack: &str, needle: &str) -> Option<usize> {
    haystack.as_bytes().windows(needle.len().max(1)).position(|window| window == needle.as_bytes())
}

/// `text` with every `old` replaced by `new`.
pub fn replace(mut text: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len());
    while let Some(at) = find(text, old) {
        out.push_str(text.get(..at).unwrap_or_default());
        out.push_str(new);
        text = text.get(at + old.len()..).unwrap_or_default();
    }
    out.push_str(text);
    out
}

/// The texts as one.
pub fn concat(texts: &[&str]) -> String {
    let mut whole = String::new();
    for text in texts {
        whole.push_str(text);
    }
    whole
}

/// UTF-8 as the web decodes it: what is none becomes U+FFFD.
pub fn decode(mut bytes: &[u8]) -> Cow<'_, str> {
    let mut decoded = String::new();
    loop {
        let wrong = match std::str::from_utf8(bytes) {
            Ok(text) if decoded.is_empty() => return Cow::Borrowed(text),
            Ok(text) => {
                decoded.push_str(text);
                return Cow::Owned(decoded);
            }
            Err(wrong) => wrong,
        };
        let (valid, rest) = bytes.split_at_checked(wrong.valid_up_to()).unwrap_or_default();
        decoded.push_str(std::str::from_utf8(valid).unwrap_or_default());
        decoded.push(char::REPLACEMENT_CHARACTER);
        bytes = wrong.error_len().and_then(|length| rest.get(length..)).unwrap_or_default();
    }
}

/// What stands before the first byte that `ends` names; the whole text where there is none.
pub fn before(text: &str, ends: impl FnMut(u8) -> bool) -> &str {
    let end = text.bytes().position(ends).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The first `count` characters.
pub fn clip(text: &str, count: usize) -> &str {
    let mut seen = 0;
    before(text, |byte| {
        // Every byte but those that continue a character starts one.
        seen += usize::from(byte & 0xc0 != 0x80);
        seen > count
    })
}

/// A number written in ASCII digits alone: no sign, no fraction, not empty, not over `u32::MAX`.
pub fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u32::from(digit - b'0')),
        _ => None,
    })
}

/// Writes a number in decimal digits.
pub fn push_decimal(text: &mut String, number: u64) {
    if number > 9 {
        push_decimal(text, number / 10);
    }
    text.push(char::from_digit((number % 10) as u32, 10).unwrap_or('0'));
}
