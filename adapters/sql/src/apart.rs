//! Members of a group that waited in vain for a row, each by itself.
//!
//! Most of them want another row: they are found out by a glance, one after the other, and written. Those who meet a lock still wait once
//! more, a few at a time, while the groups go on.

use std::{sync::Arc, time::Duration};

use registry_core::port::Position;
use tokio::{sync::Semaphore, time::timeout_at};

use crate::{
    Argument,
    ColumnType::Int,
    Dialect, Driver, EngineError, Failure, Sql,
    group::{Pending, answer_all, apply_in, stepwise},
    retry::{Stop, retrying_waited},
    work::Work,
};

/// How long a glance waits for a lock.
const GLANCE: Duration = Duration::from_millis(20);
/// Who stood in line for so long, from being handed in, is told that the row is held rather than begun: a request has 30 s, and a caller who
/// was told by then that the outcome is unknown must not be written afterwards.
const PATIENCE: Duration = Duration::from_secs(15);

/// Who may wait once more at the same time: each has a connection while it does.
pub(crate) fn turns(groups: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((groups / 2).max(1)))
}

/// Runs the members of a group apart; returns when none is left but those that wait, which go on by themselves.
pub(crate) async fn run<D: Driver>(driver: &Arc<D>, turns: &Arc<Semaphore>, members: Vec<Pending>) {
    for one in members {
        if one.is_gone() {
            continue;
        }
        match retrying_waited(|| glance(driver.as_ref(), &one.work)).await {
            Err(stop) if is_held(&stop) => {
                tokio::spawn(wait(Arc::clone(driver), Arc::clone(turns), one, stop));
            }
            result => answer_all(vec![one], result),
        }
    }
}

fn is_held(stop: &Stop) -> bool {
    matches!(
        stop.failure(),
        Some(Failure::LockTimeout | Failure::TypeLockTimeout)
    )
}

/// Waits for a turn, and then for the lock, as long as the engine is set to. `held` is the answer when no turn comes.
async fn wait<D: Driver>(driver: Arc<D>, turns: Arc<Semaphore>, one: Pending, held: Stop) {
    let turn = timeout_at(one.since + PATIENCE, turns.acquire()).await;
    if one.is_gone() {
        return;
    }
    let result = match turn {
        Ok(Ok(_turn)) => retrying_waited(|| stepwise(driver.as_ref(), &one.work)).await,
        Ok(Err(_)) | Err(_) => Err(held),
    };
    answer_all(vec![one], result);
}

/// Goes step by step, waiting for no lock to speak of.
async fn glance<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    let mut transaction = driver.begin().await?;
    if let Err(error) = hurry(driver, &mut transaction).await {
        driver.rollback(transaction).await;
        return Err(error.into());
    }
    apply_in(driver, transaction, work).await
}

/// Bounds the waits for locks in this transaction alone. On SQLite none is waited for.
async fn hurry<D: Driver>(driver: &D, transaction: &mut D::Transaction) -> Result<(), EngineError> {
    if D::DIALECT == Dialect::Sqlite {
        return Ok(());
    }
    let mut sql = Sql::new(D::DIALECT);
    sql.push("SELECT length(set_config('lock_timeout', ")
        .bind(Argument::Text(GLANCE.as_millis().to_string()))
        .push(", true))::bigint");
    driver.fetch_in(transaction, sql.finish(&[Int])).await?;
    Ok(())
}
