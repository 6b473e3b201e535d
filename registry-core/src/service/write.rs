//! One write of one entity, with what it changes at the other ends of symmetric links.

use std::sync::Arc;

use crate::{
    Caller, Entity, EntityId, EntityType, Error, Scope, Timestamp, change::Operation,
    port::Conflict,
};

use super::{
    Outcome, Registry, Written,
    commit::{Retry, Unapplied},
    decide::Context,
    symmetric::Mirror,
};

/// What was decided for one entity.
#[derive(Debug)]
pub(super) enum Decision {
    /// It comes to be.
    Create(Entity),
    /// It is rewritten.
    Update { before: Arc<Entity>, after: Entity },
    /// It stays as it is.
    Keep(Entity),
}

impl Decision {
    /// The decision on an entity that is there: its next version, or none.
    pub(super) fn of(before: Entity, after: Option<Entity>) -> Self {
        match after {
            Some(after) => Self::Update {
                before: Arc::new(before),
                after,
            },
            None => Self::Keep(before),
        }
    }
}

/// One write, from its first decision to the one that was committed.
pub(super) struct Write<'a> {
    registry: &'a Registry,
    caller: &'a Caller,
    retry: Retry,
    /// What to lock while deciding: the entity, and after a conflict all that the last decision touched.
    touched: Vec<EntityId>,
}

impl<'a> Write<'a> {
    /// A write of this entity; of a new one that nobody else can name yet when `None`.
    pub(super) fn new(registry: &'a Registry, caller: &'a Caller, id: Option<EntityId>) -> Self {
        Self {
            registry,
            caller,
            retry: Retry::default(),
            touched: id.into_iter().collect(),
        }
    }

    /// Locks one more from the first try on.
    pub(super) fn touch(&mut self, id: EntityId) {
        self.touched.push(id);
    }

    /// The ids to hold locks on during the next try.
    pub(super) fn touched(&self) -> Vec<EntityId> {
        self.touched.clone()
    }

    /// Commits a decision. `None`: the store has moved on, read and decide again.
    pub(super) async fn commit(
        &mut self,
        entity_type: &Arc<EntityType>,
        at: Timestamp,
        decision: Decision,
    ) -> Result<Option<Written>, Error> {
        let (entity, mirror, first, outcome) = match decision {
            Decision::Keep(entity) => {
                return Ok(Some(Written {
                    entity,
                    entity_type: Arc::clone(entity_type),
                    outcome: Outcome::Unchanged,
                    position: None,
                }));
            }
            Decision::Create(entity) => {
                let mirror = Mirror::of(entity_type, entity.id, None, Some(&entity.links));
                let first = Operation::Create(entity.clone());
                (entity, mirror, first, Outcome::Created)
            }
            Decision::Update { before, after } => {
                let links = (Some(&before.links), Some(&after.links));
                let mirror = Mirror::of(entity_type, after.id, links.0, links.1);
                let entity = after.clone();
                let first = Operation::Update { before, after };
                (entity, mirror, first, Outcome::Updated)
            }
        };
        let mut operations = vec![first];
        let partners: Vec<EntityId> = mirror.partners().into_iter().collect();
        if !partners.is_empty() {
            let context = Context {
                caller: self.caller,
                entity_type,
                at,
            };
            let read = self.registry.read(&partners, &Scope::Everything).await?;
            operations.extend(mirror.decide(context, entity.id, read)?);
        }
        let touched = partners.into_iter().chain([entity.id]);
        match self
            .registry
            .commit(self.caller, at, vec![Arc::clone(entity_type)], operations)
            .await
        {
            Ok(receipt) => Ok(Some(Written {
                entity,
                entity_type: Arc::clone(entity_type),
                outcome,
                position: Some(receipt.position),
            })),
            Err(Unapplied::Refused(error)) => Err(error),
            Err(Unapplied::Again(conflict)) => {
                self.touched.extend(touched);
                self.again(&conflict).await?;
                Ok(None)
            }
        }
    }

    /// Counts a conflict and waits a little; refuses when there were too many.
    pub(super) async fn again(&mut self, conflict: &Conflict) -> Result<(), Error> {
        self.retry.after(self.registry, conflict).await
    }
}
