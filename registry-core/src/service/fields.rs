//! The fields of an entity as they are shown.

use crate::{
    Data, Encoded, EntityType, Problem,
    entity_type::{Field, fields},
};

use super::Select;

/// Writes the fields that are shown, as an object in the type's order.
pub(super) fn write(out: &mut Vec<u8>, entity_type: &EntityType, data: &Data, select: &Select) {
    let shown = entity_type
        .live_fields()
        .filter(|field| select.shows(&field.name));
    fields::write_some(shown, data, out);
}

/// The text of the label field's value: a text as it is, anything else as in a cell of a CSV file.
pub(super) fn label(entity_type: &EntityType, data: &Data) -> Option<String> {
    let field = entity_type.label_field()?;
    Some(fields::cell(field, data.get(&field.number)?))
}

/// Reads one value of a field from text. `Ok(None)`: readable, but against the rules of the field, so that no entity has it.
pub(super) fn parse_text(field: &Field, text: &str) -> Result<Option<Encoded>, Problem> {
    let value = field.kind.parse_text(text)?;
    Ok(field.kind.encode(&value).ok())
}
