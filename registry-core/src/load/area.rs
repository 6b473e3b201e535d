//! What a store does for a load: look up set-wise, stage, write. It decides nothing.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    sync::Arc,
};

use async_trait::async_trait;

use crate::{
    Encoded, Entity, EntityId, KeyNumber, TypeId, Version,
    change::{ChangeSet, Operation},
    port::{Conflict, KeyRef, Receipt, StoreError},
};

/// What one slice of rows needs to know. All of it may be asked for in one statement per member, or in one altogether.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Entities wanted whole, whatever their type and whoever may read them.
    pub entities: BTreeSet<EntityId>,
    /// Keys of the plan's type whose holders are wanted whole, whoever may read them.
    pub entity_keys: BTreeSet<(KeyNumber, Encoded)>,
    /// Entities of which only the existence, the type and the readability matter.
    pub targets: BTreeSet<EntityId>,
    /// Keys, of any type, of which only the holder's id and readability matter.
    pub keys: BTreeSet<KeyRef>,
}

impl Lookup {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
            && self.entity_keys.is_empty()
            && self.targets.is_empty()
            && self.keys.is_empty()
    }
}

/// Where a resolved entity stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the store; this load has not staged it.
    Stored,
    /// In the staging area of this load: made there (`None`), or changed from what is stored (the entity as it was when it was staged first).
    Staged(Option<Arc<Entity>>),
}

/// An entity as the next row of the load sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedEntity {
    /// What was staged last, else what is stored.
    pub entity: Arc<Entity>,
    /// Where it stands.
    pub origin: Origin,
    /// Whether an earlier slice of this load remembered it: a row was about it.
    pub seen: bool,
}

/// The end of a link, or the holder of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedTarget {
    /// Its id.
    pub id: EntityId,
    /// Its type.
    pub type_id: TypeId,
    /// Whether it is inside the scope of the plan's caller.
    pub readable: bool,
}

/// What is stored and staged, as far as a [`Lookup`] asked. Absent things have no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The entities wanted whole: those of `entities` and the holders of `entity_keys`.
    pub entities: HashMap<EntityId, ResolvedEntity>,
    /// Who holds the `entity_keys`.
    pub entity_keys: HashMap<(KeyNumber, Encoded), EntityId>,
    /// The `targets`.
    pub targets: HashMap<EntityId, ResolvedTarget>,
    /// Who holds the `keys`.
    pub keys: HashMap<KeyRef, ResolvedTarget>,
    /// For those of `entities` that are neither stored nor staged, the highest version the change log has of the id.
    pub last_versions: HashMap<EntityId, Version>,
}

/// What became of a slice that was written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it is applied.
    Applied(Receipt),
    /// Nothing is: these expectations were not met; at least one, as many as the store found.
    Refused(Vec<Conflict>),
}

/// What became of everything staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// All of it is applied.
    Applied(Receipt),
    /// Nothing is: what is stored has changed since it was resolved (a type's version, an entity's, a key, a link target).
    Stale,
}

/// The place in a store where one load works. Made by the store for one [`LoadPlan`](crate::port::LoadPlan), used by one task, and dropped
/// with all it holds when the load ends, however it ends. What an abandoned load staged, one whose process died, must be dropped when the
/// store is opened; the areas of other processes that are at work must not.
#[async_trait]
pub trait LoadArea: Debug + Send + Sync {
    /// Tells what is stored and staged.
    ///
    /// Staged things must hide stored ones: a staged entity stands in place of the stored one, a key that a staged entity holds is held by
    /// it, and a key that a stored entity held and gave up in its staged form is free. It must see what this load wrote before. It must not
    /// hold a lock or a transaction afterwards.
    ///
    /// # Errors
    ///
    /// Those of a read of the store; the load ends with them.
    async fn resolve(&self, lookup: &Lookup) -> Result<Resolution, StoreError>;

    /// Applies one slice (at most [`crate::limits::SLICE_ROWS`] rows and the partners of their symmetric links; the bound on a change set's
    /// operations does not hold here) in one transaction, exactly as [`Store::commit`](crate::port::Store::commit) would, and remembers
    /// that rows were about `seen`.
    ///
    /// It must apply all of it or nothing. It must re-check every expectation under the same locks as a commit.
    async fn write(&self, set: ChangeSet, seen: &[EntityId]) -> Result<Written, StoreError>;

    /// Puts creations and updates into the staging area, in a short transaction and invisible to every reader, and remembers that rows
    /// were about `seen`.
    ///
    /// A slice written with [`LoadArea::write`] that changes nothing is remembered by a call without operations. An operation must replace what was staged of the same entity; its `before` is always what is stored, never what was staged.
    async fn stage(&self, operations: Vec<Operation>, seen: &[EntityId]) -> Result<(), StoreError>;

    /// Applies everything staged in one transaction, as one change set of the plan's caller at the plan's time.
    ///
    /// It must apply all of it or nothing. It must check, set-wise and under the locks of a commit: the type's version; that ids to be
    /// created are absent; that entities to be updated are at the version of their `before`; that claimed keys are free once those given up
    /// are; that added link targets exist (stored or staged), inside the scope and of an allowed type.
    async fn apply(&self) -> Result<Applied, StoreError>;

    /// Drops what is staged and remembered. Called once at the end of every load, also after [`LoadArea::apply`] and after a failure.
    async fn discard(&self) -> Result<(), StoreError>;
}
