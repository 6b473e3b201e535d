//! Group commit: change sets that arrive together share a transaction (SQLite) or a statement (PostgreSQL), each succeeding or failing on
//! its own, none waiting for company.

use std::{collections::HashSet, sync::Arc};

use registry_core::{
    EntityId, Scope,
    change::{ChangeSet, KeyRow},
    port::{CommitError, Position, Receipt, StoreError, StoreErrorKind},
};
use tokio::{
    sync::{Mutex, Semaphore, mpsc, oneshot},
    time::Instant,
};

use crate::{
    Dialect, Driver, EngineError, Failure, apart, apply,
    driver::Committing,
    one_statement,
    retry::{Stop, retrying, retrying_waited},
    script, types,
    work::Work,
};

/// A group closes at this many change sets…
const GROUP_SETS: usize = 64;
/// …or at about this many bytes of rows…
const GROUP_BYTES: usize = 1024 * 1024;
/// …or when nobody else is waiting. So many may wait before writers are told to come back later.
const QUEUE: usize = 4_096;

type Reply = oneshot::Sender<Result<Receipt, CommitError>>;

/// A change set on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    set: ChangeSet,
    pub(crate) work: Work,
    /// When it was handed in.
    pub(crate) since: Instant,
    reply: Reply,
}

impl Pending {
    /// Whether nobody waits for the answer. Whoever went away does not learn what became of the write, so it may as well not be made.
    pub(crate) fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }
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
        let groups = driver.groups();
        let turns = apart::turns(groups);
        for _ in 0..groups {
            let turns = Arc::clone(&turns);
            tokio::spawn(work(Arc::clone(driver), turns, Arc::clone(&receiver)));
        }
        Self { queue }
    }

    /// Hands a change set in and waits for its fate.
    pub(crate) async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError> {
        let (reply, answer) = oneshot::channel();
        let work = Work::of(&set);
        self.queue
            .try_send(Pending {
                set,
                work,
                since: Instant::now(),
                reply,
            })
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

async fn work<D: Driver>(
    driver: Arc<D>,
    turns: Arc<Semaphore>,
    receiver: Arc<Mutex<mpsc::Receiver<Pending>>>,
) {
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
        commit_group(&driver, &turns, group).await;
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
    /// Entities that members make, change or delete.
    touched: HashSet<EntityId>,
    /// Entities that members link to.
    linked: HashSet<EntityId>,
    keys: HashSet<KeyRow>,
    /// The scope under which link targets are looked at.
    scope: Option<Scope>,
    bytes: usize,
}

impl Shared {
    /// Adds a change set unless it meets what is there, or is of a kind that goes alone.
    fn admits(&mut self, pending: &Pending) -> bool {
        let Pending { set, work, .. } = pending;
        let batch = &work.batch;
        let links = !batch.targets.is_empty();
        let other_scope = |scope: &Scope| links && *scope != set.scope;
        if set.type_change.is_some() || self.scope.as_ref().is_some_and(other_scope) {
            return false;
        }
        let touched: HashSet<EntityId> = work.operations.keys().copied().collect();
        let targets = batch.targets.iter().map(|check| check.target);
        let linked: HashSet<EntityId> = targets.filter(|id| !touched.contains(id)).collect();
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
        if !touched.is_disjoint(&self.touched)
            || !touched.is_disjoint(&self.linked)
            || !linked.is_disjoint(&self.touched)
            || keys.iter().any(|key| self.keys.contains(key))
        {
            return false;
        }
        self.touched.extend(touched);
        self.linked.extend(linked);
        self.keys.extend(keys);
        if links {
            self.scope.get_or_insert_with(|| set.scope.clone());
        }
        let rows = batch.created.iter().chain(&batch.updated);
        self.bytes += rows
            .map(|entity| 300 + entity.data.len() * 60)
            .sum::<usize>();
        true
    }
}

/// Commits a group: all of it at once; when that is refused, halves of it, until those who are at fault stand alone. A failure that is
/// nobody's fault is everybody's answer.
async fn commit_group<D: Driver>(shared: &Arc<D>, turns: &Arc<Semaphore>, group: Vec<Pending>) {
    let driver = shared.as_ref();
    let mut groups = vec![group];
    while let Some(mut group) = groups.pop() {
        group.retain(|pending| !pending.is_gone());
        let Some(last) = group.last() else {
            continue;
        };
        let result = match (&last.set.type_change, group.len()) {
            (Some(change), _) => retrying(|| types::change(driver, &last.set, change)).await,
            (None, 1) => run(driver, &last.work).await,
            (None, _) => run_merged(driver, &Work::merged(group.iter().map(|one| &one.work))).await,
        };
        match result {
            Err(stop) if let Some(at) = divide(&stop, &mut group) => {
                tracing::debug!(
                    ?stop,
                    members = group.len(),
                    "group refused, its parts go on"
                );
                // The later part is pushed first, so that the earlier one goes first.
                let later = group.split_off(at);
                groups.push(later);
                groups.push(group);
            }
            Err(stop) if stop.failure() == Some(Failure::LockTimeout) && group.len() > 1 => {
                tracing::debug!(
                    ?stop,
                    members = group.len(),
                    "a row is held, members go apart"
                );
                apart::run(shared, turns, group).await;
            }
            result => answer_all(group, result),
        }
    }
}

/// Gives all of them the same answer.
pub(crate) fn answer_all(group: Vec<Pending>, result: Result<Position, Stop>) {
    match result.map_err(|stop| stop.into_commit_error("committing", Committing::No)) {
        Ok(position) => {
            for pending in group {
                answer(pending, Ok(Receipt { position }));
            }
        }
        Err(CommitError::Conflict(conflict)) => {
            for pending in group {
                answer(pending, Err(conflict.clone().into()));
            }
        }
        Err(CommitError::Store(error)) => {
            let (kind, subject) = (error.kind, error.subject);
            let cause = error
                .source
                .map(|cause| cause.to_string())
                .unwrap_or_default();
            for pending in group {
                let error = StoreError::new(kind, subject, cause.clone());
                answer(pending, Err(error.into()));
            }
        }
    }
}

/// A writer that went away needs no answer.
fn answer(pending: Pending, result: Result<Receipt, CommitError>) {
    let _ = pending.reply.send(result);
}

/// Where to divide a group whose error may be the fault of some of its members, so that the others do not share it; `None` where everybody
/// gets the error. A type that is being changed is divided from the others, rather than waited for again and again in halves.
fn divide(stop: &Stop, group: &mut [Pending]) -> Option<usize> {
    if group.len() < 2 {
        return None;
    }
    let halves = Some(group.len() / 2);
    match stop {
        Stop::Conflict(_) => halves,
        Stop::Store(error) => halves.filter(|_| error.kind == StoreErrorKind::Internal),
        Stop::Engine(error) => match error.failure {
            Failure::Expectation | Failure::Unique | Failure::Other => halves,
            Failure::TypeLockTimeout => {
                let first = group
                    .first()
                    .and_then(|one| one.work.types.first().map(|one| one.id));
                let apart = |one: &Pending| !one.work.types.iter().any(|of| Some(of.id) == first);
                // Stable: each part keeps its order.
                group.sort_by_key(apart);
                Some(group.partition_point(|one| !apart(one))).filter(|at| *at < group.len())
            }
            Failure::Unavailable
            | Failure::ConnectionLost
            | Failure::Timeout
            | Failure::LockTimeout
            | Failure::Retry
            | Failure::Full => None,
        },
    }
}

fn outcome(result: &Result<Receipt, CommitError>) -> &'static str {
    match result {
        Ok(_) => "applied",
        Err(CommitError::Conflict(_)) => "refused",
        Err(CommitError::Store(_)) => "failed",
    }
}

