//! The store over any driver.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use registry_core::{
    Encoded, Entity, EntityId, FieldNumber, KeyNumber, LinkNumber, Scope, TypeId, Version,
    change::{ChangeSet, LinkRow},
    load,
    port::{
        BuildStep, CatalogRows, ChangePage, ChangeRow, CommitError, EntityStream, Found, LinkCount,
        LoadPlan, LoadReport, LoadSink, Position, Receipt, Rows, Store, StoreError, StoreErrorKind,
    },
    query::{After, Count, Query},
};
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use crate::{
    Argument,
    ColumnType::{self, Id, Int, Text},
    Driver, EngineError, Row, Sql, Statement,
    driver::Committing,
    entities::{self, and_readable},
    find,
    group::{self, Groups},
    index,
    lead::{self, Ids, Lead},
    load::Area,
    log,
    range::{self, Range},
    restored, types,
};

/// Entities read at once by an export.
const EXPORT_PAGE: usize = 500;

/// Exports at once: each keeps a connection and a snapshot for as long as its reader takes.
const EXPORTS: usize = 2;
/// How long an export waits for its turn.
const EXPORT_WAIT: Duration = Duration::from_secs(20);
/// How long an export waits for its reader to take a page; below the engine's bound on idle transactions.
const EXPORT_STALL: Duration = Duration::from_secs(50);

/// Time between two looks at the pool.
const POOL_WATCH: Duration = Duration::from_secs(2);

/// The `Store` and `Jobs` ports over a driver.
#[derive(Debug)]
pub struct SqlStore<D: Driver> {
    driver: Arc<D>,
    groups: Groups,
    exports: Arc<Semaphore>,
}

impl<D: Driver> SqlStore<D> {
    /// A store over an engine whose tables are up to date. Starts its committing tasks, so it must be called within a runtime; drops what
    /// loads of a crashed process left behind.
    pub async fn open(driver: D) -> Result<Self, StoreError> {
        restored::look(&driver).await?;
        let driver = Arc::new(driver);
        let groups = Groups::start(&driver);
        tokio::spawn(watch_pool(Arc::downgrade(&driver)));
        let store = Self {
            driver,
            groups,
            exports: Arc::new(Semaphore::new(EXPORTS)),
        };
        crate::load::drop_abandoned(store.driver()).await?;
        Ok(store)
    }

    /// The engine.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    async fn read(
        &self,
        subject: &'static str,
        sql: Sql,
        columns: &'static [ColumnType],
    ) -> Result<Vec<Row>, StoreError> {
        self.fetch(subject, sql.finish(columns)).await
    }

    async fn fetch(
        &self,
        subject: &'static str,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        self.driver
            .fetch(statement)
            .await
            .map_err(|error| error.into_store_error(subject, Committing::No))
    }

    async fn page(
        &self,
        query: &Query,
        range: &Range,
        wanted: usize,
        lead: &Lead<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = find::page(D::DIALECT, query, range, wanted, lead);
        self.fetch("searching", statement).await
    }

    /// The smallest set that a query may begin with, when it is small.
    async fn small<'a, 'b>(
        &self,
        query: &Query,
        candidates: &'b [Ids<'a>],
    ) -> Result<Option<&'b Ids<'a>>, StoreError> {
        if let Some(named) = candidates.iter().find(|ids| lead::is_named(ids)) {
            return Ok(Some(named));
        }
        let sizes = match candidates {
            [] => return Ok(None),
            // A run in the order of the page needs no more than the page, whatever its length.
            [one]
                if query.sort.is_empty()
                    && query.count == Count::None
                    && !lead::runs(one).is_empty() =>
            {
                return Ok(None);
            }
            _ => {
                self.fetch("searching", lead::sizes(D::DIALECT, candidates))
                    .await?
            }
        };
        let mut smallest = None;
        for mut row in sizes {
            for ids in candidates {
                let size = row.unsigned()?;
                if size <= lead::SMALL as u64 && smallest.is_none_or(|(least, _)| size < least) {
                    smallest = Some((size, ids));
                }
            }
        }
        Ok(smallest.map(|(_, ids)| ids))
    }

    /// A stretch when no small set is known.
    async fn large(
        &self,
        query: &Query,
        range: &Range,
        wanted: usize,
        candidates: &[Ids<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        if !query.sort.is_empty() {
            return self.page(query, range, wanted, &Lead::Order).await;
        }
        let lead = lead::in_id_order(query, candidates);
        let (Lead::Order, [set, ..], [_]) = (&lead, candidates, query.types.as_slice()) else {
            return self.page(query, range, wanted, &lead).await;
        };
        let rows = self.page(query, range, wanted, &Lead::Window).await?;
        if rows.len() == wanted {
            return Ok(rows);
        }
        // What matches is rare here, or far from here.
        let lead = Lead::Set(set.clone());
        self.page(query, range, wanted, &lead).await
    }

    async fn setting(&self, name: &str) -> Result<String, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT value FROM setting WHERE name = ")
            .bind(Argument::Text(name.to_owned()));
        let rows = self.read("reading a setting", sql, &[Text]).await?;
        let mut row = rows
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::internal("reading a setting", name.to_owned()))?;
        row.text()
    }
}

