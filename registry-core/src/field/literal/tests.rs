//! What literals and operators come to, kind by kind.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, json};

use super::{super::integer, *};

const ALL: [Comparison; 10] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::AtMost,
    Comparison::Greater,
    Comparison::AtLeast,
    Comparison::In,
    Comparison::Between,
    Comparison::Contains,
    Comparison::StartsWith,
];

fn plain(name: &str) -> Kind {
    let attributes = match name {
        "enum" => json!({"choices": ["a"]}),
        _ => json!({}),
    };
    Kind::from_definition(name, attributes.as_object().unwrap_or(&Map::new()), "").unwrap()
}

fn number(text: &str) -> Literal {
    Literal::Number(text.to_owned())
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn integer(value: i64) -> Encoded {
    integer::encode(value)
}

#[test]
fn operators_are_those_of_the_contract() {
    for (name, operators) in [
        ("text", "= != < <= > >= IN BETWEEN ~ STARTS WITH"),
        ("url", "= != < <= > >= IN BETWEEN ~ STARTS WITH"),
        ("email", "= != < <= > >= IN BETWEEN ~ STARTS WITH"),
        ("enum", "= != IN"),
        ("integer", "= != < <= > >= IN BETWEEN"),
        ("number", "= != < <= > >= IN BETWEEN"),
        ("decimal", "= != < <= > >= IN BETWEEN"),
        ("boolean", "= !="),
        ("date", "= != < <= > >= IN BETWEEN"),
        ("datetime", "= != < <= > >= IN BETWEEN"),
        ("uuid", "= != IN"),
        ("json", ""),
    ] {
        let kind = plain(name);
        let allowed: Vec<String> = ALL
            .into_iter()
            .filter(|operator| kind.allows(*operator))
            .map(|operator| operator.to_string())
            .collect();
        assert_eq!(allowed.join(" "), operators, "{name}");
    }
    assert_eq!(
        plain("boolean").test(Comparison::Less, &[Literal::Boolean(true)]),
        Err(LiteralError::Operator {
            operator: Comparison::Less,
            kind: "boolean"
        })
    );
}

#[test]
fn integers_compare_exactly_with_any_number() {
    use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
    let kind = plain("integer");
    for (operator, literal, test) in [
        (
            Greater,
            "5000.5",
            LiteralTest::Test(Test::AtLeast(integer(5001))),
        ),
        (
            Greater,
            "5000",
            LiteralTest::Test(Test::AtLeast(integer(5001))),
        ),
        (
            AtLeast,
            "5000.5",
            LiteralTest::Test(Test::AtLeast(integer(5001))),
        ),
        (Less, "-0.5", LiteralTest::Test(Test::AtMost(integer(-1)))),
        (Less, "5", LiteralTest::Test(Test::AtMost(integer(4)))),
        (AtMost, "5.5", LiteralTest::Test(Test::AtMost(integer(5)))),
        (Equal, "5.0", LiteralTest::Test(Test::Equal(integer(5)))),
        (Equal, "5.5", LiteralTest::Never),
        (
            Equal,
            "9007199254740993",
            LiteralTest::Test(Test::Equal(integer(9_007_199_254_740_993))),
        ),
        (Equal, "9223372036854775808", LiteralTest::Never),
        (NotEqual, "5.5", LiteralTest::WheneverPresent),
        (NotEqual, "1e30", LiteralTest::WheneverPresent),
        (Greater, "1e30", LiteralTest::Never),
        (Greater, "9223372036854775807", LiteralTest::Never),
        (
            AtLeast,
            "9223372036854775807",
            LiteralTest::Test(Test::AtLeast(integer(i64::MAX))),
        ),
        (Less, "1e999999999", LiteralTest::WheneverPresent),
        (Less, "-1e999999999", LiteralTest::Never),
        (
            AtMost,
            "1e-999999999",
            LiteralTest::Test(Test::AtMost(integer(0))),
        ),
        (Less, "-9223372036854775808", LiteralTest::Never),
    ] {
        assert_eq!(
            kind.test(operator, &[number(literal)]),
            Ok(test),
            "{operator} {literal}"
        );
    }
    let between = |low, high| kind.test(Comparison::Between, &[number(low), number(high)]);
    assert_eq!(
        between("-1e30", "2.5"),
        Ok(LiteralTest::Test(Test::Between(
            integer(i64::MIN),
            integer(2)
        )))
    );
    assert_eq!(between("0.1", "0.9"), Ok(LiteralTest::Never));
    assert_eq!(between("1e30", "1e31"), Ok(LiteralTest::Never));
    let one_of = |literals: &[Literal]| kind.test(Comparison::In, literals);
    assert_eq!(
        one_of(&[number("1"), number("1.5"), number("2.0")]),
        Ok(LiteralTest::Test(Test::In(vec![integer(1), integer(2)])))
    );
    assert_eq!(one_of(&[number("1.5")]), Ok(LiteralTest::Never));
}

#[test]
fn literals_are_read_by_kind() {
    let bare = |text: &str| Literal::Bare(text.to_owned());
    let id = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    for (name, literal, encoded) in [
        ("text", text("a b"), Some("a b")),
        ("text", bare("5"), Some("5")),
        ("text", number("5"), None),
        ("text", Literal::Boolean(true), None),
        ("text", text("a\0"), None),
        ("enum", text("not a choice"), Some("not a choice")),
        ("number", number("1e400"), Some("fff0000000000000")),
        ("number", bare("x"), None),
        ("number", text("1"), None),
        ("decimal", text("0.10"), Some("1501")),
        ("decimal", number("1e-1"), Some("1501")),
        ("decimal", text("abc"), None),
        ("decimal", Literal::Boolean(true), None),
        ("boolean", Literal::Boolean(false), Some("0")),
        ("boolean", bare("TRUE"), Some("1")),
        ("boolean", text("true"), None),
        ("date", text("2026-01-02"), Some("2026-01-02")),
        ("date", text("2026-02-30"), None),
        ("date", number("2026"), None),
        (
            "datetime",
            text("2026-01-02T00:00:00+01:00"),
            Some("2026-01-01T23:00:00.000000Z"),
        ),
        ("datetime", text("2026-01-02"), None),
        ("uuid", text(&id.to_uppercase()), Some(id)),
        ("uuid", text("x"), None),
    ] {
        let kind = plain(name);
        let test = kind.test(Comparison::Equal, std::slice::from_ref(&literal));
        match encoded {
            Some(encoded) => {
                let equal = Test::Equal(Encoded(encoded.to_owned()));
                assert_eq!(test, Ok(LiteralTest::Test(equal)), "{name} {literal:?}");
            }
            None => assert!(
                matches!(test, Err(LiteralError::Type { .. })),
                "{name} {literal:?} {test:?}"
            ),
        }
    }
}

#[test]
fn operators_take_their_number_of_literals() {
    for name in ["integer", "decimal"] {
        let kind = plain(name);
        for (operator, count) in [
            (Comparison::Equal, 0),
            (Comparison::Equal, 2),
            (Comparison::Between, 1),
            (Comparison::Between, 3),
            (Comparison::In, 0),
        ] {
            let literals = vec![number("1"); count];
            assert_eq!(
                kind.test(operator, &literals),
                Err(LiteralError::Count { operator })
            );
        }
    }
}

#[test]
fn every_text_holds_the_empty_one() {
    let kind = plain("text");
    for operator in [Comparison::Contains, Comparison::StartsWith] {
        assert_eq!(
            kind.test(operator, &[text("")]),
            Ok(LiteralTest::WheneverPresent)
        );
    }
}

fn passes(test: &LiteralTest, value: &Encoded) -> bool {
    match test {
        LiteralTest::Test(test) => test.passes(value),
        LiteralTest::Never => false,
        LiteralTest::WheneverPresent => true,
    }
}

/// What the operators mean, on integers scaled alike.
fn meant(operator: Comparison, value: i128, literals: &[i128]) -> bool {
    match operator {
        Comparison::Equal => value == literals[0],
        Comparison::NotEqual => value != literals[0],
        Comparison::Less => value < literals[0],
        Comparison::AtMost => value <= literals[0],
        Comparison::Greater => value > literals[0],
        Comparison::AtLeast => value >= literals[0],
        Comparison::In => literals.contains(&value),
        Comparison::Between => literals[0] <= value && value <= literals[1],
        Comparison::Contains | Comparison::StartsWith => false,
    }
}

/// A number of hundredths, as it may be written.
fn written() -> impl Strategy<Value = (String, i128)> {
    let hundredths = prop_oneof![
        -1_000_i128..1_000,
        any::<i64>().prop_map(|value| i128::from(value) * 100),
        any::<i64>().prop_map(|value| i128::from(value) * 1_000 + 50),
    ];
    (hundredths, any::<bool>()).prop_map(|(hundredths, scientific)| {
        let sign = if hundredths < 0 { "-" } else { "" };
        let size = hundredths.abs();
        let text = if scientific {
            format!("{sign}{size}e-2")
        } else {
            format!("{sign}{}.{:02}", size / 100, size % 100)
        };
        (text, hundredths)
    })
}

proptest! {
    #[test]
    fn integer_tests_mean_what_they_say(
        value in prop_oneof![-10_i64..10, any::<i64>()],
        first in written(),
        second in written(),
        operator in proptest::sample::select(&ALL[..8]),
    ) {
        let pair = [first, second];
        let used = if matches!(operator, Comparison::In | Comparison::Between) { &pair[..] } else { &pair[..1] };
        let literals: Vec<Literal> = used.iter().map(|(text, _)| number(text)).collect();
        let sizes: Vec<i128> = used.iter().map(|(_, size)| *size).collect();
        let test = plain("integer").test(operator, &literals).unwrap();
        prop_assert_eq!(
            passes(&test, &integer(value)),
            meant(operator, i128::from(value) * 100, &sizes)
        );
    }

    #[test]
    fn decimal_tests_mean_what_they_say(
        value in written(),
        first in written(),
        second in written(),
        operator in proptest::sample::select(&ALL[..8]),
        more in 0_usize..60,
    ) {
        let kind = plain("decimal");
        let exact = Exact::parse(&value.0, Notation::Scientific).unwrap();
        let stored = decimal::encode(&exact);
        // More digits than any field holds decide too: a literal a little above `first`.
        let (text, size) = &first;
        let literal = if more > 0 && !text.contains('e') {
            format!("{text}{}1", "0".repeat(more))
        } else {
            text.clone()
        };
        let above = literal != *text;
        let step = i128::from(above) * if text.starts_with('-') { -1 } else { 1 };
        let sizes = [size * 3 + step, second.1 * 3];
        let used = if matches!(operator, Comparison::In | Comparison::Between) { 2 } else { 1 };
        let literals = [number(&literal), Literal::Text(second.0)];
        let test = kind.test(operator, &literals[..used]).unwrap();
        prop_assert_eq!(passes(&test, &stored), meant(operator, value.1 * 3, &sizes[..used]));
    }
}
