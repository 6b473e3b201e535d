//! What PostgreSQL's errors mean.

use registry_sql::{EngineError, Failure};
use sqlx::postgres::PgDatabaseError;

/// Classifies by SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(crate) fn classify(error: sqlx::Error) -> EngineError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .unwrap_or_default()
        .into_owned();
    let failure = match (&error, code.as_str()) {
        (_, "RG001") => Failure::Expectation,
        (_, "23505") => Failure::Unique,
        // serialization_failure, deadlock_detected
        (_, "40001" | "40P01") => Failure::Retry,
        // query_canceled, which is what a statement timeout is
        (_, "57014") => Failure::Timeout,
        // lock_not_available, which is what a lock timeout is
        (error, "55P03") if of_a_type(error) => Failure::TypeLockTimeout,
        (_, "55P03") => Failure::LockTimeout,
        // disk_full
        (_, "53100") => Failure::Full,
        // admin_shutdown, crash_shutdown: the connection ends with them, whatever the statement had come to
        (_, "57P01" | "57P02") => Failure::ConnectionLost,
        // cannot_connect_now, too_many_connections and their kin, read_only_sql_transaction
        (_, "57P03" | "53300" | "53200" | "53400" | "25006") => Failure::Unavailable,
        (_, code) if code.starts_with("08") => Failure::ConnectionLost,
        (sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed, _) => {
            Failure::ConnectionLost
        }
        (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_), _) => {
            Failure::Unavailable
        }
        _ => Failure::Other,
    };
    EngineError {
        failure,
        source: Box::new(error),
    }
}

/// Whether the lock waited for was that of a type: the function that takes it is named in the error's context, whatever its language.
fn of_a_type(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .and_then(PgDatabaseError::r#where)
        .is_some_and(|context| context.contains("registry_type_version"))
}
