//! Building the rows of `field_value` for a field that was indexed when its type had entities already, and taking them away from a field that is
//! not indexed any more. A change of the type only notes what is to be done; steps of a few rows do it.
//!
//! `pending_index` holds the fields whose rows are not as the type has it, each with what is to be done and how far that came. A field that is
//! indexed again before all its old rows are gone loses them first: the build afterwards goes over every entity, so it does
//! not matter that rows of new writes go with them, nor that those behind the place it came to stay: they are as they should be. It is changed under the lock
//! of the catalog's version alone, by type changes and by the steps here: a step sees the type as it will be at its end.

use registry_core::{
    Data, Encoded, EntityId, FieldNumber, TypeId,
    change::{TypeChange, ValueRow},
    limits::INDEX_SLICE,
    port::{BuildStep, StoreError},
};

use crate::{
    Argument,
    ColumnType::{Id, Int, Text},
    Dialect, Driver, Sql,
    apply::statement,
    group,
    retry::{Stop, retrying},
    types,
    write::{self, Source, value_columns},
};

/// What is to be done about the rows of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IndexWork {
    Build,
    Drop,
    /// Drop, then build.
    Rebuild,
}

impl IndexWork {
    const fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Drop => "drop",
            Self::Rebuild => "rebuild",
        }
    }

    fn of(name: &str) -> Result<Self, StoreError> {
        [Self::Build, Self::Drop, Self::Rebuild]
            .into_iter()
            .find(|one| one.name() == name)
            .ok_or_else(|| StoreError::internal("building an index", name))
    }

    fn argument(self) -> Argument {
        Argument::Text(self.name().to_owned())
    }
}

/// Where work goes on that is noted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// At the first row.
    Beginning,
    /// Where it had come to.
    Here,
}

/// A row of `field_value` up to which a field's rows are gone.
type Place = (Encoded, EntityId);

/// Notes the indexes that a change of a type gives up or asks for. To be called in the change's transaction, under its locks.
pub(crate) async fn note<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    change: &TypeChange,
) -> Result<(), Stop> {
    let Some(before) = &change.before else {
        return Ok(());
    };
    let type_id = before.id;
    if change.after.is_none() {
        // It has no entities, but may have rows of a field that was indexed once.
        let delete = statement(D::DIALECT, |sql| {
            sql.push("DELETE FROM pending_index WHERE work = ")
                .bind(IndexWork::Build.argument())
                .push(" AND type = ")
                .bind(Argument::Id(type_id.0));
        });
        driver.execute_in(transaction, delete).await?;
        let drop = statement(D::DIALECT, |sql| {
            sql.push("UPDATE pending_index SET work = ")
                .bind(IndexWork::Drop.argument())
                .push(ANEW)
                .push(" WHERE type = ")
                .bind(Argument::Id(type_id.0));
        });
        driver.execute_in(transaction, drop).await?;
        return Ok(());
    }
    let (given_up, wanted) = (change.rows_to_drop().values, change.indexes_to_build());
    if given_up.is_empty() && wanted.is_empty() {
        return Ok(());
    }
    let filled = has_entities(driver, transaction, type_id).await?;
    for field in given_up {
        if filled {
            let drop = statement(D::DIALECT, |sql| {
                insert_work(sql, type_id, field, IndexWork::Drop);
                sql.push(" ON CONFLICT (type, field) DO UPDATE SET work = excluded.work")
                    .push(ANEW);
            });
            driver.execute_in(transaction, drop).await?;
        } else {
            let built = Some(IndexWork::Build);
            forget(driver, transaction, type_id, field, built).await?;
            set_work(
                driver,
                transaction,
                type_id,
                field,
                IndexWork::Drop,
                Start::Beginning,
            )
            .await?;
        }
    }
    for field in wanted {
        // Only where old rows are still there is anything noted of a field that was not indexed.
        let dropping = set_work(
            driver,
            transaction,
            type_id,
            field,
            IndexWork::Rebuild,
            Start::Here,
        )
        .await?;
        if dropping == 0 && filled {
            let insert = statement(D::DIALECT, |sql| {
                insert_work(sql, type_id, field, IndexWork::Build);
            });
            driver.execute_in(transaction, insert).await?;
        }
    }
    Ok(())
}

/// Lets the work begin from the first row.
const ANEW: &str = ", at_value = NULL, at_entity = NULL";

