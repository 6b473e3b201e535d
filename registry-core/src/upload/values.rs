//! Values of fields in files: cells and JSON to encoded form and back.

use serde_json::Value;

use crate::{Datum, Encoded, Problem, entity_type::Field, json};

/// Reads a cell of a field; a list and json are JSON, nothing is trimmed. Pointers are relative to the field.
pub(super) fn cell(field: &Field, text: &str) -> Result<Datum, Vec<Problem>> {
    let value = if field.list {
        match json::read(text.as_bytes()) {
            Ok(value @ Value::Array(_)) => value,
            Ok(_) | Err(_) => {
                return Err(vec![Problem::at("", "type", "the cell must be a JSON list")]);
            }
        }
    } else {
        field.kind.parse_text(text).map_err(|problem| vec![problem])?
    };
    json(field, &value)
}

/// Reads a JSON value of a field.
pub(super) fn json(field: &Field, value: &Value) -> Result<Datum, Vec<Problem>> {
    field.read(value)
}

/// Reads a cell that is one value of a field.
pub(super) fn one_cell(field: &Field, text: &str) -> Result<Encoded, Problem> {
    let value = field.kind.parse_text(text)?;
    one_json(field, &value)
}

/// Reads a JSON value that is one value of a field.
pub(super) fn one_json(field: &Field, value: &Value) -> Result<Encoded, Problem> {
    field.kind.encode(value)
}
