//! Applying a change set step by step in an open transaction, each expectation checked by itself, so that a refusal names its operation.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use registry_core::{
    EntityId, EntityType, Principal, TypeId, Version,
    port::{Conflict, Position, StoreError},
};

use crate::{
    Column, ColumnType,
    ColumnType::{Id, Int, Text},
    Dialect, Driver, Row, Sql, Statement, keys,
    lock::{self, Asked, Hold},
    retry::Stop,
    targets::Outcomes,
    work::Work,
    write::{self, Source, change_columns, entity_columns},
};

/// A statement made of one piece.
pub(crate) fn statement(dialect: Dialect, render: impl FnOnce(&mut Sql)) -> Statement {
    let mut sql = Sql::new(dialect);
    render(&mut sql);
    sql.finish(&[])
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
    if !batch.created.is_empty() {
        let insert = statement(D::DIALECT, |sql| {
            write::insert_entities(sql, Source::Rows(entity_columns(&batch.created)));
        });
        let inserted = driver.execute_in(transaction, insert).await?;
        if inserted != batch.created.len() as u64 {
            return Err(first_existing(driver, transaction, work).await?);
        }
    }
    keys::replace(driver, transaction, work).await?;
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
    let mut sql = Sql::new(D::DIALECT);
    select_types(&mut sql, types);
    let rows = driver.fetch_in(transaction, sql.finish(TYPES)).await?;
    compare_types(rows, types)
}

/// Types of the columns of [`select_types`].
pub(crate) const TYPES: &[ColumnType] = &[Id, Int];

/// Appends the query of the types' versions, which takes their locks.
pub(crate) fn select_types(sql: &mut Sql, types: &[Arc<EntityType>]) {
    let mut ids: Vec<_> = types.iter().map(|one| one.id.0).collect();
    ids.sort_unstable();
    match sql.dialect {
        Dialect::Sqlite => {
            sql.push("SELECT t.id, t.version FROM entity_type AS t WHERE ")
                .id_in("t.id", ids);
        }
        Dialect::Postgres => {
            sql.push("SELECT r.id, coalesce(registry_type_version(r.id), 0) FROM ")
                .rows("r", vec![Column::ids("id", ids)]);
        }
    }
}

/// Compares rows of [`select_types`] with what is expected.
pub(crate) fn compare_types(rows: Vec<Row>, types: &[Arc<EntityType>]) -> Result<(), Stop> {
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

/// An entity that is there, and locked.
struct Held {
    type_id: TypeId,
    version: Version,
    owners: Vec<Principal>,
    readers: Vec<Principal>,
}

/// Locks every entity that is there already, and checks those that change, then those that are linked to.
async fn check_entities<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    let holds = lock::of(&work.batch);
    let mut rows = Vec::new();
    if !holds.is_empty() {
        let mut sql = Sql::new(D::DIALECT);
        hold(&mut sql, &holds);
        rows = driver.fetch_in(transaction, sql.finish(HELD)).await?;
    }
    judge(rows, work)
}

/// Checks what is there already, rows of [`hold`], against what a work expects.
pub(crate) fn judge(rows: Vec<Row>, work: &Work) -> Result<(), Stop> {
    let batch = &work.batch;
    let mut held = HashMap::new();
    for mut row in rows {
        held.insert(
            EntityId(row.id()?),
            Held {
                type_id: TypeId(row.id()?),
                version: Version(row.int()?),
                owners: row.json()?,
                readers: row.json()?,
            },
        );
    }
    let deleted = batch.deleted.iter().map(|(id, _, version)| (*id, *version));
    let updated = batch.updated.iter();
    let updated = updated.map(|entity| (entity.id, Version(entity.version.0 - 1)));
    for (id, version) in deleted.chain(updated) {
        let current = held.get(&id).map(|one| one.version);
        if current != Some(version) {
            return Err(Conflict::Stale {
                operation: work.operation(id),
                current,
            }
            .into());
        }
    }
    let readable = held
        .into_iter()
        .filter(|(_, one)| work.scope.admits(&one.owners, &one.readers))
        .map(|(id, one)| (id, one.type_id))
        .collect();
    Ok(Outcomes::of(work).check(&readable)?)
}

/// Types of the columns of [`hold`].
pub(crate) const HELD: &[ColumnType] = &[Id, Id, Int, Text, Text];

/// Appends a read of entities that locks them.
pub(crate) fn hold(sql: &mut Sql, holds: &BTreeMap<EntityId, Hold>) {
    let dialect = sql.dialect;
    let json = |name: &str| format!("{} AS {name}", dialect.json_text(&format!("e.{name}")));
    let columns = format!(
        "e.id, e.type, e.version, {}, {}",
        json("owners"),
        json("readers")
    );
    lock::read(sql, &columns, holds, &Asked::Presence);
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
