//! What is to be applied in one transaction.

use std::{collections::HashMap, sync::Arc};

use registry_core::{
    EntityId, EntityType, Scope,
    change::{Batch, ChangeSet, Operation},
};

use crate::keys::Keys;

/// The rows of one or more change sets under one scope. Entities that are made or changed are sorted by id: the order of their locks.
#[derive(Debug)]
pub(crate) struct Work {
    /// The types expected, each at its version.
    pub(crate) types: Vec<Arc<EntityType>>,
    /// Of the targets.
    pub(crate) scope: Scope,
    /// The rows.
    pub(crate) batch: Batch,
    /// What becomes of keys.
    pub(crate) keys: Keys,
    /// Which operation is about which entity.
    pub(crate) operations: HashMap<EntityId, usize>,
}

impl Work {
    /// The work of one change set.
    pub(crate) fn of(set: &ChangeSet) -> Self {
        let ids = set.operations.iter().map(Operation::entity_id);
        Self::new(
            set.types.clone(),
            set.scope.clone(),
            Batch::of(set),
            ids.enumerate().map(|(index, id)| (id, index)).collect(),
        )
    }

    /// One work of several that do not meet, and of which those that link share a scope.
    pub(crate) fn merged<'a>(works: impl Iterator<Item = &'a Self>) -> Self {
        let mut types: Vec<Arc<EntityType>> = Vec::new();
        let mut scope = Scope::Everything;
        let mut batch = Batch::default();
        for work in works {
            for entity_type in &work.types {
                let known = |one: &Arc<EntityType>| {
                    one.id == entity_type.id && one.version == entity_type.version
                };
                if !types.iter().any(known) {
                    types.push(Arc::clone(entity_type));
                }
            }
            if !work.batch.targets.is_empty() {
                scope = work.scope.clone();
            }
            batch.append(work.batch.clone());
        }
        // A refusal of a merged work is told by its parts, each by itself.
        Self::new(types, scope, batch, HashMap::new())
    }

    fn new(
        types: Vec<Arc<EntityType>>,
        scope: Scope,
        mut batch: Batch,
        operations: HashMap<EntityId, usize>,
    ) -> Self {
        batch.created.sort_by_key(|entity| entity.id);
        batch.updated.sort_by_key(|entity| entity.id);
        let keys = Keys::of(&batch);
        Self {
            types,
            scope,
            batch,
            keys,
            operations,
        }
    }

    /// The index of the operation about an entity.
    pub(crate) fn operation(&self, id: EntityId) -> usize {
        self.operations.get(&id).copied().unwrap_or_default()
    }
}
