//! The base URLs of a call: which one works, and where to turn when it cannot be reached.

use gloo_net::http::Headers;
use js_sys::Date;
use wasm_bindgen::prelude::*;

use super::attempt::Attempt;
use super::failure::Result;
use super::fetch::Call;
use super::host;
use super::reply;
use crate::error::Kind;
use crate::request;
use crate::retry::{PROBE_MS, REST_MS, Reach};
use crate::text::concat;

/// The base URLs of a call.
pub struct Bases<'a> {
    /// The call, whose options say what they are.
    pub call: &'a Call,
}

impl Bases<'_> {
    fn at(&self) -> usize {
        let at = host::get_number(&self.call.options.bases, "at").unwrap_or_default();
        at as usize % self.call.options.base_urls.len()
    }

    fn go_to(&self, at: usize) {
        let state = &self.call.options.bases;
        if self.at() == 0 {
            host::set(state, "since", &Date::now().into());
        }
        host::set(state, "at", &(at as u32).into());
    }

    /// Goes back to the first base URL, when it was left long ago and can be reached again.
    async fn return_to_first(&self) -> Result<()> {
        let state = &self.call.options.bases;
        let since = host::get_number(state, "since").unwrap_or_default();
        if self.at() != 0 && Date::now() - since >= REST_MS {
            // Now, so that other calls do not look as well.
            host::set(state, "since", &Date::now().into());
            if self.can_be_reached(0, PROBE_MS.min(self.call.left()), false).await? {
                self.go_to(0);
            }
        }
        Ok(())
    }

    /// One try, at the base URL that worked last, and where that cannot be reached at the `others` that are left to the call.
    pub async fn attempt(&self, last: bool, tried: u32, others: &mut usize) -> Result<JsValue> {
        let base_urls = &self.call.options.base_urls;
        self.return_to_first().await?;
        loop {
            let at = self.at();
            let failure = match self.call.attempt(&base_urls[at], last, tried).await {
                Err(failure) if *others > 0 && matches!(failure.error.kind, Kind::Connection | Kind::Timeout) => {
                    failure
                }
                outcome => return outcome,
            };
            let is_unreached = match failure.reach {
                Reach::No => true,
                Reach::Maybe => false,
                Reach::Untold => !self.can_be_reached(at, self.call.limit().0, true).await?,
            };
            if !is_unreached {
                return Err(failure);
            }
            *others -= 1;
            if self.at() == at {
                // No other call has left it meanwhile.
                self.go_to((at + 1) % base_urls.len());
            }
        }
    }

    /// Whether a server answers at a base URL, whatever it says: a request that has no key and costs nothing. Where nothing
    /// comes in so many milliseconds, it is taken for there `if_late`.
    async fn can_be_reached(&self, at: usize, limit_ms: f64, if_late: bool) -> Result<bool> {
        let options = &self.call.options;
        let attempt = Attempt::start((limit_ms, ""), options)?;
        let init = self.call.init(Headers::new(), &attempt);
        host::set(&init, "method", &"GET".into());
        let global = js_sys::global();
        if ["document", "importScripts"].iter().any(|name| host::is_true(&global, name)) {
            // In a browser, an answer that the page may not read is one as well; asked so, it may redirect.
            host::set(&init, "mode", &"no-cors".into());
            host::set(&init, "redirect", &"follow".into());
        }
        let pending = self.call.ask(&concat(&[&options.base_urls[at], request::MODELS]), &init);
        match attempt.race(&pending).await {
            Ok(response) => {
                reply::cancel(&response);
                Ok(true)
            }
            Err(failure) => match failure.error.kind {
                Kind::Abort => Err(failure),
                kind => Ok(kind == Kind::Timeout && if_late),
            },
        }
    }
}
