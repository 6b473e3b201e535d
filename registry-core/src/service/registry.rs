//! The registry: a store, jobs, a clock, a source of ids, and what is kept in memory between requests.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::{
    Catalog, Entity, EntityId, EntityType, Error, Scope, Timestamp,
    port::{Clock, IdSource, Jobs, RandomIds, Store, SystemClock},
};

use super::{
    Downloads, Entities, Indexing, InterruptedJobs, JobService, LinkService, Search, Types,
    Uploads, commit::store_error, interrupted::Running, locks::EntityLocks,
};

/// How long a catalog in memory is trusted. Reads on another server may lag a type change by at most 1 s; writes never do, since a
/// commit names the versions of the types it was decided under.
const CATALOG_AGE: Duration = Duration::from_millis(500);

/// Ids of one read.
const READ_SLICE: usize = 1_000;

/// A registry over one store. Cheap to share behind an `Arc`; two of them on one store see each other's writes.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use registry_core::{Caller, service::{Registry, SearchRequest}};
/// use registry_memory::MemoryStore;
/// use serde_json::json;
///
/// let store = Arc::new(MemoryStore::new());
/// let registry = Registry::new(store.clone(), store);
/// let caller = Caller::default_organisation();
///
/// let country = json!({"name": "country", "fields": {"code": {"type": "text", "unique": true}}});
/// registry.types().define(&caller, country.as_object().ok_or("an object")?).await?;
/// let france = json!({"fields": {"code": "FR"}});
/// let made = registry.entities().create(&caller, "country", None, france.as_object().ok_or("an object")?).await?;
///
/// let request = SearchRequest { filter: Some("code = \"FR\"".to_owned()), ..SearchRequest::default() };
/// let page = registry.search().search(&caller, &request).await?;
/// assert_eq!(page.items, [made.entity]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Registry {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(super) locks: EntityLocks,
    pub(super) running: Running,
    known: Mutex<Known>,
    /// Held while the catalog is read, so that many requests cause one read.
    reading: tokio::sync::Mutex<()>,
    secret: OnceCell<[u8; 32]>,
}

/// What is known of the types.
#[derive(Debug, Default)]
struct Known {
    catalog: Option<Arc<Catalog>>,
    /// When the store was asked; `None` when it must be asked again. The catalog is not sent again when nothing changed.
    asked_at: Option<Instant>,
    /// Grows with each [`Registry::invalidate`]: a read that was under way then does not count as fresh.
    invalidations: u64,
}

impl Known {
    fn fresh(&self) -> Option<Arc<Catalog>> {
        let fresh = self
            .asked_at
            .is_some_and(|asked_at| asked_at.elapsed() < CATALOG_AGE);
        self.catalog.clone().filter(|_| fresh)
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
            running: Running::default(),
            known: Mutex::default(),
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
        LinkService {
            registry: self,
            if_match: None,
        }
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

    /// The building of indexes.
    pub fn indexing(&self) -> Indexing<'_> {
        Indexing { registry: self }
    }

    /// Jobs of uploads, as a caller sees them.
    pub fn upload_jobs(&self) -> JobService<'_> {
        JobService { registry: self }
    }

    /// Jobs whose process is gone.
    pub fn interrupted_jobs(&self) -> InterruptedJobs<'_> {
        InterruptedJobs { registry: self }
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
        if let Some(catalog) = self.known().fresh() {
            return Ok(catalog);
        }
        let _reading = self.reading.lock().await;
        let (last, invalidations) = {
            let known = self.known();
            if let Some(catalog) = known.fresh() {
                return Ok(catalog);
            }
            (known.catalog.clone(), known.invalidations)
        };
        // Before the read: what is written while it runs must not count as seen.
        let asked_at = Instant::now();
        let version = last.as_ref().map(|catalog| catalog.version);
        let read = self.store.catalog(version).await.map_err(store_error)?;
        let catalog = match read {
            Some(rows) => {
                let types = rows.types.into_iter().map(Arc::new).collect();
                Arc::new(Catalog::new(rows.version, types).with_building(rows.building))
            }
            None => last.unwrap_or_default(),
        };
        let mut known = self.known();
        known.catalog = Some(Arc::clone(&catalog));
        known.asked_at = (known.invalidations == invalidations).then_some(asked_at);
        Ok(catalog)
    }

    /// All types as this process last saw them. After a write: what was done must be told also when the store cannot be asked now.
    pub async fn catalog_for_telling(&self) -> Result<Arc<Catalog>, Error> {
        match self.catalog().await {
            Ok(catalog) => Ok(catalog),
            Err(error) => self.known().catalog.clone().ok_or(error),
        }
    }

    /// Makes the next [`Registry::catalog`] ask the store: after a type was changed, or a commit met one that had.
    pub fn invalidate(&self) {
        let mut known = self.known();
        known.asked_at = None;
        known.invalidations += 1;
    }

    /// Whether what was refused under a type was refused under an outdated one: another server may have changed it within the last
    /// [`CATALOG_AGE`]. Then the refusal says nothing, and the request is to be decided again.
    pub(super) async fn refused_in_vain(
        &self,
        error: &Error,
        under: &EntityType,
    ) -> Result<bool, Error> {
        if !matches!(error, Error::Refused(_)) {
            return Ok(false);
        }
        self.invalidate();
        let catalog = self.catalog().await?;
        let present = catalog.by_id(under.id).map(|one| one.version);
        Ok(present != Some(under.version))
    }

    /// The catalog and the type of this name in it; `not_found` when there is none.
    pub async fn entity_type(&self, name: &str) -> Result<(Arc<Catalog>, Arc<EntityType>), Error> {
        let (catalog, types) = self.entity_types(&[name]).await?;
        let entity_type = types.into_iter().next();
        entity_type.map_or_else(
            || Err(Error::not_found("entity type")),
            |entity_type| Ok((catalog, entity_type)),
        )
    }

    /// The catalog and the types of these names in it, in order; `not_found` when one is missing.
    pub(super) async fn entity_types<N: AsRef<str>>(
        &self,
        names: &[N],
    ) -> Result<(Arc<Catalog>, Vec<Arc<EntityType>>), Error> {
        let found = |catalog: &Catalog| -> Option<Vec<Arc<EntityType>>> {
            let types = names.iter().map(|name| catalog.by_name(name.as_ref()));
            types.map(Option::<&_>::cloned).collect()
        };
        let catalog = self.catalog().await?;
        if let Some(types) = found(&catalog) {
            return Ok((catalog, types));
        }
        // Another server may have defined it just now: asked without taking the catalog away from everybody else.
        let known = Some(catalog.version);
        if self
            .store
            .catalog(known)
            .await
            .map_err(store_error)?
            .is_none()
        {
            return Err(Error::not_found("entity type"));
        }
        self.invalidate();
        let catalog = self.catalog().await?;
        match found(&catalog) {
            Some(types) => Ok((catalog, types)),
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

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
