//! Transactions that take their time: loads, changes of a type with many entities, and the look at a store that may have been restored.

use std::time::Duration;

use crate::{Argument, ColumnType::Int, Dialect, Driver, EngineError, Sql};

/// How long one statement of a type change may run. The type's writers wait meanwhile, each [as long as for any
/// lock](crate::Failure::TypeLockTimeout); a change that takes longer is rolled back whole. Reading and checking 1,000 entities, or claiming as
/// many keys, takes tens of milliseconds; what may need minutes is one statement over all rows of a link that is removed.
const TYPE_CHANGE_STATEMENT: Duration = Duration::from_mins(5);

/// What such a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A slice of a load, or the application of all that is staged: it takes what it takes.
    Load,
    /// A restored log that is numbered anew: it takes what it takes.
    Renumbering,
    /// A change of a type.
    TypeChange,
}

/// Begins a transaction that may take long. On PostgreSQL the connection is set up for writes of a few rows: the bound on statements, and the
/// ways in which they are run, are set for this transaction alone. On SQLite a writer has neither.
pub(crate) async fn begin<D: Driver>(
    driver: &D,
    purpose: Purpose,
) -> Result<D::Transaction, EngineError> {
    let mut transaction = driver.begin().await?;
    if D::DIALECT == Dialect::Postgres {
        let limit = match purpose {
            Purpose::Load | Purpose::Renumbering => Duration::ZERO,
            Purpose::TypeChange => TYPE_CHANGE_STATEMENT,
        };
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT length(set_config('statement_timeout', ")
            .bind(Argument::Text(limit.as_millis().to_string()))
            .push(", true)");
        for setting in ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"] {
            sql.push(&format!(" || set_config('{setting}', 'on', true)"));
        }
        sql.push(" || set_config('plan_cache_mode', 'auto', true)");
        sql.push(")::bigint");
        driver
            .fetch_in(&mut transaction, sql.finish(&[Int]))
            .await?;
    }
    Ok(transaction)
}
