//! Running statements.

use std::time::Duration;

use futures::TryStreamExt as _;
use registry_core::port::{StoreError, StoreErrorKind};
use registry_sql::{
    Argument, Cell, ColumnType, Dialect, Driver, EngineError, Outcome, Plan, Row, Statement,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Either, Executor as _, Row as _, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
    },
};
use uuid::Uuid;

use crate::{
    SqliteConfig,
    error::classify,
    migrate,
    pool::{Pool, Pooled, State},
};

/// Older versions may lose committed writes when a write meets a checkpoint (the WAL-reset bug).
const OLDEST: (u64, u64, u64) = (3, 51, 3);

/// Connections to one SQLite file: several that read, one that writes.
#[derive(Debug)]
pub struct SqliteDriver {
    readers: Pool,
    writer: Pool,
    statement_timeout: Duration,
}

impl SqliteDriver {
    /// Opens the file and brings its tables up to date.
    pub async fn connect(config: SqliteConfig) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(&config.file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged write survives power loss.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(config.wait)
            .statement_cache_capacity(256)
            .optimize_on_close(false, None)
            .pragma("cache_size", "-32768")
            .pragma("temp_store", "MEMORY")
            // Slow statements are an error of their own; the driver would log their whole text.
            .disable_statement_logging();
        let opened = |error: EngineError| {
            error.into_store_error("opening the database", registry_sql::Committing::No)
        };
        let writer = Pool::open(&options, 1, config.wait).await.map_err(opened)?;
        let mut connection = writer.acquire(None).await.map_err(opened)?;
        check_version(connection.get().map_err(opened)?).await?;
        migrate::run(connection.get().map_err(opened)?, config.migrations).await?;
        drop(connection);
        let reading = options.pragma("query_only", "ON");
        let readers = Pool::open(&reading, config.readers.max(1), config.wait)
            .await
            .map_err(opened)?;
        Ok(Self {
            readers,
            writer,
            statement_timeout: config.statement_timeout,
        })
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let text: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|error| StoreError::internal("reading SQLite's version", error))?;
    let mut parts = text
        .split('.')
        .map(|part| part.parse::<u64>().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    if (part(), part(), part()) < OLDEST {
        return Err(StoreError::new(
            StoreErrorKind::Internal,
            "opening the database",
            format!(
                "SQLite {text} may lose committed writes; {}.{}.{} or later is needed",
                OLDEST.0, OLDEST.1, OLDEST.2
            ),
        ));
    }
    Ok(())
}

fn bind(
    statement: Statement,
) -> (
    Query<'static, Sqlite, SqliteArguments>,
    &'static [ColumnType],
) {
    let mut query =
        sqlx::query(AssertSqlSafe(statement.text)).persistent(statement.plan == Plan::Kept);
    for argument in statement.arguments {
        query = match argument {
            Argument::Int(value) => query.bind(value),
            Argument::Text(value) => query.bind(value),
            Argument::Id(value) => query.bind(value),
            // Sets of rows are one JSON text in this dialect; arrays are not rendered.
            Argument::Ints(_) | Argument::Texts(_) | Argument::Ids(_) => query.bind(None::<i64>),
        };
    }
    (query, statement.columns)
}

fn decode(row: &SqliteRow, columns: &[ColumnType]) -> Result<Row, sqlx::Error> {
    let mut cells = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        cells.push(match column {
            ColumnType::Int => row
                .try_get_unchecked::<Option<i64>, _>(index)?
                .map_or(Cell::Null, Cell::Int),
            ColumnType::Text => row
                .try_get_unchecked::<Option<String>, _>(index)?
                .map_or(Cell::Null, Cell::Text),
            ColumnType::Id => row
                .try_get_unchecked::<Option<Uuid>, _>(index)?
                .map_or(Cell::Null, Cell::Id),
        });
    }
    Ok(Row(cells.into_iter()))
}

