//! Applying a change set step by step in an open transaction, each expectation checked by itself, so that a refusal names its operation.

use std::collections::{BTreeSet, HashMap, HashSet};

use registry_core::{
    Encoded, EntityId, EntityType, KeyNumber, Scope, TypeId, Version,
    change::{Batch, ChangeSet, KeyRow, Operation},
    port::{CommitError, Conflict, Position, StoreError},
};
use std::sync::Arc;

use crate::{
    Argument, Column, ColumnType,
    ColumnType::{Id, Int, Text},
    Dialect, Driver, EngineError, Failure, Row, Sql, Statement,
    driver::Committing,
    write::{self, Source, change_columns, entity_columns, key_columns},
};

/// Why applying stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An expectation was not met.
    Conflict(Conflict),
    /// The engine failed.
    Engine(EngineError),
    /// What was stored does not decode.
    Store(StoreError),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Conflict> for Stop {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl Stop {
    /// As the port has it.
    pub(crate) fn into_commit_error(
        self,
        subject: &'static str,
        committing: Committing,
    ) -> CommitError {
        match self {
            Self::Conflict(conflict) => CommitError::Conflict(conflict),
            Self::Engine(error) => CommitError::Store(error.into_store_error(subject, committing)),
            Self::Store(error) => CommitError::Store(error),
        }
    }
}

/// A statement made of one piece.
pub(crate) fn statement(dialect: Dialect, render: impl FnOnce(&mut Sql)) -> Statement {
    let mut sql = Sql::new(dialect);
    render(&mut sql);
    sql.finish(&[])
}

/// What is to be applied: the rows of one or more change sets under one scope.
#[derive(Debug)]
pub(crate) struct Work {
    /// The types expected, each at its version.
    pub(crate) types: Vec<Arc<EntityType>>,
    /// Of the targets.
    pub(crate) scope: Scope,
    /// The rows.
    pub(crate) batch: Batch,
    /// Which operation is about which entity.
    pub(crate) operations: HashMap<EntityId, usize>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            types: Vec::new(),
            scope: Scope::Everything,
            batch: Batch::default(),
            operations: HashMap::new(),
        }
    }
}

impl Work {
    /// The work of one change set.
    pub(crate) fn of(set: &ChangeSet) -> Self {
        let mut batch = Batch::of(set);
        batch.keys_added.sort();
        Self {
            types: set.types.clone(),
            scope: set.scope.clone(),
            batch,
            operations: set
                .operations
                .iter()
                .map(Operation::entity_id)
                .enumerate()
                .map(|(index, id)| (id, index))
                .collect(),
        }
    }

    fn operation(&self, id: EntityId) -> usize {
        self.operations.get(&id).copied().unwrap_or_default()
    }
}

/// Applies the work; the caller commits, or rolls back on an error.
pub(crate) async fn apply<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<Position, Stop> {
    let batch = &work.batch;
    check_types(driver, transaction, &work.types).await?;
    check_entities(driver, transaction, work).await?;
    check_targets(driver, transaction, work).await?;
    if !batch.created.is_empty() {
        let insert = statement(D::DIALECT, |sql| {
            write::insert_entities(sql, Source::Rows(entity_columns(&batch.created)));
        });
        let inserted = driver.execute_in(transaction, insert).await?;
        if inserted != batch.created.len() as u64 {
            return Err(first_existing(driver, transaction, work).await?);
        }
    }
    replace_keys(driver, transaction, work).await?;
    if !batch.deleted.is_empty() {
        let rows = batch.deleted.iter().map(|(id, _, version)| (*id, *version));
        driver
            .execute_in(
                transaction,
                statement(D::DIALECT, |sql| write::delete_entities(sql, rows)),
            )
            .await?;
    }
    if !batch.updated.is_empty() {
        let update = statement(D::DIALECT, |sql| {
            write::update_entities(sql, Source::Rows(entity_columns(&batch.updated)));
        });
        driver.execute_in(transaction, update).await?;
    }
    for (_, piece, rows) in write::side_rows(batch) {
        driver
            .execute_in(
                transaction,
                statement(D::DIALECT, |sql| piece(sql, Source::Rows(rows))),
            )
            .await?;
    }
    check_unlinked(driver, transaction, work).await?;
    append_changes(driver, transaction, work).await
}

/// Appends the log's rows and returns the place of the last.
async fn append_changes<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<Position, Stop> {
    let changes = &work.batch.changes;
    let mut sql = Sql::new(D::DIALECT);
    write::insert_changes(&mut sql, Source::Rows(change_columns(changes)));
    let rows = driver.fetch_in(transaction, sql.finish(LOGGED)).await?;
    let logged = read_logged(rows)?;
    match changes
        .iter()
        .find(|change| !logged.entities.contains(&change.entity))
    {
        None => Ok(logged.last),
        // The id was used, and its entity deleted, since the writer looked: its versions go on from there.
        Some(change) => Err(Conflict::Stale {
            operation: work.operation(change.entity),
            current: None,
        }
        .into()),
    }
}