fn insert_work(sql: &mut Sql, type_id: TypeId, field: FieldNumber, work: IndexWork) {
    sql.push("INSERT INTO pending_index (type, field, work) VALUES (")
        .bind(Argument::Id(type_id.0))
        .push(", ")
        .bind(Argument::Int(i64::from(field.0)))
        .push(", ")
        .bind(work.argument())
        .push(")");
}

/// Writes what is to be done next, if anything is noted; returns how many rows there were.
async fn set_work<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
    field: FieldNumber,
    work: IndexWork,
    start: Start,
) -> Result<u64, Stop> {
    let update = statement(D::DIALECT, |sql| {
        sql.push("UPDATE pending_index SET work = ")
            .bind(work.argument());
        if start == Start::Beginning {
            sql.push(ANEW);
        }
        sql.push(" WHERE ");
        this(sql, type_id, field);
    });
    Ok(driver.execute_in(transaction, update).await?)
}

async fn has_entities<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
) -> Result<bool, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT e.id FROM entity AS e WHERE e.type = ")
        .bind(Argument::Id(type_id.0))
        .push(" LIMIT 1");
    let rows = driver.fetch_in(transaction, sql.finish(&[Id])).await?;
    Ok(!rows.is_empty())
}

/// Notes nothing any more, or nothing but what differs from `only`.
async fn forget<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
    field: FieldNumber,
    only: Option<IndexWork>,
) -> Result<(), Stop> {
    let delete = statement(D::DIALECT, |sql| {
        sql.push("DELETE FROM pending_index WHERE ");
        this(sql, type_id, field);
        if let Some(work) = only {
            sql.push(" AND work = ").bind(work.argument());
        }
    });
    driver.execute_in(transaction, delete).await?;
    Ok(())
}

/// Appends the condition for one row of `pending_index`.
fn this(sql: &mut Sql, type_id: TypeId, field: FieldNumber) {
    sql.push("type = ")
        .bind(Argument::Id(type_id.0))
        .push(" AND field = ")
        .bind(Argument::Int(i64::from(field.0)));
}

/// Takes the building of an index one step further.
pub(crate) async fn build<D: Driver>(
    driver: &D,
    type_id: TypeId,
    field: FieldNumber,
    limit: usize,
) -> Result<BuildStep, StoreError> {
    let limit = limit.clamp(1, INDEX_SLICE);
    retrying(|| step(driver, type_id, field, limit))
        .await
        .map_err(|stop| stop.into_store_error("building an index"))
}

async fn step<D: Driver>(
    driver: &D,
    type_id: TypeId,
    field: FieldNumber,
    limit: usize,
) -> Result<BuildStep, Stop> {
    let mut transaction = driver.begin().await?;
    match run(driver, &mut transaction, type_id, field, limit).await {
        Ok(step) => {
            group::commit(driver, transaction).await?;
            Ok(step)
        }
        Err(stop) => {
            driver.rollback(transaction).await;
            Err(stop)
        }
    }
}

async fn run<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
    field: FieldNumber,
    limit: usize,
) -> Result<BuildStep, Stop> {
    // First, as a type change takes it: neither waits for the other with something in hand, and steps of several servers come one by one.
    let catalog = types::lock_version(driver, transaction).await?;
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT work, at_value, at_entity FROM pending_index WHERE ");
    this(&mut sql, type_id, field);
    let rows = driver
        .fetch_in(transaction, sql.finish(&[Text, Text, Id]))
        .await?;
    let Some(mut pending) = rows.into_iter().next() else {
        return Ok(BuildStep::Done);
    };
    let work = IndexWork::of(&pending.text()?)?;
    let value = pending.optional_text()?.map(Encoded);
    let entity = pending.optional_id()?.map(EntityId);
    if work != IndexWork::Build {
        let gone_to = value.zip(entity);
        if let Some(last) = drop_slice(driver, transaction, type_id, field, gone_to, limit).await? {
            let update = statement(D::DIALECT, |sql| {
                sql.push("UPDATE pending_index SET at_value = ")
                    .bind(Argument::Text(last.0.0))
                    .push(", at_entity = ")
                    .bind(Argument::Id(last.1.0))
                    .push(" WHERE ");
                this(sql, type_id, field);
            });
            driver.execute_in(transaction, update).await?;
            return Ok(BuildStep::More);
        }
        if work == IndexWork::Rebuild {
            let build = IndexWork::Build;
            set_work(driver, transaction, type_id, field, build, Start::Beginning).await?;
            return Ok(BuildStep::More);
        }
        forget(driver, transaction, type_id, field, None).await?;
        types::write_version(driver, transaction, catalog.next()).await?;
        return Ok(BuildStep::Done);
    }
    let built_to = entity;
    let slice = lock_slice(driver, transaction, type_id, built_to, limit).await?;
    let rows: Vec<ValueRow> = slice
        .iter()
        .filter_map(|(entity, data)| Some((*entity, data.get(&field)?)))
        .flat_map(|(entity, datum)| {
            datum.values().iter().map(move |value| ValueRow {
                type_id,
                field,
                value: value.clone(),
                entity,
            })
        })
        .collect();
    if !rows.is_empty() {
        // Some are there already: of entities that were written since the type was changed.
        let insert = statement(D::DIALECT, |sql| {
            write::insert_values(sql, Source::Rows(value_columns(&rows)));
        });
        driver.execute_in(transaction, insert).await?;
    }
    match slice.last() {
        Some((last, _)) if slice.len() == limit => {
            let update = statement(D::DIALECT, |sql| {
                sql.push("UPDATE pending_index SET at_entity = ")
                    .bind(Argument::Id(last.0))
                    .push(" WHERE ");
                this(sql, type_id, field);
            });
            driver.execute_in(transaction, update).await?;
            Ok(BuildStep::More)
        }
        _ => {
            forget(driver, transaction, type_id, field, None).await?;
            types::write_version(driver, transaction, catalog.next()).await?;
            Ok(BuildStep::Done)
        }
    }
}

