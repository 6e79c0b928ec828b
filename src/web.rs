//! The host: the one place that names `fetch`, timers, abort signals and JavaScript values, and the async functions
//! that JavaScript calls.
//!
//! - `options`: what a call takes; `headers`: the caller's headers, merged and checked.
//! - `attempt`: one try, with its abort controller and its timer.
//! - `fetch`: the tries, until one is answered or the policy gives up; `bases`: where each of them goes.
//! - `reply`: a response of any class; `answer`: a successful one, read; `failure`: errors on their way out.
//! - `stream`: the handle that a `for await` loop feeds.
//! - `catalogue`: AIHubMix's catalogue, read and typed; `host`: the host's own functions.
//! - `traps`: ways to lose the instance, in a test build alone.

mod answer;
mod attempt;
mod bases;
mod catalogue;
mod failure;
mod fetch;
mod headers;
mod host;
mod options;
mod reply;
mod stream;
#[cfg(feature = "test-traps")]
mod traps;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::error::{Error, Kind};
use crate::request::MAX_WHOLE_TOKENS;
pub use failure::Failure;
use failure::invalid;
use fetch::{ANY, ANY_STREAM, CATALOGUE, CHAT, CHAT_STREAM, Call, MODELS, Route};
pub use options::CallOptions;
use options::Options;
pub use stream::ChunkSource;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type {
  CatalogueModel, ChatCompletion, ChatCompletionCreateParamsNonStreaming, ChatCompletionCreateParamsStreaming, ModelList,
} from "../types.js";
import type { CallOptions } from "../options.js";
"#;

/// Asks for a whole chat completion; its JSON is among the options. Rejects with error data that has a `kind`: everything that [`Kind`] lists.
///
/// See <https://platform.openai.com/docs/api-reference/chat/create>.
#[wasm_bindgen(js_name = createChatCompletion, unchecked_return_type = "Promise<ChatCompletion>")]
pub fn create_chat_completion(
    #[wasm_bindgen(unchecked_param_type = "ChatCompletionCreateParamsNonStreaming")] request: &JsValue,
    options: &CallOptions,
) -> Promise {
    answer(&CHAT, options, request)
}

/// Asks for a streamed chat completion, whose JSON is among the options, and resolves when its headers have arrived.
/// Rejects with error data.
#[wasm_bindgen(js_name = createChatCompletionStream, unchecked_return_type = "Promise<ChunkSource>")]
pub fn create_chat_completion_stream(
    #[wasm_bindgen(unchecked_param_type = "ChatCompletionCreateParamsStreaming")] request: &JsValue,
    options: &CallOptions,
) -> Promise {
    answer(&CHAT_STREAM, options, request)
}

/// Lists the models of the account: `GET {baseURL}/models`. Rejects with error data.
#[wasm_bindgen(js_name = listModels, unchecked_return_type = "Promise<ModelList>")]
pub fn list_models(options: &CallOptions) -> Promise {
    answer(&MODELS, options, &JsValue::UNDEFINED)
}

/// Lists AIHubMix's public catalogue, without a key. Rejects with error data.
#[wasm_bindgen(js_name = listCatalogue, unchecked_return_type = "Promise<CatalogueModel[]>")]
pub fn list_catalogue(options: &CallOptions) -> Promise {
    answer(&CATALOGUE, options, &JsValue::UNDEFINED)
}

/// Sends any other request: the method, the path, the body, and whether the answer is a stream are among the options. Resolves to JSON, text or a [`ChunkSource`], and rejects with error data.
#[wasm_bindgen(unchecked_return_type = "Promise<unknown>")]
pub fn request(options: &CallOptions) -> Promise {
    answer(if options.is_stream() { &ANY_STREAM } else { &ANY }, options, &JsValue::UNDEFINED)
}

/// The one road that all calls take. They return its promise rather than being `async` themselves, since each kind
/// of future brings its own copy of what drives it.
fn answer(route: &'static Route, options: &CallOptions, request: &JsValue) -> Promise {
    let call = Call::new(route, options, request);
    future_to_promise(async { Ok(call?.answer().await?) })
}

/// The list of an account's models, when it is one.
fn model_list(list: JsValue) -> failure::Result<JsValue> {
    if !Array::is_array(&host::get(&list, "data")) {
        let message = "The server's reply is no list of models: it has no list `data`.";
        return Err(Error::new(Kind::MalformedResponse, message).with_status(200).into());
    }
    Ok(list)
}

/// Checks a chat request, as it is sent.
fn check(request: &JsValue, options: &Options, is_stream: bool) -> failure::Result<()> {
    let messages = host::get(request, "messages");
    let said = if host::get_text(request, "model").is_none() {
        "`model` is missing: name a model by its id, such as `gpt-4o-mini`."
    } else if !Array::is_array(&messages) {
        "`messages` is missing: pass an array such as `[{ role: \"user\", content: \"Hello\" }]`."
    } else if host::is_true(request, "stream") != is_stream {
        "`stream` does not fit the call: `createChatCompletionStream` takes a request with `stream: true`, `createChatCompletion` one without."
    } else if host::get_number(request, "max_tokens").is_some_and(|tokens| tokens > MAX_WHOLE_TOKENS)
        && !is_stream
        && !options.has_timeout
    {
        "So many `max_tokens` may take longer than 10 minutes: ask for a stream, or say how long to wait with `timeout`."
    } else {
        return Ok(());
    };
    Err(invalid(said))
}
