//! What is checked at the door: URLs, headers and keys, with the values that people and attackers send.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::Kind;
use chatmux::request::{catalogue_url, check_api_key, check_header, origin};

#[test]
fn the_catalogue_is_beside_the_versioned_root() {
    let table = [
        ("https://aihubmix.com/v1", "https://aihubmix.com/api/v1/models"),
        ("https://api.inferera.com/v1", "https://api.inferera.com/api/v1/models"),
        ("http://127.0.0.1:8787/v1", "http://127.0.0.1:8787/api/v1/models"),
        ("https://proxy.test/v1/aihubmix/v1", "https://proxy.test/v1/aihubmix/api/v1/models"),
    ];
    for (base_url, url) in table {
        assert_eq!(catalogue_url(base_url), Ok(url.to_owned()), "{base_url}");
    }
}

#[test]
fn a_base_url_of_another_form_has_no_catalogue() {
    for base_url in [
        "",
        "https://aihubmix.com",
        "https://aihubmix.com/v1/",
        "https://aihubmix.com/v2",
        "https://x.test/V1",
        "https://x.testv1",
    ] {
        let error = catalogue_url(base_url).expect_err(base_url);
        assert_eq!(error.kind, Kind::InvalidRequest, "{base_url}");
        assert!(error.message.contains("`https://aihubmix.com/v1`"), "it shows a right one: {}", error.message);
    }
}

#[test]
fn the_origin_is_the_scheme_and_the_host() {
    let table = [
        ("https://aihubmix.com/v1/chat/completions", "https://aihubmix.com"),
        ("http://127.0.0.1:8787/v1", "http://127.0.0.1:8787"),
        ("http://[::1]:8787/v1", "http://[::1]:8787"),
        ("https://example.test", "https://example.test"),
        ("https://example.test?key=secret", "https://example.test"),
        ("https://example.test#secret", "https://example.test"),
        ("https://example.test/a://b/secret", "https://example.test"),
        ("https:///secret", "https://"),
        ("example.test/secret", "example.test"),
        ("", ""),
        ("://", "://"),
        ("https://bücher.test/v1", "https://bücher.test"),
    ];
    for (url, expected) in table {
        assert_eq!(origin(url), expected, "{url}");
    }
}

/// A redirect may name such a URL, and its origin goes into a message.
#[test]
fn the_origin_shows_no_user_name_and_no_password() {
    for url in
        ["https://user:secret@example.test/v1", "https://secret@example.test", "https://a:secret@b@example.test/"]
    {
        assert!(!origin(url).contains("secret"), "{url}: {}", origin(url));
    }
}

#[test]
fn header_names_of_every_token_character_pass() {
    for name in ["accept", "X-Request-Id", "APP-Code", "a", "0", "!#$%&'*+-.^_`|~"] {
        assert_eq!(check_header(name, "1"), Ok(()), "{name}");
    }
    for byte in 0..=0x7f_u8 {
        let name = format!("x{}", char::from(byte));
        let token = byte.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char::from(byte));
        assert_eq!(check_header(&name, "1").is_ok(), token, "{name:?}");
    }
}

#[test]
fn a_header_name_that_only_unicode_makes_a_letter_is_refused() {
    // U+212A, the Kelvin sign, is `k` in lower case; U+0130 is an `i` with a dot; U+017F is an `S` in upper case.
    for name in ["\u{212a}ey", "x-\u{130}d", "acce\u{17f}t", "ключ", "x\u{1f98a}", "\u{ff41}", "x-é", ""] {
        let error = check_header(name, "1").expect_err(name);
        assert_eq!(error.kind, Kind::InvalidRequest, "{name:?}");
        assert_eq!(
            error.message,
            "A header name may hold only ASCII letters, digits and the characters !#$%&'*+-.^_`|~."
        );
    }
}

#[test]
fn header_values_of_printable_latin_1_pass() {
    for value in ["", " ", "a\tb", "Bearer sk-1", "caf\u{e9}", "\u{a0}\u{ff}", "!\"#~", "\u{80}"] {
        assert_eq!(check_header("x-test", value), Ok(()), "{value:?}");
    }
}

#[test]
fn a_header_value_that_no_header_can_carry_is_refused_and_never_shown() {
    for bad in [
        "\r\n",
        "\r",
        "\n",
        "\0",
        "\u{7f}",
        "\u{b}",
        "\u{1b}",
        "\u{1f}",
        "\u{100}",
        "\u{212a}",
        "\u{2028}",
        "\u{1f98a}",
    ] {
        for value in [format!("secret{bad}"), format!("{bad}secret"), format!("secret{bad}x-evil: 1")] {
            let error = check_header("x-test", &value).expect_err(&value);
            assert_eq!(error.kind, Kind::InvalidRequest, "{value:?}");
            assert!(error.message.contains("`x-test`"), "it names the header: {}", error.message);
            assert!(!error.message.contains("secret"), "{}", error.message);
        }
    }
}

#[test]
fn a_header_name_cannot_smuggle_a_second_header() {
    for name in ["a: b", "a\r\nb", "a\nb", "a b", " a", "a ", "a:", "a\0"] {
        assert_eq!(check_header(name, "1").map_err(|error| error.kind), Err(Kind::InvalidRequest), "{name:?}");
    }
}

#[test]
fn keys_of_printable_ascii_pass() {
    for key in ["demo", "sk-ABCxyz_0123456789-./+=", "!~", "a"] {
        assert_eq!(check_api_key(key), Ok(()), "{key}");
    }
}

#[test]
fn a_missing_key_says_where_to_put_one() {
    let error = check_api_key("").expect_err("it is empty");
    assert_eq!(error.kind, Kind::MissingApiKey);
    assert!(error.message.contains("`new Chatmux({ apiKey })`"), "{}", error.message);
    assert!(error.message.contains("`AIHUBMIX_API_KEY`"), "{}", error.message);
}

#[test]
fn a_key_that_cannot_be_sent_is_refused_and_never_shown() {
    for bad in ["\t", "\r\n", "\n", "\0", "\u{7f}", "\u{a0}", "é", "\u{212a}", "\u{200b}", "\u{feff}", "\u{1f98a}", "…"]
    {
        for key in [format!("secret{bad}"), format!("{bad}secret"), format!("secret{bad}secret")] {
            let error = check_api_key(&key).expect_err(&key);
            assert_eq!(error.kind, Kind::MissingApiKey, "{key:?}");
            assert!(!error.message.contains("secret"), "{}", error.message);
        }
    }
}
