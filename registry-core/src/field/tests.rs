//! What holds of every kind: definitions, round trips, order, cells, and agreement with the JSON Schema.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Kind, pattern::schema_options};
use crate::{
    entity::Encoded,
    problem::{Place, Problem},
};

fn define(type_name: &str, attributes: Value) -> Result<Kind, Vec<Problem>> {
    let Value::Object(attributes) = attributes else {
        panic!("attributes are an object");
    };
    Kind::from_definition(type_name, &attributes, "/fields/x")
}

fn kind(type_name: &str, attributes: Value) -> Kind {
    define(type_name, attributes).unwrap()
}

fn plain(type_name: &str) -> Kind {
    match type_name {
        "enum" => kind("enum", json!({"choices": ["open", "closed", "Ä"]})),
        other => kind(other, json!({})),
    }
}

fn code(kind: &Kind, value: &Value) -> &'static str {
    kind.encode(value)
        .map_or_else(|problem| problem.code, |_| "")
}

/// Pointer and code of each problem.
fn codes(definition: Result<Kind, Vec<Problem>>) -> Vec<(String, &'static str)> {
    let problems = definition.err().unwrap_or_default();
    let place = |problem: Problem| match problem.place {
        Place::Pointer(pointer) => (pointer, problem.code),
        other => panic!("no pointer: {other:?}"),
    };
    problems.into_iter().map(place).collect()
}

#[test]
fn definitions_read_back_from_their_attributes_and_from_storage() {
    for (type_name, attributes) in [
        (
            "text",
            json!({"min_length": 1, "max_length": 4, "pattern": "^[A-Z]*$"}),
        ),
        ("url", json!({"max_length": 100})),
        ("email", json!({"pattern": "@example.org$"})),
        ("enum", json!({"choices": ["b", "a"]})),
        ("integer", json!({"min": -5, "max": i64::MAX})),
        ("number", json!({"min": -0.5, "max": 1e300})),
        (
            "decimal",
            json!({"precision": 10, "scale": 2, "min": "-0.1", "max": "12.5"}),
        ),
        ("boolean", json!({})),
        ("date", json!({"min": "2000-01-01", "max": "2026-12-31"})),
        ("datetime", json!({"min": "2026-01-02T03:04:05.000000Z"})),
        ("uuid", json!({})),
        (
            "json",
            json!({"schema": {"type": "object", "properties": {"b": true, "a": false}}}),
        ),
    ] {
        let kind = kind(type_name, attributes.clone());
        assert_eq!(kind.name(), type_name);
        assert_eq!(
            Value::Object(kind.attributes()).to_string(),
            attributes.to_string()
        );
        let stored: Kind = serde_json::from_str(&serde_json::to_string(&kind).unwrap()).unwrap();
        assert_eq!(stored, kind);
    }
    assert_ne!(
        kind("enum", json!({"choices": ["a", "b"]})),
        kind("enum", json!({"choices": ["b", "a"]}))
    );
}

