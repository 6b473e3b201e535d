//! Group commit: change sets that arrive together share a transaction (SQLite) or a statement (PostgreSQL), each succeeding or failing on
//! its own, none waiting for company.

use std::{collections::HashSet, sync::Arc};

use registry_core::{
    EntityId, Scope,
    change::{ChangeSet, KeyRow},
    port::{CommitError, Position, Receipt, StoreError, StoreErrorKind},
};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{
    Dialect, Driver, Failure,
    apply::{self, Stop, Work},
    driver::Committing,
    one_statement, types,
};

/// A group closes at this many change sets…
const GROUP_SETS: usize = 64;
/// …or at about this many bytes of rows…
const GROUP_BYTES: usize = 1024 * 1024;
/// …or when nobody else is waiting. So many may wait before writers are told to come back later.
const QUEUE: usize = 4_096;
/// A serialization failure or deadlock runs the whole again this often.
const RETRIES: usize = 3;

type Reply = oneshot::Sender<Result<Receipt, CommitError>>;

/// A change set on its way.
#[derive(Debug)]
struct Pending {
    set: ChangeSet,
    work: Work,
    reply: Reply,
}

/// The way in: a queue to the tasks that commit.
#[derive(Debug)]
pub(crate) struct Groups {
    queue: mpsc::Sender<Pending>,
}

impl Groups {
    /// Starts the committing tasks; they end when the `Groups` is dropped and the queue is empty.
    pub(crate) fn start<D: Driver>(driver: &Arc<D>) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..D::WRITERS {
            tokio::spawn(work(Arc::clone(driver), Arc::clone(&receiver)));
        }
        Self { queue }
    }

    /// Hands a change set in and waits for its fate.
    pub(crate) async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        let (reply, answer) = oneshot::channel();
        let work = Work::of(&set);
        self.queue
            .try_send(Pending { set, work, reply })
            .map_err(|error| {
                StoreError::new(
                    StoreErrorKind::Unavailable,
                    "queueing a change set",
                    error.to_string(),
                )
            })?;
        let result = match answer.await {
            Ok(result) => result,
            // The task went away with the change set in hand: nobody knows how far it came.
            Err(error) => {
                Err(StoreError::new(StoreErrorKind::UnknownOutcome, "committing", error).into())
            }
        };
        metrics::counter!("registry_commits_total", "outcome" => outcome(&result)).increment(1);
        result
    }
}

async fn work<D: Driver>(driver: Arc<D>, receiver: Arc<Mutex<mpsc::Receiver<Pending>>>) {
    let mut left: Option<Pending> = None;
    loop {
        let group = if let Some(first) = left.take() {
            // Another task may be waiting on the empty queue: what was left over must not wait with it.
            match receiver.try_lock() {
                Ok(mut queue) => collect(first, &mut queue, &mut left),
                Err(_) => vec![first],
            }
        } else {
            let mut queue = receiver.lock().await;
            let Some(first) = queue.recv().await else {
                return;
            };
            collect(first, &mut queue, &mut left)
        };
        metrics::histogram!("registry_commit_group_size")
            .record(f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX)));
        commit_group(driver.as_ref(), group).await;
    }
}

/// Takes what is waiting and may share a transaction with the first; what may not is left for the next group.
fn collect(
    first: Pending,
    queue: &mut mpsc::Receiver<Pending>,
    left: &mut Option<Pending>,
) -> Vec<Pending> {
    let mut shared = Shared::default();
    if !shared.admits(&first) {
        return vec![first];
    }
    let mut group = vec![first];
    while group.len() < GROUP_SETS && shared.bytes < GROUP_BYTES {
        let Ok(next) = queue.try_recv() else {
            break;
        };
        if !shared.admits(&next) {
            *left = Some(next);
            break;
        }
        group.push(next);
    }
    group
}

/// What a group touches so far. Members must not meet: each is applied as if alone.
#[derive(Default)]
struct Shared {
    entities: HashSet<EntityId>,
    keys: HashSet<KeyRow>,
    scope: Option<Scope>,
    bytes: usize,
}

impl Shared {
    /// Adds a change set unless it meets what is there, or is of a kind that goes alone.
    fn admits(&mut self, pending: &Pending) -> bool {
        let Pending { set, work, .. } = pending;
        if set.type_change.is_some() || self.scope.as_ref().is_some_and(|scope| *scope != set.scope)
        {
            return false;
        }
        let batch = &work.batch;
        let touched: HashSet<EntityId> = work.operations.keys().copied().collect();
        let linked = batch
            .targets
            .iter()
            .map(|check| check.target)
            .filter(|target| !touched.contains(target));
        let reached: Vec<EntityId> = touched.iter().copied().chain(linked).collect();
        // A key without its entity: whoever claims or frees the same value meets.
        let keys: Vec<KeyRow> = batch
            .keys_added
            .iter()
            .chain(&batch.keys_removed)
            .map(|row| KeyRow {
                entity: EntityId(uuid::Uuid::nil()),
                ..row.clone()
            })
            .collect();
        if reached.iter().any(|id| self.entities.contains(id))
            || keys.iter().any(|key| self.keys.contains(key))
        {
            return false;
        }
        self.entities.extend(touched);
        self.keys.extend(keys);
        self.scope.get_or_insert_with(|| set.scope.clone());
        self.bytes += batch
            .created
            .iter()
            .chain(&batch.updated)
            .map(|entity| 300 + entity.data.len() * 60)
            .sum::<usize>();
        true
    }
}

