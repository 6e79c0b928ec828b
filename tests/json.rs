//! The JSON reader against the grammar of RFC 8259, with `serde_json` as the judge.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::dialect::openai;
use chatmux::json::{Error, Kind, RawString, Reader, Tree, write_string};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Reads a whole text with nothing around its value but whitespace.
fn read(text: &str) -> Result<&str, Error> {
    let mut reader = Reader::new(text);
    let value = reader.skip()?;
    reader.end()?;
    Ok(value)
}

/// The text of a JSON string, unescaped.
fn unescape(json: &str) -> String {
    let raw: Option<RawString<'_>> = Reader::new(json).string().expect("the string is well-formed");
    raw.expect("the value is a string").text().into_owned()
}

macro_rules! grammar {
    (allow: $($(#[$why:meta])* $name:ident: [$($text:expr),* $(,)?];)*) => {
        $($(#[$why])* #[test] fn $name() {
            for text in [$($text),*] {
                assert_eq!(read(text), Ok(text), "{text:?}");
            }
        })*
    };
    (forbid: $($(#[$why:meta])* $name:ident: [$($text:expr),* $(,)?];)*) => {
        $($(#[$why])* #[test] fn $name() {
            for text in [$($text),*] {
                assert_eq!(read(text), Err(Error::Syntax), "{text:?}");
                let inside = ["[", text, "]"].concat();
                assert_eq!(read(&inside), Err(Error::Syntax), "{inside:?}");
            }
        })*
    };
}

grammar! { allow:
    test_allow_zero_with_and_without_a_sign: ["0", "-0"];
    test_allow_whole_numbers_of_any_length: ["7", "-1", "1234567890", "123456789012345678901234567890", "-99999999999999999999"];
    test_allow_fractions: ["0.0", "-0.5", "1.00", "12.0340", "0.0000000000000000000000000000000000001"];
    test_allow_exponents: ["1e5", "1E5", "1e+5", "1E-5", "0e0", "-0.0e-0", "1.5e05", "0E00"];
    /// They overflow or vanish as a float, which is nobody's business here: numbers stay text.
    test_allow_numbers_that_no_float_can_hold: ["1e999", "-1e-999", "1e99999999999999999999"];
    test_allow_the_three_words: ["true", "false", "null"];
    test_allow_empty_containers: ["[]", "{}", "[ ]", "{\t}", "[\n]", "{\r\n}"];
    test_allow_every_short_escape: [r#""\"\\\/\b\f\n\r\t""#];
    test_allow_unicode_escapes_in_either_case: [r#""\u0041\u00e9\uABCD\uabcd\u0000""#];
    test_allow_lone_surrogates_as_json_parse_does: [r#""\ud800""#, r#""\udfff""#, r#""\udc00\ud800""#, r#""\ud800\ud800""#];
    test_allow_characters_that_need_no_escape: ["\"\u{7f}\"", "\"\u{80}\u{85}\u{2028}\u{2029}\u{feff}\u{10ffff}\"", "\"/'\""];
    test_allow_empty_and_odd_keys: [r#"{"":1}"#, r#"{"\"":1,"\u0000":2," ":3}"#];
}

grammar! { forbid:
    test_forbid_a_sign_alone_or_a_plus: ["-", "+1", "--1", "-+1", "+", "- 1"];
    test_forbid_zeros_in_front: ["00", "01", "-01", "-00", "007.5", "01e5"];
    test_forbid_a_point_without_digits_on_both_sides: [".5", "-.5", "5.", "-5.", "1.e5", ".", "1..2", "1.2.3"];
    test_forbid_an_exponent_without_digits: ["1e", "1E", "1e+", "1e-", "1e1.5", "e5", "1ee5", "1e+-5"];
    test_forbid_numbers_of_other_languages: ["NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "0x10", "0b1", "0o7",
        "1_000", "1,000.", "1f", "1n", "\u{661}", "１", "½", "1\u{a0}"];
    test_forbid_words_that_are_not_whole: ["t", "tru", "truE", "True", "TRUE", "fals", "nul", "nulll", "truefalse",
        "None", "undefined", "true1", "n", "null0"];
    test_forbid_other_quotes_and_bare_words: ["'a'", "`a`", "a", "“a”", "\"a", "a\"", "\"a\"b\"", "\""];
    test_forbid_unknown_escapes: [r#""\a""#, r#""\'""#, r#""\x41""#, r#""\0""#, r#""\v""#, r#""\e""#, r#""\U0041""#,
        "\"\\\n\"", "\"\\é\"", "\"\\", r#""\""#];
    test_forbid_broken_unicode_escapes: [r#""\u""#, r#""\u1""#, r#""\u12""#, r#""\u123""#, r#""\u123g""#, r#""\u+123""#,
        r#""\u 123""#, r#""\u{41}""#, r#""\ud800\u""#, r#""\ud800\udc0""#, "\"\\u00é\"", "\"\\u12", "\"\\u１２３４\""];
    test_forbid_commas_in_the_wrong_place: ["[,]", "[1,]", "[,1]", "[1,,2]", "{,}", r#"{"a":1,}"#, r#"{,"a":1}"#,
        r#"{"a":1,,"b":2}"#, "[1 2]", r#"{"a":1 "b":2}"#];
    test_forbid_colons_in_the_wrong_place: [r#"{"a"}"#, r#"{"a" 1}"#, r#"{"a"::1}"#, r#"{:1}"#, r#"{"a":}"#,
        r#"{"a",1}"#, r#"["a":1]"#, r#"{"a":1:2}"#];
    test_forbid_keys_that_are_no_strings: ["{1:1}", "{a:1}", "{'a':1}", "{null:1}", "{[]:1}", "{{}:1}"];
    test_forbid_brackets_that_do_not_match: ["[", "{", "]", "}", "[}", "{]", "[[]", "[1", r#"{"a":1"#, r#"{"a":[1}"#,
        r#"{"a""#, r#"{"a":"#, "[]]", "{}}", r#"[{"a":1]}"#];
    test_forbid_comments: ["/**/", "1//", "[1/**/]", "# 1", "{/**/}"];
    test_forbid_other_whitespace: ["\u{b}1", "\u{c}1", "1\u{a0}", "\u{2028}1", "\u{feff}1", "\u{3000}1", "1\u{0}", "\u{200b}1"];
}

#[test]
fn test_forbid_text_with_no_value_at_all() {
    for text in ["", " ", "\n\r\t "] {
        assert_eq!(read(text), Err(Error::Syntax), "{text:?}");
        assert_eq!(Reader::new(text).peek(), Err(Error::Syntax), "{text:?}");
    }
}

#[test]
fn test_forbid_anything_after_the_value() {
    for text in ["1 2", "{} {}", r#"{"a":1},{"b":2}"#, "[],", "null null", r#""a""b""#, "1]", "true;", "{}\u{feff}"] {
        let mut reader = Reader::new(text);
        assert!(reader.skip().is_ok(), "{text:?}");
        assert_eq!(reader.end(), Err(Error::Syntax), "{text:?}");
    }
}

#[test]
fn test_forbid_every_control_character_in_a_string() {
    for code in 0..0x20_u8 {
        let text = format!("\"a{}b\"", char::from(code));
        assert_eq!(read(&text), Err(Error::Syntax), "U+{code:04X}");
        let key = format!("{{{text}:1}}");
        assert_eq!(read(&key), Err(Error::Syntax), "U+{code:04X} in a key");
    }
}

#[test]
fn test_allow_every_control_character_as_an_escape() {
    for code in 0..0x20_u8 {
        assert_eq!(unescape(&format!("\"a\\u{code:04x}b\"")), format!("a{}b", char::from(code)));
    }
}

#[test]
fn every_prefix_of_a_text_is_refused_and_the_whole_is_accepted() {
    let whole = r#"{"a":[1,-2.5e+3,"x\né\u00e9"],"b":{"c":true,"d":null},"e":false}"#;
    for (at, _) in whole.char_indices() {
        assert_eq!(read(&whole[..at]), Err(Error::Syntax), "the first {at} bytes");
    }
    assert_eq!(read(whole), Ok(whole));
}

#[test]
fn escapes_become_their_characters() {
    let table = [
        (r#""""#, ""),
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""a\nb\nc""#, "a\nb\nc"),
        (r#""\\n""#, "\\n"),
        (r#""\\\\u0041""#, "\\\\u0041"),
        (r#""\u0065rror""#, "error"),
        (r#""\u00E9\u00e9é""#, "ééé"),
        (r#""\u20ac!""#, "€!"),
        (r#""\ud83e\udd8a""#, "\u{1f98a}"),
        (r#""\uD83E\uDD8A\uD83E\uDD8A""#, "\u{1f98a}\u{1f98a}"),
        (r#""\ud800\udc00\udbff\udfff""#, "\u{10000}\u{10ffff}"),
        (r#""\uffff\ufffd""#, "\u{ffff}\u{fffd}"),
    ];
    for (json, text) in table {
        assert_eq!(unescape(json), text, "{json}");
    }
}

#[test]
fn a_lone_surrogate_becomes_a_replacement_character_and_eats_nothing_after_it() {
    let table = [
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\udc00""#, "\u{fffd}"),
        (r#""a\ud800b""#, "a\u{fffd}b"),
        (r#""\ud800\n""#, "\u{fffd}\n"),
        (r#""\ud800\u0041""#, "\u{fffd}A"),
        (r#""\ud800u0041""#, "\u{fffd}u0041"),
        (r#""\ud800\\udc00""#, "\u{fffd}\\udc00"),
        (r#""\udc00\ud800""#, "\u{fffd}\u{fffd}"),
        (r#""\ud800\ud800\udc00""#, "\u{fffd}\u{10000}"),
        (r#""\ud83e\udd8a\udd8a""#, "\u{1f98a}\u{fffd}"),
    ];
    for (json, text) in table {
        assert_eq!(unescape(json), text, "{json}");
    }
}

#[test]
fn a_raw_string_equals_the_text_that_it_stands_for() {
    let key = Reader::new(r#""\u0065rror""#).string().expect("well-formed").expect("a string");
    assert!(key == *"error");
    assert!(key != *r"\u0065rror");
}

#[test]
fn peeking_tells_the_kind_and_reads_nothing() {
    let table = [
        (" {}", Kind::Object),
        ("\n[1]", Kind::Array),
        ("\t\"a\"", Kind::String),
        ("-1", Kind::Number),
        ("0", Kind::Number),
        ("true", Kind::Bool),
        ("false", Kind::Bool),
        ("\r\nnull ", Kind::Null),
    ];
    for (text, kind) in table {
        let mut reader = Reader::new(text);
        assert_eq!((reader.peek(), reader.peek()), (Ok(kind), Ok(kind)), "{text:?}");
        assert_eq!(reader.skip(), Ok(text.trim()), "{text:?}");
    }
}

/// The names and texts of what is in the value that `text` is.
fn children(text: &str) -> Vec<(String, String)> {
    let mut tree = Tree::default();
    let root = tree.add(text).expect("well-formed");
    let children = tree.value(root).children();
    children.map(|child| (child.key().text().into_owned(), child.raw().to_owned())).collect()
}

#[test]
fn members_are_seen_in_order_each_name_once_with_its_last_value() {
    let members = children(r#" { "a" : 1 , "b":[2, 3], "a":{"a":4} ,"\u0061":null, "":"x" } "#);
    let expected = [("a", "null"), ("b", "[2, 3]"), ("", r#""x""#)];
    assert_eq!(members, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn items_are_seen_in_order() {
    let items = children(" [ 1 ,\"a\", [ ] ,{ \"b\" : 2 },null ] ");
    let expected = ["1", "\"a\"", "[ ]", "{ \"b\" : 2 }", "null"];
    assert_eq!(items, expected.map(|value| (String::new(), value.to_owned())));
}

#[test]
fn of_many_members_the_first_are_seen_and_those_that_matter() {
    let many: Vec<String> = (0..100).map(|n| format!("\"{n}\":{{\"a\":[{n}]}}")).collect();
    let members = children(&format!("{{{},\"error\":1,\"7\":0}}", many.join(",")));
    assert_eq!(members.len(), 65);
    assert_eq!(members[7], ("7".to_owned(), "0".to_owned()), "the last value of a name counts");
    assert_eq!(members[64], ("error".to_owned(), "1".to_owned()));
}

#[test]
fn many_items_are_seen_as_one_in_the_end() {
    let items = children(&format!("[{}]", ["[1,2]"; 1 << 16].join(" , ")));
    assert!(items.len() < 1 << 15);
    let joined = items.into_iter().map(|(_, item)| item).collect::<Vec<_>>().join(" , ");
    assert!(joined == ["[1,2]"; 1 << 16].join(" , "));
}

#[test]
fn texts_are_read_one_after_the_other() {
    let mut tree = Tree::default();
    let roots = ["[1]", " {\"a\":\"é\"} "].map(|text| tree.add(text).expect("well-formed"));
    assert_eq!(roots.map(|root| tree.value(root).raw()), ["[1]", "{\"a\":\"é\"}"]);
    let member = tree.value(roots[1]).get("a").expect("it is there");
    assert_eq!((member.string().expect("a string").raw(), member.start()), ("é", 9));
    assert!(tree.value(roots[0]).string().is_none() && tree.value(roots[0]).get("a").is_none());
    for text in ["", "{\"a\"}", "1 2"] {
        assert_eq!(Tree::default().add(text), Err(Error::Syntax), "{text:?}");
    }
}

#[test]
fn a_value_of_another_kind_is_no_string() {
    for text in ["1", "\"a\"", "[1,{\"a\":2}]", "{\"a\":[3]}", "null", "true"] {
        let mut reader = Reader::new(text);
        let string = reader.string().expect("well-formed").map(|raw| raw.text().into_owned());
        assert_eq!(string.as_deref(), (text == "\"a\"").then_some("a"));
        assert_eq!(reader.end(), Ok(()), "{text}");
    }
}

#[test]
fn the_position_is_behind_what_was_read() {
    let mut reader = Reader::new(" \"é\" , 1");
    assert_eq!(reader.position(), 0);
    assert_eq!((reader.skip(), reader.position()), (Ok("\"é\""), 5));
}

/// Texts that nest `depth` levels of arrays, of objects, and of both in turn.
fn nested(depth: usize) -> [String; 3] {
    let pairs = depth / 2;
    let innermost = if depth.is_multiple_of(2) { "1" } else { "[]" };
    [
        ["[".repeat(depth), "]".repeat(depth)].concat(),
        [r#"{"a":"#.repeat(depth - 1), "{}".to_owned(), "}".repeat(depth - 1)].concat(),
        [r#"[{"a":"#.repeat(pairs), innermost.to_owned(), "}]".repeat(pairs)].concat(),
    ]
}

/// The stack of a Rust build for wasm, where an overflow would poison the instance for every later call.
fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(check).expect("the host has threads");
    thread.join().expect("the check holds");
}

#[test]
fn nesting_is_read_up_to_128_levels() {
    on_a_small_stack(|| {
        for depth in [1, 2, 127, 128] {
            for text in nested(depth) {
                assert_eq!(read(&text), Ok(&text[..]), "depth {depth}");
            }
        }
    });
}

#[test]
fn deeper_nesting_is_refused_without_overflowing_the_stack() {
    on_a_small_stack(|| {
        for depth in [129, 130, 10_000, 1_000_000] {
            for text in nested(depth) {
                assert_eq!(read(&text), Err(Error::TooDeep), "depth {depth}");
                let open = text.trim_end_matches([']', '}']);
                assert_eq!(read(open), Err(Error::TooDeep), "depth {depth}, never closed");
            }
        }
    });
}

#[test]
fn siblings_do_not_add_to_the_depth() {
    let deep = nested(127).join(",");
    let text = format!("[{deep},{deep}]");
    assert_eq!(read(&text), Ok(&text[..]));
}

#[test]
fn a_depth_bomb_is_harmless_wherever_the_dialect_reads_json() {
    on_a_small_stack(|| {
        let bomb = "[".repeat(1_000_000);
        for text in [
            bomb.clone(),
            format!(r#"{{"a":{bomb}"#),
            format!(r#"{{"error":{bomb}"#),
            format!(r#"{{"choices":[{{"delta":{bomb}"#),
            format!(r#"[{{"error":{{"message":{bomb}"#),
        ] {
            assert!(
                openai::read_event("message", &text, &mut Tree::default(), &mut openai::Progress::default()).is_err()
            );
            assert!(!openai::is_error(&text));
            assert_eq!(openai::read_error(&text), None);
        }
    });
}

/// The grammar alone: a text that `IgnoredAny` takes is JSON, whatever its numbers and surrogates are worth.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Prints a value as `serde_json` does, with the next of `spaces` wherever whitespace may stand.
fn print(value: &Value, spaces: &mut dyn Iterator<Item = &str>, text: &mut String) {
    text.extend(spaces.next());
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                print(item, spaces, text);
            }
            text.extend(spaces.next());
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (place, (key, member)) in members.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                print(&Value::from(key.as_str()), spaces, text);
                text.push(':');
                print(member, spaces, text);
            }
            text.extend(spaces.next());
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
    text.extend(spaces.next());
}

fn any_text() -> impl Strategy<Value = String> {
    let spaces = prop::collection::vec(prop::sample::select(vec!["", "", " ", "\n", "\t", "\r\n", "  "]), 1..8);
    (any_value(), spaces).prop_map(|(value, spaces)| {
        let mut text = String::new();
        print(&value, &mut spaces.into_iter().cycle(), &mut text);
        text
    })
}

/// A change to one character: another one in its place, one before it, or none.
fn mutate(text: &mut Vec<char>, place: prop::sample::Index, with: Option<char>, insert: bool) {
    let at = place.index(text.len() + 1);
    match with {
        Some(character) if insert || at == text.len() => text.insert(at, character),
        Some(character) => text[at] = character,
        None if at < text.len() => drop(text.remove(at)),
        None => {}
    }
}

fn any_mutation() -> impl Strategy<Value = (prop::sample::Index, Option<char>, bool)> {
    let alphabet: Vec<char> = "{}[]\",:\\/bfnrtu0123456789.eE+-alsxD \t\r\n\0\u{1f}\u{7f}é\u{feff}".chars().collect();
    (any::<prop::sample::Index>(), prop::option::weighted(0.75, prop::sample::select(alphabet)), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_printed_value_is_read_and_skipped_exactly(text in any_text()) {
        prop_assert_eq!(read(&text), Ok(text.trim_matches([' ', '\t', '\r', '\n'])));
    }

    #[test]
    fn the_verdict_on_mutated_texts_is_the_judges(
        text in any_text(),
        mutations in prop::collection::vec(any_mutation(), 1..4),
    ) {
        let mut text: Vec<char> = text.chars().collect();
        for (place, with, insert) in mutations {
            mutate(&mut text, place, with, insert);
        }
        let text: String = text.into_iter().collect();
        prop_assert_eq!(read(&text).is_ok(), is_json(&text), "{:?}", text);
    }

    #[test]
    fn the_verdict_on_short_random_texts_is_the_judges(text in r#"[\[\]{}",:\\u0-9a-f.eE+\-truefalsn \n]{0,12}"#) {
        prop_assert_eq!(read(&text).is_ok(), is_json(&text), "{:?}", text);
    }

    #[test]
    fn a_written_string_is_read_back_by_the_judge_and_by_the_reader(text: String, control in 0..0x20_u8) {
        let text = format!("{text}\"\\/{}\u{7f}", char::from(control));
        let mut json = String::new();
        write_string(&mut json, &text);
        let judged: String = serde_json::from_str(&json).expect("it is written as JSON");
        prop_assert_eq!(&judged, &text);
        prop_assert_eq!(read(&json), Ok(&json[..]));
        prop_assert_eq!(unescape(&json), text);
    }

    #[test]
    fn strings_are_unescaped_as_the_judge_does(characters in prop::collection::vec((any::<char>(), 0..4_u8), 0..20)) {
        let mut json = String::from('"');
        for &(character, style) in &characters {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            let quoted = serde_json::to_string(&character).expect("any character can be written");
            match style {
                0 => json.extend(units.map(|unit| format!("\\u{unit:04x}"))),
                1 => json.extend(units.map(|unit| format!("\\u{unit:04X}"))),
                2 if character == '/' => json.push_str("\\/"),
                _ => json.push_str(&quoted[1..quoted.len() - 1]),
            }
        }
        json.push('"');
        let text: String = characters.iter().map(|&(character, _)| character).collect();
        let judged: String = serde_json::from_str(&json).expect("the escapes are valid");
        prop_assert_eq!(&judged, &text);
        prop_assert_eq!(unescape(&json), text);
    }
}
