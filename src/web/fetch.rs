//! The tries of a call: `fetch(url, init)`, the host's own or the caller's, until one is answered or the policy gives
//! up.

use std::ops::ControlFlow;

use gloo_net::http::Headers;
use js_sys::{Date, Function, Math, Object};
use wasm_bindgen::prelude::*;

use super::answer;
use super::attempt::{self, Attempt};
use super::bases::Bases;
use super::failure::{Failure, Result, failure};
use super::headers::{self, KEY_HEADERS};
use super::host;
use super::options::{CallOptions, Options};
use super::reply::{self, Reply};
use super::stream::ChunkSource;
use crate::error::{Error, Kind};
use crate::request::{self, check_api_key};
use crate::retry::{Reach, delay_ms, should_retry};
use crate::text::{self, concat};

/// How much of an error body is read, in bytes; the rest is cancelled.
const MAX_ERROR_BODY: f64 = 1_048_575.0;
/// How long it may take, in milliseconds.
const ERROR_BODY_MS: f64 = 12_000.0;
/// The same for that of a 503, which tells whether to try again.
const BUSY_BODY_MS: f64 = 1_250.0;

/// What a call is.
pub struct Route {
    /// Whether it sends a chat request.
    is_chat: bool,
    /// Where it goes, under a base URL; the caller's own path wins.
    url: fn(&str) -> Result<String>,
    /// What becomes of a whole answer; absent where the answer is an event stream.
    read: Option<fn(JsValue) -> Result<JsValue>>,
    with_key: bool,
    /// Whether whatever is no JSON may be an answer as well.
    is_any: bool,
}

impl Route {
    /// Whether the answer is an event stream.
    pub fn is_stream(&self) -> bool {
        self.read.is_none()
    }
}

/// A chat completion.
pub const CHAT: Route = Route {
    is_chat: true,
    url: |base| Ok(concat(&[base, request::CHAT_COMPLETIONS])),
    read: Some(Ok),
    with_key: true,
    is_any: false,
};
/// A streamed chat completion.
pub const CHAT_STREAM: Route = Route { read: None, ..CHAT };
/// The list of the account's models.
pub const MODELS: Route =
    Route { is_chat: false, url: |base| Ok(concat(&[base, request::MODELS])), read: Some(super::model_list), ..CHAT };
/// AIHubMix's catalogue, which needs no key and gets none.
pub const CATALOGUE: Route = Route {
    is_chat: false,
    url: |base| Ok(request::catalogue_url(base)?),
    read: Some(super::catalogue::read),
    with_key: false,
    is_any: false,
};
/// Any other request.
pub const ANY: Route = Route { is_chat: false, url: |base| Ok(base.to_owned()), is_any: true, ..CHAT };
/// Any other request whose answer is an event stream.
pub const ANY_STREAM: Route = Route { read: None, ..ANY };

/// A request, ready for as many tries as it takes.
pub struct Call {
    route: &'static Route,
    /// What the call is told.
    pub options: Options,
    /// Whether the client's key belongs where the call goes.
    with_key: bool,
    /// When the time for the whole call is over, in milliseconds of the clock.
    deadline: f64,
}

impl Call {
    /// A call by this route, of this request where it is a chat.
    pub fn new(route: &'static Route, options: &CallOptions, request: &JsValue) -> Result<Self> {
        let options = Options::read(options);
        if route.is_chat {
            super::check(request, &options, route.is_stream())?;
        }
        let with_key = route.with_key && !options.is_foreign;
        let deadline = Date::now() + options.total_ms;
        Ok(Self { route, options, with_key, deadline })
    }

    /// Where the call goes under this base URL.
    fn url(&self, base: &str) -> Result<String> {
        let url = match self.options.path.as_deref() {
            Some(path) if request::is_absolute(path) => path.to_owned(),
            Some(path) => concat(&[base, if path.as_bytes().first() == Some(&b'/') { "" } else { "/" }, path]),
            None => (self.route.url)(base)?,
        };
        Ok(concat(&[&url, &self.options.search]))
    }

    /// Sends the request, again where the policy says so, and gives the whole answer, or the stream of it, ready to be
    /// read.
    pub async fn answer(self) -> Result<JsValue> {
        let bases = Bases { call: &self };
        let (mut tried, mut others) = (0, self.options.base_urls.len() - 1);
        if self.options.is_once {
            others = 0;
        }
        loop {
            let last = tried >= self.options.max_retries;
            let outcome = match &self.options.signal {
                Some(signal) if self.options.is_aborted() => {
                    // The try that was due is not made.
                    tried = tried.saturating_sub(1);
                    Err(attempt::aborted(signal))
                }
                _ => bases.attempt(last, tried, &mut others).await,
            };
            let mut failure = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            failure.retries = tried;
            // Where the time would be over before the next try, this was the last.
            let Some(delay) = failure.again.filter(|&delay| !last && delay < self.left()) else { return Err(failure) };
            self.tell(failure, delay);
            // Whatever ends the pause, the next try is due.
            let _ = Attempt::start((delay, ""), &self.options)?.over().await;
            tried += 1;
        }
    }

