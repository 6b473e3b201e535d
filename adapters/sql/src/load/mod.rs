//! Where one load works: what is decided and not applied yet stands in the staging tables.

mod apply;
mod maybe;
mod resolve;
mod stage;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use registry_core::{
    EntityId, JobId, KeyNumber, Principal, Scope, Timestamp, TypeId,
    change::{ChangeSet, KeyRow, Operation},
    entity_type::EntityType,
    load::{Applied, LoadArea, Lookup, Resolution, Written},
    port::{Clock as _, LoadPlan, Receipt, StoreError, SystemClock, job_lost},
};
use uuid::Uuid;

use crate::{
    Argument, ColumnType, Driver, EngineError, Failure, Sql,
    apply::statement,
    driver::Committing,
    group, jobs,
    long::{self, Purpose},
    retry::{Stop, retrying},
    work::Work,
};

use self::{apply::Inserts, maybe::Maybe};

/// Every staging table, with the column that names the load first.
const TABLES: [&str; 9] = [
    "staging_target",
    "staging_seen",
    "staging_entity",
    "staging_change",
    "staging_key",
    "staging_value",
    "staging_link",
    "staging_owner",
    "staging",
];
/// A load that touched its area longer ago than this is dead: slices take seconds.
const ABANDONED_MICROS: i64 = 10 * 60 * 1_000_000;

/// The area of one load.
pub(crate) struct Area<D: Driver> {
    driver: Arc<D>,
    load: Uuid,
    entity_type: Arc<EntityType>,
    scope: Scope,
    actor: Principal,
    at: Timestamp,
    job: Option<JobId>,
    /// Entities in the staging area.
    staged: AtomicU64,
    /// Their ids, and the values of keys that they claim or give up: what is not among them need not be asked for.
    staged_ids: Maybe,
    staged_keys: Maybe,
    /// Entities that rows were about.
    seen: Maybe,
}

impl<D: Driver> fmt::Debug for Area<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Area")
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}

impl<D: Driver> Area<D> {
    /// An area for a plan.
    pub(crate) fn new(driver: Arc<D>, plan: &LoadPlan) -> Self {
        Self {
            driver,
            load: Uuid::new_v4(),
            entity_type: Arc::clone(&plan.entity_type),
            scope: plan.caller.scope(),
            actor: plan.caller.actor.clone(),
            at: plan.at,
            job: plan.job,
            staged: AtomicU64::new(0),
            staged_ids: Maybe::default(),
            staged_keys: Maybe::default(),
            seen: Maybe::default(),
        }
    }

    /// A key as [`Area::staged_keys`] has it.
    fn place(row: &KeyRow) -> (TypeId, KeyNumber, &str) {
        (row.type_id, row.key, &row.value.0)
    }

    fn staged(&self) -> u64 {
        self.staged.load(Ordering::Relaxed)
    }

    fn change_set(&self, operations: Vec<Operation>) -> ChangeSet {
        ChangeSet {
            actor: self.actor.clone(),
            at: self.at,
            scope: self.scope.clone(),
            types: vec![Arc::clone(&self.entity_type)],
            operations,
            type_change: None,
        }
    }

    /// A transaction without a bound on its statements: slices and their application take what they take.
    async fn begin(&self) -> Result<D::Transaction, EngineError> {
        long::begin(self.driver.as_ref(), Purpose::Load).await
    }

    async fn try_write(
        &self,
        set: &ChangeSet,
        seen: &[EntityId],
    ) -> Result<Option<registry_core::port::Position>, Stop> {
        let mut transaction = self.begin().await?;
        let applied = async {
            let position = if set.operations.is_empty() {
                None
            } else {
                Some(
                    crate::apply::apply(self.driver.as_ref(), &mut transaction, &Work::of(set))
                        .await?,
                )
            };
            stage::remember(self, &mut transaction, seen).await?;
            self.check_job(&mut transaction).await?;
            Ok::<_, Stop>(position)
        };
        match applied.await {
            Ok(position) => {
                group::commit(self.driver.as_ref(), transaction).await?;
                Ok(position)
            }
            Err(stop) => {
                self.driver.rollback(transaction).await;
                Err(stop)
            }
        }
    }

    /// Keeps the load's job from being claimed before the transaction is committed. Comes last: until then, heartbeats pass.
    async fn check_job(&self, transaction: &mut D::Transaction) -> Result<(), Stop> {
        let Some(id) = self.job else { return Ok(()) };
        let touch = jobs::touch(D::DIALECT, id).finish(&[]);
        match self.driver.execute_in(transaction, touch).await? {
            0 => Err(job_lost().into()),
            _ => Ok(()),
        }
    }

