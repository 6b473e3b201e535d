//! What the services do when the store has moved on, or fails.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use registry_core::{
    Encoded, Entity, EntityId, Error, FieldNumber, KeyNumber, Scope, TypeId, Version,
    change::{ChangeSet, LinkRow},
    port::{
        BuildStep, CatalogRows, ChangePage, ChangeRow, CommitError, Conflict, EntityStream, Found,
        LinkCount, LoadPlan, LoadReport, LoadSink, Position, Receipt, Rows, Store, StoreError,
        StoreErrorKind,
    },
    query::Query,
    service::{Outcome, Registry},
};
use registry_memory::MemoryStore;
use serde_json::json;

use crate::support::{admin, id, object};

/// A store whose next commits fail as told.
#[derive(Debug)]
struct Faulty {
    store: MemoryStore,
    commits: Mutex<VecDeque<CommitError>>,
    catalogs: AtomicUsize,
    /// Whether the types cannot be read from the next commit on, and whether that has been.
    lost_after_commit: AtomicBool,
    lost: AtomicBool,
}

impl Faulty {
    fn fail(&self, error: impl Fn() -> CommitError, times: usize) {
        let mut commits = self.commits.lock().unwrap();
        commits.clear();
        commits.extend((0..times).map(|_| error()));
    }
}

#[async_trait]
impl Store for Faulty {
    async fn catalog(&self, known: Option<Version>) -> Result<Option<CatalogRows>, StoreError> {
        self.catalogs.fetch_add(1, Ordering::Relaxed);
        if self.lost.load(Ordering::Relaxed) {
            let kind = StoreErrorKind::Unavailable;
            return Err(StoreError::new(kind, "reading the catalog", "lost"));
        }
        self.store.catalog(known).await
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
        self.store.find(query).await
    }

    async fn export(&self, query: &Query) -> Result<EntityStream, StoreError> {
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
        let failure = self.commits.lock().unwrap().pop_front();
        if let Some(error) = failure {
            return Err(error);
        }
        let done = self.store.commit(set).await;
        let lost = self.lost_after_commit.load(Ordering::Relaxed);
        self.lost.store(lost, Ordering::Relaxed);
        done
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
        self.store.load(plan, rows, sink).await
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        self.store.secret().await
    }

