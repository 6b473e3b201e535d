//! The catalog of types: reading it, and changing one type under its exclusive lock.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId, EntityType, FieldNumber, LinkTargets, TypeId, Version,
    change::{Batch, ChangeSet, KeyRow, TypeChange},
    limits::IN_USE_COUNTED,
    port::{CatalogRows, Conflict, Position, StoreError, TypeViolation},
};

use crate::{
    Argument,
    ColumnType::{Id, Int, Text},
    Dialect, Driver, EngineError, Failure, Sql, Statement,
    apply::{LOGGED, read_logged, statement},
    driver::Committing,
    entities, group, index,
    long::{self, Purpose},
    retry::Stop,
    write::{self, Source, change_columns, key_columns},
};

/// Entities looked at in one read while a type changes.
const SLICE: i64 = 1_000;
/// Entities named by a refusal.
const SAMPLES: usize = 10;

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

/// What stands in the way, by (name, code).
#[derive(Default)]
struct Violations(BTreeMap<(String, &'static str), BTreeSet<EntityId>>);

impl Violations {
    fn add(&mut self, name: String, code: &'static str, entity: EntityId) {
        self.0.entry((name, code)).or_default().insert(entity);
    }

    fn first(self) -> Option<Conflict> {
        let ((name, code), entities) = self.0.into_iter().next()?;
        Some(Conflict::Violation(TypeViolation {
            name,
            code,
            count: entities.len() as u64,
            samples: entities.into_iter().take(SAMPLES).collect(),
        }))
    }
}

/// Reads every entity of the type, slice by slice: checks it against the change, and claims the keys that the change asks for.
async fn look_at_entities<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    change: &TypeChange,
) -> Result<(), Stop> {
    if change.after.is_none() {
        return refuse_in_use(driver, transaction, id).await;
    }
    let narrowed = change.narrowed_links();
    if !change.looks_at_entities() && change.keys_to_build().is_empty() && narrowed.is_empty() {
        return Ok(());
    }
    let mut violations = Violations::default();
    let mut after: Option<EntityId> = None;
    loop {
        let slice = read_slice(driver, transaction, id, after).await?;
        for entity in &slice {
            for (name, code) in change.violations(entity) {
                violations.add(name, code, entity.id);
            }
        }
        let keys: Vec<KeyRow> = slice
            .iter()
            .flat_map(|entity| change.keys_of(entity))
            .collect();
        claim(driver, transaction, change, keys, &mut violations).await?;
        match slice.last() {
            Some(last) if i64::try_from(slice.len()) == Ok(SLICE) => after = Some(last.id),
            _ => break,
        }
    }
    for (link, to) in narrowed {
        check_narrowed(
            driver,
            transaction,
            id,
            change,
            link.0,
            &to,
            &mut violations,
        )
        .await?;
    }
    violations
        .first()
        .map_or(Ok(()), |conflict| Err(conflict.into()))
}

/// Refuses to remove a type that has entities: looks at as many of them as the refusal counts, however many there are.
async fn refuse_in_use<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
) -> Result<(), Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT e.id FROM entity AS e WHERE e.type = ")
        .bind(Argument::Id(id.0))
        .push(" ORDER BY e.id LIMIT ")
        .bind(Argument::Int(
            i64::try_from(IN_USE_COUNTED).unwrap_or(i64::MAX),
        ));
    let rows = driver.fetch_in(transaction, sql.finish(&[Id])).await?;
    let count = rows.len() as u64;
    let samples = rows
        .into_iter()
        .take(SAMPLES)
        .map(|mut row| Ok(EntityId(row.id()?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    if samples.is_empty() {
        return Ok(());
    }
    Err(Conflict::Violation(TypeViolation {
        name: String::new(),
        code: "type_in_use",
        count,
        samples,
    })
    .into())
}

async fn read_slice<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    after: Option<EntityId>,
) -> Result<Vec<Entity>, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT ")
        .push(&entities::columns(D::DIALECT, "e"))
        .push(" FROM entity AS e WHERE e.type = ")
        .bind(Argument::Id(id.0));
    if let Some(after) = after {
        sql.push(" AND e.id > ").bind(Argument::Id(after.0));
    }
    sql.push(" ORDER BY e.id LIMIT ").bind(Argument::Int(SLICE));
    let rows = driver
        .fetch_in(transaction, sql.finish(entities::COLUMNS))
        .await?;
    Ok(rows
        .into_iter()
        .map(entities::read)
        .collect::<Result<_, _>>()?)
}

/// Claims new keys; entities that share a value are violations of the key, all of them.
async fn claim<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    change: &TypeChange,
    mut keys: Vec<KeyRow>,
    violations: &mut Violations,
) -> Result<(), Stop> {
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort();
    let insert = statement(D::DIALECT, |sql| {
        write::insert_keys(sql, Source::Rows(key_columns(&keys)));
    });
    if driver.execute_in(transaction, insert).await? == keys.len() as u64 {
        return Ok(());
    }
    let names: BTreeMap<_, _> = change
        .after
        .iter()
        .flat_map(|after| after.all_keys())
        .map(|key| (key.number, key.name))
        .collect();
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT k.key, k.entity, r.entity FROM ")
        .rows("r", key_columns(&keys));
    let join = D::DIALECT.ordered_join();
    sql.push(&format!(
        " {join} unique_key AS k ON k.type = r.type AND k.key = r.key AND k.value = r.value WHERE k.entity <> r.entity"
    ));
    for mut row in driver
        .fetch_in(transaction, sql.finish(&[Int, Id, Id]))
        .await?
    {
        let key = row.int()?;
        let name = names.iter().find(|(number, _)| i64::from(number.0) == key);
        let name = name.map(|(_, name)| name.clone()).unwrap_or_default();
        for entity in [row.id()?, row.id()?] {
            violations.add(name.clone(), "type_change_conflict", EntityId(entity));
        }
    }
    Ok(())
}

/// Looks for links that lead to types no longer allowed.
async fn check_narrowed<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    id: TypeId,
    change: &TypeChange,
    link: u32,
    to: &LinkTargets,
    violations: &mut Violations,
) -> Result<(), Stop> {
    let LinkTargets::Types(allowed) = to else {
        return Ok(());
    };
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT DISTINCT l.holder FROM link AS l JOIN entity AS t ON t.id = l.target WHERE l.holder_type = ");
    sql.bind(Argument::Id(id.0))
        .push(" AND l.link = ")
        .bind(Argument::Int(i64::from(link)))
        .push(" AND NOT (");
    sql.id_in("t.type", allowed.iter().map(|one| one.0).collect())
        .push(") ORDER BY l.holder");
    let name = change
        .after
        .as_ref()
        .and_then(|after| after.link(registry_core::LinkNumber(link)))
        .map(|link| link.name.clone())
        .unwrap_or_default();
    for mut row in driver.fetch_in(transaction, sql.finish(&[Id])).await? {
        violations.add(name.clone(), "type_change_conflict", EntityId(row.id()?));
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