async fn fetch(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<Vec<Row>, EngineError> {
    let (query, columns) = bind(statement);
    let rows = query.fetch_all(connection).await.map_err(classify)?;
    rows.iter()
        .map(|row| decode(row, columns).map_err(classify))
        .collect()
}

async fn run(connection: &mut SqliteConnection, text: &'static str) -> Result<(), EngineError> {
    sqlx::query(text)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(classify)
}

/// Begins a transaction; from here to its end the connection is busy.
async fn begin(mut connection: Pooled, text: &'static str) -> Result<Transaction, EngineError> {
    connection.set_state(State::Busy);
    run(connection.get()?, text).await?;
    Ok(Transaction(connection))
}

/// An open transaction on a connection of its own.
#[derive(Debug)]
pub struct Transaction(Pooled);

impl Driver for SqliteDriver {
    const DIALECT: Dialect = Dialect::Sqlite;
    const READERS: usize = 2;

    type Transaction = Transaction;

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        let mut connection = self.readers.acquire(Some(self.statement_timeout)).await?;
        connection.set_state(State::Busy);
        let rows = fetch(connection.get()?, statement).await;
        connection.set_state(State::Idle);
        rows
    }

    async fn write(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        let mut transaction = self.begin().await?;
        let rows = self.fetch_in(&mut transaction, statement).await?;
        self.commit(transaction).await?;
        Ok(rows)
    }

    async fn tend(&self, statement: Statement) -> Result<u64, EngineError> {
        let mut transaction = self.begin().await?;
        let touched = self.execute_in(&mut transaction, statement).await?;
        self.commit(transaction).await?;
        Ok(touched)
    }

    async fn begin(&self) -> Result<Transaction, EngineError> {
        // A deferred transaction that turns into a writer fails at once, whatever the busy timeout.
        begin(self.writer.acquire(None).await?, "BEGIN IMMEDIATE").await
    }

    async fn snapshot(&self) -> Result<Transaction, EngineError> {
        begin(self.readers.acquire(None).await?, "BEGIN").await
    }

    async fn fetch_in(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<Vec<Row>, EngineError> {
        fetch(transaction.0.get()?, statement).await
    }

    async fn execute_in(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<u64, EngineError> {
        let (query, _) = bind(statement);
        let done = query
            .execute(transaction.0.get()?)
            .await
            .map_err(classify)?;
        Ok(done.rows_affected())
    }

    async fn script_in(
        &self,
        transaction: &mut Transaction,
        script: Statement,
        columns: &[&'static [ColumnType]],
    ) -> Result<Vec<Outcome>, EngineError> {
        let (query, _) = bind(script);
        let mut steps = transaction.0.get()?.fetch_many(query);
        let (mut outcomes, mut rows) = (Vec::with_capacity(columns.len()), Vec::new());
        while let Some(step) = steps.try_next().await.map_err(classify)? {
            match step {
                Either::Right(row) => {
                    let columns = columns.get(outcomes.len()).copied().unwrap_or_default();
                    rows.push(decode(&row, columns).map_err(classify)?);
                }
                Either::Left(done) => outcomes.push(Outcome {
                    rows: std::mem::take(&mut rows),
                    touched: done.rows_affected(),
                }),
            }
        }
        Ok(outcomes)
    }

    async fn commit(&self, mut transaction: Transaction) -> Result<(), EngineError> {
        run(transaction.0.get()?, "COMMIT").await?;
        transaction.0.set_state(State::Idle);
        Ok(())
    }

    async fn rollback(&self, mut transaction: Transaction) {
        let rolled_back = match transaction.0.get() {
            Ok(connection) => run(connection, "ROLLBACK").await,
            Err(error) => Err(error),
        };
        match rolled_back {
            Ok(()) => transaction.0.set_state(State::Idle),
            // Some errors (disk full, I/O) have rolled back already; the pool makes sure.
            Err(error) => tracing::debug!(error = %error.source, "rollback"),
        }
    }

    fn groups(&self) -> usize {
        1
    }

    fn pool_sizes(&self) -> (usize, usize) {
        self.readers.sizes()
    }
}
