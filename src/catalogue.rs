//! The models that AIHubMix offers, as its public catalogue describes them:
//! <https://docs.aihubmix.com/en/api/Models-API>.

use serde::Serialize;

/// One model of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// Prices in USD per million tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pricing {
    /// Of tokens sent. Not a number where the catalogue does not say.
    pub input: f64,
    /// Of tokens generated. Not a number where the catalogue does not say.
    pub output: f64,
    /// Of tokens read from a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    /// Of tokens written to a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
}

/// The items of one of the catalogue's comma lists.
///
/// ```
/// assert_eq!(chatmux::catalogue::split_list("text, image,"), ["text", "image"]);
/// ```
#[must_use]
pub fn split_list(list: &str) -> Vec<String> {
    list.split(',').map(str::trim_ascii).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
