//! The registry: a store, jobs, a clock, a source of ids, and what is kept in memory between requests.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::{
    Catalog, Entity, EntityId, EntityType, Error, Scope, Timestamp,
    port::{Clock, IdSource, Jobs, RandomIds, Store, SystemClock},
};

use super::{
    Downloads, Entities, JobService, LinkService, Search, Types, Uploads, commit::store_error,
    locks::EntityLocks,
};

/// How long a catalog in memory is trusted. Reads on another server may lag a type change by at most 1 s; writes never do, since a
/// commit names the versions of the types it was decided under.
const CATALOG_AGE: Duration = Duration::from_millis(500);

/// Ids of one read.
const READ_SLICE: usize = 1_000;

/// A registry over one store. Cheap to share behind an `Arc`; two of them on one store see each other's writes.
#[derive(Debug)]
pub struct Registry {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(super) locks: EntityLocks,
    catalog: Mutex<Option<Known>>,
    /// Held while the catalog is read, so that many requests cause one read.
    reading: tokio::sync::Mutex<()>,
    secret: OnceCell<[u8; 32]>,
}

#[derive(Clone, Debug)]
struct Known {
    catalog: Arc<Catalog>,
    /// `None` after [`Registry::invalidate`]: it must be asked for again, but need not be sent again when nothing changed.
    fresh_since: Option<Instant>,
}

impl Known {
    fn fresh(&self) -> bool {
        self.fresh_since
            .is_some_and(|since| since.elapsed() < CATALOG_AGE)
    }
}

impl Registry {
    /// A registry over a store, with the machine's clock and UUIDs of version 7.
    pub fn new(store: Arc<dyn Store>, jobs: Arc<dyn Jobs>) -> Self {
        Self {
            store,
            jobs,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            locks: EntityLocks::default(),
            catalog: Mutex::new(None),
            reading: tokio::sync::Mutex::new(()),
            secret: OnceCell::new(),
        }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with another source of ids.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// Entity types: define, read, list, change, replace, delete.
    pub fn types(&self) -> Types<'_> {
        Types { registry: self }
    }

    /// Entities: create, read, replace, merge, delete.
    pub fn entities(&self) -> Entities<'_> {
        Entities { registry: self }
    }

    /// Links between entities.
    pub fn links(&self) -> LinkService<'_> {
        LinkService { registry: self }
    }

    /// Lists and searches.
    pub fn search(&self) -> Search<'_> {
        Search { registry: self }
    }

    /// Uploads of files.
    pub fn uploads(&self) -> Uploads<'_> {
        Uploads { registry: self }
    }

    /// Downloads of files.
    pub fn downloads(&self) -> Downloads<'_> {
        Downloads { registry: self }
    }

    /// Jobs of uploads, as a caller sees them.
    pub fn upload_jobs(&self) -> JobService<'_> {
        JobService { registry: self }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Upload jobs.
    pub fn jobs(&self) -> &Arc<dyn Jobs> {
        &self.jobs
    }

    /// The present time of the registry's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new entity id.
    pub fn next_entity_id(&self) -> EntityId {
        EntityId(self.ids.next())
    }

    /// All types, at most 500 ms old.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        if let Some(known) = self.known().filter(Known::fresh) {
            return Ok(known.catalog);
        }
        let _reading = self.reading.lock().await;
        let known = self.known();
        if let Some(known) = known.as_ref().filter(|known| known.fresh()) {
            return Ok(Arc::clone(&known.catalog));
        }
        // Before the read: what is written while it runs must not count as seen.
        let asked_at = Instant::now();
        let version = known.as_ref().map(|known| known.catalog.version);
        let catalog = match (self.store.catalog(version).await?, known) {
            (Some(rows), _) => Arc::new(Catalog::new(
                rows.version,
                rows.types.into_iter().map(Arc::new).collect(),
            )),
            (None, Some(known)) => known.catalog,
            (None, None) => Arc::new(Catalog::default()),
        };
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            catalog: Arc::clone(&catalog),
            fresh_since: Some(asked_at),
        });
        Ok(catalog)
    }

    /// Makes the next [`Registry::catalog`] ask the store: after a type was changed, or a commit met one that had.
    pub fn invalidate(&self) {
        let mut known = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.fresh_since = None;
        }
    }

    /// The catalog and the type of this name in it; `not_found` when there is none.
    pub async fn entity_type(&self, name: &str) -> Result<(Arc<Catalog>, Arc<EntityType>), Error> {
        let catalog = self.catalog().await?;
        match catalog.by_name(name).cloned() {
            Some(entity_type) => Ok((catalog, entity_type)),
            None => Err(Error::not_found("entity type")),
        }
    }

    /// The key of this store's cursors.
    pub async fn cursor_secret(&self) -> Result<[u8; 32], Error> {
        let secret = self
            .secret
            .get_or_try_init(|| async { self.store.secret().await })
            .await?;
        Ok(*secret)
    }

    /// The entities of these ids inside the scope, by id.
    pub(super) async fn read(&self, ids: &[EntityId], scope: &Scope) -> Result<Vec<Entity>, Error> {
        if let [_] = ids {
            return self.store.entities(ids, scope).await.map_err(store_error);
        }
        let ids: BTreeSet<EntityId> = ids.iter().copied().collect();
        let ids: Vec<EntityId> = ids.into_iter().collect();
        let mut read = Vec::with_capacity(ids.len());
        for slice in ids.chunks(READ_SLICE) {
            read.extend(
                self.store
                    .entities(slice, scope)
                    .await
                    .map_err(store_error)?,
            );
        }
        Ok(read)
    }

    fn known(&self) -> Option<Known> {
        self.catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
