//! Why a transaction stopped, and when it may be run again.

use registry_core::port::{CommitError, Conflict, StoreError};

use crate::{EngineError, Failure, driver::Committing};

/// A serialization failure or deadlock runs the whole again this often.
const RETRIES: usize = 3;
/// The wait for a row that somebody holds has had its time: it is waited for once more, and the caller told then.
const LOCK_RETRIES: usize = 1;

/// Why applying stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An expectation was not met.
    Conflict(Conflict),
    /// The engine failed.
    Engine(EngineError),
    /// What was stored does not decode.
    Store(StoreError),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Conflict> for Stop {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl Stop {
    /// As the port has it.
    pub(crate) fn into_commit_error(
        self,
        subject: &'static str,
        committing: Committing,
    ) -> CommitError {
        match self {
            Self::Conflict(conflict) => CommitError::Conflict(conflict),
            Self::Engine(error) => CommitError::Store(error.into_store_error(subject, committing)),
            Self::Store(error) => CommitError::Store(error),
        }
    }

    /// As the port has it, where no conflict is expected.
    pub(crate) fn into_store_error(self, subject: &'static str) -> StoreError {
        match self {
            Self::Conflict(conflict) => StoreError::internal(subject, conflict),
            Self::Engine(error) => error.into_store_error(subject, Committing::No),
            Self::Store(error) => error,
        }
    }

    /// The engine's failure, if it was one.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Engine(error) => Some(error.failure),
            Self::Conflict(_) | Self::Store(_) => None,
        }
    }
}

/// Runs a transaction again, whole, while the engine says that it may be.
pub(crate) async fn retrying<R, F, T>(attempt: F) -> Result<R, Stop>
where
    F: FnMut() -> T,
    T: Future<Output = Result<R, Stop>>,
{
    again(LOCK_RETRIES, attempt).await
}

/// The same where a lock was waited for in vain already: what meets it again is told.
pub(crate) async fn retrying_waited<R, F, T>(attempt: F) -> Result<R, Stop>
where
    F: FnMut() -> T,
    T: Future<Output = Result<R, Stop>>,
{
    again(0, attempt).await
}

async fn again<R, F, T>(lock_retries: usize, mut attempt: F) -> Result<R, Stop>
where
    F: FnMut() -> T,
    T: Future<Output = Result<R, Stop>>,
{
    let mut tries = 0;
    loop {
        match attempt().await {
            Err(stop) if tries < retries(&stop, lock_retries) => tries += 1,
            done => return done,
        }
    }
}

fn retries(stop: &Stop, lock_retries: usize) -> usize {
    match stop.failure() {
        // Unique: somebody inserted the same key between our look and our insert and is gone again, or the like. Look again.
        Some(Failure::Retry | Failure::Unique) => RETRIES,
        Some(Failure::LockTimeout) => lock_retries,
        Some(
            Failure::Unavailable
            | Failure::ConnectionLost
            | Failure::Timeout
            | Failure::TypeLockTimeout
            | Failure::Expectation
            | Failure::Full
            | Failure::Other,
        )
        | None => 0,
    }
}
