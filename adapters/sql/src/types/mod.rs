//! The catalog of types: reading it, and changing one type under its exclusive lock.

mod violations;

use registry_core::{
    EntityType, FieldNumber, TypeId, Version,
    change::{Batch, ChangeSet, TypeChange},
    port::{CatalogRows, Conflict, Position, StoreError},
};

use crate::{
    Argument,
    ColumnType::{Int, Text},
    Dialect, Driver, EngineError, Failure, Sql, Statement,
    apply::{LOGGED, read_logged, statement},
    driver::Committing,
    group, index,
    long::{self, Purpose},
    retry::Stop,
    write::{self, Source, change_columns},
};

use violations::look_at_entities;

/// The catalog's version.
fn version_statement(dialect: Dialect, lock: &'static str) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT value FROM setting WHERE name = 'catalog'")
        .push(dialect.lock(lock));
    sql.finish(&[Text])
}

fn read_version(rows: Vec<crate::Row>) -> Result<Version, StoreError> {
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::internal("reading the catalog", "no version"))?;
    row.text()?
        .parse()
        .map(Version)
        .map_err(|error| StoreError::internal("reading the catalog", error))
}

/// All types, or `None` when the catalog is still at `known`.
pub(crate) async fn catalog<D: Driver>(
    driver: &D,
    known: Option<Version>,
) -> Result<Option<CatalogRows>, StoreError> {
    let failed = |error: EngineError| error.into_store_error("reading the catalog", Committing::No);
    let version = read_version(
        driver
            .fetch(version_statement(D::DIALECT, ""))
            .await
            .map_err(failed)?,
    )?;
    if known == Some(version) {
        return Ok(None);
    }
    // Version and types must be of one moment.
    let mut snapshot = driver.snapshot().await.map_err(failed)?;
    let version = read_version(
        driver
            .fetch_in(&mut snapshot, version_statement(D::DIALECT, ""))
            .await
            .map_err(failed)?,
    )?;
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT document FROM entity_type ORDER BY id");
    let rows = driver
        .fetch_in(&mut snapshot, sql.finish(&[Text]))
        .await
        .map_err(failed)?;
    let pending = driver
        .fetch_in(&mut snapshot, index::all_pending(D::DIALECT))
        .await
        .map_err(failed)?;
    driver.rollback(snapshot).await;
    let types = rows
        .into_iter()
        .map(|mut row| row.json::<EntityType>())
        .collect::<Result<_, _>>()?;
    let building = pending
        .into_iter()
        .map(|mut row| Ok((TypeId(row.id()?), field_number(row.int()?)?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(Some(CatalogRows {
        version,
        types,
        building,
    }))
}

/// Applies a change of a type.
pub(crate) async fn change<D: Driver>(
    driver: &D,
    set: &ChangeSet,
    change: &TypeChange,
) -> Result<Position, Stop> {
    let mut transaction = long::begin(driver, Purpose::TypeChange).await?;
    match apply(driver, &mut transaction, set, change).await {
        Ok(position) => {
            group::commit(driver, transaction).await?;
            Ok(position)
        }
        Err(stop) => {
            driver.rollback(transaction).await;
            Err(stop)
        }
    }
}

async fn apply<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    set: &ChangeSet,
    change: &TypeChange,
) -> Result<Position, Stop> {
    let Some(subject) = change.after.as_ref().or(change.before.as_ref()) else {
        return Err(StoreError::internal("changing a type", "neither before nor after").into());
    };
    let version = lock_version(driver, transaction).await?;
    if version != change.catalog {
        return Err(Conflict::CatalogChanged.into());
    }
    lock(driver, transaction, subject.id).await?;
    drop_rows(driver, transaction, subject.id, change).await?;
    look_at_entities(driver, transaction, subject.id, change).await?;
    index::note(driver, transaction, change).await?;
    write_type(driver, transaction, change).await?;
    write_version(driver, transaction, version.next()).await?;
    let mut sql = Sql::new(D::DIALECT);
    let row = change_columns(&Batch::of(set).changes);
    write::insert_changes(&mut sql, Source::Rows(row));
    let rows = driver.fetch_in(transaction, sql.finish(LOGGED)).await?;
    Ok(read_logged(rows)?.last)
}

/// Reads the catalog's version and keeps every other change of the catalog out until the end.
pub(crate) async fn lock_version<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
) -> Result<Version, Stop> {
    let statement = version_statement(D::DIALECT, " FOR UPDATE");
    let rows = driver.fetch_in(transaction, statement).await;
    Ok(read_version(rows.map_err(changing)?)?)
}

/// Whoever waits in vain for the catalog or for a type, waits for another change of types.
fn changing(mut error: EngineError) -> EngineError {
    if error.failure == Failure::LockTimeout {
        error.failure = Failure::TypeLockTimeout;
    }
    error
}

/// Writes the catalog's version, which must be locked.
pub(crate) async fn write_version<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    version: Version,
) -> Result<(), Stop> {
    let update = statement(D::DIALECT, |sql| {
        sql.push("UPDATE setting SET value = ")
            .bind(Argument::Text(version.to_string()))
            .push(" WHERE name = 'catalog'");
    });
    driver.execute_in(transaction, update).await?;
    Ok(())
}

