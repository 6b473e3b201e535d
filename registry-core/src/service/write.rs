//! One write of one entity, with what it changes at the other ends of symmetric links.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Caller, Entity, EntityId, EntityType, Error, Links, Scope, Timestamp,
    change::Operation,
    port::{Conflict, EntityRef, RowLink},
    write::{Context, Mirror, NoTarget, missing, pointer, targets},
};

use super::{
    Outcome, Registry, Written,
    commit::{Retry, Unapplied},
    rights::may_read,
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

    /// Commits a decision; `given` are the links that its document named. `None`: the store has moved on, read and decide again.
    pub(super) async fn commit(
        &mut self,
        entity_type: &Arc<EntityType>,
        at: Timestamp,
        decision: Decision,
        given: &[RowLink],
    ) -> Result<Option<Written>, Error> {
        let (before, entity, outcome) = match decision {
            Decision::Keep(entity) => (None, entity, Outcome::Unchanged),
            Decision::Create(entity) => (None, entity, Outcome::Created),
            Decision::Update { before, after } => (Some(before), after, Outcome::Updated),
        };
        let written = |entity, position| Written {
            entity,
            entity_type: Arc::clone(entity_type),
            outcome,
            position,
        };
        if outcome == Outcome::Unchanged {
            return Ok(Some(written(entity, None)));
        }
        let held = before.as_ref().map(|before| &before.links);
        let mirror = Mirror::of(entity_type, entity.id, held, &entity.links);
        let context = Context {
            caller: self.caller,
            entity_type,
            at,
        };
        let mut operations = vec![match &before {
            None => Operation::Create(entity.clone()),
            Some(before) => Operation::Update {
                before: Arc::clone(before),
                after: entity.clone(),
            },
        }];
        let applied = match self.mirrored(context, &mirror).await {
            Ok(mirrored) => {
                operations.extend(mirrored);
                let types = vec![Arc::clone(entity_type)];
                self.registry
                    .commit(self.caller, at, types, operations)
                    .await
            }
            Err(error) => Err(Unapplied::Refused(error)),
        };
        match applied {
            Ok(receipt) => Ok(Some(written(entity, Some(receipt.position)))),
            Err(Unapplied::Refused(error)) => {
                let present = before.map(|before| before.links.clone());
                let present = present.unwrap_or_default();
                Err(self
                    .every_target(context, entity.id, &present, given, error)
                    .await?)
            }
            Err(Unapplied::Again(conflict)) => {
                self.touched.extend(mirror.partners());
                self.touched.push(entity.id);
                self.again(&conflict).await?;
                Ok(None)
            }
        }
    }

    /// The updates of the other ends of symmetric links.
    async fn mirrored(
        &self,
        context: Context<'_>,
        mirror: &Mirror,
    ) -> Result<Vec<Operation>, Error> {
        let partners: Vec<EntityId> = mirror.partners().into_iter().collect();
        if partners.is_empty() {
            return Ok(Vec::new());
        }
        let read = self.registry.read(&partners, &Scope::Everything).await?;
        let read: BTreeMap<EntityId, Entity> = read.into_iter().map(|one| (one.id, one)).collect();
        let mut problems = Vec::new();
        for (number, target) in mirror.added() {
            let partner = read.get(target);
            if !partner.is_some_and(|partner| may_read(context.caller, partner)) {
                let link = context.entity_type.link(*number);
                let place = link.map(pointer).unwrap_or_default();
                problems.push(missing(place).with_value(target.to_string()));
            }
        }
        if !problems.is_empty() {
            return Err(Error::refused_write(problems));
        }
        let mut operations = Vec::with_capacity(read.len());
        // Of another type: the commit refuses the target with its own words; nothing is to be mirrored there.
        let partners = read
            .into_values()
            .filter(|partner| partner.type_id == context.entity_type.id);
        for partner in partners {
            match mirror.decide(context, &partner) {
                Ok(links) => {
                    if let Some(after) = context.relink(&partner, links) {
                        let before = Arc::new(partner);
                        operations.push(Operation::Update { before, after });
                    }
                }
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            Ok(operations)
        } else {
            Err(Error::refused_write(problems))
        }
    }

    /// A commit names the first target that it finds at fault; this names all of them, each at its place in the document.
    async fn every_target(
        &self,
        context: Context<'_>,
        own: EntityId,
        present: &Links,
        given: &[RowLink],
        error: Error,
    ) -> Result<Error, Error> {
        let of_target = matches!(&error, Error::Refused(refused)
            if matches!(refused.code, "link_target_not_found" | "link_target_type"));
        if !of_target {
            return Ok(error);
        }
        let named = given.iter().flat_map(|link| &link.targets);
        let ids: Vec<EntityId> = named
            .filter_map(|target| match &target.reference {
                EntityRef::Id(id) => Some(*id),
                EntityRef::Key(_) => None,
            })
            .collect();
        let read = self.registry.read(&ids, &Scope::Everything).await?;
        let mut known: BTreeMap<EntityId, _> = read
            .iter()
            .filter(|one| may_read(context.caller, one))
            .map(|one| (one.id, one.type_id))
            .collect();
        known.insert(own, context.entity_type.id);
        let find = |link: &crate::entity_type::Link, reference: &EntityRef| match reference {
            EntityRef::Id(id) => match known.get(id) {
                Some(type_id) if link.to.allows(*type_id) => Ok(*id),
                Some(_) => Err(NoTarget::WrongType),
                None => Err(NoTarget::Missing),
            },
            EntityRef::Key(_) => Err(NoTarget::Missing),
        };
        let mut problems = Vec::new();
        for given in given {
            if let Some(link) = context.entity_type.link(given.link) {
                targets(link, present, given, &find, &mut problems);
            }
        }
        // They may have come meanwhile.
        if problems.is_empty() {
            return Ok(error);
        }
        Ok(Error::refused_write(problems))
    }

    /// Counts a conflict and waits a little; refuses when there were too many.
    pub(super) async fn again(&mut self, conflict: &Conflict) -> Result<(), Error> {
        self.retry.after(self.registry, conflict).await
    }
}
