//! Kind number: finite binary64, the nearest one to what is written; -0 is 0. Encoded as 16 hex digits of the bits, made to sort as the numbers do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    attributes::Attributes,
    exact::{Exact, Notation},
};
use crate::{entity::Encoded, json::survives, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<f64>,
    /// Largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<f64>,
}

impl Number {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let min = attributes.read("min", read);
        let max = attributes.read("max", read);
        attributes.bounds(("min", min.as_ref()), ("max", max.as_ref()));
        Self { min, max }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        if let Some(min) = self.min {
            map.insert("min".to_owned(), json!(min));
        }
        if let Some(max) = self.max {
            map.insert("max".to_owned(), json!(max));
        }
    }

    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("number"));
        if let Some(min) = self.min {
            schema.insert("minimum".to_owned(), json!(min));
        }
        if let Some(max) = self.max {
            schema.insert("maximum".to_owned(), json!(max));
        }
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let number = read(value)?;
        if let Some(min) = self.min
            && number < min
        {
            let message = format!("must be at least {min}");
            return Err(Problem::at("", "out_of_range", message));
        }
        if let Some(max) = self.max
            && number > max
        {
            let message = format!("must be at most {max}");
            return Err(Problem::at("", "out_of_range", message));
        }
        Ok(encode(number))
    }
}

/// Encodes a number; the infinities, which no field holds, sort beyond all others.
pub(super) fn encode(number: f64) -> Encoded {
    let bits = (number + 0.0).to_bits();
    let ordered = if bits >> 63 == 0 {
        bits | (1 << 63)
    } else {
        !bits
    };
    // The integer encoding turns the sign bit once more.
    super::integer::encode((ordered ^ (1 << 63)).cast_signed())
}

pub(super) fn decode(text: &str) -> Option<f64> {
    let ordered = u64::from_str_radix(text, 16).ok()?;
    let bits = if ordered >> 63 == 1 {
        ordered ^ (1 << 63)
    } else {
        !ordered
    };
    Some(f64::from_bits(bits)).filter(|number| number.is_finite())
}

fn read(value: &Value) -> Result<f64, Problem> {
    match value {
        // Adding zero makes -0 0.
        Value::Number(number) => {
            // Floats were looked at when they were read.
            if !number.is_f64() && !survives(&number.to_string()) {
                return Err(lost());
            }
            number.as_f64().map(|number| number + 0.0)
        }
        _ => None,
    }
    .ok_or_else(|| Problem::at("", "type", "must be a number"))
}

fn lost() -> Problem {
    Problem::at("", "out_of_range", "the number would lose digits")
}

/// Reads the grammar of JSON numbers as binary64, beyond its range as an infinity.
pub(super) fn parse_literal(text: &str) -> Option<f64> {
    Exact::parse(text, Notation::Scientific)?;
    text.parse::<f64>().ok()
}

/// Reads a CSV cell.
pub(super) fn parse_text(text: &str) -> Result<Value, Problem> {
    match parse_literal(text) {
        Some(number) if number.is_finite() && survives(text) => Ok(json!(number)),
        Some(number) if number.is_finite() => Err(lost()),
        Some(_) => {
            let message = "must be within the range of binary64";
            Err(Problem::at("", "out_of_range", message))
        }
        None => Err(Problem::at("", "type", "must be a number")),
    }
}
