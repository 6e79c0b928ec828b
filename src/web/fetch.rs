//! The tries of a call: `fetch(url, init)`, the host's own or the caller's, until one is answered or the policy gives
//! up.

use gloo_net::http::{Headers, QueryParams};
use js_sys::{Function, JsString, Math, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::answer::Answer;
use super::attempt::{self, Attempt};
use super::failure::Failure;
use super::headers::{self, KEY_HEADERS};
use super::host;
use super::options::{CallOptions, Options};
use super::reply::Reply;
use super::stream::ChunkSource;
use crate::error::{Error, Kind};
use crate::request::{self, check_api_key, invalid};
use crate::retry::{delay_ms, should_retry};
use crate::text;

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
    options: Options,
    url: String,
    query: QueryParams,
    /// Present: a POST of JSON. Absent: a GET.
    body: Option<JsString>,
    accept: Accept,
    with_key: bool,
}

impl Call {
    /// A chat completion with this body.
    pub fn chat(options: &CallOptions, body: JsString, accept: Accept) -> Result<Self, Failure> {
        let options = Options::read(options)?;
        let url = [&options.base_url, request::CHAT_COMPLETIONS].concat();
        Self::new(options, url, Some(body), accept, true)
    }

    /// The list of the account's models.
    pub fn models(options: &CallOptions) -> Result<Self, Failure> {
        let options = Options::read(options)?;
        let url = [&options.base_url, request::MODELS].concat();
        Self::new(options, url, None, Accept::Json, true)
    }

    /// AIHubMix's catalogue, which needs no key and gets none.
    pub fn catalogue(options: &CallOptions, filters: &JsValue) -> Result<Self, Failure> {
        let options = Options::read(options)?;
        let url = request::catalogue_url(&options.base_url)?;
        let call = Self::new(options, url, None, Accept::Json, false)?;
        call.add_query(filters)?;
        Ok(call)
    }

    fn new(
        options: Options,
        url: String,
        body: Option<JsString>,
        accept: Accept,
        with_key: bool,
    ) -> Result<Self, Failure> {
        let call = Self { options, url, query: QueryParams::new(), body, accept, with_key };
        let [of_client, of_call] = &call.options.query;
        if with_key {
            // Some providers take their key as a parameter.
            call.add_query(of_client)?;
        }
        call.add_query(of_call)?;
        Ok(call)
    }

    /// Adds query parameters; a name that was there gets the new value, `null` and `undefined` take it away, a list
    /// becomes a comma list.
    fn add_query(&self, params: &JsValue) -> Result<(), Failure> {
        if host::is_absent(params) {
            return Ok(());
        }
        let unreadable = || Failure::from(invalid("Query parameters must be an object of names and texts or numbers."));
        if !params.is_object() {
            return Err(unreadable());
        }
        for pair in host::entries(params).map_err(|cause| unreadable().caused_by(cause))?.iter() {
            let (name, value) = (host::get_text(&pair, "0").unwrap_or_default(), host::get(&pair, "1"));
            self.query.delete(&name);
            if !host::is_absent(&value) {
                let text = host::to_text(&value).map_err(|cause| unreadable().caused_by(cause))?;
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
        let signal = self.options.signal.as_ref();
        let mut tried = 0;
        loop {
            if let Some(signal) = signal.filter(|_| self.options.is_aborted()) {
                return Err(attempt::aborted(signal));
            }
            let last = tried >= self.options.max_retries;
            match self.attempt(last).await {
                Ok(answer) => return Ok(answer),
                Err(Refusal { failure, again: Some(asked_ms) }) if !last => {
                    drop(failure);
                    attempt::sleep(delay_ms(tried, asked_ms, Math::random()), signal).await;
                    tried += 1;
                }
                Err(Refusal { failure, .. }) => return Err(failure),
            }
        }
    }

    /// One try.
    async fn attempt(&self, last: bool) -> Result<Answer, Refusal> {
        let attempt = Attempt::start(self.options.timeout_ms, self.options.signal.clone())
            .map_err(|cause| Failure::from(invalid("This host has no AbortController.")).caused_by(cause))?;
        let key = if self.with_key { self.api_key(&attempt).await? } else { String::new() };
        let headers = self.headers(&key)?;
        let secrets = headers::secrets(&headers);
        match self.respond(&self.init(headers, &attempt), &attempt, last).await {
            Ok(reply) => Ok(Answer::new(reply, attempt, secrets)),
            Err(Refusal { failure, again }) => Err(Refusal { failure: failure.redact(&secrets), again }),
        }
    }

    /// Calls `fetch` and sorts what comes back into answers and refusals.
    async fn respond(&self, init: &Object, attempt: &Attempt, last: bool) -> Result<Reply, Refusal> {
        let url = self.url_with_query().into();
        // A caller's `fetch` may throw at once, or give something that is no promise.
        let pending = host::or_rejected(self.options.fetch.call2(&JsValue::UNDEFINED, &url, init));
        let reply = match attempt.wait(&pending).await {
            Ok(response) => Reply::new(response)?,
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

    /// The key for this try: the string, or what the function gives now.
    async fn api_key(&self, attempt: &Attempt) -> Result<String, Failure> {
        let option = self.options.api_key.clone();
        let key = match option.dyn_ref::<Function>() {
            None => option,
            Some(function) => {
                let given = host::or_rejected(function.call0(&JsValue::UNDEFINED));
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
            None if host::is_absent(&key) => Ok(String::new()),
            None => {
                Err(Error::new(Kind::MissingApiKey, "`apiKey` must be a string, or a function that gives one.").into())
            }
        }
    }

    /// The headers of this try. On the OpenAI road only `authorization`, `content-type` and `accept` are sent by
    /// default: any other header would have to be allowed by the server's preflight answer.
    fn headers(&self, key: &str) -> Result<Headers, Failure> {
        let headers = Headers::new();
        let accept = if self.accept == Accept::Json { "application/json" } else { "text/event-stream" };
        headers.set("accept", accept);
        if self.body.is_some() {
            headers.set("content-type", "application/json");
        }
        if self.with_key {
            if !key.is_empty() {
                check_api_key(key)?;
                headers.set("authorization", &["Bearer ", key].concat());
            }
            if let Some(code) = &self.options.app_code {
                headers::set(&headers, "APP-Code", code)?;
            }
        }
        let [of_client, of_call] = &self.options.headers;
        headers::merge(&headers, of_client)?;
        if !self.with_key {
            KEY_HEADERS.iter().for_each(|name| headers.delete(name));
        }
        headers::merge(&headers, of_call)?;
        if self.with_key && key.is_empty() && !KEY_HEADERS.iter().any(|name| headers.has(name)) {
            check_api_key(key)?;
        }
        Ok(headers)
    }

    /// The second argument of `fetch`.
    fn init(&self, headers: Headers, attempt: &Attempt) -> Object {
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
        init
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
