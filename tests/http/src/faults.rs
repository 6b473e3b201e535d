//! A store that fails when it is told to, and otherwise does what the one underneath does.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};
use registry_core::{
    EntityId, FieldNumber, KeyNumber, Scope, TypeId, Version,
    change::{ChangeSet, LinkRow},
    entity::{Encoded, Entity},
    port::{
        BuildStep, CatalogRows, ChangePage, ChangeRow, CommitError, Conflict, EntityStream, Found,
        JobCounts, LinkCount, LoadEnd, LoadMark, LoadPlan, LoadReport, LoadSink, Position, Receipt,
        RowFailure, Rows, Store, StoreError, StoreErrorKind,
    },
    query::Query,
};
use uuid::Uuid;

/// What goes wrong from now on, until told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Reads of lists, commits and loads fail with this kind.
    Fails(StoreErrorKind),
    /// Every commit meets another writer's, and every load finds that others changed what it is about.
    Beaten,
    /// Reads of the catalog, of lists, and commits never end.
    Hangs,
    /// The catalog is full: the first type stands in it as often as there may be types.
    FullCatalog,
}

/// What is done when the first slice of a load is done.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<BoxFuture<'static, ()>>>>);

/// A sink that does something when it is told of progress for the first time.
struct Interrupting<'a> {
    sink: &'a dyn LoadSink,
    what: tokio::sync::Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Interrupting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupting")
    }
}

#[async_trait]
impl LoadSink for Interrupting<'_> {
    async fn failed(&self, failures: Vec<RowFailure>) -> Result<(), StoreError> {
        self.sink.failed(failures).await
    }

    async fn writing(&self, mark: LoadMark) -> Result<(), StoreError> {
        self.sink.writing(mark).await
    }

    async fn progress(&self, counts: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        if let Some(what) = self.what.lock().await.take() {
            what.await;
        }
        self.sink.progress(counts).await
    }
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

/// Switches faults on and off.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    meanwhile: Meanwhile,
    next: Arc<Mutex<Option<Fault>>>,
    epoch: Arc<Mutex<Option<Uuid>>>,
    met: Arc<AtomicBool>,
}

impl Faults {
    /// From now on this goes wrong, or nothing.
    pub fn set(&self, fault: Option<Fault>) {
        *self.next.lock().unwrap() = fault;
    }

    /// When the first slice of the next load is done, something else is.
    pub fn after_a_slice(&self, what: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.0.lock().unwrap() = Some(what.boxed());
    }

    /// From now on the store is one that was restored, and has this epoch.
    pub fn set_epoch(&self, epoch: Uuid) {
        *self.epoch.lock().unwrap() = Some(epoch);
    }

    /// Whether something went wrong since this was last asked.
    pub fn were_met(&self) -> bool {
        self.met.swap(false, Ordering::Relaxed)
    }

    fn get(&self) -> Option<Fault> {
        *self.next.lock().unwrap()
    }

    async fn meet(&self) -> Result<Option<Fault>, StoreError> {
        let fault = self.get();
        self.met.fetch_or(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(Fault::Fails(kind)) => Err(StoreError::new(kind, "testing", "a fault of a test")),
            Some(Fault::Hangs) => std::future::pending().await,
            other => Ok(other),
        }
    }
}

/// The store with its switch.
#[derive(Debug)]
pub struct Faulty {
    pub store: Arc<dyn Store>,
    pub faults: Faults,
}

#[async_trait]
impl Store for Faulty {
    async fn catalog(&self, known: Option<Version>) -> Result<Option<CatalogRows>, StoreError> {
        match self.faults.get() {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::FullCatalog) => {
                let mut rows = self.store.catalog(None).await?.unwrap();
                let first = rows.types[0].clone();
                for number in rows.types.len()..registry_core::limits::TYPES {
                    let mut copy = first.clone();
                    copy.id = TypeId(Uuid::from_u128(number as u128));
                    copy.name = format!("copy_{number}");
                    rows.types.push(copy);
                }
                rows.version = rows.version.next();
                Ok(Some(rows))
            }
            _ => self.store.catalog(known).await,
        }
    }

    async fn entities(&self, ids: &[EntityId], scope: &Scope) -> Result<Vec<Entity>, StoreError> {
        self.store.entities(ids, scope).await
    }

    async fn by_key(
        &self,
        type_id: TypeId,
        key: KeyNumber,
        value: &Encoded,
        scope: &Scope,
    ) -> Result<Option<Entity>, StoreError> {
        self.store.by_key(type_id, key, value, scope).await
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        self.faults.meet().await?;
        self.store.find(query).await
    }

    async fn export(&self, query: &Query) -> Result<EntityStream, StoreError> {
        self.faults.meet().await?;
        self.store.export(query).await
    }

    async fn holders(
        &self,
        targets: &[EntityId],
        limit: usize,
    ) -> Result<Vec<LinkRow>, StoreError> {
        self.store.holders(targets, limit).await
    }

    async fn incoming(
        &self,
        target: EntityId,
        scope: &Scope,
    ) -> Result<Vec<LinkCount>, StoreError> {
        self.store.incoming(target, scope).await
    }

    async fn last_version(&self, id: EntityId) -> Result<Option<Version>, StoreError> {
        self.store.last_version(id).await
    }

    async fn log_head(&self) -> Result<Option<Position>, StoreError> {
        self.store.log_head().await
    }

    async fn changes(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<ChangePage, StoreError> {
        self.store.changes(after, limit).await
    }

    async fn history(
        &self,
        id: EntityId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        self.store.history(id, before, limit).await
    }

    async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        match self.faults.meet().await? {
            Some(Fault::Beaten) => Err(CommitError::Conflict(Conflict::Stale {
                operation: 0,
                current: None,
            })),
            _ => self.store.commit(set).await,
        }
    }

    async fn build_index(
        &self,
        type_id: TypeId,
        field: FieldNumber,
        limit: usize,
    ) -> Result<BuildStep, StoreError> {
        self.store.build_index(type_id, field, limit).await
    }

    async fn load(
        &self,
        plan: LoadPlan,
        rows: Rows<'_>,
        sink: &dyn LoadSink,
    ) -> Result<LoadReport, StoreError> {
        if self.faults.meet().await? == Some(Fault::Beaten) {
            return Ok(LoadReport {
                counts: JobCounts::default(),
                position: None,
                end: LoadEnd::Stale,
            });
        }
        let meanwhile = self.faults.meanwhile.0.lock().unwrap().take();
        match meanwhile {
            Some(what) => {
                let what = tokio::sync::Mutex::new(Some(what));
                let sink = Interrupting { sink, what };
                self.store.load(plan, rows, &sink).await
            }
            None => self.store.load(plan, rows, sink).await,
        }
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        self.store.secret().await
    }

    async fn epoch(&self) -> Result<Uuid, StoreError> {
        let renewed = *self.faults.epoch.lock().unwrap();
        match renewed {
            Some(epoch) => Ok(epoch),
            None => self.store.epoch().await,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.faults.meet().await?;
        self.store.ping().await
    }
}
