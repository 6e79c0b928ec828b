//! The tries of a call: `fetch(url, init)`, the host's own or the caller's, until one is answered or the policy gives
//! up.

use gloo_net::http::{Headers, QueryParams};
use js_sys::{Function, JsString, Math, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::answer::Answer;
use super::attempt::{self, Attempt};
use super::failure::Failure;
use super::options::CallOptions;
use super::reply::Reply;
use super::stream::ChunkSource;
use super::{headers, host};
use crate::error::{Error, Kind};
use crate::request::{self, check_api_key, invalid};
use crate::retry::{self, delay_ms, should_retry};
use crate::text;

/// The headers that carry a key: OpenAI's, Anthropic's, Azure's.
const KEY_HEADERS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// What the answer is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// One JSON document.
    Json,
    /// An event stream.
    EventStream,
}

/// A request, ready for as many tries as it takes.
pub struct Call {
    options: CallOptions,
    url: String,
    query: QueryParams,
    /// Present: a POST of JSON. Absent: a GET.
    body: Option<JsString>,
    accept: Accept,
    with_key: bool,
    timeout_ms: f64,
    max_retries: u32,
}

impl Call {
    /// A chat completion with this body.
    pub fn chat(options: CallOptions, body: JsString, accept: Accept) -> Result<Self, Failure> {
        let url = [&options.base_url(), request::CHAT_COMPLETIONS].concat();
        Self::new(options, url, Some(body), accept, true)
    }

    /// A GET of a JSON document, with the key or without it.
    pub fn get(options: CallOptions, url: String, with_key: bool) -> Result<Self, Failure> {
        Self::new(options, url, None, Accept::Json, with_key)
    }

    fn new(
        options: CallOptions,
        url: String,
        body: Option<JsString>,
        accept: Accept,
        with_key: bool,
    ) -> Result<Self, Failure> {
        let timeout_ms = options.timeout().unwrap_or(request::TIMEOUT_MS);
        if timeout_ms.is_nan() || timeout_ms < 0.0 {
            return Err(invalid("`timeout` must be a number of milliseconds.").into());
        }
        let max_retries = options.max_retries().unwrap_or(f64::from(retry::MAX_RETRIES));
        if max_retries.is_nan() || max_retries < 0.0 || max_retries.fract() != 0.0 {
            return Err(invalid("`maxRetries` must be a whole number, 0 or more.").into());
        }
        let query = QueryParams::new();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above; a cast saturates")]
        let mut call =
            Self { options, url, query, body, accept, with_key, timeout_ms, max_retries: max_retries as u32 };
        call.add_query(&call.options.default_query())?;
        call.add_query(&call.options.query())?;
        Ok(call)
    }

    /// Adds query parameters; a name that was there gets the new value, `null` and `undefined` take it away, a list
    /// becomes a comma list.
    pub fn add_query(&mut self, params: &JsValue) -> Result<(), Failure> {
        if params.is_null() || params.is_undefined() {
            return Ok(());
        }
        if !params.is_object() {
            return Err(invalid("Query parameters must be an object of names and values.").into());
        }
        for pair in Object::entries(params.unchecked_ref()).iter() {
            let pair = js_sys::Array::from(&pair);
            let (name, value) = (pair.get(0).as_string().unwrap_or_default(), pair.get(1));
            self.query.delete(&name);
            if !value.is_null() && !value.is_undefined() {
                let text = host::to_text(&value).map_err(|cause| {
                    Failure::from(invalid("A query parameter cannot be written as text.")).caused_by(cause)
                })?;
                self.query.append(&name, &String::from(text));
            }
        }
        Ok(())
    }

    /// Sends the request, again where the policy says so, and reads the whole answer.
    pub async fn json(self) -> Result<JsValue, Failure> {
        self.send().await?.json().await
    }

    /// Sends the request, again where the policy says so, and gives the stream of the answer, ready to be read.
    pub async fn stream(self) -> Result<ChunkSource, Failure> {
        self.send().await?.stream().await
    }

