//! A small pool. Each connection has a deadline that its progress handler watches: a statement past it is interrupted.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use registry_sql::{EngineError, Failure};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::classify;

/// Virtual machine steps between two looks at the clock.
const STEPS: i32 = 20_000;
const NEVER: u64 = u64::MAX;

/// A connection and its deadline.
#[derive(Debug)]
struct Connection {
    inner: SqliteConnection,
    deadline: Arc<AtomicU64>,
    /// Whoever had it before left a transaction open, or went away in the middle of a statement.
    left_open: bool,
}

impl Connection {
    async fn open(options: &SqliteConnectOptions, begun: Instant) -> Result<Self, EngineError> {
        let mut inner = SqliteConnection::connect_with(options)
            .await
            .map_err(classify)?;
        let deadline = Arc::new(AtomicU64::new(NEVER));
        let watched = Arc::clone(&deadline);
        let in_time = move || watched.load(Ordering::Relaxed) > elapsed(begun);
        let mut handle = inner.lock_handle().await.map_err(classify)?;
        handle.set_progress_handler(STEPS, in_time);
        drop(handle);
        Ok(Self {
            inner,
            deadline,
            left_open: false,
        })
    }

    /// Makes a connection that was left in the middle of something as good as new; `false` when it must be replaced.
    async fn recover(&mut self) -> bool {
        // Statements run in the order they came, and the deadline is past: what was left is interrupted before this one has its turn, which is
        // too short to be. It fails, too, where SQLite ended the transaction by itself: the connection is not trusted any more then.
        let recovered = sqlx::query("ROLLBACK").execute(&mut self.inner).await;
        self.deadline.store(NEVER, Ordering::Relaxed);
        recovered.is_ok()
    }
}

/// Connections to one file.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    options: SqliteConnectOptions,
    wait: Duration,
    begun: Instant,
    size: usize,
}

impl Pool {
    /// Opens `size` connections.
    pub(crate) async fn open(
        options: &SqliteConnectOptions,
        size: usize,
        wait: Duration,
    ) -> Result<Self, EngineError> {
        let begun = Instant::now();
        let mut connections = Vec::with_capacity(size);
        for _ in 0..size {
            connections.push(Connection::open(options, begun).await?);
        }
        Ok(Self {
            idle: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(size)),
            options: options.clone(),
            wait,
            begun,
            size,
        })
    }

    /// How many connections there are, and how many of them are idle.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.size, self.permits.available_permits())
    }

    /// A connection, first come first served. With a limit, statements on it end in time.
    pub(crate) async fn acquire(&self, limit: Option<Duration>) -> Result<Pooled, EngineError> {
        let permit =
            tokio::time::timeout(self.wait, Arc::clone(&self.permits).acquire_owned()).await;
        let unavailable = |source: &'static str| EngineError {
            failure: Failure::Unavailable,
            source: source.into(),
        };
        let Ok(Ok(permit)) = permit else {
            return Err(unavailable("no connection became free in time"));
        };
        let taken = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        // From here on the connection goes back however this ends.
        let mut pooled = Pooled {
            connection: taken,
            idle: Arc::clone(&self.idle),
            state: State::Idle,
            _permit: permit,
        };
        let usable = match &mut pooled.connection {
            Some(connection) if connection.left_open => connection.recover().await,
            Some(_) => true,
            None => false,
        };
        if !usable {
            pooled.connection = None;
            pooled.connection = Some(Connection::open(&self.options, self.begun).await?);
        }
        if let Some(connection) = &mut pooled.connection {
            connection.left_open = false;
            let deadline = limit.map_or(NEVER, |limit| elapsed(self.begun) + millis(limit));
            connection.deadline.store(deadline, Ordering::Relaxed);
        }
        Ok(pooled)
    }
}

fn elapsed(begun: Instant) -> u64 {
    millis(begun.elapsed())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

/// What whoever has a connection is doing with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing: it may go back as it is.
    Idle,
    /// A statement or a transaction is under way, or ended in a way that leaves its state open.
    Busy,
}

/// A connection in use; goes back when it is dropped. Dropped while it is busy, it is recovered or replaced before it is used again.
#[derive(Debug)]
pub(crate) struct Pooled {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    state: State,
    // Dropped after the connection went back, so that whoever gets the permit finds it.
    _permit: OwnedSemaphorePermit,
}

impl Pooled {
    /// The connection.
    pub(crate) fn get(&mut self) -> Result<&mut SqliteConnection, EngineError> {
        match &mut self.connection {
            Some(connection) => Ok(&mut connection.inner),
            None => Err(EngineError {
                failure: Failure::Other,
                source: "the connection is gone".into(),
            }),
        }
    }

    /// Says what is being done with it.
    pub(crate) fn set_state(&mut self, state: State) {
        self.state = state;
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Nobody waits for what still runs: it is over at the next look at the clock.
            let (left_open, deadline) = match self.state {
                State::Idle => (false, NEVER),
                State::Busy => (true, 0),
            };
            connection.left_open = left_open;
            connection.deadline.store(deadline, Ordering::Relaxed);
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
        }
    }
}