    async fn epoch(&self) -> Result<uuid::Uuid, StoreError> {
        self.store.epoch().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

async fn faulty() -> (Arc<Faulty>, Registry) {
    let store = Arc::new(Faulty {
        store: MemoryStore::new(),
        commits: Mutex::default(),
        catalogs: AtomicUsize::new(0),
        lost_after_commit: AtomicBool::new(false),
        lost: AtomicBool::new(false),
    });
    let registry = Registry::new(store.clone(), Arc::new(MemoryStore::new()));
    let document = object(&json!({"name": "note", "fields": {"text": {"type": "text"}}}));
    registry.types().define(&admin(), &document).await.unwrap();
    let body = object(&json!({"fields": {"text": "a"}}));
    let first = registry
        .entities()
        .create(&admin(), "note", Some(id(1)), &body)
        .await;
    first.unwrap();
    (store, registry)
}

fn stale() -> CommitError {
    Conflict::Stale {
        operation: 0,
        current: Some(Version(7)),
    }
    .into()
}

fn type_changed() -> CommitError {
    Conflict::TypeChanged {
        type_id: TypeId(uuid::Uuid::nil()),
    }
    .into()
}

fn failed(kind: StoreErrorKind) -> CommitError {
    StoreError {
        kind,
        subject: "test",
        source: None,
    }
    .into()
}

/// Every kind of write of one entity; what each came to.
async fn writes(
    store: &Faulty,
    error: impl Fn() -> CommitError,
    times: usize,
    registry: &Registry,
) -> Vec<Result<(), Error>> {
    let entities = registry.entities();
    let body = |text: &str| object(&json!({"fields": {"text": text}}));
    store.fail(&error, times);
    let created = entities.create(&admin(), "note", None, &body("n")).await;
    store.fail(&error, times);
    let put = entities
        .put(&admin(), "note", id(1), &body("b"), None)
        .await;
    store.fail(&error, times);
    let patched = entities
        .patch(&admin(), "note", id(1), &body("c"), None)
        .await;
    store.fail(&error, times);
    let deleted = entities.delete(&admin(), "note", id(1), None).await;
    store.fail(&error, 0);
    vec![
        created.map(|_| ()),
        put.map(|_| ()),
        patched.map(|_| ()),
        deleted.map(|_| ()),
    ]
}

#[tokio::test]
async fn a_write_is_decided_again_when_the_store_has_moved_on() {
    let (store, registry) = faulty().await;
    for result in writes(&store, stale, 12, &registry).await {
        result.unwrap();
    }
    let (store, registry) = faulty().await;
    for result in writes(&store, type_changed, 3, &registry).await {
        result.unwrap();
    }
    let (store, registry) = faulty().await;
    for result in writes(
        &store,
        || Conflict::StillLinked { operation: 0 }.into(),
        1,
        &registry,
    )
    .await
    {
        result.unwrap();
    }
}

#[tokio::test]
async fn what_was_written_is_told_also_when_the_store_is_lost_after_it() {
    let (store, registry) = faulty().await;
    store.lost_after_commit.store(true, Ordering::Relaxed);
    let added = object(&json!({"fields": {"more": {"type": "text"}}}));
    let done = registry
        .types()
        .change(&admin(), "note", &added, None)
        .await;
    assert_eq!(done.unwrap().entity_type.version, Version(2));
    registry.catalog().await.unwrap_err();
    let told = registry.catalog_for_telling().await.unwrap();
    assert!(told.by_name("note").is_some());
}

#[tokio::test]
async fn deciding_again_has_an_end() {
    let (store, registry) = faulty().await;
    for (error, times) in [(stale as fn() -> CommitError, 13), (type_changed, 4)] {
        for result in writes(&store, error, times, &registry).await {
            assert!(matches!(result, Err(Error::Contention)), "{result:?}");
        }
    }
}

#[tokio::test]
async fn failures_of_the_store_are_passed_on_and_not_tried_again() {
    let (store, registry) = faulty().await;
    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::Busy,
        StoreErrorKind::Timeout,
        StoreErrorKind::Full,
        StoreErrorKind::UnknownOutcome,
        StoreErrorKind::Internal,
    ] {
        for result in writes(&store, || failed(kind), 1, &registry).await {
            assert!(
                matches!(&result, Err(Error::Store(error)) if error.kind == kind),
                "{result:?}"
            );
        }
    }
    for result in writes(
        &store,
        || failed(StoreErrorKind::TypeChanging),
        1,
        &registry,
    )
    .await
    {
        assert!(matches!(result, Err(Error::TypeChanging)), "{result:?}");
    }
}

#[tokio::test]
async fn the_catalog_is_read_once_for_many_and_again_when_told() {
    let (store, registry) = faulty().await;
    registry.catalog().await.unwrap();
    let before = store.catalogs.load(Ordering::Relaxed);
    for _ in 0..10 {
        registry.catalog().await.unwrap();
    }
    assert_eq!(store.catalogs.load(Ordering::Relaxed), before);
    registry.invalidate();
    let many = (0..10).map(|_| registry.catalog());
    let catalogs = futures::future::join_all(many).await;
    assert_eq!(store.catalogs.load(Ordering::Relaxed), before + 1);
    assert!(
        catalogs
            .into_iter()
            .all(|catalog| catalog.unwrap().types().len() == 1)
    );
}

#[tokio::test]
async fn a_type_that_another_server_has_just_defined_or_changed_is_known() {
    let (one, two) = crate::support::pair().await;
    two.catalog().await.unwrap();
    let document = object(&json!({"name": "late", "fields": {"a": {"type": "text"}}}));
    one.types().define(&admin(), &document).await.unwrap();
    let body = object(&json!({"fields": {"a": "x"}}));
    let created = two
        .entities()
        .create(&admin(), "late", Some(id(1)), &body)
        .await;
    assert_eq!(created.unwrap().outcome, Outcome::Created);
    // The second server still believes in the old name: its write is refused by the store, and decided again.
    let rename = object(&json!({"fields": {"a": {"name": "b"}}}));
    one.types()
        .change(&admin(), "late", &rename, None)
        .await
        .unwrap();
    let body = object(&json!({"fields": {"a": "y"}}));
    let patched = two
        .entities()
        .patch(&admin(), "late", id(1), &body, None)
        .await;
    assert_eq!(
        crate::support::refusal(patched),
        json!(["Invalid", "unknown_field", [["/fields/a", "unknown_field"]]])
    );
}
