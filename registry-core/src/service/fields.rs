//! The fields of a document, read by the type, and shown again.

use serde_json::{Map, Value};

use crate::{
    Data, Encoded, EntityType, Problem,
    entity_type::{
        Field,
        fields::{self, Defaults},
    },
};

use super::{Select, document::Faults};

/// The fields of a new entity, defaults filled in.
pub(super) fn new(
    entity_type: &EntityType,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    whole(entity_type, fields, Defaults::Fill, faults)
}

/// The fields of an entity that the document replaces whole. Values of removed fields stay.
pub(super) fn replaced(
    entity_type: &EntityType,
    before: &Data,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    let after = whole(entity_type, fields, Defaults::Leave, faults);
    fields::keep_removed(entity_type, before, after)
}

/// The fields of an entity that the document is merged into.
pub(super) fn merged(
    entity_type: &EntityType,
    before: &Data,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    let Some(fields) = fields else {
        return before.clone();
    };
    let merged = fields::read_patch(entity_type, fields)
        .and_then(|patch| fields::apply_patch(entity_type, before, patch));
    faults.or_default(merged)
}

fn whole(
    entity_type: &EntityType,
    fields: Option<&Map<String, Value>>,
    defaults: Defaults,
    faults: &mut Faults,
) -> Data {
    let none = Map::new();
    let read = fields::read_new(entity_type, fields.unwrap_or(&none), defaults);
    faults.or_default(read)
}

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