#[test]
fn all_problems_of_a_definition_at_once() {
    let problems = codes(define(
        "text",
        json!({"min_length": 1.5, "max_length": -1, "pattern": "(", "choices": [], "a/b": 1}),
    ));
    assert_eq!(
        problems,
        [
            ("/fields/x/min_length".to_owned(), "type"),
            ("/fields/x/max_length".to_owned(), "type"),
            ("/fields/x/pattern".to_owned(), "pattern"),
            ("/fields/x/choices".to_owned(), "unknown_member"),
            ("/fields/x/a~1b".to_owned(), "unknown_member"),
        ]
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_definitions_are_refused() {
    let many: Vec<String> = (0..10_001).map(|choice| choice.to_string()).collect();
    for (type_name, attributes, member, code) in [
        ("string", json!({}), "type", "unknown_kind"),
        ("Text", json!({}), "type", "unknown_kind"),
        (
            "text",
            json!({"min_length": 2, "max_length": 1}),
            "min_length",
            "out_of_range",
        ),
        ("text", json!({"pattern": 1}), "pattern", "type"),
        (
            "text",
            json!({"pattern": "(a{1000}){1000}"}),
            "pattern",
            "pattern",
        ),
        ("text", json!({"min": 1}), "min", "unknown_member"),
        (
            "integer",
            json!({"min": 2, "max": 1}),
            "min",
            "out_of_range",
        ),
        ("integer", json!({"min": 1.5}), "min", "type"),
        ("integer", json!({"max": u64::MAX}), "max", "out_of_range"),
        ("number", json!({"min": "1"}), "min", "type"),
        (
            "number",
            json!({"min": 1, "max": 0.5}),
            "min",
            "out_of_range",
        ),
        ("decimal", json!({"min": 1}), "min", "type"),
        ("decimal", json!({"min": "1e3"}), "min", "format"),
        (
            "decimal",
            json!({"min": "2", "max": "10", "precision": 39}),
            "precision",
            "out_of_range",
        ),
        (
            "decimal",
            json!({"precision": 0}),
            "precision",
            "out_of_range",
        ),
        (
            "decimal",
            json!({"precision": 2, "scale": 3}),
            "scale",
            "out_of_range",
        ),
        (
            "decimal",
            json!({"min": "10", "max": "9"}),
            "min",
            "out_of_range",
        ),
        ("date", json!({"min": "2026-02-30"}), "min", "format"),
        ("datetime", json!({"max": "2026-01-02"}), "max", "format"),
        ("boolean", json!({"min": 1}), "min", "unknown_member"),
        (
            "uuid",
            json!({"max_length": 1}),
            "max_length",
            "unknown_member",
        ),
        ("enum", json!({}), "choices", "required"),
        ("enum", json!({"choices": []}), "choices", "too_few_items"),
        (
            "enum",
            json!({"choices": many}),
            "choices",
            "too_many_items",
        ),
        ("enum", json!({"choices": "a"}), "choices", "type"),
        (
            "enum",
            json!({"choices": ["a", "b", "a"]}),
            "choices/2",
            "duplicate",
        ),
        ("enum", json!({"choices": ["a", 1]}), "choices/1", "type"),
        ("enum", json!({"choices": [""]}), "choices/0", "too_short"),
        (
            "json",
            json!({"schema": {"minLenght": 1}}),
            "schema/minLenght",
            "unknown_member",
        ),
        (
            "json",
            json!({"schema": {"$ref": "http://example.org"}}),
            "schema/$ref",
            "schema",
        ),
    ] {
        let shown = format!("{type_name} {attributes:.100}");
        let expected = vec![(format!("/fields/x/{member}"), code)];
        assert_eq!(codes(define(type_name, attributes)), expected, "{shown}");
    }
}

#[test]
fn values_are_kept_in_one_form() {
    for (type_name, given, kept) in [
        ("text", json!("e\u{301} 🙂 "), json!("e\u{301} 🙂 ")),
        ("text", json!(""), json!("")),
        ("enum", json!("Ä"), json!("Ä")),
        ("integer", json!(5.0), json!(5)),
        ("integer", json!(-0.0), json!(0)),
        ("integer", json!(i64::MIN), json!(i64::MIN)),
        ("integer", json!(i64::MAX), json!(i64::MAX)),
        ("number", json!(13), json!(13.0)),
        ("number", json!(-0.0), json!(0.0)),
        ("number", json!(0.1), json!(0.1)),
        ("number", json!(f64::MAX), json!(f64::MAX)),
        ("number", json!(5e-324), json!(5e-324)),
        ("decimal", json!("0.10"), json!("0.1")),
        ("boolean", json!(true), json!(true)),
        ("date", json!("2024-02-29"), json!("2024-02-29")),
        (
            "datetime",
            json!("2026-01-02T03:04:05+02:00"),
            json!("2026-01-02T01:04:05.000000Z"),
        ),
        (
            "uuid",
            json!("0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0000"),
            json!("0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"),
        ),
        (
            "json",
            json!({"b": [1.5, null], "a": "\u{1}"}),
            json!({"b": [1.5, null], "a": "\u{1}"}),
        ),
    ] {
        let kind = plain(type_name);
        let encoded = kind.encode(&given).unwrap();
        assert_eq!(kind.decode(encoded.as_str()).to_string(), kept.to_string());
        let mut out = Vec::new();
        kind.write_json(encoded.as_str(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), kept.to_string());
    }
}

#[test]
fn nothing_is_coerced() {
    for type_name in Kind::NAMES {
        let kind = plain(type_name);
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!("x"),
            json!("5"),
            json!(5),
            json!(5.5),
            json!(true),
        ] {
            let fits = match type_name {
                "json" => !value.is_null(),
                "text" => value.is_string(),
                "integer" => value == json!(5),
                "number" => value.is_number(),
                "decimal" => value == json!("5"),
                "boolean" => value.is_boolean(),
                _ => false,
            };
            assert_eq!(code(&kind, &value).is_empty(), fits, "{type_name} {value}");
        }
    }
}

#[test]
fn values_that_break_the_rules_are_named() {
    let short = kind(
        "text",
        json!({"min_length": 2, "max_length": 3, "pattern": "^[^x]*$"}),
    );
    let integer = kind("integer", json!({"min": -5, "max": 5}));
    let number = kind("number", json!({"min": -0.5, "max": 0.5}));
    let decimal = kind("decimal", json!({"min": "-0.5", "max": "0.5"}));
    let date = kind("date", json!({"min": "2026-01-02", "max": "2026-01-04"}));
    for (kind, value, expected) in [
        (&short, json!("🙂"), "too_short"),
        (&short, json!("🙂🙂"), ""),
        (&short, json!("🙂🙂🙂"), ""),
        (&short, json!("🙂🙂🙂🙂"), "too_long"),
        (&short, json!("axb"), "pattern"),
        (&short, json!("a\0"), "nul_character"),
        (&plain("text"), json!("a".repeat(1024 * 1024)), ""),
        (
            &plain("text"),
            json!("a".repeat(1024 * 1024 + 1)),
            "too_long",
        ),
        (&plain("enum"), json!("Open"), "not_a_choice"),
        (&plain("integer"), json!(u64::MAX), "out_of_range"),
        (
            &plain("integer"),
            json!(18_446_744_073_709_551_616.0),
            "out_of_range",
        ),
        (&plain("integer"), json!(-1e300), "out_of_range"),
        (
            &plain("integer"),
            json!(9_007_199_254_740_994.0),
            "out_of_range",
        ),
        (&plain("integer"), json!(9_007_199_254_740_992.0), ""),
        (&integer, json!(6), "out_of_range"),
        (&integer, json!(-6), "out_of_range"),
        (&number, json!(0.6), "out_of_range"),
        (&number, json!(-1), "out_of_range"),
        (&decimal, json!("0.51"), "out_of_range"),
        (&decimal, json!("-0.51"), "out_of_range"),
        (&decimal, json!("-0.5"), ""),
        (&decimal, json!(0.5), "type"),
        (&date, json!("2026-01-01"), "out_of_range"),
        (&date, json!("2026-01-05"), "out_of_range"),
        (&plain("datetime"), json!("2026-01-02T03:04:05"), "format"),
        (&plain("datetime"), json!("2016-12-31T23:59:60Z"), "format"),
        (
            &plain("datetime"),
            json!("Fri, 02 Jan 2026 03:04:05 GMT"),
            "format",
        ),
    ] {
        assert_eq!(code(kind, &value), expected, "{kind:?} {value:.100}");
    }
}

#[test]
fn cells_are_read_by_kind() {
    for (type_name, cell, value) in [
        ("text", " 007 ", Ok(json!(" 007 "))),
        ("integer", "-12", Ok(json!(-12))),
        ("integer", "5.0", Ok(json!(5))),
        (
            "integer",
            "9007199254740993.0",
            Ok(json!(9_007_199_254_740_993_i64)),
        ),
        ("integer", "9223372036854775807", Ok(json!(i64::MAX))),
        ("integer", "9223372036854775808", Err("out_of_range")),
        ("integer", "1e999999999", Err("out_of_range")),
        ("integer", "5.5", Err("type")),
        ("integer", "007", Err("type")),
        ("integer", " 7", Err("type")),
        ("integer", "abc", Err("type")),
        ("number", "13", Ok(json!(13.0))),
        ("number", "-1.5e3", Ok(json!(-1500.0))),
        ("number", "1e400", Err("out_of_range")),
        ("number", "1,5", Err("type")),
        ("number", "inf", Err("type")),
        ("boolean", "true", Ok(json!(true))),
        ("boolean", "FALSE", Ok(json!(false))),
        ("boolean", "1", Err("type")),
        ("decimal", "0.10", Ok(json!("0.10"))),
        ("json", r#"{"b": 1}"#, Ok(json!({"b": 1}))),
        ("json", r#"{"b": 1, "b": 2}"#, Err("duplicate_member")),
        ("json", "{", Err("malformed_json")),
        ("json", &"[".repeat(63), Err("too_deep")),
    ] {
        let read = plain(type_name)
            .parse_text(cell)
            .map_err(|problem| problem.code);
        assert_eq!(read, value, "{type_name} {cell}");
    }
}

#[test]
fn what_is_no_encoded_form_is_not_decoded() {
    for (type_name, text) in [
        ("integer", "x"),
        ("number", "fff0000000000000"),
        ("decimal", ""),
        ("decimal", "2"),
        ("decimal", "0é~"),
        ("boolean", "2"),
        ("json", "{"),
    ] {
        assert_eq!(
            plain(type_name).try_decode(text),
            None,
            "{type_name} {text}"
        );
    }
}

/// Values of a kind, with the order they must come in: the second is compared by its own type's order.
fn decimal_text() -> impl Strategy<Value = (String, i128)> {
    // Scaled by 10^6, so that the order is that of integers.
    (-10_i128.pow(12)..10_i128.pow(12)).prop_map(|scaled| {
        let sign = if scaled < 0 { "-" } else { "" };
        let (whole, fraction) = (scaled.abs() / 1_000_000, scaled.abs() % 1_000_000);
        (format!("{sign}{whole}.{fraction:06}"), scaled)
    })
}

fn round_trip(kind: &Kind, value: &Value) -> Encoded {
    let encoded = kind.encode(value).unwrap();
    let decoded = kind.decode(encoded.as_str());
    assert_eq!(kind.encode(&decoded).unwrap(), encoded);
    let cell = kind.cell(&encoded);
    let read = kind.parse_text(&cell).unwrap();
    assert_eq!(read.to_string(), decoded.to_string());
    let mut out = Vec::new();
    kind.write_json(encoded.as_str(), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), decoded.to_string());
    encoded
}

fn text_value() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        any::<char>().prop_filter("kept", |letter| *letter != '\0'),
        0..20,
    )
    .prop_map(|letters| letters.into_iter().collect())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(Value::from),
        (-20_i64..20).prop_map(|number| json!(f64::from(i32::try_from(number).unwrap_or(0)) / 2.0)),
        text_value().prop_map(Value::from),
        "-?[0-9]{1,3}(\\.[0-9]{1,4})?".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]".prop_map(Value::from),
        "202[0-9]-0[1-9]-[0-2][1-9]T[0-2][0-9]:00:00(Z|\\+02:00)".prop_map(Value::from),
        "(http|https|HTTP|ftp)://?[a-z.]{0,8}".prop_map(Value::from),
        "[a-z]{1,3}@[a-z]{0,3}(\\.org)?".prop_map(Value::from),
        "(open|closed|Open)".prop_map(Value::from),
        "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Kinds with every rule that a schema can say, and some that it cannot.