/// Shows the sizes of the pool as metrics, for as long as the store is there.
async fn watch_pool<D: Driver>(driver: Weak<D>) {
    while let Some(driver) = driver.upgrade() {
        let (size, idle) = driver.pool_sizes();
        let gauge = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
        metrics::gauge!("registry_pool_connections").set(gauge(size));
        metrics::gauge!("registry_pool_idle").set(gauge(idle));
        drop(driver);
        tokio::time::sleep(POOL_WATCH).await;
    }
}

fn entities_of(rows: Vec<Row>) -> Result<Vec<Entity>, StoreError> {
    rows.into_iter().map(entities::read).collect()
}

#[async_trait]
impl<D: Driver> Store for SqlStore<D> {
    async fn catalog(&self, known: Option<Version>) -> Result<Option<CatalogRows>, StoreError> {
        types::catalog(self.driver(), known).await
    }

    async fn entities(&self, ids: &[EntityId], scope: &Scope) -> Result<Vec<Entity>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        entities_of(
            self.fetch("reading entities", entities::by_ids(D::DIALECT, ids, scope))
                .await?,
        )
    }

    async fn by_key(
        &self,
        type_id: TypeId,
        key: KeyNumber,
        value: &Encoded,
        scope: &Scope,
    ) -> Result<Option<Entity>, StoreError> {
        let rows = self
            .fetch(
                "reading by key",
                entities::by_key(D::DIALECT, type_id, key, value, scope),
            )
            .await?;
        rows.into_iter().next().map(entities::read).transpose()
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        let candidates = lead::candidates(query);
        let small = self.small(query, &candidates).await?;
        let mut items = Vec::new();
        for range in range::ranges(&query.sort, query.after.as_ref()) {
            if !find::possible(query, &range) {
                continue;
            }
            let wanted = query.limit + 1 - items.len();
            let rows = match &small {
                Some(ids) => {
                    let lead = Lead::Set((*ids).clone());
                    self.page(query, &range, wanted, &lead).await?
                }
                None => self.large(query, &range, wanted, &candidates).await?,
            };
            items.extend(entities_of(rows)?);
            if items.len() > query.limit {
                break;
            }
        }
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let total = match query.count {
            Count::None => None,
            Count::Exact => {
                let set = small.or_else(|| lead::worth_counting(&candidates));
                let rows = self
                    .fetch("counting", find::count(D::DIALECT, query, set))
                    .await?;
                rows.into_iter()
                    .next()
                    .map(|mut row| row.unsigned())
                    .transpose()?
            }
        };
        Ok(Found { items, more, total })
    }

    async fn export(&self, query: &Query) -> Result<EntityStream, StoreError> {
        let failed = |error: EngineError| error.into_store_error("exporting", Committing::No);
        let turn = tokio::time::timeout(EXPORT_WAIT, Arc::clone(&self.exports).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            let busy = "too many exports at once";
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "exporting",
                busy,
            ));
        };
        let mut snapshot = self.driver.snapshot().await.map_err(failed)?;
        // The snapshot of a transaction is taken by its first read.
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT value FROM setting WHERE name = 'catalog'");
        self.driver
            .fetch_in(&mut snapshot, sql.finish(&[Text]))
            .await
            .map_err(failed)?;
        let (sender, receiver) = mpsc::channel(1);
        let (driver, query) = (Arc::clone(&self.driver), query.clone());
        tokio::spawn(async move {
            export(driver, snapshot, query, sender).await;
            drop(turn);
        });
        let pages = futures::stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Page::Entities(entities)) => Some((Ok(entities), Some(receiver))),
                Some(Page::Last) => None,
                Some(Page::Failed(error)) => Some((Err(error), None)),
                // Without its last page an export is not whole, and must not look so.
                None => {
                    let cut = StoreError::internal("exporting", "the export was cut off");
                    Some((Err(cut), None))
                }
            }
        });
        let entities = pages.flat_map(|page: Result<Vec<Entity>, StoreError>| {
            futures::stream::iter(match page {
                Ok(entities) => entities.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(entities.boxed())
    }

    async fn holders(
        &self,
        targets: &[EntityId],
        limit: usize,
    ) -> Result<Vec<LinkRow>, StoreError> {
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT l.holder, l.holder_type, l.link, l.target FROM link AS l WHERE ");
        sql.id_in("l.target", targets.iter().map(|id| id.0).collect());
        sql.push(" ORDER BY l.target, l.holder, l.link LIMIT ")
            .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
        let rows = self
            .read("reading holders", sql, &[Id, Id, Int, Id])
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(LinkRow {
                    holder: EntityId(row.id()?),
                    holder_type: TypeId(row.id()?),
                    link: link_number(row.int()?)?,
                    target: EntityId(row.id()?),
                })
            })
            .collect()
    }

    async fn incoming(
        &self,
        target: EntityId,
        scope: &Scope,
    ) -> Result<Vec<LinkCount>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT l.holder_type, l.link, count(*) FROM link AS l JOIN entity AS e ON e.id = l.holder WHERE l.target = ");
        sql.bind(Argument::Id(target.0));
        and_readable(&mut sql, "e", scope);
        sql.push(" GROUP BY l.holder_type, l.link ORDER BY l.holder_type, l.link");
        let rows = self.read("counting links", sql, &[Id, Int, Int]).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(LinkCount {
                    holder_type: TypeId(row.id()?),
                    link: link_number(row.int()?)?,
                    count: row.unsigned()?,
                })
            })
            .collect()
    }

    async fn last_version(&self, id: EntityId) -> Result<Option<Version>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push(
            "SELECT max(c.version) FROM change AS c WHERE c.operation <> 'type' AND c.entity = ",
        )
        .bind(Argument::Id(id.0));
        let rows = self.read("reading the log", sql, &[Int]).await?;
        let version = rows
            .into_iter()
            .next()
            .map(|mut row| row.optional_int())
            .transpose()?;
        Ok(version.flatten().map(Version))
    }

    async fn log_head(&self) -> Result<Option<Position>, StoreError> {
        let rows = self.fetch("reading the log", log::head(D::DIALECT)).await?;
        let place = |mut row: Row| {
            Ok(Position {
                transaction: row.unsigned()?,
                sequence: row.unsigned()?,
            })
        };
        rows.into_iter().next().map(place).transpose()
    }

    async fn changes(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<ChangePage, StoreError> {
        let rows = log::read(
            self.fetch("reading the log", log::after(D::DIALECT, after, limit))
                .await?,
        )?;
        let next = rows.last().map(|row| row.position).or(after);
        Ok(ChangePage { rows, next })
    }

    async fn history(
        &self,
        id: EntityId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        log::read(
            self.fetch(
                "reading history",
                log::of_entity(D::DIALECT, id, before, limit),
            )
            .await?,
        )
    }

    async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        if let Some(error) = group::defect(&set) {
            return Err(error.into());
        }
        self.groups.commit(set).await
    }

    async fn build_index(
        &self,
        type_id: TypeId,
        field: FieldNumber,
        limit: usize,
    ) -> Result<BuildStep, StoreError> {
        index::build(self.driver(), type_id, field, limit).await
    }

    async fn load(
        &self,
        plan: LoadPlan,
        rows: Rows<'_>,
        sink: &dyn LoadSink,
    ) -> Result<LoadReport, StoreError> {
        let area = Area::new(Arc::clone(&self.driver), &plan);
        load::run(&area, plan, rows, sink).await
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        let text = self.setting("secret").await?;
        let digits = |index: usize| {
            text.get(2 * index..2 * index + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        let bytes: Option<Vec<u8>> = (0..32).map(digits).collect();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| {
                StoreError::internal("reading a setting", "the secret is not 64 hex digits")
            })
    }

    async fn epoch(&self) -> Result<Uuid, StoreError> {
        let text = self.setting("epoch").await?;
        Uuid::parse_str(&text).map_err(|error| StoreError::internal("reading a setting", error))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.setting("catalog").await.map(|_| ())
    }
}

