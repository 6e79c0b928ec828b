//! The tries of a call: `fetch(url, init)`, the host's own or the caller's, until one is answered or the policy gives
//! up.

use gloo_net::http::{Headers, QueryParams};
use js_sys::{Function, Math, Object};
use wasm_bindgen::prelude::*;
use web_sys::UrlSearchParams;

use super::answer;
use super::attempt::{self, Attempt};
use super::failure::{Failure, Result, failure, invalid};
use super::headers::{self, KEY_HEADERS};
use super::host;
use super::options::{CallOptions, Options};
use super::reply::Reply;
use super::stream::ChunkSource;
use crate::error::{Error, Kind};
use crate::request::{self, check_api_key};
use crate::retry::{delay_ms, should_retry};
use crate::text::{self, concat};

/// What one of the four calls is.
pub struct Route {
    /// Where it goes, under a base URL.
    url: fn(&str) -> Result<String>,
    /// What becomes of a whole answer; absent where the answer is an event stream.
    read: Option<fn(JsValue) -> Result<JsValue>>,
    with_key: bool,
}

impl Route {
    /// Whether the answer is an event stream.
    pub fn is_stream(&self) -> bool {
        self.read.is_none()
    }
}

/// A chat completion.
pub const CHAT: Route =
    Route { url: |base| Ok(concat(&[base, request::CHAT_COMPLETIONS])), read: Some(Ok), with_key: true };
/// A streamed chat completion.
pub const CHAT_STREAM: Route = Route { read: None, ..CHAT };
/// The list of the account's models.
pub const MODELS: Route =
    Route { url: |base| Ok(concat(&[base, request::MODELS])), read: Some(super::model_list), with_key: true };
/// AIHubMix's catalogue, which needs no key and gets none.
pub const CATALOGUE: Route =
    Route { url: |base| Ok(request::catalogue_url(base)?), read: Some(super::catalogue::read), with_key: false };

/// A request, ready for as many tries as it takes.
pub struct Call {
    route: &'static Route,
    options: Options,
    url: String,
    /// A JSON text makes a POST; without one (`undefined`) it is a GET.
    body: JsValue,
    /// The options as the façade has them.
    given: JsValue,
}

impl Call {
    /// A call with these query parameters beside those of the options, and this body.
    pub fn new(route: &'static Route, options: &CallOptions, query: &JsValue, body: JsValue) -> Result<Self> {
        let given = JsValue::from(options);
        let options = Options::read(options)?;
        let mut url = (route.url)(&options.base_url)?;
        let raw = UrlSearchParams::new().unwrap_throw();
        let params = QueryParams::from_raw(raw.clone());
        let [of_client, of_call] = &options.query;
        if route.with_key {
            // Some providers take their key as a parameter.
            add_query(&params, of_client)?;
        }
        for more in [of_call, query] {
            add_query(&params, more)?;
        }
        let query = host::to_text(&raw).map(String::from).unwrap_or_default();
        if !query.is_empty() {
            url = concat(&[&url, "?", &query]);
        }
        Ok(Self { route, options, url, body, given })
    }

    /// Sends the request, again where the policy says so, and gives the whole answer, or the stream of it, ready to be
    /// read.
    pub async fn answer(self) -> Result<JsValue> {
        let signal = self.options.signal.as_ref();
        let mut tried = 0;
        loop {
            if let Some(signal) = signal.filter(|_| self.options.is_aborted()) {
                return Err(attempt::aborted(signal));
            }
            let last = tried >= self.options.max_retries;
            let failure = match self.attempt(last).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(asked_ms) = failure.again.filter(|_| !last) else { return Err(failure) };
            let pause = Attempt::start(delay_ms(tried, Some(asked_ms), Math::random()), signal, &self.given)?;
            // Whatever ends the pause, the next try is due.
            let _ = pause.over().await;
            tried += 1;
        }
    }

    /// One try: calls `fetch` and sorts what comes back into answers and failures.
    async fn attempt(&self, last: bool) -> Result<JsValue> {
        let mut attempt = Attempt::start(self.options.timeout_ms, self.options.signal.as_ref(), &self.given)?;
        let key = if self.route.with_key { self.api_key(&attempt).await? } else { String::new() };
        let headers = self.headers(&key)?;
        attempt.secrets = headers::secrets(&headers);
        let pending = attempt.race(&self.fetch(headers, &attempt));
        let response = attempt.outcome(pending.await).map_err(|failure| self.no_answer(failure, &attempt.secrets))?;
        let reply = Reply::new(response, attempt)?;
        let failure = if !matches!(reply.status(), 200..=299) {
            match refuse_unread(&reply, last) {
                Some(failure) => failure,
                None => refuse(&reply, Error::from_response(reply.status(), &reply.text().await?)),
            }
        } else if let Some(read) = self.route.read {
            match answer::json(&reply).await {
                Ok(answer) => return read(answer),
                Err(failure) => failure,
            }
        } else {
            match answer::event_stream(&reply) {
                Some(body) => return Ok(ChunkSource::new(reply, body, self.options.max_event_bytes).into()),
                None => match reply.text().await {
                    Ok(text) => answer::no_stream(&reply, &text),
                    Err(failure) => failure,
                },
            }
        };
        Err(reply.finish(failure))
    }

    /// What `fetch` gives: a promise, unless it is a caller's own, which may throw at once as well.
    fn fetch(&self, headers: Headers, attempt: &Attempt) -> JsValue {
        let init = self.init(headers, attempt);
        host::or_rejected(self.options.fetch.call2(&JsValue::UNDEFINED, &self.url.as_str().into(), &init))
    }

