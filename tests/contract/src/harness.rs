//! What a case runs on.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use registry_core::{
    Entity, EntityId, EntityType, FieldNumber, Scope, TypeId, Version,
    change::{ChangeSet, KeyRow, LinkRow, Operation, TypeChange, key_rows},
    port::{BuildStep, ChangeRow, CommitError, Conflict, Jobs, Receipt, Store},
    query::Query,
};

use crate::fixture::{self, change_set, query};

/// One database of an adapter: its default is a new one, without data.
#[async_trait]
pub trait Harness: Debug + Default + Send + Sync + 'static {
    /// Opens a handle on the database: as the first server does, a second one beside it, or the same one after it was closed.
    async fn open(&self) -> Subject;
}

/// A handle on a store, and what the cases do with it over and over.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its jobs.
    pub jobs: Arc<dyn Jobs>,
}

/// All that a store holds and its port shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Version of the catalog.
    pub catalog: Version,
    /// By id.
    pub types: Vec<EntityType>,
    /// Fields whose index is not ready.
    pub building: Vec<(TypeId, FieldNumber)>,
    /// By id.
    pub entities: Vec<Entity>,
    /// By target, holder and link.
    pub links: Vec<LinkRow>,
    /// Of every key value that an entity has, who holds it.
    pub keys: Vec<(KeyRow, Option<EntityId>)>,
    /// The whole change log.
    pub log: Vec<ChangeRow>,
}

impl Subject {
    /// A handle on something that is both.
    pub fn of<S: Store + Jobs>(store: &Arc<S>) -> Self {
        Self {
            store: Arc::<S>::clone(store),
            jobs: Arc::<S>::clone(store),
        }
    }

    /// Defines types that are not there yet.
    pub async fn define(&self, types: &[&EntityType]) {
        for entity_type in types {
            let change = self.type_change(None, Some(entity_type)).await;
            self.change_type(change).await.unwrap();
        }
    }

    /// A type change decided under the present catalog.
    pub async fn type_change(
        &self,
        before: Option<&EntityType>,
        after: Option<&EntityType>,
    ) -> TypeChange {
        TypeChange {
            catalog: self.catalog_version().await,
            before: before.cloned().map(Arc::new),
            after: after.cloned().map(Arc::new),
            must_be_unused: std::collections::BTreeSet::new(),
            must_have_no_values: std::collections::BTreeSet::new(),
            check_entities: false,
        }
    }

    /// Commits a type change.
    pub async fn change_type(&self, change: TypeChange) -> Result<Receipt, CommitError> {
        let types = change.before.iter().cloned().collect();
        let set = ChangeSet {
            type_change: Some(change),
            types,
            ..change_set(&[], Vec::new())
        };
        self.store.commit(set).await
    }

    /// Version of the catalog.
    pub async fn catalog_version(&self) -> Version {
        self.store.catalog(None).await.unwrap().unwrap().version
    }

    /// The fields whose index is not ready, by type and number.
    pub async fn building(&self) -> Vec<(TypeId, FieldNumber)> {
        let catalog = self.store.catalog(None).await.unwrap().unwrap();
        catalog.building.into_iter().collect()
    }

    /// Builds every index that is not ready, in steps of so many entities.
    pub async fn build_indexes(&self, limit: usize) {
        for (type_id, field) in self.building().await {
            while self.store.build_index(type_id, field, limit).await.unwrap() == BuildStep::More {}
        }
        assert_eq!(self.building().await, []);
    }

    /// Commits operations.
    pub async fn write(
        &self,
        types: &[&EntityType],
        operations: Vec<Operation>,
    ) -> Result<Receipt, CommitError> {
        self.store.commit(change_set(types, operations)).await
    }

    /// Creates entities; they come back for further use.
    pub async fn create<const N: usize>(
        &self,
        types: &[&EntityType],
        entities: [Entity; N],
    ) -> [Entity; N] {
        let operations = entities.iter().cloned().map(Operation::Create).collect();
        self.write(types, operations).await.unwrap();
        entities
    }

    /// Commits operations that must be refused, and checks that nothing became of any of them.
    pub async fn refused(&self, types: &[&EntityType], operations: Vec<Operation>) -> Conflict {
        self.refused_set(change_set(types, operations)).await
    }