fn field_number(value: i64) -> Result<FieldNumber, StoreError> {
    u32::try_from(value)
        .map(FieldNumber)
        .map_err(|error| StoreError::internal("decoding a row", error))
}

/// Waits until no writer holds the type, and keeps writers out until the end. On SQLite the transaction itself does.
async fn lock<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
) -> Result<(), Stop> {
    if D::DIALECT == Dialect::Postgres {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT 1::bigint FROM pg_advisory_xact_lock(registry_type_lock(")
            .bind(Argument::Id(id.0))
            .push("))");
        let locked = driver.fetch_in(transaction, sql.finish(&[Int])).await;
        locked.map_err(changing)?;
    }
    Ok(())
}

/// Takes the rows of keys and links away that are no more. Those of indexes go [later](index).
async fn drop_rows<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    change: &TypeChange,
) -> Result<(), Stop> {
    let drop = change.rows_to_drop();
    let numbers = |table, owner, column, numbers: Vec<u32>| {
        numbers.into_iter().map(move |number| {
            statement(D::DIALECT, |sql| {
                sql.push(&format!("DELETE FROM {table} WHERE {owner} = "))
                    .bind(Argument::Id(id.0));
                sql.push(&format!(" AND {column} = "))
                    .bind(Argument::Int(i64::from(number)));
            })
        })
    };
    let keys = numbers(
        "unique_key",
        "type",
        "key",
        drop.keys.iter().map(|one| one.0).collect(),
    );
    let links = numbers(
        "link",
        "holder_type",
        "link",
        drop.links.iter().map(|one| one.0).collect(),
    );
    for delete in keys.chain(links) {
        driver.execute_in(transaction, delete).await?;
    }
    Ok(())
}

async fn write_type<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    change: &TypeChange,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    match (&change.before, &change.after) {
        (None, Some(after)) => {
            sql.push("INSERT INTO entity_type (id, version, document) VALUES (")
                .bind(Argument::Id(after.id.0))
                .push(", ");
            sql.bind(Argument::Int(after.version.0))
                .push(", ")
                .bind(Argument::Text(write::json(after.as_ref())))
                .push(")");
        }
        (Some(before), Some(after)) => {
            sql.push("UPDATE entity_type SET version = ")
                .bind(Argument::Int(after.version.0));
            sql.push(", document = ")
                .bind(Argument::Text(write::json(after.as_ref())));
            sql.push(" WHERE id = ")
                .bind(Argument::Id(before.id.0))
                .push(" AND version = ")
                .bind(Argument::Int(before.version.0));
        }
        (Some(before), None) => {
            sql.push("DELETE FROM entity_type WHERE id = ")
                .bind(Argument::Id(before.id.0));
            sql.push(" AND version = ")
                .bind(Argument::Int(before.version.0));
        }
        (None, None) => return Ok(()),
    }
    // The catalog's version is that of the decision, so the row can only be as it was read.
    if driver.execute_in(transaction, sql.finish(&[])).await? == 1 {
        Ok(())
    } else {
        Err(Conflict::CatalogChanged.into())
    }
}
