//! Blocks that are put together before anything is said of them.

use super::blocks::Item;

use crate::json::{MAX_MEMBERS, Tree, Value, Writer, inside};

/// A block as it has come so far.
#[derive(Debug)]
pub struct Kept {
    /// The names of its members, and their values as JSON.
    members: Vec<(String, String)>,
    /// What was said to a tool since the block began, as JSON.
    input: String,
}

impl Kept {
    /// A block that begins like this.
    pub fn new(block: Value<'_>) -> Self {
        let member = |member: Value<'_>| (member.key().text().into_owned(), member.raw().to_owned());
        Self { members: block.children().take(MAX_MEMBERS).map(member).collect(), input: String::new() }
    }

    /// Adds what a delta says: a text to one that was begun; anything else takes the place of what was there.
    pub fn add(&mut self, delta: Value<'_>) {
        for new in delta.children().take(MAX_MEMBERS).filter(|new| !new.is("type") && !new.starts(b'n')) {
            if new.is("partial_json") {
                self.input.push_str(&new.string().map(|part| part.text()).unwrap_or_default());
                continue;
            }
            let (name, json) = (new.key().text(), new.raw());
            let has_room = self.members.len() < MAX_MEMBERS;
            match self.members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if known.starts_with('"') && json.starts_with('"') => {
                    known.pop();
                    known.push_str(std::str::from_utf8(inside(json.as_bytes())).unwrap_or_default());
                    known.push('"');
                }
                Some((_, known)) => json.clone_into(known),
                None if has_room => self.members.push((name.into_owned(), json.to_owned())),
                None => {}
            }
        }
    }

    /// Hands out the whole block, and what kind of item it is.
    pub fn read(&self, read: impl FnOnce(Item, Value<'_>)) {
        let mut tree = Tree::whole();
        let is_json = tree.add(&self.input).is_ok();
        let mut out = Writer::default();
        out.begin_object();
        for (name, json) in &self.members {
            match &**name {
                "input" if is_json => out.member_raw("input", &self.input),
                // It was cut: nobody takes it back, but nothing of it is lost.
                "input" if !self.input.is_empty() => out.member("input", &self.input),
                name => out.member_raw(name, json),
            }
        }
        out.end_object();
        let mut block = Tree::whole();
        if let Ok(root) = block.add(out.json()) {
            let block = block.value(root);

            read(Item::of(block.at("type")), block);
        }
    }
}
