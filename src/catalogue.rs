//! The models that AIHubMix offers, as its public catalogue describes them:
//! <https://docs.aihubmix.com/en/api/Models-API>.

use serde::ser::{Serialize, Serializer};

use crate::plain::Plain;
use crate::text;

/// One model of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueModel {
    /// The id to send as `model`.
    pub id: String,
    /// The name for people; the id where the catalogue has none.
    pub name: String,
    /// Who made the model, as the catalogue names them.
    pub developer: String,
    /// What the model is good for, in prose.
    pub description: String,
    /// What it makes: `llm`, `image_generation`, …
    pub types: Vec<String>,
    /// What it can do: `thinking`, `tools`, …
    pub features: Vec<String>,
    /// What it can be given: `text`, `image`, …
    pub input_modalities: Vec<String>,
    /// The protocols that reach it: `chat_completions`, `claude_api`, …
    pub endpoints: Vec<String>,
    /// The context window in tokens; `None` where the catalogue does not say.
    pub context_length: Option<f64>,
    /// The longest answer in tokens; `None` where the catalogue does not say.
    pub max_output: Option<f64>,
    /// The prices.
    pub pricing: Pricing,
}

impl Serialize for CatalogueModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pricing = self.pricing.members();
        let members = [
            ("id", Plain::Text(&self.id)),
            ("name", Plain::Text(&self.name)),
            ("developer", Plain::Text(&self.developer)),
            ("description", Plain::Text(&self.description)),
            ("types", Plain::Texts(&self.types)),
            ("features", Plain::Texts(&self.features)),
            ("input_modalities", Plain::Texts(&self.input_modalities)),
            ("endpoints", Plain::Texts(&self.endpoints)),
            ("context_length", self.context_length.map_or(Plain::Null, Plain::Number)),
            ("max_output", self.max_output.map_or(Plain::Null, Plain::Number)),
            ("pricing", Plain::Map(&pricing)),
        ];
        Plain::Map(&members).serialize(serializer)
    }
}

impl Pricing {
    fn members(&self) -> [(&'static str, Plain<'static>); 4] {
        [
            ("input", Plain::Number(self.input)),
            ("output", Plain::Number(self.output)),
            ("cache_read", self.cache_read.map_or(Plain::Absent, Plain::Number)),
            ("cache_write", self.cache_write.map_or(Plain::Absent, Plain::Number)),
        ]
    }
}

impl Serialize for Pricing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain::Map(&self.members()).serialize(serializer)
    }
}

/// Prices in USD per million tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Pricing {
    /// Of tokens sent. Not a number where the catalogue does not say.
    pub input: f64,
    /// Of tokens generated. Not a number where the catalogue does not say.
    pub output: f64,
    /// Of tokens read from a prompt cache.
    pub cache_read: Option<f64>,
    /// Of tokens written to a prompt cache.
    pub cache_write: Option<f64>,
}

/// The items of one of the catalogue's comma lists.
///
/// ```
/// assert_eq!(chatmux::catalogue::split_list("text, image,"), ["text", "image"]);
/// ```
#[must_use]
pub fn split_list(list: &str) -> Vec<String> {
    let (mut items, mut rest) = (Vec::new(), Some(list));
    while let Some(list) = rest {
        let item = text::before(list, |byte| byte == b',');
        rest = list.get(item.len() + 1..);
        if !item.trim_ascii().is_empty() {
            items.push(item.trim_ascii().to_owned());
        }
    }
    items
}
