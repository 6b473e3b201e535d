//! The rows beside its own that an entity comes to: keys, index values, links, owners.

use std::collections::BTreeSet;

use crate::{
    Encoded, Entity, EntityId, EntityType, FieldNumber, KeyNumber, LinkNumber, Links, Principal,
    TypeId,
};

/// A row of `unique_key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRow {
    /// The type.
    pub type_id: TypeId,
    /// The key.
    pub key: KeyNumber,
    /// Its value: see [`crate::key::value`].
    pub value: Encoded,
    /// Who has it.
    pub entity: EntityId,
}

/// A row of `field_value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueRow {
    /// The type.
    pub type_id: TypeId,
    /// The field.
    pub field: FieldNumber,
    /// The value, or one element of it.
    pub value: Encoded,
    /// Who has it.
    pub entity: EntityId,
}

/// A row of `link`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkRow {
    /// The holder.
    pub holder: EntityId,
    /// The holder's type.
    pub holder_type: TypeId,
    /// The link.
    pub link: LinkNumber,
    /// The target.
    pub target: EntityId,
}

/// A row of `owner`: who may read the entity, be it as owner or as reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerRow {
    /// Who.
    pub principal: Principal,
    /// The entity's type.
    pub type_id: TypeId,
    /// The entity.
    pub entity: EntityId,
}

/// The rows beside the entity's own that one entity makes.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) keys: BTreeSet<KeyRow>,
    pub(super) values: BTreeSet<ValueRow>,
    pub(super) links: BTreeSet<LinkRow>,
    pub(super) owners: BTreeSet<OwnerRow>,
}

impl Rows {
    pub(super) fn of(entity_type: &EntityType, entity: &Entity) -> Self {
        Self {
            keys: key_rows(entity_type, entity).collect(),
            values: value_rows(entity_type, entity).collect(),
            links: link_rows(entity_type, entity.id, &entity.links).collect(),
            owners: entity
                .owners
                .iter()
                .chain(&entity.readers)
                .map(|principal| OwnerRow {
                    principal: principal.clone(),
                    type_id: entity.type_id,
                    entity: entity.id,
                })
                .collect(),
        }
    }
}

/// The keys that an entity holds under a type.
pub fn key_rows<'a>(
    entity_type: &'a EntityType,
    entity: &'a Entity,
) -> impl Iterator<Item = KeyRow> + 'a {
    entity_type.all_keys().filter_map(|key| {
        let value = crate::key::value(&key, &entity.data)?;
        Some(KeyRow {
            type_id: entity_type.id,
            key: key.number,
            value,
            entity: entity.id,
        })
    })
}

/// The index rows that an entity has under a type.
pub fn value_rows<'a>(
    entity_type: &'a EntityType,
    entity: &'a Entity,
) -> impl Iterator<Item = ValueRow> + 'a {
    entity_type
        .live_fields()
        .filter(|field| field.indexed)
        .flat_map(move |field| {
            let values = entity
                .data
                .get(&field.number)
                .map(crate::Datum::values)
                .unwrap_or_default();
            values.iter().map(move |value| ValueRow {
                type_id: entity_type.id,
                field: field.number,
                value: value.clone(),
                entity: entity.id,
            })
        })
}

/// The link rows of live links that an entity holds.
pub fn link_rows<'a>(
    entity_type: &'a EntityType,
    holder: EntityId,
    links: &'a Links,
) -> impl Iterator<Item = LinkRow> + 'a {
    entity_type.live_links().flat_map(move |link| {
        let targets = links
            .get(&link.number)
            .map(Vec::as_slice)
            .unwrap_or_default();
        targets.iter().map(move |target| LinkRow {
            holder,
            holder_type: entity_type.id,
            link: link.number,
            target: *target,
        })
    })
}
