//! Change sets: what one write does, as a value, with everything it expects of the store.

mod batch;
mod log;
mod rows;

use std::{collections::BTreeSet, sync::Arc};

use crate::{Entity, EntityId, EntityType, Principal, Scope, Timestamp, TypeId, Version};

pub use batch::{Batch, TargetCheck};
pub use log::{Change, ChangeOperation, Earlier, Stamp};
pub use rows::{KeyRow, LinkRow, OwnerRow, ValueRow, key_rows, link_rows, value_rows};

/// A write: applied in one transaction, all or nothing.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// Who writes.
    pub actor: Principal,
    /// When; also the `updated_at` of what it writes.
    pub at: Timestamp,
    /// What the writer may read: a link target outside counts as missing.
    pub scope: Scope,
    /// The types under which the operations were decided. Expected: each is still at its version. Holds the type of every entity that is
    /// created, updated or deleted.
    pub types: Vec<Arc<EntityType>>,
    /// At most [`crate::limits::OPERATIONS`]; no two name the same entity.
    pub operations: Vec<Operation>,
    /// A change of one type; a change set with one has no operations.
    pub type_change: Option<TypeChange>,
}

impl ChangeSet {
    /// What makes this no change set at all: a defect of whoever made it, to be answered as an internal error. Every store asks before it
    /// does anything else, since [`Batch::of`] would leave such an operation out.
    ///
    /// The bound on the number of operations is not looked at: it does not hold for slices of a load.
    pub fn defect(&self) -> Option<&'static str> {
        let mut named = BTreeSet::new();
        for operation in &self.operations {
            if !named.insert(operation.entity_id()) {
                return Some("two operations name the same entity");
            }
            let type_id = operation.type_id();
            if !self.types.iter().any(|one| one.id == type_id) {
                return Some("the type of an operation is missing");
            }
        }
        match &self.type_change {
            Some(_) if !self.operations.is_empty() => Some("a type change comes with operations"),
            Some(change) if change.before.is_none() && change.after.is_none() => {
                Some("a type change without a type")
            }
            _ => None,
        }
    }
}

/// One operation on one entity.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Expected: no entity of that id. Every link target exists inside the scope and is of an allowed type.
    Create(Entity),
    /// Expected: the entity is at `before.version`. Every target that `after` adds exists inside the scope and is of an allowed type.
    Update {
        /// The entity as it was read.
        before: Arc<Entity>,
        /// As it shall be, one version on.
        after: Entity,
    },
    /// Expected: the entity is at this version, and no entity outside the change set links to it.
    Delete(Arc<Entity>),
}

impl Operation {
    /// The entity it is about.
    pub fn entity_id(&self) -> EntityId {
        match self {
            Self::Create(entity) | Self::Update { after: entity, .. } => entity.id,
            Self::Delete(entity) => entity.id,
        }
    }

    /// The type of that entity.
    pub fn type_id(&self) -> TypeId {
        match self {
            Self::Create(entity) | Self::Update { after: entity, .. } => entity.type_id,
            Self::Delete(entity) => entity.type_id,
        }
    }
}

/// Definition, change or removal of a type.
#[derive(Clone, Debug)]
pub struct TypeChange {
    /// Version of the catalog under which it was decided. Expected: still the same; so two changes of types never cross.
    pub catalog: Version,
    /// The type as it was; `None` when it is defined.
    pub before: Option<Arc<EntityType>>,
    /// The type as it shall be; `None` when it is removed.
    pub after: Option<Arc<EntityType>>,
    /// Fields and links that must hold no data, by number: what the change would drop.
    pub must_be_unused: BTreeSet<u32>,
    /// Fields and links that must hold no data because what is stored could not be read under the type after: another kind, a list or no
    /// list any more, symmetric or not any more. Conflict `type_change_conflict`, where `must_be_unused` is `would_drop`.
    pub must_have_no_values: BTreeSet<u32>,
    /// Whether every stored entity must be checked against the new rules.
    pub check_entities: bool,
}

impl TypeChange {
    /// Its row of the change log; a removal is a version of its own, as the deletion of an entity is.
    fn row(&self, set: &ChangeSet) -> Option<Change> {
        let (type_id, version) = match (&self.before, &self.after) {
            (_, Some(after)) => (after.id, after.version),
            (Some(before), None) => (before.id, before.version.next()),
            (None, None) => return None,
        };
        Some(Change {
            entity: EntityId(type_id.0),
            type_id,
            version,
            operation: ChangeOperation::Type,
            earlier: Earlier::default(),
            actor: set.actor.clone(),
            at: set.at,
        })
    }
}
