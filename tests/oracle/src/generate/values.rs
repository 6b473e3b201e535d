//! Values of every kind: few, so that they meet, and those at the edges of their kind.

use registry_core::field::Kind;
use serde_json::{Value, json};

use registry_contract::draw::Draw;

const TEXTS: [&str; 20] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "é",
    "e\u{301}",
    "%",
    "_",
    "a_b",
    "\\",
    "'",
    "\"",
    " a",
    "a,b",
    "null",
    "\u{e000}",
    "\u{1f600}",
    "a\nb",
];
const URLS: [&str; 5] = [
    "http://a.example/",
    "https://a.example/%20?q=1",
    "http://ä.example/é",
    "https://A.example",
    "http://b.example/x#y",
];
const EMAILS: [&str; 4] = ["a@x.org", "A@x.org", "b@y.org", "a+b@x.org"];
pub(super) const CHOICES: [&str; 5] = ["open", "closed", "Open", "é", "b c"];
const DECIMALS: [&str; 10] = [
    "0",
    "-0.1",
    "0.10",
    "1",
    "1.5",
    "-10",
    "10",
    "99999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999",
    "0.00000000000000000000000000000000000001",
];
const DATES: [&str; 6] = [
    "0001-01-01",
    "1999-12-31",
    "2024-02-29",
    "2026-01-02",
    "2026-01-03",
    "9999-12-31",
];
const TIMES: [&str; 6] = [
    "0001-01-01T00:00:00Z",
    "2026-01-02T03:04:05Z",
    "2026-01-02T05:04:05+02:00",
    "2026-01-02T03:04:05.000001Z",
    "2026-01-02T03:04:46Z",
    "9999-12-31T23:59:59.999999Z",
];
const UUIDS: [&str; 4] = [
    "00000000-0000-0000-0000-000000000000",
    "0190F0F0-0000-7000-8000-000000000001",
    "0190f0f0-0000-7000-8000-000000000001",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
];
const NUMBERS: [f64; 13] = [
    f64::MIN,
    -1.5,
    -1.0,
    -0.0,
    0.0,
    5e-324,
    0.1,
    0.5,
    1.0,
    1.5,
    13.0,
    1e22,
    f64::MAX,
];
const INTEGERS: [i64; 9] = [
    i64::MIN,
    -10,
    -1,
    0,
    1,
    2,
    10,
    9_007_199_254_740_993,
    i64::MAX,
];

/// A value of a kind; now and then none of it.
pub(super) fn value(draw: &mut Draw, kind: &Kind) -> Value {
    if draw.once_in(60) {
        return json!(["wrong", 7]);
    }
    match kind {
        Kind::Text(_) => {
            if draw.once_in(120) {
                // Too long for an index or a key.
                return json!("x".repeat(1_025));
            }
            json!(draw.of(&TEXTS))
        }
        Kind::Url(_) => json!(draw.of(&URLS)),
        Kind::Email(_) => json!(draw.of(&EMAILS)),
        Kind::Enum(_) => match kind.attributes().get("choices") {
            Some(Value::Array(choices)) if !draw.once_in(12) => draw.of(choices).clone(),
            _ => json!(draw.of(&CHOICES)),
        },
        Kind::Integer(_) => match draw.below(10) {
            0 => json!(5.0),
            _ => json!(draw.of(&INTEGERS)),
        },
        Kind::Number(_) => json!(draw.of(&NUMBERS)),
        Kind::Decimal(_) => json!(draw.of(&DECIMALS)),
        Kind::Boolean(_) => json!(draw.once_in(2)),
        Kind::Date(_) => json!(draw.of(&DATES)),
        Kind::Datetime(_) => json!(draw.of(&TIMES)),
        Kind::Uuid(_) => json!(draw.of(&UUIDS)),
        Kind::Json(_) => draw
            .of(&[
                json!({}),
                json!({"b": 1, "a": [null, 1.50, "é"]}),
                json!("text"),
                json!([]),
                json!(7),
            ])
            .clone(),
    }
}

/// A literal of the filter that a field of a kind is compared with; now and then one of another kind.
pub(super) fn literal(draw: &mut Draw, kind: &Kind) -> String {
    if draw.once_in(40) {
        return draw.text(&["\"x\"", "1", "true", "1.5"]);
    }
    match kind {
        Kind::Text(_) | Kind::Url(_) | Kind::Email(_) if draw.once_in(3) => {
            quoted(&draw.text(&["a", "b", "é", "%", "_", "", "http", "x"]))
        }
        Kind::Integer(_) | Kind::Number(_) if draw.once_in(3) => draw.text(&[
            "0.5",
            "1e3",
            "-1.0",
            "1e400",
            "-1e400",
            "9007199254740993.5",
            "9223372036854775808",
            "0.1000000000000000055511151231257827",
            "1e-400",
        ]),
        Kind::Integer(_) => draw.of(&INTEGERS).to_string(),
        Kind::Number(_) => json!(draw.of(&NUMBERS)).to_string(),
        Kind::Decimal(_) if draw.once_in(3) => draw.text(&["1", "0.10", "1e1", "-0.1", "1e40"]),
        Kind::Boolean(_) => draw.text(&["true", "false"]),
        kind => match value(draw, kind) {
            Value::String(text) => quoted(&text),
            _ => "\"2026-01-02\"".to_owned(),
        },
    }
}

/// A text literal.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
