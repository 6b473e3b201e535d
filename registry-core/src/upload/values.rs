//! Values of fields in files: cells and JSON to encoded form.

use crate::{
    Datum, Encoded, Problem,
    entity_type::{Field, fields},
};

/// Reads a cell of a field; a list and json are JSON, nothing is trimmed. Pointers are relative to the field.
pub(super) fn cell(field: &Field, text: &str) -> Result<Datum, Vec<Problem>> {
    let value = fields::parse_cell(field, text).map_err(|problem| vec![problem])?;
    if value.is_null() {
        return Err(vec![Problem::at("", "type", "null is not a value")]);
    }
    fields::read_field(field, &value)
}

/// Reads a cell that is one value of a field.
pub(super) fn one_cell(field: &Field, text: &str) -> Result<Encoded, Problem> {
    let value = field.kind.parse_text(text)?;
    field.kind.encode(&value)
}
