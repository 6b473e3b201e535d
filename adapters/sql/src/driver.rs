//! What an engine supplies: connections, binding and decoding, and what its errors mean.

use std::{error::Error, fmt::Debug, future::Future};

use registry_core::port::{StoreError, StoreErrorKind};

use crate::{ColumnType, Dialect, Row, Statement};

/// What an engine's error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not reachable, or no connection free in time.
    Unavailable,
    /// The connection was lost in the middle of a statement: a write outside a transaction may have happened.
    ConnectionLost,
    /// The statement ran too long.
    Timeout,
    /// The lock of a row was not had in time.
    LockTimeout,
    /// The lock of a type was not had in time.
    TypeLockTimeout,
    /// Serialization failure or deadlock: the whole transaction may be run again.
    Retry,
    /// `registry_expect` was not met.
    Expectation,
    /// A unique index was violated.
    Unique,
    /// No room left.
    Full,
    /// Anything else.
    Other,
}

/// An engine's error, classified.
#[derive(Debug)]
pub struct EngineError {
    /// What it means.
    pub failure: Failure,
    /// The error.
    pub source: Box<dyn Error + Send + Sync>,
}

impl EngineError {
    /// As the port has it. `committing`: whether a lost connection leaves the outcome open.
    pub fn into_store_error(self, subject: &'static str, committing: Committing) -> StoreError {
        let kind = match (self.failure, committing) {
            (Failure::ConnectionLost, Committing::Yes) => StoreErrorKind::UnknownOutcome,
            (Failure::Unavailable | Failure::ConnectionLost, _) => StoreErrorKind::Unavailable,
            (Failure::Retry | Failure::LockTimeout, _) => StoreErrorKind::Busy,
            (Failure::Timeout, _) => StoreErrorKind::Timeout,
            (Failure::TypeLockTimeout, _) => StoreErrorKind::TypeChanging,
            (Failure::Full, _) => StoreErrorKind::Full,
            (Failure::Expectation | Failure::Unique | Failure::Other, _) => {
                StoreErrorKind::Internal
            }
        };
        StoreError::new(kind, subject, self.source)
    }
}

/// Whether a failed statement may have committed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committing {
    /// It may.
    Yes,
    /// It cannot.
    No,
}

/// An engine. Methods are `-> impl Future + Send` so that the store over them is.
pub trait Driver: Debug + Send + Sync + 'static {
    /// Its dialect.
    const DIALECT: Dialect;
    /// How many groups of single reads may run side by side.
    const READERS: usize;

    /// An open transaction. Dropped without [`Driver::commit`], it is rolled back.
    type Transaction: Send;

    /// Runs a statement that reads by itself.
    fn fetch(
        &self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Row>, EngineError>> + Send;

    /// Runs a statement that writes by itself, in a transaction of its own, and returns its rows.
    fn write(
        &self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Row>, EngineError>> + Send;

    /// Runs a statement about a row or two of the store's own by itself, in a transaction of its own, and returns how many rows it touched.
    /// Loads cannot keep it waiting, where an engine has several writers.
    fn tend(&self, statement: Statement) -> impl Future<Output = Result<u64, EngineError>> + Send;

    /// Begins a transaction that writes.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction, EngineError>> + Send;

    /// Begins a transaction that reads one snapshot.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Transaction, EngineError>> + Send;

    /// Runs a statement in a transaction and returns its rows.
    fn fetch_in(
        &self,
        transaction: &mut Self::Transaction,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Row>, EngineError>> + Send;

    /// Runs a statement in a transaction and returns how many rows it touched.
    fn execute_in(
        &self,
        transaction: &mut Self::Transaction,
        statement: Statement,
    ) -> impl Future<Output = Result<u64, EngineError>> + Send;

    /// Runs the statements of a script, parted by semicolons, in a transaction, in one trip to the engine, and returns what each of them
    /// did; the arguments stand in their order, and `columns` tells what the rows of each hold. An error ends the script where it came up.
    /// Asked of SQLite alone.
    fn script_in(
        &self,
        transaction: &mut Self::Transaction,
        script: Statement,
        columns: &[&'static [ColumnType]],
    ) -> impl Future<Output = Result<Vec<Outcome>, EngineError>> + Send;

    /// Commits. An error leaves the outcome open; the connection must not be used again.
    fn commit(
        &self,
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Rolls back; returns once the engine has done so, as far as it can tell.
    fn rollback(&self, transaction: Self::Transaction) -> impl Future<Output = ()> + Send;

    /// How many groups of change sets may commit side by side, at least one. Members of groups that wait for a row, loads and changes of
    /// types write beside them, so where locks are waited for it is at most half the connections for writing.
    fn groups(&self) -> usize;

    /// How many connections there are for reading, and how many of them are idle.
    fn pool_sizes(&self) -> (usize, usize);
}

/// What one statement of a script did.
#[derive(Debug)]
pub struct Outcome {
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many rows it touched.
    pub touched: u64,
}

/// Whether to bring older tables up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrations {
    /// Yes.
    Apply,
    /// No: an older store is refused.
    Refuse,
}
