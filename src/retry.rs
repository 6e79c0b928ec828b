//! Whether to try again, and when: the policy of OpenAI's own clients, so that users find what they know.

use crate::error::Kind;
use crate::text;

/// How often a failed request is tried again when the caller does not say: two retries, three tries.
pub const MAX_RETRIES: u32 = 2;

/// The longest wait that a server may ask for, in milliseconds. A longer one is not obeyed: the own backoff is used.
const MAX_ASKED_MS: f64 = 60_000.0;

/// What is known of a request that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No connection could be made: nobody has seen it.
    No,
    /// It may have been seen, and billed.
    Maybe,
    /// The runtime does not tell one from the other, as browsers do not.
    Untold,
}

/// The codes of runtimes for a connection that could not be made: Node's and Bun's own.
/// <https://nodejs.org/api/errors.html#common-system-errors>, `undici` for the last.
const UNREACHED: [&str; 10] = [
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENETDOWN",
    "ConnectionRefused",
    "FailedToOpenSocket",
    "UND_ERR_CONNECT_TIMEOUT",
];

/// What a runtime's error says of the connection: `code` and `syscall` are those of Node and Bun, `message` is what Deno
/// puts it into.
///
/// ```
/// use chatmux::retry::{Reach, reach};
/// assert_eq!(reach("ECONNREFUSED", None, ""), Reach::No);
/// assert_eq!(reach("ECONNRESET", None, ""), Reach::Maybe);
/// assert_eq!(reach("ETIMEDOUT", Some("read"), ""), Reach::Maybe);
/// assert_eq!(reach("", None, "Failed to fetch"), Reach::Untold);
/// ```
#[must_use]
pub fn reach(code: &str, syscall: Option<&str>, message: &str) -> Reach {
    let is_in = |words| text::find(message, words).is_some();
    match (code, syscall) {
        ("", _) if is_in("client error (Connect)") => Reach::No,
        ("", _) if is_in("client error (") => Reach::Maybe,
        ("", _) => Reach::Untold,
        (_, Some("read" | "write")) => Reach::Maybe,
        (code, _) if UNREACHED.contains(&code) => Reach::No,
        _ => Reach::Maybe,
    }
}

/// Whether a runtime's error is the end of a time of its own, such as Node's for the headers of an answer.
#[must_use]
pub fn is_timeout(code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    code.ends_with("TIMEOUT")
        || code == "ETIMEDOUT"
        || ["timed out", "timeout"].iter().any(|words| text::find(&message, words).is_some())
}

/// How long a base URL that could not be reached is left alone, in milliseconds: ten minutes.
pub const REST_MS: f64 = 600_000.0;

/// How long a base URL may take to show that it can be reached, in milliseconds.
pub const PROBE_MS: f64 = 5_000.0;

/// Whether a failure may pass by itself. `advice` is the header `x-should-retry`, which wins where it says `true` or
/// `false`; `upstream_status` is the status of the response, if there was one.
#[must_use]
pub fn should_retry(kind: Kind, upstream_status: Option<u16>, advice: Option<&str>) -> bool {
    match (advice, upstream_status, kind) {
        // A wrong model id stays wrong, whatever status it came with.
        (_, Some(503), Kind::NotFound) => false,
        (Some("true"), Some(_), _) => true,
        (Some("false"), Some(_), _) => false,
        (_, Some(status), _) => matches!(status, 408 | 409 | 429 | 500..),
        (_, None, kind) => matches!(kind, Kind::Connection | Kind::Timeout),
    }
}

/// How long to wait before retry number `retry` (the first is 0), in milliseconds.
///
/// `asked_ms` is what the server asked for (`retry-after-ms`, else `retry-after`); outside 0 to 60 s, and where it is
/// no number, it does not count. The own backoff is half a second, doubling to at most eight, less up to a quarter by
/// `random`, a number from 0 to 1.
///
/// ```
/// use chatmux::retry::delay_ms;
/// assert_eq!(delay_ms(0, Some(1500.0), 0.5), 1500.0);
/// assert_eq!(delay_ms(0, None, 0.0), 500.0);
/// assert_eq!(delay_ms(9, Some(61_000.0), 1.0), 6000.0);
/// ```
#[must_use]
pub fn delay_ms(retry: u32, asked_ms: Option<f64>, random: f64) -> f64 {
    match asked_ms {
        Some(ms) if (0.0..=MAX_ASKED_MS).contains(&ms) => ms,
        _ => f64::from(500_u32 << retry.min(4)) * (1.0 - 0.25 * random),
    }
}