/// Takes the next rows of a field away; the last of them where there may be more. It goes on behind the last step's: what it took away stands
/// in the table until it is cleaned, and would be passed over again by every step.
async fn drop_slice<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
    field: FieldNumber,
    gone_to: Option<Place>,
    limit: usize,
) -> Result<Option<Place>, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT value, entity FROM field_value WHERE ");
    this(&mut sql, type_id, field);
    if let Some((value, entity)) = gone_to {
        sql.push(" AND (value, entity) > (")
            .bind(Argument::Text(value.0))
            .push(", ")
            .bind(Argument::Id(entity.0))
            .push(")");
    }
    sql.push(" ORDER BY value, entity LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    let rows = driver
        .fetch_in(transaction, sql.finish(&[Text, Id]))
        .await?;
    let rows = rows
        .into_iter()
        .map(|mut row| {
            Ok(ValueRow {
                type_id,
                field,
                value: Encoded(row.text()?),
                entity: EntityId(row.id()?),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    // Not by how many are deleted: writers may have taken some away themselves.
    let last = (rows.len() == limit).then(|| (last.value.clone(), last.entity));
    let delete = statement(D::DIALECT, |sql| {
        write::delete_values(sql, Source::Rows(value_columns(&rows)));
    });
    driver.execute_in(transaction, delete).await?;
    Ok(last)
}

/// The next entities of the type, with what they hold, locked until the step ends. Where it finds fewer than `limit`, no others are left:
/// those that are created meanwhile get their rows from their own writers.
///
/// On PostgreSQL a writer may be changing one of them. If it came first, the lock waits for it and the row is read as it left it (or is
/// gone). If the step came first, the writer waits for the step, and must then see the step's rows, so as to take away those of the value
/// that it replaces: see the expectation about `pending_index` in [`crate::one_statement`], without which it would look at `field_value`
/// as it was before it waited. Links to the entities (`FOR KEY SHARE`) do not wait.
async fn lock_slice<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    type_id: TypeId,
    built_to: Option<EntityId>,
    limit: usize,
) -> Result<Vec<(EntityId, Data)>, Stop> {
    let mut sql = Sql::new(D::DIALECT);
    sql.push(&format!(
        "SELECT e.id, {} FROM entity AS e WHERE e.type = ",
        D::DIALECT.json_text("e.data")
    ))
    .bind(Argument::Id(type_id.0));
    if let Some(built_to) = built_to {
        sql.push(" AND e.id > ").bind(Argument::Id(built_to.0));
    }
    sql.push(" ORDER BY e.id LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)))
        .push(D::DIALECT.lock(" FOR NO KEY UPDATE"));
    let rows = driver
        .fetch_in(transaction, sql.finish(&[Id, Text]))
        .await?;
    let read = rows
        .into_iter()
        .map(|mut row| Ok((EntityId(row.id()?), row.json()?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(read)
}

/// The statement that reads all fields whose index is not ready.
pub(crate) fn all_pending(dialect: Dialect) -> crate::Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT type, field FROM pending_index");
    sql.finish(&[Id, Int])
}
