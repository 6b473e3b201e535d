//! Kind decimal: exact, at most 38 digits, written as a JSON string without exponent; trailing zeros after the point are dropped.
//!
//! Encoded as `0` (negative) or `1`, then for all but zero two digits of the exponent (of `0.d₁d₂… × 10^e`, plus 50) and the digits. A
//! negative one has exponent and digits complemented to 9 and ends in `~`, so that text order is number order; zero is `1`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    attributes::Attributes,
    exact::{Exact, Notation},
};
use crate::{entity::Encoded, problem::Problem};

/// Digits before and after the point together.
const DIGITS: u64 = 38;
/// What is added to the exponent.
const BIAS: i64 = 50;

/// Rules. Of a value's digits those before the point and those after it count, a lone zero before the point does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decimal {
    /// Most digits; with a scale as in SQL: at most `precision - scale` stand before the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) precision: Option<u64>,
    /// Most digits after the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scale: Option<u64>,
    /// Smallest, encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<Encoded>,
    /// Largest, encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<Encoded>,
}

impl Decimal {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let precision = attributes.length("precision");
        if precision.is_some_and(|precision| !(1..=DIGITS).contains(&precision)) {
            attributes.problem("precision", "out_of_range", "must be from 1 to 38");
        }
        let scale = attributes.length("scale");
        if scale.is_some_and(|scale| scale > DIGITS) {
            attributes.problem("scale", "out_of_range", "must be from 0 to 38");
        } else {
            attributes.bounds(("scale", scale.as_ref()), ("precision", precision.as_ref()));
        }
        let min = attributes.read("min", |value| Self::default().encode(value));
        let max = attributes.read("max", |value| Self::default().encode(value));
        attributes.bounds(("min", min.as_ref()), ("max", max.as_ref()));
        Self {
            precision,
            scale,
            min,
            max,
        }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        if let Some(precision) = self.precision {
            map.insert("precision".to_owned(), json!(precision));
        }
        if let Some(scale) = self.scale {
            map.insert("scale".to_owned(), json!(scale));
        }
        if let Some(min) = &self.min {
            map.insert("min".to_owned(), json!(decode(min.as_str())));
        }
        if let Some(max) = &self.max {
            map.insert("max".to_owned(), json!(decode(max.as_str())));
        }
    }

    /// Digits allowed before and after the point.
    fn places(&self) -> (u64, u64) {
        let precision = self.precision.unwrap_or(DIGITS);
        match (self.precision, self.scale) {
            (Some(precision), Some(scale)) => (precision.saturating_sub(scale), scale),
            (_, scale) => (precision, scale.unwrap_or(precision)),
        }
    }

    pub(super) fn schema(&self) -> Map<String, Value> {
        let (before, after) = self.places();
        let whole = match before {
            0 => "0".to_owned(),
            1 => "(0|[1-9])".to_owned(),
            more => format!("(0|[1-9][0-9]{{0,{}}})", more - 1),
        };
        let fraction = match after {
            0 => r"(\.0+)?".to_owned(),
            some => format!(r"(\.[0-9]{{1,{some}}}0*)?"),
        };
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("string"));
        schema.insert(
            "pattern".to_owned(),
            json!(format!("^-?{whole}{fraction}$")),
        );
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let exact = match value {
            Value::String(text) => Exact::parse(text, Notation::Plain).ok_or_else(|| {
                let message = "must be a decimal number such as \"-12.5\", without exponent";
                Problem::at("", "format", message)
            })?,
            Value::Number(_) => {
                let message = "must be a text, so that no digit is lost: \"12.5\"";
                return Err(Problem::at("", "type", message));
            }
            _ => {
                return Err(Problem::at(
                    "",
                    "type",
                    "must be a decimal number in a text",
                ));
            }
        };
        let length = i64::try_from(exact.digits.len()).unwrap_or(i64::MAX);
        let before = u64::try_from(exact.exponent).unwrap_or(0);
        let after = u64::try_from(length.saturating_sub(exact.exponent)).unwrap_or(0);
        let precision = self.precision.unwrap_or(DIGITS);
        if before.saturating_add(after) > DIGITS {
            return Err(Problem::at("", "precision", "must have at most 38 digits"));
        }
        let (most_before, most_after) = self.places();
        if self.scale.is_some() && after > most_after {
            let message = format!("must have at most {most_after} digits after the point");
            return Err(Problem::at("", "scale", message));
        }
        if before > most_before {
            let message = format!("must have at most {most_before} digits before the point");
            return Err(Problem::at("", "precision", message));
        }
        if before.saturating_add(after) > precision {
            let message = format!("must have at most {precision} digits");
            return Err(Problem::at("", "precision", message));
        }
        let encoded = encode(&exact);
        if let Some(min) = &self.min
            && encoded < *min
        {
            let message = format!(
                "must be at least {}",
                decode(min.as_str()).unwrap_or_default()
            );
            return Err(Problem::at("", "out_of_range", message));
        }
        if let Some(max) = &self.max
            && encoded > *max
        {
            let message = format!(
                "must be at most {}",
                decode(max.as_str()).unwrap_or_default()
            );
            return Err(Problem::at("", "out_of_range", message));
        }
        Ok(encoded)
    }
}

