//! Every operator with every kind, and every kind with every literal.

use serde_json::{Map, json};
use uuid::Uuid;

use super::catalog::*;
use crate::{
    Catalog, TypeId, Version,
    field::Kind,
    query::{Compare, Filter, FilterError, Operand, Test, parse_fields, parse_filter, resolve},
};

const TYPE: TypeId = TypeId(Uuid::from_u128(1));

/// Name of a kind, a literal of it, the same unquoted, and how it is encoded.
const KINDS: [(&str, &str, &str, &str); 12] = [
    ("text", r#""b""#, "b", "b"),
    ("url", r#""http://b""#, "http://b", "http://b"),
    ("email", r#""b@x""#, "b@x", "b@x"),
    ("enum", r#""b""#, "b", "b"),
    ("integer", "5", "5", "8000000000000005"),
    ("number", "5", "5", "c014000000000000"),
    ("decimal", r#""5""#, "5", "(decimal)"),
    ("boolean", "true", "true", "1"),
    ("date", r#""2026-01-02""#, "2026-01-02", "2026-01-02"),
    (
        "datetime",
        r#""2026-01-02T00:00:00+01:00""#,
        "2026-01-02T00:00:00+01:00",
        "2026-01-01T23:00:00.000000Z",
    ),
    (
        "uuid",
        r#""00000000-0000-0000-0000-00000000000A""#,
        "00000000-0000-0000-0000-00000000000A",
        ID_TEXT,
    ),
    ("json", r#""b""#, "b", ""),
];

fn kind(name: &str) -> Kind {
    let mut attributes = Map::new();
    match name {
        "enum" => attributes.insert("choices".to_owned(), json!(["a", "b"])),
        "decimal" => attributes.insert("precision".to_owned(), json!(10)),
        _ => None,
    };
    Kind::from_definition(name, &attributes, "").unwrap()
}

fn catalog(name: &str) -> Catalog {
    let only = entity_type(TYPE, "t", vec![field(1, "f", kind(name))], Vec::new());
    Catalog::new(Version::FIRST, vec![only])
}

fn ask(kind: &str, filter: &str) -> Result<Filter, FilterError> {
    let catalog = catalog(kind);
    resolve(&catalog, catalog.types(), &parse_filter(filter).unwrap())
}

fn operand() -> Operand {
    Operand::Field {
        type_id: TYPE,
        field: crate::FieldNumber(1),
        list: false,
        indexed: false,
    }
}

/// What the contract allows, by kind.
fn allowed(kind: &str) -> &'static [&'static str] {
    match kind {
        "text" | "url" | "email" => &[
            "=",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "~",
            "STARTS WITH",
            "IN",
            "BETWEEN",
        ],
        "enum" | "uuid" => &["=", "!=", "IN"],
        "integer" | "number" | "decimal" | "date" | "datetime" => {
            &["=", "!=", "<", "<=", ">", ">=", "IN", "BETWEEN"]
        }
        "boolean" => &["=", "!="],
        _ => &[],
    }
}

/// The filter of an operator with a literal, where the operator is blamed, and the test it makes.
fn operators(literal: &str, encoding: &str) -> Vec<(&'static str, String, usize, Test)> {
    let value = || encoded(encoding);
    let text = || encoding.to_owned();
    let signed =
        |operator: &'static str, test| (operator, format!("f {operator} {literal}"), 2, test);
    vec![
        signed("=", Test::Equal(value())),
        signed("!=", Test::NotEqual(value())),
        signed("<", Test::Less(value())),
        signed("<=", Test::AtMost(value())),
        signed(">", Test::Greater(value())),
        signed(">=", Test::AtLeast(value())),
        signed("~", Test::Contains(text())),
        (
            "IN",
            format!("f IN ({literal}, {literal})"),
            0,
            Test::In(vec![value(), value()]),
        ),
        (
            "BETWEEN",
            format!("f BETWEEN {literal} AND {literal}"),
            0,
            Test::Between(value(), value()),
        ),
        (
            "STARTS WITH",
            r#"f STARTS WITH "b""#.to_owned(),
            0,
            Test::StartsWith("b".to_owned()),
        ),
    ]
}

/// How a test of an integer field is written: whole numbers know no gap between them.
fn of_integers(test: Test) -> Test {
    match test {
        Test::Less(_) => Test::AtMost(crate::field::encode_integer(4)),
        Test::Greater(_) => Test::AtLeast(crate::field::encode_integer(6)),
        other => other,
    }
}

#[test]
fn every_operator_with_every_kind() {
    for (kind, literal, _, encoding) in KINDS {
        let encoding = match kind {
            // Its form is the kind's own affair.
            "decimal" => match ask(kind, &format!("f = {literal}")).unwrap() {
                Filter::Compare(Compare {
                    test: Test::Equal(value),
                    ..
                }) => value.0,
                other => unreachable!("{other:?}"),
            },
            _ => encoding.to_owned(),
        };
        for (operator, filter, offset, test) in operators(literal, &encoding) {
            let expected = if allowed(kind).contains(&operator) {
                let test = if kind == "integer" {
                    of_integers(test)
                } else {
                    test
                };
                let operand = operand();
                Ok(Filter::Compare(Compare { operand, test }))
            } else {
                let message = format!("{operator} cannot be used with a field of kind {kind}");
                Err(FilterError { offset, message })
            };
            assert_eq!(ask(kind, &filter), expected, "{kind}: {filter}");
        }
        let present = Filter::Present(operand());
        assert_eq!(ask(kind, "f IS NOT NULL"), Ok(present.clone()), "{kind}");
        assert_eq!(ask(kind, "f IS NULL"), Ok(not(present)), "{kind}");
    }
}

#[test]
fn an_unquoted_value_is_read_by_the_kind() {
    for (kind, literal, bare, _) in KINDS {
        let catalog = catalog(kind);
        let fields = parse_fields(&format!("f={bare}")).unwrap();
        let quoted = ask(kind, &format!("f = {literal}"));
        let read = resolve(&catalog, catalog.types(), &fields);
        match (read, quoted) {
            (Err(bare), Err(quoted)) => assert_eq!(bare.message, quoted.message, "{kind}"),
            (bare, quoted) => assert_eq!(bare, quoted, "{kind}"),
        }
    }
}

#[test]
fn a_literal_of_another_type_is_blamed_where_it_stands() {
    let literals = [r#""x""#, "5", "true"];
    for (kind, _, _, _) in KINDS {
        let takes: &[&str] = match kind {
            "text" | "url" | "email" | "enum" => &[r#""x""#],
            "integer" | "number" | "decimal" => &["5"],
            "boolean" => &["true"],
            // Texts, but none of these.
            _ => &[],
        };
        for literal in literals {
            let answer = ask(kind, &format!("f = {literal}"));
            if takes.contains(&literal) {
                assert!(answer.is_ok(), "{kind} {literal}");
                continue;
            }
            let error = answer.unwrap_err();
            let blamed = if kind == "json" { 2 } else { 4 };
            assert_eq!(error.offset, blamed, "{kind} {literal}");
            assert!(error.message.contains(kind), "{kind} {literal}: {error}");
        }
    }
    // The second of a list, the second end of a range.
    assert_eq!(ask("integer", r#"f IN (5, "x")"#).unwrap_err().offset, 9);
    assert_eq!(
        ask("date", r#"f BETWEEN "2026-01-02" AND "2026-02-30""#)
            .unwrap_err()
            .offset,
        27
    );
    assert_eq!(
        ask("datetime", r#"f = "2026-01-02T00:00:00""#)
            .unwrap_err()
            .offset,
        4
    );
}

#[test]
fn a_number_that_no_integer_meets_is_exact() {
    let never = Filter::Or(vec![]);
    let present = Filter::Present(operand());
    for (filter, expected) in [
        ("f = 5.5", never.clone()),
        ("f != 5.5", present.clone()),
        ("f > 9223372036854775808", never.clone()),
        ("f <= 9223372036854775808", present),
        ("f IN (0.5)", never.clone()),
        ("f NOT IN (0.5)", not(never)),
    ] {
        assert_eq!(ask("integer", filter), Ok(expected), "{filter}");
    }
}

#[test]
fn wildcards_are_plain_text() {
    let operand = operand();
    let test = Test::Contains("%_\\*".to_owned());
    let expected = Filter::Compare(Compare { operand, test });
    assert_eq!(ask("text", r#"f ~ "%_\\*""#), Ok(expected));
}
