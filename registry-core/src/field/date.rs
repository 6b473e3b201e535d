//! Kind date: a day of the Gregorian calendar, `2026-01-02`, years 0001 to 9999. Encoded as itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::Month;

use super::attributes::Attributes;
use crate::{entity::Encoded, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Date {
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<Encoded>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<Encoded>,
}

impl Date {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let min = attributes.read("min", read);
        let max = attributes.read("max", read);
        attributes.bounds(("min", min.as_ref()), ("max", max.as_ref()));
        Self { min, max }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        bounds(self.min.as_ref(), self.max.as_ref(), map);
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        within(read(value)?, self.min.as_ref(), self.max.as_ref())
    }
}

pub(super) fn schema() -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("format".to_owned(), json!("date"));
    schema
}

fn read(value: &Value) -> Result<Encoded, Problem> {
    let Value::String(text) = value else {
        return Err(Problem::at("", "type", "must be a date in a text"));
    };
    parse(text).ok_or_else(|| {
        let message = "must be a date such as 2026-01-02, from 0001-01-01 to 9999-12-31";
        Problem::at("", "format", message)
    })
}

/// Reads `YYYY-MM-DD`; `None` when the calendar has no such day.
pub(super) fn parse(text: &str) -> Option<Encoded> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    let year = text
        .get(..4)?
        .parse::<i32>()
        .ok()
        .filter(|year| *year > 0)?;
    let month = Month::try_from(text.get(5..7)?.parse::<u8>().ok()?).ok()?;
    let day = text.get(8..)?.parse::<u8>().ok()?;
    time::Date::from_calendar_date(year, month, day).ok()?;
    Some(Encoded(text.to_owned()))
}

/// Writes the bounds of a kind that is encoded as its text.
pub(super) fn bounds(min: Option<&Encoded>, max: Option<&Encoded>, map: &mut Map<String, Value>) {
    if let Some(min) = min {
        map.insert("min".to_owned(), json!(min));
    }
    if let Some(max) = max {
        map.insert("max".to_owned(), json!(max));
    }
}

/// The value, when it is within the bounds.
pub(super) fn within(
    value: Encoded,
    min: Option<&Encoded>,
    max: Option<&Encoded>,
) -> Result<Encoded, Problem> {
    if let Some(min) = min
        && value < *min
    {
        let message = format!("must not be before {}", min.as_str());
        return Err(Problem::at("", "out_of_range", message));
    }
    if let Some(max) = max
        && value > *max
    {
        let message = format!("must not be after {}", max.as_str());
        return Err(Problem::at("", "out_of_range", message));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar_alone_are_read() {
        for text in ["0001-01-01", "2024-02-29", "2000-02-29", "9999-12-31"] {
            assert_eq!(parse(text), Some(Encoded(text.to_owned())));
        }
        for text in [
            "0000-01-01",
            "10000-01-01",
            "2026-02-29",
            "1900-02-29",
            "2026-02-30",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-2",
            "2026/01/02",
            "20260102",
            "2026-01-02T00:00:00Z",
            "+026-01-02",
            "2026-01-0٣",
            "03/04/05",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
