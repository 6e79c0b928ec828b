//! JSON schemas, as far as the dialects look at them alike: what a reference refers to, whether a schema contains itself,
//! and which `allOf` says no more than the one schema in it.
//!
//! <https://json-schema.org/draft/2020-12/json-schema-core>

use crate::json::Value;
use crate::text::replace;

/// What may stand beside a reference, and says nothing of which values fit, but for null in OpenAPI.
pub const BESIDE: [&str; 6] = ["$id", "$anchor", "title", "description", "default", "nullable"];

/// What holds values, not schemas.
const VALUES: [&str; 4] = ["const", "default", "enum", "examples"];

/// The only schema of an `allOf` that has one, and says nothing that the schema around it says as well: pydantic 1 and
/// others wrap a reference in it, so that something may stand beside it.
pub fn only(schema: Value<'_>) -> Option<Value<'_>> {
    let mut all = schema.at("allOf").items();
    let first = all.next().filter(|first| first.starts(b'{') && first.get("allOf").is_none())?;
    let is_said =
        |member: Value<'_>| !member.is("description") && schema.children().any(|own| own.key() == member.key());
    let has_siblings = schema.children().any(|own| !own.is("allOf") && !BESIDE.iter().any(|name| own.is(name)));
    let refers = first.get("$ref").is_some() && has_siblings;
    (all.next().is_none() && !refers && !first.children().any(is_said)).then_some(first)
}

/// What a reference refers to within the same schema.
///
/// <https://www.rfc-editor.org/rfc/rfc6901>
pub fn resolve<'a>(root: Value<'a>, reference: Value<'_>) -> Option<Value<'a>> {
    let reference = reference.string()?.text();
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    let mut value = root;
    for name in pointer.strip_prefix('/')?.split('/') {
        // A name is escaped for the pointer, and that for the URL in which it stands.
        let name = replace(&replace(&from_url(name), "~1", "/"), "~0", "~");
        let is_list = value.starts(b'[');
        value = if is_list { value.items().nth(name.parse().ok()?)? } else { value.get(&name)? };
    }
    Some(value)
}

fn from_url(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    crate::text::decode(&bytes).into_owned()
}

/// Whether a schema contains itself, by way of its references. What refers to nothing contains nothing.
pub fn is_recursive(root: Value<'_>) -> bool {
    enum Step<'a> {
        Into(Value<'a>),
        OutOf(usize),
    }
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    // No recursion of its own: a chain of references is as long as who wrote it likes.
    let mut seen: Vec<u8> = Vec::new();
    let mut steps = vec![Step::Into(root)];
    while let Some(step) = steps.pop() {
        let number = match &step {
            Step::Into(value) => value.number(),
            Step::OutOf(number) => *number,
        };
        if seen.len() <= number {
            seen.resize(number + 1, 0);
        }
        let Some(state) = seen.get_mut(number) else { continue };
        match (step, *state) {
            (Step::OutOf(_), _) => *state = DONE,
            (Step::Into(_), DONE) => {}
            (Step::Into(_), OPEN) => return true,
            (Step::Into(value), _) => {
                *state = OPEN;
                steps.push(Step::OutOf(number));
                let schemas = value.children().filter(|member| !VALUES.iter().any(|name| member.is(name)));
                steps.extend(schemas.filter(|member| member.starts(b'{') || member.starts(b'[')).map(Step::Into));
                let target = value.get("$ref").and_then(|reference| resolve(root, reference));
                steps.extend(target.map(Step::Into));
            }
        }
    }
    false
}
