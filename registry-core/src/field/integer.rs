//! Kind integer: signed 64 bits; `5.0` is 5. Encoded as 16 hex digits of the bits with the sign bit turned.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    attributes::Attributes,
    exact::{Exact, Notation},
};
use crate::{entity::Encoded, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Integer {
    /// Smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<i64>,
    /// Largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<i64>,
}

impl Integer {
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
        schema.insert("type".to_owned(), json!("integer"));
        schema.insert("minimum".to_owned(), json!(self.min.unwrap_or(i64::MIN)));
        schema.insert("maximum".to_owned(), json!(self.max.unwrap_or(i64::MAX)));
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let integer = read(value)?;
        if let Some(min) = self.min
            && integer < min
        {
            let message = format!("must be at least {min}");
            return Err(Problem::at("", "out_of_range", message));
        }
        if let Some(max) = self.max
            && integer > max
        {
            let message = format!("must be at most {max}");
            return Err(Problem::at("", "out_of_range", message));
        }
        Ok(encode(integer))
    }
}

/// Encodes an integer: 16 hex digits of its bits with the sign bit turned, so that text order is number order.
pub fn encode(value: i64) -> Encoded {
    let mut bits = value.cast_unsigned() ^ (1 << 63);
    let mut text = [0_u8; 16];
    for place in text.iter_mut().rev() {
        *place = b"0123456789abcdef"[(bits & 15) as usize];
        bits >>= 4;
    }
    Encoded(text.iter().copied().map(char::from).collect())
}

/// The integer that [`encode`] encoded; `None` for any other text.
pub fn decode(text: &str) -> Option<i64> {
    let bits = u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() == 16)?;
    Some((bits ^ (1 << 63)).cast_signed())
}

/// The largest magnitude below which every integer written as a float is that float.
const FLOAT_INTEGERS: f64 = 9_007_199_254_740_992.0;

fn read(value: &Value) -> Result<i64, Problem> {
    let Value::Number(number) = value else {
        return Err(Problem::at("", "type", "must be an integer"));
    };
    if let Some(integer) = number.as_i64() {
        return Ok(integer);
    }
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        Some(float) if float.fract() == 0.0 && float.abs() <= FLOAT_INTEGERS => Ok(float as i64),
        Some(float) if float.fract() == 0.0 && float.abs() < 9.2e18 && number.is_f64() => {
            let message = "must be written without point and exponent beyond 2^53";
            Err(Problem::at("", "out_of_range", message))
        }
        Some(float) if float.fract() == 0.0 => {
            let message = "must fit into 64 bits with sign";
            Err(Problem::at("", "out_of_range", message))
        }
        _ => Err(Problem::at("", "type", "must be an integer")),
    }
}

/// Reads a CSV cell: a JSON number whose value is whole.
pub(super) fn parse_text(text: &str) -> Result<Value, Problem> {
    let exact = Exact::parse(text, Notation::Scientific);
    match exact.map(|exact| exact.floor()) {
        Some((floor, true)) => i64::try_from(floor).map(Value::from).map_err(|_| {
            let message = "must fit into 64 bits with sign";
            Problem::at("", "out_of_range", message)
        }),
        Some((_, false)) | None => Err(Problem::at("", "type", "must be an integer")),
    }
}