/// Runs one work: as one statement where the engine takes it, else, or when an expectation of it was not met, step by step.
async fn run<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    match at_once(driver, work).await {
        Some(Err(error)) if error.failure == Failure::LockTimeout => {
            tracing::debug!(error = %error.source, "a row is held, going step by step once");
            retrying_waited(|| stepwise(driver, work)).await
        }
        Some(Err(error)) if told_by_steps(error.failure) => {
            tracing::debug!(error = %error.source, "statement refused, going step by step");
            by_steps(driver, work).await
        }
        Some(done) => done.map_err(left_open),
        None => by_steps(driver, work).await,
    }
}

/// Runs the work of several: as [`run`], but a statement that was refused is not run step by step, since its parts will be.
async fn run_merged<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    match at_once(driver, work).await {
        Some(Err(error)) if error.failure == Failure::Retry => by_steps(driver, work).await,
        Some(done) => done.map_err(left_open),
        None => by_steps(driver, work).await,
    }
}

/// Runs a work as one statement, unless the engine does not take it so.
async fn at_once<D: Driver>(driver: &D, work: &Work) -> Option<Result<Position, EngineError>> {
    if D::DIALECT == Dialect::Postgres && one_statement::possible(work) {
        Some(one_statement::run(driver, work).await)
    } else {
        None
    }
}

async fn by_steps<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    retrying(|| stepwise(driver, work)).await
}

/// A statement commits by itself: whoever loses the connection does not learn whether it did.
fn left_open(error: EngineError) -> Stop {
    if error.failure == Failure::ConnectionLost {
        Stop::Store(error.into_store_error("committing", Committing::Yes))
    } else {
        Stop::Engine(error)
    }
}

/// Failures of a statement of which going step by step tells more, or that it may not meet.
fn told_by_steps(failure: Failure) -> bool {
    match failure {
        Failure::Expectation | Failure::Unique | Failure::Retry | Failure::Other => true,
        Failure::Unavailable
        | Failure::ConnectionLost
        | Failure::Timeout
        | Failure::LockTimeout
        | Failure::TypeLockTimeout
        | Failure::Full => false,
    }
}

pub(crate) async fn stepwise<D: Driver>(driver: &D, work: &Work) -> Result<Position, Stop> {
    let mut transaction = driver.begin().await?;
    if D::DIALECT == Dialect::Sqlite && script::possible(work) {
        match script::apply(driver, &mut transaction, work).await {
            Ok(Some(position)) => {
                commit(driver, transaction).await?;
                return Ok(position);
            }
            Ok(None) => driver.rollback(transaction).await,
            Err(stop) if stop.failure().is_some_and(told_by_steps) => {
                driver.rollback(transaction).await;
            }
            Err(stop) => {
                driver.rollback(transaction).await;
                return Err(stop);
            }
        }
        transaction = driver.begin().await?;
    }
    apply_in(driver, transaction, work).await
}

/// Applies the work in a transaction that was begun, and commits.
pub(crate) async fn apply_in<D: Driver>(
    driver: &D,
    mut transaction: D::Transaction,
    work: &Work,
) -> Result<Position, Stop> {
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

/// The refusal of a change set that is none: a defect of whoever made it, told before any of it is applied.
pub(crate) fn defect(set: &ChangeSet) -> Option<StoreError> {
    let what = if set.operations.len() > registry_core::limits::OPERATIONS {
        "a change set with more operations than a store takes"
    } else {
        set.defect()?
    };
    Some(StoreError::internal("committing", what))
}
