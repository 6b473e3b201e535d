//! Telling a restored database from the one that was saved.
//!
//! Positions in the change log are told to callers, who come back with them: after a restore they may name rows that are gone, or others. So
//! the log has an epoch, and a store that finds itself elsewhere than before begins a new one. On PostgreSQL, moreover, the numbers of
//! transactions begin anew in another cluster: rows with those of the old one would stand after everything written from then on, or wait
//! for transactions that come in years.
//!
//! A copy of the cluster's files that is started like after a crash does not differ from what it replaces: there the epoch is renewed by whoever
//! restores, and so on SQLite, which keeps everything in one file.

use registry_core::{Version, port::StoreError};
use uuid::Uuid;

use crate::{
    Argument,
    ColumnType::{Int, Text},
    Dialect, Driver, Sql,
    apply::statement,
    group,
    long::{self, Purpose},
    retry::{Stop, retrying},
    types,
};

/// The setting that says where the store was when it was opened last.
const PLACE: &str = "place";

/// Begins a new epoch where the store is in another place than before; to be called before anything is read or written.
pub(crate) async fn look<D: Driver>(driver: &D) -> Result<(), StoreError> {
    if D::DIALECT == Dialect::Sqlite {
        return Ok(());
    }
    retrying(|| try_look(driver))
        .await
        .map_err(|stop| stop.into_store_error("comparing the epoch"))
}

async fn try_look<D: Driver>(driver: &D) -> Result<(), Stop> {
    let mut transaction = long::begin(driver, Purpose::Renumbering).await?;
    match renew(driver, &mut transaction).await {
        Ok(()) => group::commit(driver, transaction).await,
        Err(stop) => {
            driver.rollback(transaction).await;
            Err(stop)
        }
    }
}

async fn renew<D: Driver>(driver: &D, transaction: &mut D::Transaction) -> Result<(), Stop> {
    // Servers that start at once come one by one.
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT value FROM setting WHERE name = 'epoch' FOR UPDATE");
    driver.fetch_in(transaction, sql.finish(&[Text])).await?;

    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT ")
        .push(HERE)
        .push(", (SELECT s.value FROM setting AS s WHERE s.name = ");
    sql.bind(Argument::Text(PLACE.to_owned()))
        .push("), (SELECT count(*) FROM (")
        .push(FROM_THE_FUTURE)
        .push(") AS f)");
    let statement_of_places = sql.finish(&[Text, Text, Int]);
    let rows = driver.fetch_in(transaction, statement_of_places).await?;
    let Some(mut row) = rows.into_iter().next() else {
        return Err(StoreError::internal("comparing the epoch", "no answer").into());
    };
    let (here, before, ahead) = (row.text()?, row.optional_text()?, row.int()? > 0);
    if before.as_deref() == Some(here.as_str()) && !ahead {
        return Ok(());
    }
    let place = statement(D::DIALECT, |sql| {
        sql.push("INSERT INTO setting (name, value) VALUES (")
            .bind(Argument::Text(PLACE.to_owned()))
            .push(", ")
            .bind(Argument::Text(here.clone()))
            .push(") ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    });
    driver.execute_in(transaction, place).await?;
    if before.is_none() && !ahead {
        // The first start.
        return Ok(());
    }
    tracing::warn!(
        ?before,
        here,
        ahead,
        "the store was restored: a new epoch begins"
    );
    if ahead {
        for text in NUMBER_ANEW {
            let step = statement(D::DIALECT, |sql| {
                sql.push(text);
            });
            driver.execute_in(transaction, step).await?;
        }
    }
    let catalog = types::lock_version(driver, transaction).await?;
    let moved = Version(catalog.0 + BEYOND);
    types::write_version(driver, transaction, moved).await?;
    let epoch = statement(D::DIALECT, |sql| {
        sql.push("UPDATE setting SET value = ")
            .bind(Argument::Text(Uuid::new_v4().simple().to_string()))
            .push(" WHERE name = 'epoch'");
    });
    driver.execute_in(transaction, epoch).await?;
    Ok(())
}

/// Servers that run ask for the epoch when the catalog has moved. What they know of the catalog may be lost, and its version ahead of the one
/// restored: it moves beyond whatever changes there were.
const BEYOND: i64 = 1_000_000;

/// Where the store is: cluster, database, timeline, of which recovery to a point in time begins another, and table, of which a dump that is
/// put back makes another.
const HERE: &str = "(SELECT c.system_identifier::text FROM pg_control_system() AS c) || '/' || \
     (SELECT d.oid::text FROM pg_database AS d WHERE d.datname = current_database()) || '/' || \
     left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || 'change'::regclass::oid::text";

/// A row of the log by a transaction that this cluster has not begun yet.
const FROM_THE_FUTURE: &str = "SELECT 1 FROM change AS c WHERE c.transaction >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT 1";

/// Puts the whole log before everything to come, in order of its sequence. That is an order in which the versions of an entity grow: a writer
/// draws the number while it holds the entity.
const NUMBER_ANEW: [&str; 2] = [
    "LOCK TABLE change IN ACCESS EXCLUSIVE MODE",
    "UPDATE change SET transaction = '0'::text::xid8",
];
