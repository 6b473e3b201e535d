//! Kind boolean. Encoded as `0` and `1`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{entity::Encoded, problem::Problem};

/// Rules: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Boolean {}

pub(super) fn schema() -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("boolean"));
    schema
}

pub(super) fn read(value: &Value) -> Result<Encoded, Problem> {
    match value {
        Value::Bool(value) => Ok(encode(*value)),
        _ => Err(Problem::at("", "type", "must be true or false")),
    }
}

/// `0` for false, `1` for true.
pub(super) fn encode(value: bool) -> Encoded {
    Encoded(if value { "1" } else { "0" }.to_owned())
}

/// Reads a CSV cell: `true` or `false`, in any case, as spreadsheets write them.
pub(super) fn parse_text(text: &str) -> Result<Value, Problem> {
    if text.eq_ignore_ascii_case("true") {
        Ok(Value::Bool(true))
    } else if text.eq_ignore_ascii_case("false") {
        Ok(Value::Bool(false))
    } else {
        Err(Problem::at("", "type", "must be true or false"))
    }
}