    /// Tells whoever watches the call why there is to be another try, and after how many milliseconds.
    fn tell(&self, failure: Box<Failure>, delay: f64) {
        let told = JsValue::from(failure);
        host::set(&told, "delay", &delay.into());
        host::set(&self.options.given, "again", &told);
    }

    /// How long to wait before the next try, when so many were made again and the server asks for this time.
    fn delay(tried: u32, asked_ms: Option<f64>) -> f64 {
        delay_ms(tried, asked_ms, Math::random())
    }

    /// How much time is left for the call, in milliseconds.
    pub fn left(&self) -> f64 {
        self.deadline - Date::now()
    }

    /// The time that a try may take, and the option that says so.
    pub fn limit(&self) -> (f64, &'static str) {
        let left = self.left();
        if left < self.options.timeout_ms {
            (left.max(0.0), "totalTimeout")
        } else {
            (self.options.timeout_ms, "timeout")
        }
    }

    /// One try: calls `fetch` and sorts what comes back into answers and failures.
    pub async fn attempt(&self, base: &str, last: bool, tried: u32) -> Result<JsValue> {
        let mut attempt = Attempt::start(self.limit(), &self.options)?;
        attempt.url = self.url(base)?;
        let key = if self.with_key { self.api_key(&attempt).await? } else { String::new() };
        let pending = self.fetch(&key, &mut attempt)?;
        let response = attempt.race(&pending).await.map_err(|failure| self.no_answer(failure, &attempt, tried))?;
        let mut reply = match self.judge(Reply::new(response, attempt)?, last, tried) {
            ControlFlow::Continue(reply) => reply,
            ControlFlow::Break(outcome) => return outcome,
        };
        let is_answer = reply.is_success() && self.route.read.is_some();
        let max = if is_answer { self.options.max_response_bytes.into() } else { MAX_ERROR_BODY };
        if !is_answer {
            reply.hurry(if reply.status() == 503 { BUSY_BODY_MS } else { ERROR_BODY_MS });
        }
        let read = reply.read(max).await;
        self.finish(&reply, read, tried).map_err(|failure| reply.finish(failure))
    }

    /// What is known of a reply before its body is read, where that is enough.
    fn judge(&self, mut reply: Reply, last: bool, tried: u32) -> ControlFlow<Result<JsValue>, Reply> {
        if !reply.is_success() {
            if let Some(failure) = self.refuse_unread(&reply, last, tried) {
                return ControlFlow::Break(Err(reply.finish(failure)));
            }
            if reply.status() == 503 && self.hands_over(reply.host()) {
                reply.keep_copy();
            }
            return ControlFlow::Continue(reply);
        }
        if self.hands_over(reply.host()) {
            return ControlFlow::Break(Ok(reply.host().clone()));
        }
        if self.route.is_stream() {
            return match answer::event_stream(&reply) {
                Some(body) => {
                    let source = ChunkSource::new(reply, body, &self.options, self.left(), tried);
                    ControlFlow::Break(Ok(source.of_any_events(self.route.is_any).into()))
                }
                None => ControlFlow::Continue(reply),
            };
        }
        if matches!(reply.status(), 204 | 205) {
            ControlFlow::Break(Ok(JsValue::NULL))
        } else {
            ControlFlow::Continue(reply)
        }
    }

    /// What a reply comes to, when its body was read.
    fn finish(&self, reply: &Reply, read: Result<(JsValue, bool)>, tried: u32) -> Result<JsValue> {
        if !reply.is_success() {
            let failure = self.refuse(reply, tried, Error::from_response(reply.status(), &answer::error_text(read)?));
            if let Some(response) = reply.copy() {
                // Not forged: a wrong model id, told as it came.
                if failure.error.kind == Kind::NotFound && self.hands_over(response) {
                    return Ok(response.clone());
                }
                reply::cancel(response);
            }
            return Err(failure);
        }
        let Some(finish) = self.route.read else {
            return Err(answer::no_stream(reply, &answer::error_text(read)?));
        };
        let answer = answer::json(reply, read, self.route.is_any).map_err(|mut failure| {
            let is_late = failure.error.kind == Kind::Timeout && !self.options.unbilled;
            failure.again = is_late.then(|| Self::delay(tried, None));
            failure
        })?;
        if answer.is_object() && !self.route.is_any { finish(answer) } else { Ok(answer) }
    }

    /// Shows the caller the response, and asks whether that is all that is wanted.
    fn hands_over(&self, response: &JsValue) -> bool {
        let asked = self.options.on_response.as_ref().map(|ask| ask.call1(&JsValue::UNDEFINED, response));
        asked.is_some_and(|answer| answer.is_ok_and(|answer| answer.is_truthy()))
    }