fn link_number(value: i64) -> Result<LinkNumber, StoreError> {
    u32::try_from(value)
        .map(LinkNumber)
        .map_err(|error| StoreError::internal("decoding a row", error))
}

/// What an export hands on.
enum Page {
    /// Some of the entities.
    Entities(Vec<Entity>),
    /// There are no more.
    Last,
    /// It failed.
    Failed(StoreError),
}

/// Reads all pages of a query in one snapshot, a page ahead of whoever takes them. A reader who takes none for long is cut off.
async fn export<D: Driver>(
    driver: Arc<D>,
    mut snapshot: D::Transaction,
    query: Query,
    pages: mpsc::Sender<Page>,
) {
    let mut ranges = VecDeque::from(range::ranges(&query.sort, None));
    while let Some(range) = ranges.pop_front() {
        let lead = if query.sort.is_empty() {
            lead::in_id_order(&query, &lead::candidates(&query))
        } else {
            Lead::Order
        };
        let statement = find::page(D::DIALECT, &query, &range, EXPORT_PAGE, &lead);
        let read = driver.fetch_in(&mut snapshot, statement).await;
        let read = read.map_err(|error| error.into_store_error("exporting", Committing::No));
        let page = match read.and_then(entities_of) {
            Ok(entities) => {
                if entities.len() == EXPORT_PAGE
                    && let Some(last) = entities.last()
                {
                    let after = After::entity(last, &query.sort);
                    ranges = range::ranges(&query.sort, Some(&after)).into();
                }
                Page::Entities(entities)
            }
            Err(error) => Page::Failed(error),
        };
        let failed = matches!(page, Page::Failed(_));
        let taken = tokio::time::timeout(EXPORT_STALL, pages.send(page)).await;
        if failed || !matches!(taken, Ok(Ok(()))) {
            driver.rollback(snapshot).await;
            return;
        }
    }
    driver.rollback(snapshot).await;
    // Nobody takes it when the reader has gone.
    let _ = pages.send(Page::Last).await;
}
