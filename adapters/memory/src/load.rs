//! Where a load works: what it staged lies over what is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use registry_core::{
    Entity, EntityId, KeyNumber, Scope,
    change::{ChangeSet, Operation, key_rows},
    load::{
        Applied, LoadArea, Lookup, Origin, Resolution, ResolvedEntity, ResolvedTarget, Written,
    },
    port::{KeyRef, LoadPlan, Receipt, StoreError, job_lost},
};

use crate::{
    MemoryStore,
    commit::{Refusal, slot},
    jobs::JobTable,
    state::{KeySlot, State},
    store::lock,
};

/// The place of one load.
#[derive(Debug)]
pub(crate) struct MemoryArea<'a> {
    store: &'a MemoryStore,
    plan: LoadPlan,
    scope: Scope,
    staged: Mutex<Staged>,
}

/// What a load has staged and remembered.
#[derive(Debug, Default)]
struct Staged {
    /// In order of first staging.
    operations: Vec<Operation>,
    places: BTreeMap<EntityId, usize>,
    seen: BTreeSet<EntityId>,
}

impl<'a> MemoryArea<'a> {
    pub(crate) fn new(store: &'a MemoryStore, plan: LoadPlan) -> Self {
        Self {
            store,
            scope: plan.caller.scope(),
            plan,
            staged: Mutex::default(),
        }
    }

    /// Commits, unless the load's job was taken from it; it cannot be before this is done.
    fn commit(&self, set: &ChangeSet) -> Result<Receipt, Refusal> {
        let jobs = lock(&self.store.jobs)?;
        let mut job = self.plan.job.iter();
        if job.any(|id| !jobs.get(id).is_some_and(JobTable::is_at_work)) {
            return Err(Refusal::Store(job_lost()));
        }
        self.store.state()?.commit(set)
    }
}

/// What is stored, with what is staged over it.
struct Overlay<'a> {
    state: &'a State,
    staged: &'a Staged,
    /// Who holds the keys of the plan's type that staged entities hold or gave up.
    keys: BTreeMap<KeySlot, Option<EntityId>>,
    scope: &'a Scope,
}

impl<'a> Overlay<'a> {
    fn new(state: &'a State, staged: &'a Staged, plan: &LoadPlan, scope: &'a Scope) -> Self {
        let mut keys = BTreeMap::new();
        for operation in &staged.operations {
            if let Operation::Update { before, .. } = operation {
                let given_up = key_rows(&plan.entity_type, before);
                keys.extend(given_up.map(|row| (slot(&row), None)));
            }
        }
        // After all that is given up: a key may pass from one staged entity to another.
        for operation in &staged.operations {
            if let Operation::Create(entity) | Operation::Update { after: entity, .. } = operation {
                let held = key_rows(&plan.entity_type, entity);
                keys.extend(held.map(|row| (slot(&row), Some(row.entity))));
            }
        }
        Self {
            state,
            staged,
            keys,
            scope,
        }
    }

    fn entity(&self, id: EntityId) -> Option<(&'a Entity, Origin)> {
        let place = self.staged.places.get(&id);
        match place.and_then(|place| self.staged.operations.get(*place)) {
            Some(Operation::Create(entity)) => Some((entity, Origin::Staged(None))),
            Some(Operation::Update { before, after }) => {
                Some((after, Origin::Staged(Some(Arc::clone(before)))))
            }
            Some(Operation::Delete(_)) => None,
            None => self
                .state
                .entities
                .get(&id)
                .map(|entity| (entity, Origin::Stored)),
        }
    }

    fn key_holder(&self, slot: &KeySlot) -> Option<EntityId> {
        match self.keys.get(slot) {
            Some(holder) => *holder,
            None => self.state.keys.get(slot).copied(),
        }
    }