    /// Sends the request. Gives what `fetch` gives: a promise, unless it is a caller's own, which may throw at once as well.
    fn fetch(&self, key: &str, attempt: &mut Attempt) -> Result<JsValue> {
        let headers = self.headers(key)?;
        attempt.secrets = headers::secrets(&headers);
        let init = self.init(headers, attempt);
        let body = if self.options.json.is_string() { &self.options.json } else { &self.options.body };
        let default = if body.is_undefined() { "GET" } else { "POST" };
        let method = self.options.method.as_deref().unwrap_or(default);
        host::set(&init, "method", &method.to_ascii_uppercase().into());
        host::set(&init, "body", body);
        Ok(self.ask(&attempt.url, &init))
    }

    /// Calls `fetch`; what it throws is a rejection.
    pub fn ask(&self, url: &str, init: &Object) -> JsValue {
        host::or_rejected(self.options.fetch.call2(&JsValue::UNDEFINED, &url.into(), init))
    }

    /// The failure when no response came.
    fn no_answer(&self, mut failure: Box<Failure>, attempt: &Attempt, tried: u32) -> Box<Failure> {
        let origin = request::origin(&attempt.url);
        // Some runtimes say the whole of it, and there may be a key in its query.
        let said = text::replace(&failure.error.message, &attempt.url, origin);
        failure.error.message = match failure.error.kind {
            Kind::Connection => concat(&["Connection error: could not reach `", origin, "` (", &said, ")."]),
            _ => said,
        };
        let may_repeat = !self.options.unbilled || failure.reach == Reach::No;
        let is_passing = may_repeat && should_retry(failure.error.kind, None, None);
        failure.again = is_passing.then(|| Self::delay(tried, None));
        failure.redact(&attempt.secrets)
    }

    /// The key for this try: the string, or what the function gives now.
    async fn api_key(&self, attempt: &Attempt) -> Result<String> {
        let option = self.options.api_key.clone();
        let key = match option.dyn_ref::<Function>() {
            None => option,
            Some(function) => {
                let given = host::or_rejected(function.call0(&JsValue::UNDEFINED));
                attempt.race(&given).await.map_err(|mut failure| {
                    if failure.error.kind == Kind::Connection || failure.reach != Reach::Maybe {
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
        if self.options.json.is_string() {
            headers.set("content-type", "application/json");
        }
        if !key.is_empty() {
            check_api_key(key)?;
            headers.set("authorization", &concat(&["Bearer ", key]));
        }
        let [own, of_client, of_call] = &self.options.headers;
        if self.with_key {
            headers::merge(&headers, own)?;
        }
        headers::merge(&headers, of_client)?;
        if !self.with_key {
            KEY_HEADERS.iter().for_each(|name| headers.delete(name));
        }
        headers::merge(&headers, of_call)?;
        if self.with_key && key.is_empty() && headers::secrets(&headers).is_empty() {
            check_api_key(key)?;
        }
        Ok(headers)
    }

    /// The second argument of `fetch`.
    pub fn init(&self, headers: Headers, attempt: &Attempt) -> Object {
        let init = Object::new();
        if self.options.fetch_options.is_object() {
            Object::assign(&init, self.options.fetch_options.unchecked_ref());
        }
        if !host::is_true(&init, "redirect") {
            // A redirect could carry the key to another origin.
            host::set(&init, "redirect", &"manual".into());
        }
        host::set(&init, "headers", &headers.into_raw());
        host::set(&init, "signal", &attempt.controller().signal());
        init
    }

    /// The failure of a response whose body need not be read: a redirect, or an error that is tried again.
    fn refuse_unread(&self, reply: &Reply, last: bool, tried: u32) -> Option<Box<Failure>> {
        let status = reply.status();
        let kind = Kind::of_status(status);
        let failure = if status == 0 || kind == Kind::Redirect {
            redirected(reply)
        } else {
            self.refuse(reply, tried, Error::new(kind, "").with_status(status))
        };
        // The text of a 503 tells a wrong model id from an overload; any other body is not read to be thrown away.
        let is_repeated = !last && failure.again.is_some_and(|delay| delay < self.left());
        let unread = failure.error.kind == Kind::Redirect || is_repeated && status != 503;
        unread.then(|| {
            reply::cancel(reply.host());
            failure
        })
    }

    /// The failure of a response with this error.
    fn refuse(&self, reply: &Reply, tried: u32, error: Error) -> Box<Failure> {
        let mut failure = Box::<Failure>::from(error);
        if should_retry(failure.error.kind, Some(reply.status()), reply.header("x-should-retry").as_deref()) {
            failure.again = Some(Self::delay(tried, Some(asked_ms(reply))));
        }
        failure
    }
}

/// How long the server asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` as seconds or as a date; not
/// a number where it does not ask.
fn asked_ms(reply: &Reply) -> f64 {
    // As OpenAI's client reads them: a header that came twice counts once.
    let number = |name| reply.header(name).map(|text| host::parse_float(&text)).filter(|number| number.is_finite());
    number("retry-after-ms")
        .or_else(|| number("retry-after").map(|seconds| seconds * 1000.0))
        .unwrap_or_else(|| Date::parse(&reply.header("retry-after").unwrap_or_default()) - Date::now())
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