fn kinds() -> Vec<Kind> {
    vec![
        plain("text"),
        kind(
            "text",
            json!({"min_length": 2, "max_length": 5, "pattern": "[a-z0-9]"}),
        ),
        plain("url"),
        kind("url", json!({"pattern": "a"})),
        plain("email"),
        plain("enum"),
        plain("integer"),
        kind("integer", json!({"min": -5, "max": 5})),
        plain("number"),
        kind("number", json!({"min": -1.5, "max": 5.5})),
        plain("decimal"),
        kind("decimal", json!({"precision": 3, "scale": 1})),
        kind("decimal", json!({"precision": 2})),
        kind("decimal", json!({"scale": 0, "min": "-5", "max": "50"})),
        kind("decimal", json!({"precision": 2, "scale": 2})),
        plain("boolean"),
        plain("date"),
        plain("datetime"),
        plain("uuid"),
        kind(
            "json",
            json!({"schema": {"type": ["object", "string", "integer"], "properties": {"a": {"type": "integer"}}}}),
        ),
    ]
}

#[test]
fn schemas_accept_what_kinds_accept() {
    let validators: Vec<_> = kinds()
        .into_iter()
        .map(|kind| {
            let schema = Value::Object(kind.json_schema("urn:registry:test"));
            let validator = schema_options()
                .should_validate_formats(false)
                .should_ignore_unknown_formats(true)
                .build(&schema)
                .unwrap();
            (kind, validator)
        })
        .collect();
    // What a schema cannot say: calendar and syntax of formats, exact bounds of decimals and dates, all digits counted together,
    // integers that binary64 does not have.
    let beyond = |kind: &Kind, code: &str, value: &Value| match kind {
        Kind::Decimal(_) => matches!(code, "out_of_range" | "precision"),
        Kind::Integer(_) => code == "out_of_range",
        Kind::Number(_) => code == "out_of_range" && !value.is_f64(),
        Kind::Url(_) | Kind::Email(_) | Kind::Date(_) | Kind::Datetime(_) | Kind::Uuid(_) => {
            code == "format"
        }
        _ => code == "nul_character",
    };
    proptest!(ProptestConfig::with_cases(4_000), |(value in any_json())| {
        for (kind, validator) in &validators {
            let code = code(kind, &value);
            let valid = validator.is_valid(&value);
            if code.is_empty() {
                prop_assert!(valid, "the schema of {kind:?} refuses {value}");
            } else {
                prop_assert!(!valid || beyond(kind, code, &value), "the schema of {kind:?} takes {value}: {code}");
            }
        }
    });
}