async fn commit_group<D: Driver>(driver: &D, group: Vec<Pending>) {
    if group.len() > 1 {
        let merged = merge(&group);
        match run(driver, &merged).await {
            Ok(position) => {
                for pending in group {
                    // A writer that went away needs no answer.
                    let _ = pending.reply.send(Ok(Receipt { position }));
                }
                return;
            }
            Err(error) => {
                if let CommitError::Store(store) = &error
                    && store.may_have_applied()
                {
                    let detail = store.to_string();
                    for pending in group {
                        let error = StoreError::new(
                            StoreErrorKind::UnknownOutcome,
                            "committing a group",
                            detail.clone(),
                        );
                        let _ = pending.reply.send(Err(error.into()));
                    }
                    return;
                }
                tracing::debug!(%error, members = group.len(), "group refused, members run one by one");
            }
        }
    }
    for pending in group {
        let result = match &pending.set.type_change {
            None => run(driver, &pending.work).await,
            Some(change) => retrying(|| types::change(driver, &pending.set, change)).await,
        };
        let _ = pending
            .reply
            .send(result.map(|position| Receipt { position }));
    }
}

fn outcome(result: &Result<Receipt, CommitError>) -> &'static str {
    match result {
        Ok(_) => "applied",
        Err(CommitError::Conflict(_)) => "refused",
        Err(CommitError::Store(_)) => "failed",
    }
}

/// One work of all; none of them meets another.
fn merge(group: &[Pending]) -> Work {
    let mut merged = Work::default();
    for Pending { work, .. } in group {
        for entity_type in &work.types {
            if !merged
                .types
                .iter()
                .any(|one| one.id == entity_type.id && one.version == entity_type.version)
            {
                merged.types.push(Arc::clone(entity_type));
            }
        }
        merged.scope = work.scope.clone();
        merged.batch.append(work.batch.clone());
    }
    merged.batch.keys_added.sort();
    merged
}

/// Runs one work: as one statement where the engine takes it, else, or when that was refused, step by step.
pub(crate) async fn run<D: Driver>(driver: &D, work: &Work) -> Result<Position, CommitError> {
    if work.batch.changes.is_empty() {
        return Ok(Position {
            transaction: 0,
            sequence: 0,
        });
    }
    if D::DIALECT == Dialect::Postgres && one_statement::possible(work) {
        match one_statement::run(driver, work).await {
            Ok(position) => return Ok(position),
            Err(error) if error.failure == Failure::ConnectionLost => {
                return Err(error.into_store_error("committing", Committing::Yes).into());
            }
            Err(error) if error.failure == Failure::Unavailable => {
                return Err(error.into_store_error("committing", Committing::No).into());
            }
            Err(error) => {
                tracing::debug!(error = %error.source, "statement refused, going step by step");
            }
        }
    }
    retrying(|| stepwise(driver, work)).await
}

async fn stepwise<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    let mut transaction = driver.begin().await?;
    match apply::apply(driver, &mut transaction, work).await {
        Ok(position) => {
            commit(driver, transaction).await?;
            Ok(position)
        }
        Err(stop) => {
            driver.rollback(transaction).await;
            Err(stop)
        }
    }
}

/// Commits; whatever goes wrong there leaves the outcome open.
pub(crate) async fn commit<D: Driver>(driver: &D, transaction: D::Transaction) -> Result<(), Stop> {
    driver.commit(transaction).await.map_err(|error| {
        if error.failure == Failure::Retry {
            return Stop::Engine(error);
        }
        Stop::Store(StoreError::new(
            StoreErrorKind::UnknownOutcome,
            "committing",
            error.source,
        ))
    })
}

/// Runs a transaction again, whole, while the engine says that it may be.
async fn retrying<F, T>(mut attempt: F) -> Result<Position, CommitError>
where
    F: FnMut() -> T,
    T: Future<Output = Result<Position, Stop>>,
{
    let mut tries = 0;
    loop {
        match attempt().await {
            Ok(position) => return Ok(position),
            Err(Stop::Engine(error)) if error.failure == Failure::Retry && tries < RETRIES => {
                tries += 1;
            }
            // Somebody inserted the same key between our look and our insert and is gone again, or the like: look again.
            Err(Stop::Engine(error)) if error.failure == Failure::Unique && tries < RETRIES => {
                tries += 1;
            }
            Err(stop) => return Err(stop.into_commit_error("committing", Committing::No)),
        }
    }
}

/// The refusal of a change set that is none: a defect of whoever made it, told before any of it is applied.
pub(crate) fn defect(set: &ChangeSet) -> Option<StoreError> {
    let what = if set.operations.len() > registry_core::limits::OPERATIONS {
        "a change set with more operations than a store takes"
    } else {
        set.defect()?
    };
    Some(StoreError::internal("committing", what))
}
