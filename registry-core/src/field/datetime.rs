//! Kind datetime: an instant to the microsecond. RFC 3339 with an offset goes in, UTC with six decimals and `Z` comes out. Encoded as itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{attributes::Attributes, date};
use crate::{Timestamp, entity::Encoded, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Datetime {
    /// First instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<Encoded>,
    /// Last instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<Encoded>,
}

impl Datetime {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let min = attributes.read("min", read);
        let max = attributes.read("max", read);
        attributes.bounds(("min", min.as_ref()), ("max", max.as_ref()));
        Self { min, max }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        date::bounds(self.min.as_ref(), self.max.as_ref(), map);
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        date::within(read(value)?, self.min.as_ref(), self.max.as_ref())
    }
}

pub(super) fn schema() -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("format".to_owned(), json!("date-time"));
    schema
}

fn read(value: &Value) -> Result<Encoded, Problem> {
    let Value::String(text) = value else {
        return Err(Problem::at("", "type", "must be a date and time in a text"));
    };
    parse(text).ok_or_else(|| {
        let message = "must be a date and time with an offset such as 2026-01-02T03:04:05Z";
        Problem::at("", "format", message)
    })
}

/// Reads RFC 3339; see [`Timestamp::parse`].
pub(super) fn parse(text: &str) -> Option<Encoded> {
    Timestamp::parse(text).map(|at| Encoded(at.to_string()))
}