    async fn send(&self) -> Result<Answer, Failure> {
        let signal = self.options.signal();
        let mut tried = 0;
        loop {
            if let Some(signal) = signal.as_ref().filter(|signal| signal.aborted()) {
                return Err(attempt::aborted(signal));
            }
            let last = tried >= self.max_retries;
            match self.attempt(last).await {
                Ok(answer) => return Ok(answer),
                Err(Refusal { failure, again: Some(asked_ms) }) if !last => {
                    drop(failure);
                    attempt::sleep(delay_ms(tried, asked_ms, Math::random()), signal.as_ref()).await;
                    tried += 1;
                }
                Err(Refusal { failure, .. }) => return Err(failure),
            }
        }
    }

    /// One try.
    async fn attempt(&self, last: bool) -> Result<Answer, Refusal> {
        let attempt = Attempt::start(self.timeout_ms, self.options.signal())
            .map_err(|cause| Failure::from(invalid("This host has no AbortController.")).caused_by(cause))?;
        let key = if self.with_key { self.api_key(&attempt).await? } else { String::new() };
        let tried = async {
            let init = self.init(&key, &attempt)?;
            self.respond(&init, &attempt, last).await
        };
        match tried.await {
            Ok(reply) => Ok(Answer::new(reply, attempt, key)),
            Err(Refusal { failure, again }) => Err(Refusal { failure: failure.redact(&key), again }),
        }
    }

    /// Calls `fetch` and sorts what comes back into answers and refusals.
    async fn respond(&self, init: &Object, attempt: &Attempt, last: bool) -> Result<Reply, Refusal> {
        let pending = self.fetch()?.call2(&JsValue::UNDEFINED, &self.url_with_query().into(), init);
        // A caller's `fetch` may throw at once, or give something that is no promise.
        let pending = pending.unwrap_or_else(|cause| js_sys::Promise::reject(&cause).into());
        let reply = match attempt.wait(&pending).await {
            Ok(response) if response.is_object() => Reply::new(response),
            Ok(_) => return Err(invalid("`fetch` did not return a response.").into()),
            Err(failure) => return Err(self.no_answer(failure)),
        };
        let status = reply.status();
        if matches!(status, 200..=299) {
            return Ok(reply);
        }
        if status == 0 || Kind::of_status(status) == Kind::Redirect {
            reply.cancel();
            return Err(redirected(&reply).into());
        }
        let advice = reply.header("x-should-retry");
        let may_retry = |kind| should_retry(kind, Some(status), advice.as_deref());
        let asked_ms = asked_ms(&reply);
        // The text of a 503 tells a wrong model id from an overload; any other body is not read to be thrown away.
        if !last && status != 503 && may_retry(Kind::of_status(status)) {
            reply.cancel();
            let error = Error::new(Kind::of_status(status), "").with_status(status);
            return Err(Refusal { failure: error.into(), again: Some(asked_ms) });
        }
        let error = Error::from_response(status, &reply.text(attempt).await?);
        let again = may_retry(error.kind).then_some(asked_ms);
        Err(Refusal { failure: reply.describe(error.into()), again })
    }

    /// The refusal when no response came.
    fn no_answer(&self, mut failure: Failure) -> Refusal {
        if failure.error.kind == Kind::Connection {
            let reason = std::mem::take(&mut failure.error.message);
            failure.error.message =
                ["Connection error: could not reach `", request::origin(&self.url), "` (", &reason, ")."].concat();
        }
        let again = should_retry(failure.error.kind, None, None).then_some(None);
        Refusal { failure, again }
    }

    fn fetch(&self) -> Result<Function, Failure> {
        let own = self.options.fetch();
        let fetch = if own.is_undefined() || own.is_null() { host::get(&js_sys::global(), "fetch") } else { own };
        fetch.dyn_into().map_err(|_| invalid("`fetch` is not a function, and this host has none of its own.").into())
    }

