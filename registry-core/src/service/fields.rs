//! The fields of a document, read by the type.

use serde_json::{Map, Value};

use crate::{Data, EntityType};

use super::document::Faults;

/// The fields of a new entity, defaults filled in.
pub(super) fn new(
    entity_type: &EntityType,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    todo!()
}

/// The fields of an entity that the document replaces whole. Values of removed fields stay.
pub(super) fn replaced(
    entity_type: &EntityType,
    before: &Data,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    todo!()
}

/// The fields of an entity that the document is merged into.
pub(super) fn merged(
    entity_type: &EntityType,
    before: &Data,
    fields: Option<&Map<String, Value>>,
    faults: &mut Faults,
) -> Data {
    todo!()
}

/// Writes the fields that are shown, as an object in the type's order.
pub(super) fn write(
    out: &mut String,
    entity_type: &EntityType,
    data: &Data,
    select: &super::Select,
) {
    todo!()
}

/// The text of the label field's value.
pub(super) fn label(entity_type: &EntityType, data: &Data) -> Option<String> {
    todo!()
}

/// Reads one value of a field from text.
pub(super) fn parse_text(
    field: &crate::entity_type::Field,
    text: &str,
) -> Result<crate::Encoded, crate::Problem> {
    todo!()
}
