//! The way back as text: it is kept by whoever has sent the request, for as long as it may be answered.

use super::translate::WayBack;
use crate::json::{Tree, Value, Writer};

impl WayBack {
    /// What there is to know, as JSON.
    #[must_use]
    pub fn write(&self) -> String {
        // All members by name: a new one is not forgotten here.
        let Self { model, customs, has_answer_tool, include_usage, may_cite } = self;
        let mut out = Writer::default();
        out.begin_object();
        out.member("model", model);
        out.key("customs");
        out.begin_list();
        for name in customs {
            out.string(name);
        }
        out.end_list();
        for (name, is_so) in
            [("has_answer_tool", has_answer_tool), ("include_usage", include_usage), ("may_cite", may_cite)]
        {
            out.member_raw(name, if *is_so { "true" } else { "false" });
        }
        out.end_object();
        out.into_json()
    }

    /// What [`write`](Self::write) has written; of any other text, what is not in it is as in a request that asks for
    /// nothing.
    #[must_use]
    pub fn read(json: &str) -> Self {
        let mut tree = Tree::whole();
        let Ok(root) = tree.add(json) else { return Self::default() };
        let root = tree.value(root);
        let text = |value: Value<'_>| value.string().map(|text| text.text().into_owned()).unwrap_or_default();
        let is_so = |name| root.at(name).bytes() == b"true";
        Self {
            model: text(root.at("model")),
            customs: root.at("customs").items().map(text).collect(),
            has_answer_tool: is_so("has_answer_tool"),
            include_usage: is_so("include_usage"),
            may_cite: is_so("may_cite"),
        }
    }
}
