//! Keys given up and claimed. A value that one entity of a write gives up and another claims is *moved*: its row stays and gets another
//! holder, so that keys can be swapped and nothing is free in between.
//!
//! New keys are claimed first, in order of (type, key, value); that is where writers of keys wait for each other. Rows that are moved or given
//! up belong to entities that are locked already, so nobody waits for these. Were they given up first, a writer that gives up C and
//! claims B, and another that claims B and C, would wait in a circle.

use std::collections::{BTreeMap, HashMap};

use registry_core::{
    Encoded, EntityId, KeyNumber, TypeId,
    change::{Batch, KeyRow},
    port::{Conflict, StoreError},
};

use crate::{
    Argument, Column,
    ColumnType::Id,
    Driver, EngineError, Failure, Sql,
    apply::statement,
    retry::Stop,
    work::Work,
    write::{self, Source, key_columns},
};

/// What a batch does to keys; the three do not meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// Claimed, sorted: each must be free.
    pub(crate) claimed: Vec<KeyRow>,
    /// Claimed where the batch itself gives them up: the row as it shall be, and who has it.
    pub(crate) moved: Vec<(KeyRow, EntityId)>,
    /// Given up.
    pub(crate) released: Vec<KeyRow>,
}

impl Keys {
    /// What a batch does to keys.
    pub(crate) fn of(batch: &Batch) -> Self {
        let place = |row: &KeyRow| (row.type_id, row.key, row.value.clone());
        let mut given_up: BTreeMap<_, &KeyRow> = BTreeMap::new();
        if !batch.keys_added.is_empty() {
            given_up.extend(batch.keys_removed.iter().map(|row| (place(row), row)));
        }
        let mut keys = Self::default();
        if given_up.is_empty() {
            keys.claimed.clone_from(&batch.keys_added);
            keys.released.clone_from(&batch.keys_removed);
        } else {
            for row in &batch.keys_added {
                match given_up.remove(&place(row)) {
                    Some(old) => keys.moved.push((row.clone(), old.entity)),
                    None => keys.claimed.push(row.clone()),
                }
            }
            keys.released.extend(given_up.into_values().cloned());
        }
        keys.claimed.sort();
        keys
    }

    /// The rows of [`write::move_keys`].
    pub(crate) fn moved_columns(&self) -> Vec<Column> {
        let rows: Vec<KeyRow> = self.moved.iter().map(|(row, _)| row.clone()).collect();
        let mut columns = key_columns(&rows);
        let holders = self.moved.iter().map(|(_, holder)| holder.0);
        columns.push(Column::ids("holder", holders));
        columns
    }
}

/// Claims, moves and gives up the keys of a work.
pub(crate) async fn replace<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<(), Stop> {
    let keys = &work.keys;
    if !keys.claimed.is_empty() {
        let insert = statement(D::DIALECT, |sql| {
            write::insert_keys(sql, Source::Rows(key_columns(&keys.claimed)));
        });
        let claimed = driver.execute_in(transaction, insert).await?;
        if claimed != keys.claimed.len() as u64 {
            let taken = first_taken(driver, transaction, work).await?;
            return Err(Conflict::KeyTaken {
                operation: work.operation(taken.entity),
                key: taken.key,
            }
            .into());
        }
    }
    if !keys.moved.is_empty() {
        let update = statement(D::DIALECT, |sql| {
            write::move_keys(sql, Source::Rows(keys.moved_columns()));
        });
        let moved = driver.execute_in(transaction, update).await?;
        if moved != keys.moved.len() as u64 {
            let lost = "a key is not held by the entity that gives it up";
            return Err(StoreError::internal("claiming keys", lost).into());
        }
    }
    if !keys.released.is_empty() {
        let delete = statement(D::DIALECT, |sql| {
            write::delete_keys(sql, Source::Rows(key_columns(&keys.released)));
        });
        driver.execute_in(transaction, delete).await?;
    }
    Ok(())
}

/// The first operation, in their order, whose key another entity holds or an earlier operation claims.
async fn first_taken<D: Driver>(
    driver: &D,
    transaction: &mut D::Transaction,
    work: &Work,
) -> Result<KeyRow, Stop> {
    let batch = &work.batch;
    let mut rows: Vec<&KeyRow> = batch.keys_added.iter().collect();
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
            let of_holder = |other: &KeyRow| {
                other.entity == holder
                    && other.type_id == row.type_id
                    && other.key == row.key
                    && other.value == row.value
            };
            // The set's own claims that came first by value, not by operation, are not what stands in the way; nor is what it gives up.
            let mut own = batch.keys_added.iter().chain(&batch.keys_removed);
            if holder != row.entity && !own.any(of_holder) {
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
