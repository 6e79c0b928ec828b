//! Small things with text that the standard library does with machinery worth several kilobytes of wasm: its searches
//! are built for long needles, and its slices bring the messages of their panics.

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