    fn resolved_entity(&self, id: EntityId) -> Option<ResolvedEntity> {
        let (entity, origin) = self.entity(id)?;
        Some(ResolvedEntity {
            entity: Arc::new(entity.clone()),
            origin,
            seen: self.staged.seen.contains(&id),
        })
    }

    fn resolved_target(&self, id: EntityId) -> Option<ResolvedTarget> {
        let (entity, _) = self.entity(id)?;
        Some(ResolvedTarget {
            id,
            type_id: entity.type_id,
            readable: self.scope.admits(&entity.owners, &entity.readers),
        })
    }
}

#[async_trait]
impl LoadArea for MemoryArea<'_> {
    async fn resolve(&self, lookup: &Lookup) -> Result<Resolution, StoreError> {
        let state = self.store.state()?;
        let staged = lock(&self.staged)?;
        let overlay = Overlay::new(&state, &staged, &self.plan, &self.scope);
        let type_id = self.plan.entity_type.id;
        let mut resolution = Resolution::default();
        for (key, value) in &lookup.entity_keys {
            if let Some(id) = overlay.key_holder(&(type_id, *key, value.clone())) {
                let wanted: (KeyNumber, _) = (*key, value.clone());
                resolution.entity_keys.insert(wanted, id);
            }
        }
        let holders = resolution.entity_keys.values();
        for id in lookup.entities.iter().chain(holders) {
            if let Some(entity) = overlay.resolved_entity(*id) {
                resolution.entities.insert(*id, entity);
            }
        }
        let targets = lookup.targets.iter();
        resolution.targets = targets
            .filter_map(|id| Some((*id, overlay.resolved_target(*id)?)))
            .collect();
        let keys = lookup.keys.iter();
        resolution.keys = keys
            .filter_map(|wanted: &KeyRef| {
                let slot = (wanted.type_id, wanted.key, wanted.value.clone());
                let holder = overlay.resolved_target(overlay.key_holder(&slot)?)?;
                Some((wanted.clone(), holder))
            })
            .collect();
        let absent: BTreeSet<EntityId> = lookup
            .entities
            .iter()
            .filter(|id| !resolution.entities.contains_key(id))
            .copied()
            .collect();
        resolution.last_versions = state.last_versions(&absent);
        Ok(resolution)
    }

    async fn write(&self, set: ChangeSet, seen: &[EntityId]) -> Result<Written, StoreError> {
        let written = match self.commit(&set) {
            Ok(receipt) => Written::Applied(receipt),
            Err(Refusal::Conflicts(conflicts)) => return Ok(Written::Refused(conflicts)),
            Err(Refusal::Store(error)) => return Err(error),
        };
        lock(&self.staged)?.seen.extend(seen);
        Ok(written)
    }

    async fn stage(&self, operations: Vec<Operation>, seen: &[EntityId]) -> Result<(), StoreError> {
        let mut staged = lock(&self.staged)?;
        let staged = &mut *staged;
        for operation in operations {
            let next = staged.operations.len();
            let place = *staged.places.entry(operation.entity_id()).or_insert(next);
            match staged.operations.get_mut(place) {
                Some(earlier) => *earlier = operation,
                None => staged.operations.push(operation),
            }
        }
        staged.seen.extend(seen);
        Ok(())
    }

    async fn apply(&self) -> Result<Applied, StoreError> {
        let set = ChangeSet {
            actor: self.plan.caller.actor.clone(),
            at: self.plan.at,
            scope: self.scope.clone(),
            types: vec![Arc::clone(&self.plan.entity_type)],
            operations: lock(&self.staged)?.operations.clone(),
            type_change: None,
        };
        match self.commit(&set) {
            Ok(receipt) => Ok(Applied::Applied(receipt)),
            Err(Refusal::Conflicts(_)) => Ok(Applied::Stale),
            Err(Refusal::Store(error)) => Err(error),
        }
    }

    async fn discard(&self) -> Result<(), StoreError> {
        *lock(&self.staged)? = Staged::default();
        Ok(())
    }
}
