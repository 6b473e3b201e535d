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
    /// A transaction was left open by whoever had it before.
    open: bool,
}

/// Connections to one file.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
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
            let mut inner = SqliteConnection::connect_with(options)
                .await
                .map_err(classify)?;
            let deadline = Arc::new(AtomicU64::new(NEVER));
            let watched = Arc::clone(&deadline);
            let in_time = move || watched.load(Ordering::Relaxed) > elapsed(begun);
            inner
                .lock_handle()
                .await
                .map_err(classify)?
                .set_progress_handler(STEPS, in_time);
            connections.push(Connection {
                inner,
                deadline,
                open: false,
            });
        }
        Ok(Self {
            idle: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(size)),
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
        let connection = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = connection.ok_or_else(|| unavailable("the pool lost a connection"))?;
        let deadline = limit.map_or(NEVER, |limit| elapsed(self.begun) + millis(limit));
        connection.deadline.store(deadline, Ordering::Relaxed);
        let mut pooled = Pooled {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            _permit: permit,
        };
        if pooled.is_open() {
            sqlx::query("ROLLBACK")
                .execute(pooled.get()?)
                .await
                .map_err(classify)?;
            pooled.set_open(Open::No);
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

/// Whether a transaction is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    Yes,
    No,
}

/// A connection in use; goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pooled {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
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

    /// Notes whether a transaction is open, so that an abandoned one is rolled back before the connection is used again.
    pub(crate) fn set_open(&mut self, open: Open) {
        if let Some(connection) = &mut self.connection {
            connection.open = open == Open::Yes;
        }
    }

    fn is_open(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.open)
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.deadline.store(NEVER, Ordering::Relaxed);
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}
