//! What SQLite's errors mean.

use registry_sql::{EngineError, Failure};

/// Classifies by primary result code (<https://sqlite.org/rescode.html>).
pub(crate) fn classify(error: sqlx::Error) -> EngineError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    let failure = match (&error, code.map(|code| code & 0xff), code) {
        (_, _, Some(1555 | 2067)) => Failure::Unique,
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CANTOPEN
        (_, Some(5 | 6 | 14), _) => Failure::Unavailable,
        // SQLITE_INTERRUPT
        (_, Some(9), _) => Failure::Timeout,
        // SQLITE_FULL
        (_, Some(13), _) => Failure::Full,
        (sqlx::Error::WorkerCrashed, _, _) => Failure::ConnectionLost,
        (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, _, _) => Failure::Unavailable,
        _ => Failure::Other,
    };
    EngineError {
        failure,
        source: Box::new(error),
    }
}