    /// The failure when no response came.
    fn no_answer(&self, mut failure: Box<Failure>, secrets: &[String]) -> Box<Failure> {
        if failure.error.kind == Kind::Connection {
            let origin = request::origin(&self.url);
            failure.error.message =
                concat(&["Connection error: could not reach `", origin, "` (", &failure.error.message, ")."]);
        }
        failure.again = should_retry(failure.error.kind, None, None).then_some(f64::NAN);
        failure.redact(secrets)
    }

    /// The key for this try: the string, or what the function gives now.
    async fn api_key(&self, attempt: &Attempt) -> Result<String> {
        let option = self.options.api_key.clone();
        let key = match option.dyn_ref::<Function>() {
            None => option,
            Some(function) => {
                let given = host::or_rejected(function.call0(&JsValue::UNDEFINED));
                attempt.outcome(attempt.race(&given).await).map_err(|mut failure| {
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
            None => Err(failure(Kind::MissingApiKey, "`apiKey` must be a string, or a function that gives one.")),
        }
    }

    /// The headers of this try. On the OpenAI road only `authorization`, `content-type` and `accept` are sent by
    /// default: any other header would have to be allowed by the server's preflight answer.
    fn headers(&self, key: &str) -> Result<Headers> {
        let headers = Headers::new();
        let accept = if self.route.is_stream() { "text/event-stream" } else { "application/json" };
        headers.set("accept", accept);
        if !self.body.is_undefined() {
            headers.set("content-type", "application/json");
        }
        if self.route.with_key {
            if !key.is_empty() {
                check_api_key(key)?;
                headers.set("authorization", &concat(&["Bearer ", key]));
            }
            if let Some(code) = &self.options.app_code {
                headers::set(&headers, "APP-Code", code)?;
            }
        }
        let [of_client, of_call] = &self.options.headers;
        headers::merge(&headers, of_client)?;
        if !self.route.with_key {
            KEY_HEADERS.iter().for_each(|name| headers.delete(name));
        }
        headers::merge(&headers, of_call)?;
        if self.route.with_key && key.is_empty() && !KEY_HEADERS.iter().any(|name| headers.has(name)) {
            check_api_key(key)?;
        }
        Ok(headers)
    }

    /// The second argument of `fetch`.
    fn init(&self, headers: Headers, attempt: &Attempt) -> Object {
        let init = Object::new();
        let method = if self.body.is_undefined() { "GET" } else { "POST" };
        host::set(&init, "method", &method.into());
        host::set(&init, "headers", &headers.into_raw());
        host::set(&init, "body", &self.body);
        host::set(&init, "signal", &attempt.controller().signal());
        // A redirect could carry the key to another origin.
        host::set(&init, "redirect", &"manual".into());
        init
    }
}

/// Adds query parameters; a name that was there gets the new value, `null` and `undefined` take it away, a list becomes
/// a comma list.
fn add_query(query: &QueryParams, more: &JsValue) -> Result<()> {
    if host::is_absent(more) {
        return Ok(());
    }
    let unreadable = || invalid("Query parameters must be an object of names and texts or numbers.");
    if !more.is_object() {
        return Err(unreadable());
    }
    for pair in host::entries(more).map_err(|cause| unreadable().caused_by(cause))? {
        let (name, value) = (host::get_text(&pair, "0").unwrap_or_default(), host::get(&pair, "1"));
        query.delete(&name);
        if !host::is_absent(&value) {
            let text = host::to_text(&value).map_err(|cause| unreadable().caused_by(cause))?;
            query.append(&name, &String::from(text));
        }
    }
    Ok(())
}

/// The failure of a response whose body need not be read: a redirect, or an error that is tried again.
fn refuse_unread(reply: &Reply, last: bool) -> Option<Box<Failure>> {
    let status = reply.status();
    let kind = Kind::of_status(status);
    let failure = if status == 0 || kind == Kind::Redirect {
        redirected(reply)
    } else {
        refuse(reply, Error::new(kind, "").with_status(status))
    };
    // The text of a 503 tells a wrong model id from an overload; any other body is not read to be thrown away.
    let unread = failure.error.kind == Kind::Redirect || !last && status != 503 && failure.again.is_some();
    unread.then(|| {
        reply.cancel();
        failure
    })
}

/// The failure of a response with this error.
fn refuse(reply: &Reply, error: Error) -> Box<Failure> {
    let mut failure = Box::<Failure>::from(error);
    if should_retry(failure.error.kind, Some(reply.status()), reply.header("x-should-retry").as_deref()) {
        failure.again = Some(asked_ms(reply));
    }
    failure
}

/// How long the server asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` as seconds or as a date; not
/// a number where it does not ask.
fn asked_ms(reply: &Reply) -> f64 {
    let number = |name| reply.header(name).and_then(|text| host::number(&text.into()));
    number("retry-after-ms")
        .or_else(|| number("retry-after").map(|seconds| seconds * 1000.0))
        .unwrap_or_else(|| js_sys::Date::parse(&reply.header("retry-after").unwrap_or_default()) - js_sys::Date::now())
}

fn redirected(reply: &Reply) -> Box<Failure> {
    let location = reply.header("location").unwrap_or_default();
    let target = if text::find(&location, "://").is_some() { request::origin(&location) } else { "another address" };
    let message = concat(&[
        "The server redirects to ",
        target,
        ". chatmux does not follow, so that the API key goes nowhere else: set `baseURL` to the right address.",
    ]);
    let mut failure = failure(Kind::Redirect, &message);
    if reply.status() != 0 {
        failure.error.status = Some(reply.status());
    }
    failure
}