    /// Commits a change set that must be refused, and checks that nothing became of any of it.
    pub async fn refused_set(&self, set: ChangeSet) -> Conflict {
        let before = self.contents().await;
        let refusal = conflict(self.store.commit(set).await);
        assert_eq!(self.contents().await, before, "something was applied");
        refusal
    }

    /// Reads an entity, whoever may read it.
    pub async fn read(&self, id: EntityId) -> Option<Entity> {
        let found = self.store.entities(&[id], &Scope::Everything).await;
        let mut found = found.unwrap();
        assert!(found.len() <= 1, "one id, several entities: {found:?}");
        found.pop()
    }

    /// The ids that a query finds, of a page that holds all of them.
    pub async fn ids(&self, query: &Query) -> Vec<EntityId> {
        let found = self.store.find(query).await.unwrap();
        assert!(!found.more, "the page is too small for the case");
        found.items.iter().map(|entity| entity.id).collect()
    }

    /// The whole change log, read in pages of an uneven size. A reader may have to wait for the newest rows: of other writers' transactions,
    /// in other databases too, PostgreSQL tells only that they may still come before.
    pub async fn log(&self) -> Vec<ChangeRow> {
        let head = self.store.log_head().await.unwrap();
        let mut rows = Vec::new();
        let mut after = None;
        let mut waited = 0;
        while after < head {
            let page = self.store.changes(after, 97).await.unwrap();
            if page.rows.is_empty() {
                waited += 1;
                assert!(waited < 1_000, "the log does not reach its head");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
            assert!(page.next > after, "the log does not go on");
            rows.extend(page.rows);
            after = page.next;
        }
        rows
    }

    /// All there is.
    pub async fn contents(&self) -> Contents {
        let catalog = self.store.catalog(None).await.unwrap().unwrap();
        let mut types = catalog.types;
        types.sort_by_key(|one| one.id);
        let entities: Vec<Entity> = if types.is_empty() {
            Vec::new()
        } else {
            let of: Vec<&EntityType> = types.iter().collect();
            let stream = self.store.export(&query(&of)).await.unwrap();
            stream.try_collect().await.unwrap()
        };
        let log = self.log().await;
        let mut ids: Vec<EntityId> = entities.iter().map(|entity| entity.id).collect();
        // Those that went must not be linked to any more.
        ids.extend(log.iter().map(|row| row.change.entity));
        ids.sort();
        ids.dedup();
        let links = self.store.holders(&ids, 1_000_000).await.unwrap();
        let mut keys = Vec::new();
        for entity in &entities {
            let of = types.iter().find(|one| one.id == entity.type_id).unwrap();
            for row in key_rows(of, entity) {
                let holder = self
                    .store
                    .by_key(row.type_id, row.key, &row.value, &Scope::Everything)
                    .await
                    .unwrap();
                keys.push((row, holder.map(|one| one.id)));
            }
        }
        Contents {
            catalog: catalog.version,
            types,
            building: catalog.building.into_iter().collect(),
            entities,
            links,
            keys,
            log,
        }
    }

    /// Checks that link rows and keys say what the entities' own copies say.
    pub async fn assert_agreement(&self) {
        let contents = self.contents().await;
        let mut links = Vec::new();
        for entity in &contents.entities {
            let mut types = contents.types.iter();
            let of = types.find(|one| one.id == entity.type_id).unwrap();
            links.extend(registry_core::change::link_rows(
                of,
                entity.id,
                &entity.links,
            ));
        }
        links.sort_by_key(|row| (row.target, row.holder, row.link));
        assert_eq!(contents.links, links, "link rows and copies differ");
        for (row, holder) in &contents.keys {
            assert_eq!(*holder, Some(row.entity), "{row:?} is held by another");
        }
        let ids = contents.entities.iter().map(|entity| entity.id);
        let ids: Vec<EntityId> = ids.collect();
        let read = self.store.entities(&ids, &Scope::Everything).await.unwrap();
        assert_eq!(read, contents.entities, "reading and finding differ");
        let targets = contents.links.iter().map(|row| row.target);
        let absent: Vec<EntityId> = targets.filter(|id| !ids.contains(id)).collect();
        assert_eq!(absent, [], "links lead to entities that are gone");
    }
}

/// The conflict of a commit that was refused.
pub(crate) fn conflict<T: Debug>(outcome: Result<T, CommitError>) -> Conflict {
    match outcome {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => fixture::fail(&format!("a conflict was expected, not {other:?}")),
    }
}
