//! The port, method by method: each takes the lock and asks the tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use registry_core::{
    Encoded, Entity, EntityId, FieldNumber, KeyNumber, Scope, TypeId, Version,
    change::{ChangeSet, LinkRow},
    limits, load,
    port::{
        BuildStep, CatalogRows, ChangePage, ChangeRow, CommitError, EntityStream, Found, LinkCount,
        LoadPlan, LoadReport, LoadSink, Position, Receipt, Rows, Store, StoreError,
    },
    query::{Count, Query},
};
use uuid::Uuid;

use crate::{commit::Refusal, jobs::JobTable, load::MemoryArea, state::State};

/// A store in memory; gone with the process.
pub struct MemoryStore {
    pub(crate) state: Mutex<State>,
    pub(crate) jobs: Mutex<BTreeMap<registry_core::JobId, JobTable>>,
    secret: Result<[u8; 32], getrandom::Error>,
    epoch: Uuid,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let mut secret = [0; 32];
        Self {
            state: Mutex::default(),
            jobs: Mutex::default(),
            secret: getrandom::fill(&mut secret).map(|()| secret),
            epoch: Uuid::new_v4(),
        }
    }

    pub(crate) fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        lock(&self.state)
    }
}

/// A panic under the lock may have left half a write behind: from then on nothing is answered.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, StoreError> {
    mutex.lock().map_err(|_| {
        StoreError::internal(
            "locking the memory store",
            "a thread panicked while it wrote",
        )
    })
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    // Neither the entities nor the secret belong into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn catalog(&self, known: Option<Version>) -> Result<Option<CatalogRows>, StoreError> {
        let state = self.state()?;
        Ok((known != Some(state.catalog)).then(|| CatalogRows {
            version: state.catalog,
            types: state.types.values().cloned().collect(),
            building: state.indexes.keys().copied().collect(),
        }))
    }

    async fn entities(&self, ids: &[EntityId], scope: &Scope) -> Result<Vec<Entity>, StoreError> {
        let state = self.state()?;
        let ids: BTreeSet<EntityId> = ids.iter().copied().collect();
        Ok(ids
            .into_iter()
            .filter_map(|id| state.readable(id, scope).cloned())
            .collect())
    }

    async fn by_key(
        &self,
        type_id: TypeId,
        key: KeyNumber,
        value: &Encoded,
        scope: &Scope,
    ) -> Result<Option<Entity>, StoreError> {
        let state = self.state()?;
        Ok(state
            .keys
            .get(&(type_id, key, value.clone()))
            .and_then(|id| state.readable(*id, scope))
            .cloned())
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        Ok(self.state()?.find(query))
    }

    async fn export(&self, query: &Query) -> Result<EntityStream, StoreError> {
        // A copy is the snapshot: it holds more than a page, in a store that holds everything in memory anyway.
        let found = self.state()?.find(&Query {
            limit: usize::MAX,
            after: None,
            count: Count::None,
            ..query.clone()
        });
        Ok(stream::iter(found.items.into_iter().map(Ok)).boxed())
    }

    async fn holders(
        &self,
        targets: &[EntityId],
        limit: usize,
    ) -> Result<Vec<LinkRow>, StoreError> {
        let state = self.state()?;
        let targets: BTreeSet<EntityId> = targets.iter().copied().collect();
        Ok(targets
            .into_iter()
            .flat_map(|target| state.links.leading_to(target))
            .take(limit)
            .collect())
    }

    async fn incoming(
        &self,
        target: EntityId,
        scope: &Scope,
    ) -> Result<Vec<LinkCount>, StoreError> {
        let state = self.state()?;
        let mut counts = BTreeMap::new();
        for row in state.links.leading_to(target) {
            if state.readable(row.holder, scope).is_some() {
                *counts.entry((row.holder_type, row.link)).or_default() += 1;
            }
        }
        Ok(counts
            .into_iter()
            .map(|((holder_type, link), count)| LinkCount {
                holder_type,
                link,
                count,
            })
            .collect())
    }

    async fn last_version(&self, id: EntityId) -> Result<Option<Version>, StoreError> {
        Ok(self.state()?.last_version(id))
    }

    async fn log_head(&self) -> Result<Option<Position>, StoreError> {
        let head = self.state()?.head();
        Ok((head.sequence > 0).then_some(head))
    }

    async fn changes(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<ChangePage, StoreError> {
        Ok(self.state()?.changes(after, limit))
    }

    async fn history(
        &self,
        id: EntityId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        Ok(self.state()?.history(id, before, limit))
    }

    async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        if set.operations.len() > limits::OPERATIONS {
            let defect = "more operations than a change set may have";
            return Err(StoreError::internal("reading a change set", defect).into());
        }
        let refusal = match self.state()?.commit(&set) {
            Ok(receipt) => return Ok(receipt),
            Err(refusal) => refusal,
        };
        match refusal {
            Refusal::Conflicts(conflicts) => match conflicts.into_iter().next() {
                Some(conflict) => Err(conflict.into()),
                None => Err(StoreError::internal("committing", "refused without a reason").into()),
            },
            Refusal::Store(error) => Err(error.into()),
        }
    }

    async fn build_index(
        &self,
        type_id: TypeId,
        field: FieldNumber,
        limit: usize,
    ) -> Result<BuildStep, StoreError> {
        Ok(self.state()?.build_index(type_id, field, limit))
    }

    async fn load(
        &self,
        plan: LoadPlan,
        rows: Rows<'_>,
        sink: &dyn LoadSink,
    ) -> Result<LoadReport, StoreError> {
        load::run(&MemoryArea::new(self, plan.clone()), plan, rows, sink).await
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        self.secret
            .map_err(|source| StoreError::internal("making the secret", source))
    }

    async fn epoch(&self) -> Result<Uuid, StoreError> {
        Ok(self.epoch)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.state().map(drop)
    }
}
