//! The tables.

use std::collections::BTreeMap;

use registry_core::{
    Encoded, Entity, EntityId, EntityType, KeyNumber, Scope, TypeId, Version, change::Change,
};

use crate::{index::PendingIndexes, links::LinkTable};

/// What the store holds. `links` and `keys` repeat what the entities say, as the tables of the other stores do, so that the suites can
/// check that both agree.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) catalog: Version,
    pub(crate) types: BTreeMap<TypeId, EntityType>,
    pub(crate) indexes: PendingIndexes,
    pub(crate) entities: BTreeMap<EntityId, Entity>,
    pub(crate) links: LinkTable,
    pub(crate) keys: BTreeMap<KeySlot, EntityId>,
    /// The row at index `n` has the sequence number `n + 1`.
    pub(crate) log: Vec<Change>,
}

/// What a key and its value are unique in.
pub(crate) type KeySlot = (TypeId, KeyNumber, Encoded);

impl State {
    /// The entity, if it is there and inside the scope.
    pub(crate) fn readable(&self, id: EntityId, scope: &Scope) -> Option<&Entity> {
        self.entities
            .get(&id)
            .filter(|entity| scope.admits(&entity.owners, &entity.readers))
    }

    /// The stored entities of a type, by id.
    pub(crate) fn of_type(&self, type_id: TypeId) -> impl Iterator<Item = &Entity> {
        self.entities
            .values()
            .filter(move |entity| entity.type_id == type_id)
    }
}
