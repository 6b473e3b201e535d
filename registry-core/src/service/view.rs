//! The document of an entity, as the contract has it.

use crate::{Catalog, Entity, EntityType, Error};

use super::Expanded;

/// Which fields to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    names: Option<Vec<String>>,
}

impl Select {
    /// Every field.
    pub const ALL: Self = Self { names: None };

    /// Reads `select=icao,name`: names of fields of at least one of the types.
    pub fn parse(text: Option<&str>, types: &[&EntityType]) -> Result<Self, Error> {
        todo!()
    }
}

/// The document of an entity: members in the contract's order, fields and links in the type's.
pub fn entity_json(
    catalog: &Catalog,
    entity_type: &EntityType,
    entity: &Entity,
    select: &Select,
    expanded: &[(String, Expanded)],
) -> String {
    todo!()
}

/// What stands for an entity where it is shown: its label field's value as text, else its id.
pub fn label(entity_type: &EntityType, entity: &Entity) -> String {
    todo!()
}