/// Types of the columns that appending to the log returns.
pub(crate) const LOGGED: &[ColumnType] = &[Int, Int, Id];

/// Rows appended to the log.
#[derive(Debug)]
pub(crate) struct Logged {
    /// The place of the last.
    pub(crate) last: Position,
    /// Whom they are about.
    pub(crate) entities: HashSet<EntityId>,
}

/// Reads rows of [`LOGGED`].
pub(crate) fn read_logged(rows: Vec<Row>) -> Result<Logged, StoreError> {
    let mut logged = Logged {
        last: Position {
            transaction: 0,
            sequence: 0,
        },
        entities: HashSet::new(),
    };
    for mut row in rows {
        let position = Position {
            transaction: row.unsigned()?,
            sequence: row.unsigned()?,
        };
        logged.last = logged.last.max(position);
        logged.entities.insert(EntityId(row.id()?));
    }
    Ok(logged)
}

/// Takes the types' locks in shared mode and compares their versions.
pub(crate) async fn check_types<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    types: &[Arc<EntityType>],
) -> Result<(), Stop> {
    let mut ids: Vec<_> = types.iter().map(|one| one.id.0).collect();
    ids.sort_unstable();
    let mut sql = Sql::new(D::DIALECT);
    match D::DIALECT {
        Dialect::Sqlite => {
            sql.push("SELECT t.id, t.version FROM entity_type AS t WHERE ")
                .id_in("t.id", ids);
        }
        Dialect::Postgres => {
            sql.push("SELECT r.id, coalesce(registry_type_version(r.id), 0) FROM ")
                .rows("r", vec![Column::ids("id", ids)]);
        }
    }
    let rows = driver.fetch_in(transaction, sql.finish(&[Id, Int])).await?;
    let mut versions = HashMap::new();
    for mut row in rows {
        versions.insert(TypeId(row.id()?), Version(row.int()?));
    }
    match types
        .iter()
        .find(|one| versions.get(&one.id) != Some(&one.version))
    {
        Some(changed) => Err(Conflict::TypeChanged {
            type_id: changed.id,
        }
        .into()),
        None => Ok(()),
    }
}

/// Locks the entities that change, in order of their ids, and compares their versions.
async fn check_entities<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    let batch = &work.batch;
    let deleted: Vec<(EntityId, Version)> = batch
        .deleted
        .iter()
        .map(|(id, _, version)| (*id, *version))
        .collect();
    let updated: Vec<(EntityId, Version)> = batch
        .updated
        .iter()
        .map(|entity| (entity.id, Version(entity.version.0 - 1)))
        .collect();
    for (expected, lock) in [(deleted, " FOR UPDATE"), (updated, " FOR NO KEY UPDATE")] {
        if expected.is_empty() {
            continue;
        }
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT e.id, e.version FROM entity AS e WHERE ");
        sql.id_in("e.id", expected.iter().map(|(id, _)| id.0).collect())
            .push(" ORDER BY e.id")
            .push(D::DIALECT.lock(lock));
        let mut versions = HashMap::new();
        for mut row in driver.fetch_in(transaction, sql.finish(&[Id, Int])).await? {
            versions.insert(EntityId(row.id()?), Version(row.int()?));
        }
        for (id, version) in expected {
            let current = versions.get(&id).copied();
            if current != Some(version) {
                return Err(Conflict::Stale {
                    operation: work.operation(id),
                    current,
                }
                .into());
            }
        }
    }
    Ok(())
}

