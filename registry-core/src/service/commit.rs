//! Committing a decision, and deciding again when the store has moved on meanwhile.

use std::{sync::Arc, time::Duration};

use crate::{
    Caller, EntityId, EntityType, Error, LinkNumber, Timestamp, TypeId,
    change::{ChangeSet, Operation},
    port::{CommitError, Conflict, Receipt, StoreError, StoreErrorKind},
    problem::{Refusal, pointer_token},
    write::{key_taken, missing, wrong_type},
};

use super::Registry;

/// Decisions under a type that had changed.
const TYPE_TRIES: u32 = 3;
/// Decisions on an entity that had changed. Writers of one process wait in line, so these are met by writers of other processes.
const STALE_TRIES: u32 = 12;
/// Longest wait before the first of them; doubled each time up to 128-fold.
const WAIT: Duration = Duration::from_millis(1);

/// How often one write was decided in vain.
#[derive(Debug, Default)]
pub(super) struct Retry {
    types: u32,
    stale: u32,
}

impl Retry {
    /// Counts a conflict and waits a little, unless there were too many.
    pub(super) async fn after(
        &mut self,
        registry: &Registry,
        conflict: &Conflict,
    ) -> Result<(), Error> {
        if matches!(
            conflict,
            Conflict::TypeChanged { .. } | Conflict::CatalogChanged
        ) {
            registry.invalidate();
            self.types += 1;
            return if self.types > TYPE_TRIES {
                Err(Error::Contention)
            } else {
                Ok(())
            };
        }
        self.stale += 1;
        if self.stale > STALE_TRIES {
            return Err(Error::Contention);
        }
        // Full jitter: competitors that met once must not meet again at the same moment.
        let longest = WAIT * (1 << self.stale.min(7));
        let share = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        tokio::time::sleep(longest.mul_f64(share)).await;
        Ok(())
    }
}

/// A commit that was not applied.
#[derive(Debug)]
pub(super) enum Unapplied {
    /// Read and decide again.
    Again(Conflict),
    /// For the caller.
    Refused(Error),
}

impl From<StoreError> for Unapplied {
    fn from(error: StoreError) -> Self {
        Self::Refused(store_error(error))
    }
}

impl From<Error> for Unapplied {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A store's failure as the service's.
pub(super) fn store_error(error: StoreError) -> Error {
    if error.kind == StoreErrorKind::TypeChanging {
        Error::TypeChanging
    } else {
        Error::Store(error)
    }
}

impl Registry {
    /// Commits operations that were decided under these types.
    pub(super) async fn commit(
        &self,
        caller: &Caller,
        at: Timestamp,
        types: Vec<Arc<EntityType>>,
        operations: Vec<Operation>,
    ) -> Result<Receipt, Unapplied> {
        let places = Places::of(&types, &operations);
        let set = ChangeSet {
            actor: caller.actor.clone(),
            at,
            scope: caller.scope(),
            types,
            operations,
            type_change: None,
        };
        match self.store.commit(set).await {
            Ok(receipt) => Ok(receipt),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Conflict(conflict)) => Err(places.judge(conflict)),
        }
    }
}

/// What is needed to name the place of a conflict once the change set is gone.
struct Places {
    types: Vec<Arc<EntityType>>,
    operations: Vec<TypeId>,
}

impl Places {
    fn of(types: &[Arc<EntityType>], operations: &[Operation]) -> Self {
        let type_id = |operation: &Operation| match operation {
            Operation::Create(entity) | Operation::Update { after: entity, .. } => entity.type_id,
            Operation::Delete(entity) => entity.type_id,
        };
        Self {
            types: types.to_vec(),
            operations: operations.iter().map(type_id).collect(),
        }
    }

    fn entity_type(&self, operation: usize) -> Option<&EntityType> {
        let id = self.operations.get(operation)?;
        self.types
            .iter()
            .find(|one| one.id == *id)
            .map(AsRef::as_ref)
    }

    fn link_pointer(&self, operation: usize, link: LinkNumber) -> String {
        let name = self
            .entity_type(operation)
            .and_then(|one| one.link(link))
            .map_or("", |link| link.name.as_str());
        format!("/links/{}", pointer_token(name))
    }

    fn judge(&self, conflict: Conflict) -> Unapplied {
        match conflict {
            Conflict::TypeChanged { .. }
            | Conflict::CatalogChanged
            | Conflict::EntityExists { .. }
            | Conflict::Stale { .. }
            | Conflict::StillLinked { .. } => Unapplied::Again(conflict),
            Conflict::TargetMissing {
                operation,
                link,
                target,
            } => Unapplied::Refused(target_not_found(self.link_pointer(operation, link), target)),
            Conflict::TargetType {
                operation,
                link,
                target,
            } => Unapplied::Refused(target_type(self.link_pointer(operation, link), target)),
            Conflict::KeyTaken { operation, key } => {
                let key = self
                    .entity_type(operation)
                    .and_then(|one| one.all_keys().find(|other| other.number == key));
                let field = key.as_ref().and_then(|key| {
                    let number = key.fields.first()?;
                    self.entity_type(operation)?.field(*number)
                });
                let pointer = field.map_or_else(
                    || "/fields".to_owned(),
                    |field| format!("/fields/{}", pointer_token(&field.name)),
                );
                let name = key.map(|key| key.name).unwrap_or_default();
                Unapplied::Refused(Error::refused_write(vec![key_taken(pointer, &name)]))
            }
            Conflict::Violation(violation) => Unapplied::Refused(Error::Internal(format!(
                "a change set without a type change violates {}",
                violation.name
            ))),
        }
    }
}

/// A link target is absent or invisible.
pub(super) fn target_not_found(pointer: String, target: EntityId) -> Error {
    Error::refused_write(vec![missing(pointer).with_value(target.to_string())])
}

/// A link does not lead to entities of the target's type.
pub(super) fn target_type(pointer: String, target: EntityId) -> Error {
    Error::refused_write(vec![wrong_type(pointer).with_value(target.to_string())])
}

/// The id is in use, by whatever type.
pub(super) fn entity_exists(id: EntityId) -> Error {
    Error::refused(
        Refusal::Conflict,
        "entity_exists",
        format!("an entity with the id {id} exists"),
    )
}