/// Encodes any number, so that it compares exactly with every decimal a field may hold. Those a field cannot hold (a literal with more
/// digits or another magnitude) come to stand between their neighbours, equal to none.
pub(super) fn encode(exact: &Exact) -> Encoded {
    if exact.digits.is_empty() {
        return Encoded("1".to_owned());
    }
    let (exponent, digits) = match exact.exponent {
        large if large > 40 => (49, "9"),
        small if small < -40 => (-50, "1"),
        exponent => (exponent, exact.digits.as_str()),
    };
    // 40 digits decide against every value of at most 38; a further one says that there was more.
    let (digits, more) = match digits.split_at_checked(40) {
        Some((first, rest)) if !rest.is_empty() => (first, "1"),
        _ => (digits, ""),
    };
    let positive = format!("{:02}{digits}{more}", exponent + BIAS);
    Encoded(if exact.negative {
        let complement = positive
            .bytes()
            .map(|digit| char::from(b'9' - (digit - b'0')));
        format!("0{}~", complement.collect::<String>())
    } else {
        format!("1{positive}")
    })
}

/// The canonical text.
pub(super) fn decode(encoded: &str) -> Option<String> {
    if encoded == "1" {
        return Some("0".to_owned());
    }
    let (sign, positive) = if let Some(positive) = encoded.strip_prefix('1') {
        ("", positive.to_owned())
    } else {
        let complement = encoded.strip_prefix('0')?.strip_suffix('~')?;
        let turn = |digit: u8| {
            digit
                .is_ascii_digit()
                .then(|| char::from(b'9' - digit + b'0'))
        };
        (
            "-",
            complement.bytes().map(turn).collect::<Option<String>>()?,
        )
    };
    let (exponent, digits) = positive.split_at_checked(2)?;
    let exponent = exponent.parse::<i64>().ok()? - BIAS;
    let text = match usize::try_from(exponent) {
        Ok(point) if point >= digits.len() => format!("{sign}{digits:0<point$}"),
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at_checked(point)?;
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let zeros = "0".repeat(usize::try_from(-exponent).unwrap_or(0));
            format!("{sign}0.{zeros}{digits}")
        }
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<Option<String>, &'static str> {
        Decimal::default()
            .encode(&json!(text))
            .map(|encoded| decode(encoded.as_str()))
            .map_err(|problem| problem.code)
    }

    #[test]
    fn trailing_zeros_go_and_nothing_else() {
        for (text, kept) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("0.10", "0.1"),
            ("10", "10"),
            ("100.500", "100.5"),
            ("-12.5", "-12.5"),
            ("0.001", "0.001"),
            (
                "99999999999999999999999999999999999999",
                "99999999999999999999999999999999999999",
            ),
            (
                "0.00000000000000000000000000000000000001",
                "0.00000000000000000000000000000000000001",
            ),
            (
                "-10000000000000000000000000000000000000.000",
                "-10000000000000000000000000000000000000",
            ),
        ] {
            assert_eq!(canonical(text), Ok(Some(kept.to_owned())), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1e3", "+1", "01", ".5", "5.", "1,5", " 1", "NaN", "0x1"] {
            assert_eq!(canonical(text), Err("format"), "{text}");
        }
        for text in [
            "100000000000000000000000000000000000000",
            "0.000000000000000000000000000000000000001",
            "1234567890123456789.12345678901234567891",
        ] {
            assert_eq!(canonical(text), Err("precision"), "{text}");
        }
    }

    #[test]
    fn precision_and_scale_are_sqls() {
        let decimal = Decimal {
            precision: Some(5),
            scale: Some(2),
            ..Decimal::default()
        };
        let code = |text: &str| {
            decimal
                .encode(&json!(text))
                .map(|_| ())
                .map_err(|problem| problem.code)
        };
        assert_eq!(code("999.99"), Ok(()));
        assert_eq!(code("999.9900"), Ok(()));
        assert_eq!(code("1000"), Err("precision"));
        assert_eq!(code("0.001"), Err("scale"));
    }
}