proptest! {
    #[test]
    fn integers_sort(a: i64, b: i64) {
        let kind = plain("integer");
        let (first, second) = (round_trip(&kind, &json!(a)), round_trip(&kind, &json!(b)));
        prop_assert_eq!(first.cmp(&second), a.cmp(&b));
        prop_assert_eq!(kind.decode(first.as_str()), json!(a));
    }

    #[test]
    fn numbers_sort(a in finite(), b in finite()) {
        let kind = plain("number");
        let (first, second) = (round_trip(&kind, &json!(a)), round_trip(&kind, &json!(b)));
        prop_assert_eq!(Some(first.cmp(&second)), a.partial_cmp(&b));
        prop_assert_eq!(kind.decode(first.as_str()), json!(a + 0.0));
    }

    #[test]
    fn decimals_sort((a, order_a) in decimal_text(), (b, order_b) in decimal_text()) {
        let kind = plain("decimal");
        let (first, second) = (round_trip(&kind, &json!(a)), round_trip(&kind, &json!(b)));
        prop_assert_eq!(first.cmp(&second), order_a.cmp(&order_b));
    }

    #[test]
    fn decimals_of_all_sizes_round_trip(digits in "[1-9][0-9]{0,37}", point in 0_usize..38, negative: bool) {
        let (whole, fraction) = digits.split_at(point.min(digits.len()));
        let whole = if whole.is_empty() { "0" } else { whole };
        let sign = if negative { "-" } else { "" };
        let text = match fraction.trim_end_matches('0') {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        };
        let kind = plain("decimal");
        let encoded = round_trip(&kind, &json!(text));
        prop_assert_eq!(kind.decode(encoded.as_str()), json!(text));
    }

    #[test]
    fn texts_sort_by_code_point(a in text_value(), b in text_value()) {
        let kind = plain("text");
        let (first, second) = (round_trip(&kind, &json!(a)), round_trip(&kind, &json!(b)));
        prop_assert_eq!(first.cmp(&second), a.chars().cmp(b.chars()));
    }

    #[test]
    fn datetimes_sort(a in instant(), b in instant()) {
        let kind = plain("datetime");
        let text = |at: i64| json!(crate::Timestamp(at).to_string());
        let (first, second) = (round_trip(&kind, &text(a)), round_trip(&kind, &text(b)));
        prop_assert_eq!(first.cmp(&second), a.cmp(&b));
        let (first, second) = (first.as_str()[..10].to_owned(), second.as_str()[..10].to_owned());
        let day = 86_400_000_000;
        let date = plain("date");
        let (first, second) = (round_trip(&date, &json!(first)), round_trip(&date, &json!(second)));
        prop_assert_eq!(first.cmp(&second), a.div_euclid(day).cmp(&b.div_euclid(day)));
    }

    #[test]
    fn uuids_sort(a: u128, b: u128) {
        let kind = plain("uuid");
        let text = |bits: u128| json!(uuid::Uuid::from_u128(bits).to_string());
        let (first, second) = (round_trip(&kind, &text(a)), round_trip(&kind, &text(b)));
        prop_assert_eq!(first.cmp(&second), a.cmp(&b));
    }

    #[test]
    fn json_round_trips(value in any_json()) {
        prop_assume!(!value.is_null());
        let kind = plain("json");
        let encoded = round_trip(&kind, &value);
        prop_assert_eq!(kind.decode(encoded.as_str()).to_string(), value.to_string());
    }
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |float| float.is_finite()),
        (-100_i32..100).prop_map(f64::from),
    ]
}

/// Microseconds from 0001-01-01 to the end of 9999.
fn instant() -> impl Strategy<Value = i64> {
    -62_135_596_800_000_000_i64..253_402_300_800_000_000
}