    async fn try_apply(&self, inserts: Inserts) -> Result<registry_core::port::Position, Stop> {
        let mut transaction = self.begin().await?;
        let applied = async {
            let position = apply::all(self, &mut transaction, inserts).await?;
            self.check_job(&mut transaction).await?;
            Ok::<_, Stop>(position)
        };
        match applied.await {
            Ok(position) => {
                group::commit(self.driver.as_ref(), transaction).await?;
                Ok(position)
            }
            Err(stop) => {
                self.driver.rollback(transaction).await;
                Err(stop)
            }
        }
    }
}

#[async_trait]
impl<D: Driver> LoadArea for Area<D> {
    async fn resolve(&self, lookup: &Lookup) -> Result<Resolution, StoreError> {
        resolve::resolve(self, lookup).await
    }

    async fn write(&self, set: ChangeSet, seen: &[EntityId]) -> Result<Written, StoreError> {
        match retrying(|| self.try_write(&set, seen)).await {
            Ok(position) => {
                let position = position.unwrap_or(registry_core::port::Position {
                    transaction: 0,
                    sequence: 0,
                });
                Ok(Written::Applied(Receipt { position }))
            }
            Err(Stop::Conflict(conflict)) => Ok(Written::Refused(vec![conflict])),
            Err(stop) => Err(stop.into_store_error("loading")),
        }
    }

    async fn stage(&self, operations: Vec<Operation>, seen: &[EntityId]) -> Result<(), StoreError> {
        let (added, replaced) = stage::stage(self, operations, seen)
            .await
            .map_err(|stop| stop.into_store_error("loading"))?;
        self.staged.fetch_add(added, Ordering::Relaxed);
        self.staged.fetch_sub(replaced, Ordering::Relaxed);
        Ok(())
    }

    async fn apply(&self) -> Result<Applied, StoreError> {
        let applied = match self.try_apply(Inserts::Plain).await {
            // Something is there already, whatever it is: the careful way tells whether it matters.
            Err(stop)
                if matches!(
                    stop.failure(),
                    Some(Failure::Unique | Failure::Retry | Failure::LockTimeout)
                ) =>
            {
                retrying(|| self.try_apply(Inserts::Careful)).await
            }
            applied => applied,
        };
        match applied {
            Ok(position) => Ok(Applied::Applied(Receipt { position })),
            Err(Stop::Conflict(_)) => Ok(Applied::Stale),
            Err(stop) => Err(stop.into_store_error("loading")),
        }
    }

    async fn discard(&self) -> Result<(), StoreError> {
        let cleared = async {
            let mut transaction = self.begin().await?;
            for table in TABLES {
                let delete = statement(D::DIALECT, |sql| {
                    sql.push(&format!("DELETE FROM {table} WHERE load = "))
                        .bind(Argument::Id(self.load));
                });
                self.driver.execute_in(&mut transaction, delete).await?;
            }
            self.driver.commit(transaction).await
        };
        cleared
            .await
            .map_err(|error| error.into_store_error("clearing the staging area", Committing::No))
    }
}

/// Drops what loads of dead processes left: areas that nobody touched for long. Other processes may be loading into the same store.
pub(crate) async fn drop_abandoned<D: Driver>(driver: &D) -> Result<(), StoreError> {
    let before = SystemClock.now().0 - ABANDONED_MICROS;
    let dropped = async {
        let mut transaction = driver.begin().await?;
        // Claimed first: a load that is applying holds its row, and is passed over.
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT s.load FROM staging AS s WHERE s.touched_at < ");
        sql.bind(Argument::Int(before));
        sql.push(D::DIALECT.lock(" FOR UPDATE SKIP LOCKED"));
        let rows = driver
            .fetch_in(&mut transaction, sql.finish(&[ColumnType::Id]))
            .await?;
        let loads: Vec<Uuid> = rows
            .into_iter()
            .filter_map(|mut row| row.id().ok())
            .collect();
        if !loads.is_empty() {
            for table in TABLES {
                let mut sql = Sql::new(D::DIALECT);
                sql.push(&format!("DELETE FROM {table} WHERE "));
                sql.id_in("load", loads.clone());
                driver.execute_in(&mut transaction, sql.finish(&[])).await?;
            }
        }
        driver.commit(transaction).await
    };
    dropped
        .await
        .map_err(|error| error.into_store_error("dropping abandoned loads", Committing::No))
}
