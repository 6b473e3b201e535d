//! What is read and what is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fault(bytes: &[u8]) -> (Refusal, Problem) {
    let fault = read(bytes).unwrap_err();
    (fault.class, fault.problem)
}

#[test]
fn reads_what_serde_json_reads_and_keeps_the_order() {
    let text = r#" {"b": [1, -2, 18446744073709551615, 1.5, 1e300, "\u00e9😀"], "a": {"": null, "t": true}} "#;
    let value = read(text.as_bytes()).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
    let names: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn malformed_texts_are_named() {
    let cases: [(&[u8], &str); 9] = [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (
            b"\xEF\xBB\xBF{}",
            "the text begins with a byte order mark (BOM)",
        ),
        (b"\"a\xFF\"", "invalid UTF-8 at byte 2"),
        (b"{} {}", "trailing characters at line 1 column 4"),
        (b"[1,]", "trailing comma at line 1 column 4"),
        (b"1e400", "number out of range at line 1 column 5"),
        (b"NaN", "expected value at line 1 column 1"),
        (
            br#""\ud800""#,
            "unexpected end of hex escape at line 1 column 8",
        ),
        (
            b"\"a\nb\"",
            "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0",
        ),
    ];
    for (bytes, message) in cases {
        let (class, problem) = fault(bytes);
        assert_eq!(class, Refusal::Malformed);
        assert_eq!(problem.code, "malformed_json");
        assert_eq!(problem.message.to_lowercase(), message.to_lowercase());
    }
}

#[test]
fn faults_have_a_place() {
    assert_eq!(
        fault(br#"{"a": [{"b/c": 1, "b/c": 1}]}"#),
        (
            Refusal::Malformed,
            Problem::at("/a/0/b~1c", "duplicate_member", "the member is given twice")
        )
    );
    assert_eq!(
        fault(br#"{"a": ["x", "\u0000"]}"#),
        (
            Refusal::Malformed,
            Problem::at("/a/1", "nul_character", "a text holds the character U+0000")
        )
    );
    assert_eq!(
        fault(br#"{"a": {"\u0000": 1}}"#),
        (
            Refusal::Malformed,
            Problem::at("/a", "nul_character", "a text holds the character U+0000")
        )
    );
}

#[test]
fn depth_is_capped_before_the_stack_is() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(nested(64).as_bytes()).is_ok());
    for depth in [65, 127, 128, 100_000] {
        assert_eq!(fault(nested(depth).as_bytes()).1.code, "too_deep");
    }
    let objects = r#"{"a":"#.repeat(100_000);
    assert_eq!(fault(objects.as_bytes()).1.code, "too_deep");
}

#[test]
fn integers_that_would_lose_digits_are_refused() {
    for kept in [
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709552000",
        "100000000000000000000",
        "-9223372036854775808",
        "1000000000000000000000000000000",
        "1.8446744073709552e19",
        "5.0",
        "5e-324",
        "55.79820251464844",
        "-115.66799926757812",
        "-115.66799926757813",
        "0.10000000000000001",
        "0.30000000000000004",
        "1.10000000000000000000",
        "0e999999999999",
    ] {
        assert!(read(kept.as_bytes()).is_ok(), "{kept}");
    }
    let text = r#"{"s": "1 \" 2", "n": [1, 1e300, -9223372036854775809]}"#;
    assert_eq!(
        fault(text.as_bytes()),
        (
            Refusal::Invalid,
            Problem::at("/n/2", "out_of_range", "the number would lose digits")
                .with_value("-9223372036854775809")
        )
    );
    for lost in [
        "18446744073709551617",
        "123456789012345678901234567890",
        "123456789012345678901234567890.0",
        "1.8446744073709551617e19",
        "9007199254740993.0",
        "9007199254740992.5",
        "0.99999999999999999999",
        "4.9999999999999999999",
        "-115.667999267578126",
        "0.100000000000000006",
        "1e-400",
    ] {
        assert_eq!(fault(lost.as_bytes()).1.code, "out_of_range", "{lost}");
    }
}

#[test]
fn floats_read_back_exactly() {
    for float in [
        0.1,
        5e-324,
        1.797_693_134_862_315_7e308,
        2.225_073_858_507_201_4e-308,
    ] {
        let text = json!(float).to_string();
        assert_eq!(read(text.as_bytes()).unwrap(), json!(float));
    }
    assert_eq!(read(b"-0").unwrap(), json!(-0.0));
}

/// Pieces whose sequences are often JSON, and often only almost.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        r#""a":"#,
        r#""b":"#,
        r#""\u0000""#,
        r#""\"1\\""#,
        "1",
        "-0",
        "1.5",
        "1e400",
        "1e300",
        "18446744073709551617",
        "-9223372036854775809",
        "100000000000000000000",
        "null",
        "true",
        " ",
    ]);
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn differs_from_serde_json_by_its_refusals_alone(text in pieces()) {
        let lenient = serde_json::from_str::<Value>(&text);
        match read(text.as_bytes()) {
            Ok(value) => prop_assert_eq!(Some(value), lenient.ok()),
            Err(fault) if fault.problem.code == "malformed_json" => prop_assert!(lenient.is_err()),
            Err(fault) => prop_assert!(
                matches!(fault.problem.code, "duplicate_member" | "nul_character" | "out_of_range"),
                "{fault:?}"
            ),
        }
    }
}
