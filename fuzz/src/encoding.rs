//! The one encoding: it keeps the order of the values, and gives them back.

use std::cmp::Ordering;

use registry_core::{entity_type::Field, field::Kind, json};
use serde_json::{Map, Value, json};

use crate::fixture::airport;

/// The first byte chooses the kind; the rest are two values, with a line end between them.
pub fn check(bytes: &[u8]) {
    let [kind, values @ ..] = bytes else {
        return;
    };
    let fields: Vec<&Field> = airport().live_fields().filter(|one| !one.list).collect();
    // Without rules, so that every value of the kind is taken.
    let kind = &fields[usize::from(*kind) % fields.len()].kind;
    let plain = match kind {
        Kind::Enum(_) => Map::from_iter([("choices".to_owned(), json!(["open", "closed"]))]),
        _ => Map::new(),
    };
    let kind = Kind::from_definition(kind.name(), &plain, "").expect("a kind without rules");
    let mut values = values
        .splitn(2, |byte| *byte == b'\n')
        .map(|text| value(&kind, text));
    let (Some(Some(one)), Some(Some(other))) = (values.next(), values.next()) else {
        return;
    };
    let (Ok(first), Ok(second)) = (kind.encode(&one), kind.encode(&other)) else {
        return;
    };
    for (value, encoded) in [(&one, &first), (&other, &second)] {
        let decoded = kind.try_decode(encoded.as_str()).expect("it was encoded");
        assert_eq!(
            kind.encode(&decoded).as_ref(),
            Ok(encoded),
            "{value} {decoded}"
        );
        let mut written = Vec::new();
        kind.write_json(encoded.as_str(), &mut written);
        assert_eq!(json::read(&written).ok(), Some(decoded.clone()));
        let cell = kind
            .parse_text(&kind.cell(encoded))
            .expect("a cell is read");
        assert_eq!(kind.encode(&cell).as_ref(), Ok(encoded), "{cell}");
        if let Some(order) = compare(&kind, value, &decoded) {
            assert_eq!(order, Ordering::Equal, "{value} came back as {decoded}");
        }
    }
    if let Some(order) = compare(&kind, &one, &other) {
        assert_eq!(
            first.cmp(&second),
            order,
            "{one} {other}: {first:?} {second:?}"
        );
    }
}

/// A value from bytes: as JSON, or for kinds of numbers from the bytes themselves.
fn value(kind: &Kind, bytes: &[u8]) -> Option<Value> {
    if let Ok(value) = json::read(bytes) {
        return Some(value);
    }
    let bits = bytes
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    match kind {
        Kind::Integer(_) => Some(json!(bits.cast_signed())),
        Kind::Number(_) => Some(json!(f64::from_bits(bits))),
        _ => Some(Value::String(String::from_utf8(bytes.to_vec()).ok()?)),
    }
}

/// How two values of a kind compare, told without their encoding; `None` where it is not known here.
fn compare(kind: &Kind, one: &Value, other: &Value) -> Option<Ordering> {
    match kind {
        Kind::Text(_) | Kind::Url(_) | Kind::Email(_) | Kind::Enum(_) => {
            Some(one.as_str()?.chars().cmp(other.as_str()?.chars()))
        }
        Kind::Integer(_) => Some(one.as_i64()?.cmp(&other.as_i64()?)),
        Kind::Number(_) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        Kind::Boolean(_) => Some(one.as_bool()?.cmp(&other.as_bool()?)),
        Kind::Decimal(_) => decimals(one.as_str()?, other.as_str()?),
        Kind::Uuid(_) => Some(
            one.as_str()?
                .to_lowercase()
                .cmp(&other.as_str()?.to_lowercase()),
        ),
        Kind::Date(_) => Some(one.as_str()?.cmp(other.as_str()?)),
        Kind::Datetime(_) => {
            let at = |value: &Value| registry_core::Timestamp::parse(value.as_str()?);
            Some(at(one)?.cmp(&at(other)?))
        }
        Kind::Json(_) => None,
    }
}

/// Compares decimals by their digits, padded to one length.
fn decimals(one: &str, other: &str) -> Option<Ordering> {
    let read = |text: &str| -> Option<(bool, String)> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() > 80 || part.len() > 80 {
            return None;
        }
        let padded = format!("{whole:0>80}{part:0<80}");
        let zero = padded.bytes().all(|byte| byte == b'0');
        Some((negative && !zero, padded))
    };
    let (one, other) = (read(one)?, read(other)?);
    Some(match (one.0, other.0) {
        (false, false) => one.1.cmp(&other.1),
        (true, true) => other.1.cmp(&one.1),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}
