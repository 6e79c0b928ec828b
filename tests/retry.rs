//! The retry policy, by the rows R1 to R9 of the client's checklist: those of OpenAI's own clients.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::Kind;
use chatmux::retry::{MAX_RETRIES, delay_ms, should_retry};
use proptest::prelude::*;

/// The statuses that are tried again without being told to.
const PASSING: [u16; 10] = [408, 409, 429, 500, 501, 502, 503, 504, 529, 599];
/// Those that are not.
const LASTING: [u16; 14] = [300, 304, 308, 400, 401, 402, 403, 404, 405, 410, 413, 422, 425, 451];

fn retries(status: u16, advice: Option<&str>) -> bool {
    should_retry(Kind::of_status(status), Some(status), advice)
}

#[test]
fn timeouts_conflicts_rate_limits_and_server_errors_are_tried_again() {
    for status in PASSING {
        assert!(retries(status, None), "{status}");
    }
}

#[test]
fn no_other_status_is_tried_again() {
    for status in LASTING {
        assert!(!retries(status, None), "{status}");
    }
}

#[test]
fn the_servers_advice_wins_both_ways() {
    for status in PASSING.into_iter().chain(LASTING) {
        assert!(retries(status, Some("true")), "{status}");
        assert!(!retries(status, Some("false")), "{status}");
    }
}

#[test]
fn advice_that_is_neither_true_nor_false_does_not_count() {
    for advice in ["", "TRUE", "False", "1", "0", "yes", " true", "true, true"] {
        assert!(retries(429, Some(advice)), "{advice:?}");
        assert!(!retries(400, Some(advice)), "{advice:?}");
    }
}

#[test]
fn a_wrong_model_id_stays_wrong_whatever_the_server_advises() {
    for advice in [None, Some("true"), Some("false")] {
        assert!(!should_retry(Kind::NotFound, Some(503), advice), "{advice:?}");
    }
}

#[test]
fn failed_connections_and_timeouts_are_tried_again() {
    assert!(should_retry(Kind::Connection, None, None));
    assert!(should_retry(Kind::Timeout, None, None));
}

#[test]
fn no_other_failure_without_a_response_is_tried_again() {
    for kind in [
        Kind::InvalidRequest,
        Kind::MissingApiKey,
        Kind::Redirect,
        Kind::MalformedResponse,
        Kind::StreamTruncated,
        Kind::Abort,
        Kind::Api,
    ] {
        assert!(!should_retry(kind, None, None), "{kind:?}");
    }
}

#[test]
fn there_are_two_retries_by_default() {
    assert_eq!(MAX_RETRIES, 2);
}

#[test]
fn the_own_backoff_doubles_from_half_a_second_to_eight_less_up_to_a_quarter() {
    let table = [
        (0, 375.0, 500.0),
        (1, 750.0, 1000.0),
        (2, 1500.0, 2000.0),
        (3, 3000.0, 4000.0),
        (4, 6000.0, 8000.0),
        (5, 6000.0, 8000.0),
        (31, 6000.0, 8000.0),
        (32, 6000.0, 8000.0),
        (u32::MAX, 6000.0, 8000.0),
    ];
    for (retry, shortest, longest) in table {
        assert_eq!(delay_ms(retry, None, 1.0), shortest, "retry {retry}");
        assert_eq!(delay_ms(retry, None, 0.0), longest, "retry {retry}");
    }
}

#[test]
fn what_the_server_asks_for_is_waited_exactly_up_to_a_minute() {
    for asked in [0.0, 0.5, 1.0, 1500.0, 59_999.5, 60_000.0] {
        for retry in [0, 1, 7] {
            assert_eq!(delay_ms(retry, Some(asked), 0.5), asked);
        }
    }
}

#[test]
fn what_is_absurd_falls_back_to_the_own_backoff() {
    let absurd = [-1.0, -0.001, 60_000.001, 61_000.0, 1e18, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    for asked in absurd {
        assert_eq!(delay_ms(0, Some(asked), 0.0), 500.0, "{asked}");
        assert_eq!(delay_ms(2, Some(asked), 1.0), 1500.0, "{asked}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_wait_is_between_nothing_and_a_minute(
        retry: u32,
        asked in prop::option::of(any::<f64>()),
        random in 0.0..1.0,
    ) {
        let ms = delay_ms(retry, asked, random);
        prop_assert!((0.0..=60_000.0).contains(&ms), "{}", ms);
    }

    #[test]
    fn every_own_backoff_is_in_its_bounds(retry in 0..10_u32, random in 0.0..1.0) {
        let longest = [500.0, 1000.0, 2000.0, 4000.0, 8000.0][retry.min(4) as usize];
        let ms = delay_ms(retry, None, random);
        prop_assert!((0.75 * longest..=longest).contains(&ms), "{}", ms);
    }
}