/// Locks link targets against deletion, and checks that each is there, inside the scope and of an allowed type.
async fn check_targets<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    let checks = &work.batch.targets;
    if checks.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<_> = checks.iter().map(|check| check.target.0).collect();
    let mut sql = Sql::new(D::DIALECT);
    let json = |name| D::DIALECT.json_text(name);
    sql.push(&format!(
        "SELECT e.id, e.type, {}, {} FROM entity AS e WHERE ",
        json("e.owners"),
        json("e.readers")
    ));
    sql.id_in("e.id", ids.into_iter().collect())
        .push(" ORDER BY e.id")
        .push(D::DIALECT.lock(" FOR KEY SHARE"));
    let mut found: HashMap<EntityId, TypeId> = HashMap::new();
    for mut row in driver
        .fetch_in(transaction, sql.finish(&[Id, Id, Text, Text]))
        .await?
    {
        let (id, type_id) = (EntityId(row.id()?), TypeId(row.id()?));
        let (owners, readers): (Vec<_>, Vec<_>) = (row.json()?, row.json()?);
        if work.scope.admits(&owners, &readers) {
            found.insert(id, type_id);
        }
    }
    // A target counts as it will be after the change set.
    for entity in work.batch.created.iter().chain(&work.batch.updated) {
        if work.scope.admits(&entity.owners, &entity.readers) {
            found.insert(entity.id, entity.type_id);
        } else {
            found.remove(&entity.id);
        }
    }
    for (id, _, _) in &work.batch.deleted {
        found.remove(id);
    }
    for check in checks {
        let (operation, link, target) = (check.operation, check.link, check.target);
        match found.get(&target) {
            None => {
                return Err(Conflict::TargetMissing {
                    operation,
                    link,
                    target,
                }
                .into());
            }
            Some(type_id) if !check.to.allows(*type_id) => {
                return Err(Conflict::TargetType {
                    operation,
                    link,
                    target,
                }
                .into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Gives old keys up before new ones are claimed, so that keys can be swapped.
async fn replace_keys<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    let batch = &work.batch;
    if !batch.keys_removed.is_empty() {
        let delete = statement(D::DIALECT, |sql| {
            write::delete_keys(sql, Source::Rows(key_columns(&batch.keys_removed)));
        });
        driver.execute_in(transaction, delete).await?;
    }
    if batch.keys_added.is_empty() {
        return Ok(());
    }
    let insert = statement(D::DIALECT, |sql| {
        write::insert_keys(sql, Source::Rows(key_columns(&batch.keys_added)));
    });
    let claimed = driver.execute_in(transaction, insert).await?;
    if claimed == batch.keys_added.len() as u64 {
        return Ok(());
    }
    let taken = first_taken(driver, transaction, work).await?;
    Err(Conflict::KeyTaken {
        operation: work.operation(taken.entity),
        key: taken.key,
    }
    .into())
}

/// The first operation, in their order, whose key another entity holds or an earlier operation claims.
async fn first_taken<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<KeyRow, Stop> {
    let mut rows: Vec<&KeyRow> = work.batch.keys_added.iter().collect();
    rows.sort_by_key(|row| work.operation(row.entity));
    let mut claimed: HashMap<(TypeId, KeyNumber, &Encoded), EntityId> = HashMap::new();
    for row in rows {
        if claimed
            .insert((row.type_id, row.key, &row.value), row.entity)
            .is_some()
        {
            return Ok(row.clone());
        }
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT k.entity FROM unique_key AS k WHERE k.type = ")
            .bind(Argument::Id(row.type_id.0));
        sql.push(" AND k.key = ")
            .bind(Argument::Int(i64::from(row.key.0)));
        sql.push(" AND k.value = ")
            .bind(Argument::Text(row.value.0.clone()));
        for mut holder in driver.fetch_in(transaction, sql.finish(&[Id])).await? {
            let holder = EntityId(holder.id()?);
            let claims = |other: &KeyRow| {
                other.entity == holder
                    && other.type_id == row.type_id
                    && other.key == row.key
                    && other.value == row.value
            };
            // One of the set's own claims that came first by value, not by operation, is not what stands in the way.
            if holder != row.entity && !work.batch.keys_added.iter().any(claims) {
                return Ok(row.clone());
            }
        }
    }
    // Whoever held it gave it up between the two statements: the whole may be run again.
    Err(Stop::Engine(EngineError {
        failure: Failure::Retry,
        source: "a key was given up while its holder was looked for".into(),
    }))
}

/// The conflict of a created entity whose id was taken.
async fn first_existing<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<Stop, Stop> {
    // The insert left out exactly those that were there: their stored row differs from the one to be made in version, time or actor,
    // but need not, so the log decides: an entity just inserted has no row in it at its version yet.
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT DISTINCT c.entity FROM change AS c JOIN entity AS e ON e.id = c.entity AND e.version = c.version WHERE c.operation <> 'type' AND ");
    sql.id_in(
        "c.entity",
        work.batch
            .created
            .iter()
            .map(|entity| entity.id.0)
            .collect(),
    )
    .push(" ORDER BY c.entity");
    let mut rows = driver
        .fetch_in(transaction, sql.finish(&[Id]))
        .await?
        .into_iter();
    let operation = match rows.next() {
        Some(mut row) => work.operation(EntityId(row.id()?)),
        None => 0,
    };
    Ok(Conflict::EntityExists { operation }.into())
}

/// Checks that no link leads to a deleted entity any more.
async fn check_unlinked<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    if work.batch.deleted.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT l.target FROM link AS l WHERE ");
    sql.id_in(
        "l.target",
        work.batch.deleted.iter().map(|(id, _, _)| id.0).collect(),
    )
    .push(" LIMIT 1");
    match driver
        .fetch_in(transaction, sql.finish(&[Id]))
        .await?
        .into_iter()
        .next()
    {
        Some(mut row) => {
            let operation = work.operation(EntityId(row.id()?));
            Err(Conflict::StillLinked { operation }.into())
        }
        None => Ok(()),
    }
}