    /// The key for this try: the string, or what the function gives now.
    async fn api_key(&self, attempt: &Attempt) -> Result<String, Failure> {
        let option = self.options.api_key();
        let key = match option.dyn_ref::<Function>() {
            None => option,
            Some(function) => {
                let given = function.call0(&JsValue::UNDEFINED);
                let given = given.unwrap_or_else(|cause| js_sys::Promise::reject(&cause).into());
                attempt.wait(&given).await.map_err(|mut failure| {
                    if failure.error.kind == Kind::Connection {
                        failure.error = Error::new(Kind::MissingApiKey, "The `apiKey` function failed; see `cause`.");
                    }
                    failure
                })?
            }
        };
        match key.as_string() {
            Some(key) => Ok(key.trim_ascii().to_owned()),
            None if key.is_null() || key.is_undefined() => Ok(String::new()),
            None => {
                Err(Error::new(Kind::MissingApiKey, "`apiKey` must be a string, or a function that gives one.").into())
            }
        }
    }

    /// The second argument of `fetch`. On the OpenAI road only `authorization`, `content-type` and `accept` are sent
    /// by default: any other header would have to be allowed by the server's preflight answer.
    fn init(&self, key: &str, attempt: &Attempt) -> Result<Object, Failure> {
        let headers = Headers::new();
        headers.set(
            "accept",
            match self.accept {
                Accept::Json => "application/json",
                Accept::EventStream => "text/event-stream",
            },
        );
        if self.body.is_some() {
            headers.set("content-type", "application/json");
        }
        if self.with_key {
            if !key.is_empty() {
                check_api_key(key)?;
                headers.set("authorization", &["Bearer ", key].concat());
            }
            if let Some(code) = self.options.app_code() {
                headers::set(&headers, "APP-Code", &code)?;
            }
        }
        headers::merge(&headers, &self.options.default_headers())?;
        if !self.with_key {
            KEY_HEADERS.iter().for_each(|name| headers.delete(name));
        }
        headers::merge(&headers, &self.options.headers())?;
        if self.with_key && key.is_empty() && !KEY_HEADERS.iter().any(|name| headers.has(name)) {
            check_api_key(key)?;
        }
        let init = Object::new();
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let members = [
            ("method", method.into()),
            ("headers", headers.into_raw().into()),
            ("body", self.body.clone().map_or(JsValue::UNDEFINED, Into::into)),
            ("signal", attempt.controller().signal().into()),
            // A redirect could carry the key to another origin.
            ("redirect", "manual".into()),
        ];
        for (name, value) in members {
            if !value.is_undefined() {
                // A plain object that was made here takes any property.
                let _ = Reflect::set(&init, &name.into(), &value);
            }
        }
        Ok(init)
    }

    fn url_with_query(&self) -> String {
        let query = self.query.to_string();
        if query.is_empty() { self.url.clone() } else { [&self.url, "?", &query].concat() }
    }
}

/// A try that was not answered, and whether to repeat it: after how many milliseconds, if the server asked for any.
struct Refusal {
    failure: Failure,
    again: Option<Option<f64>>,
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), again: None }
    }
}

/// How long the server asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` as seconds or as a date.
fn asked_ms(reply: &Reply) -> Option<f64> {
    let number = |name| reply.header(name).and_then(|text| host::number(&text.into()));
    number("retry-after-ms").or_else(|| number("retry-after").map(|seconds| seconds * 1000.0)).or_else(|| {
        let date = js_sys::Date::parse(&reply.header("retry-after")?);
        Some(date - js_sys::Date::now())
    })
}

fn redirected(reply: &Reply) -> Failure {
    let location = reply.header("location").unwrap_or_default();
    let target = if text::find(&location, "://").is_some() { request::origin(&location) } else { "another address" };
    let mut error = Error::new(
        Kind::Redirect,
        [
            "The server redirects to ",
            target,
            ". chatmux does not follow, so that the API key goes nowhere else: set `baseURL` to the right address.",
        ]
        .concat(),
    );
    if reply.status() != 0 {
        error = error.with_status(reply.status());
    }
    reply.describe(error.into())
}
