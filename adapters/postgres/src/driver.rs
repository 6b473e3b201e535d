//! Running statements.

use std::time::Duration;

use futures::FutureExt as _;
use registry_core::port::{StoreError, StoreErrorKind};
use registry_sql::{
    Argument, Cell, ColumnType, Committing, Dialect, Driver, EngineError, Failure, Outcome, Plan,
    Row, Statement,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, Row as _,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow},
    query::Query,
};
use uuid::Uuid;

use crate::{PostgresConfig, error::classify, migrate};

/// Most connections for writing: groups of change sets, and loads beside them.
const WRITE_CONNECTIONS: u32 = 8;
/// Most groups of change sets that commit side by side.
const GROUPS: usize = 4;
/// Connections that tend the store's own rows: a heartbeat must not wait for the loads that it is about.
const TEND_CONNECTIONS: u32 = 1;
/// A connection idle for longer is tried before it is used: the server may have been restarted meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_millis(500);

/// Connections to one database.
#[derive(Debug)]
pub struct PostgresDriver {
    readers: PgPool,
    writers: PgPool,
    tenders: PgPool,
}

impl PostgresDriver {
    /// Connects and brings the tables up to date.
    pub async fn connect(config: PostgresConfig) -> Result<Self, StoreError> {
        let opened = |error: sqlx::Error| {
            classify(error).into_store_error("opening the database", Committing::No)
        };
        let options: PgConnectOptions = config.url.parse().map_err(opened)?;
        let millis = |duration: Duration| duration.as_millis().to_string();
        let options = options
            .application_name("registry")
            .statement_cache_capacity(256)
            // Slow statements are an error of their own; the driver would log their whole text.
            .disable_statement_logging()
            .options([
                ("statement_timeout", millis(config.statement_timeout)),
                ("lock_timeout", millis(config.lock_timeout)),
                ("idle_in_transaction_session_timeout", "60000".to_owned()),
                ("default_transaction_isolation", "read committed".to_owned()),
                // The statements are short: compiling them costs more than it saves.
                ("jit", "off".to_owned()),
                // All types share the tables: a pass over one reads every type's rows, and statistics that mix all types are no reason for
                // it. Every statement has an index to begin with.
                ("enable_seqscan", "off".to_owned()),
                ("random_page_cost", "1.1".to_owned()),
            ]);
        let mut connection = PgConnection::connect_with(&options).await.map_err(opened)?;
        check_encoding(&mut connection).await?;
        migrate::run(&mut connection, config.migrations).await?;
        connection.close().await.map_err(opened)?;
        // A write touches its rows by index, always. Left alone, the planner keeps a plan that it made while the tables were small and
        // scanned them whole, until they are analysed again.
        let writing = options.clone().options([
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            // Planned once per connection: planning a group's statement takes longer than running it.
            ("plan_cache_mode", "force_generic_plan"),
        ]);
        let most = config.connections.max(4);
        let writers = (most / 2).min(WRITE_CONNECTIONS);
        let readers = most - writers - TEND_CONNECTIONS;
        Ok(Self {
            readers: pool(&config, readers, options.clone())
                .await
                .map_err(opened)?,
            tenders: pool(&config, TEND_CONNECTIONS, options)
                .await
                .map_err(opened)?,
            writers: pool(&config, writers, writing).await.map_err(opened)?,
        })
    }
}

async fn pool(
    config: &PostgresConfig,
    connections: u32,
    options: PgConnectOptions,
) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(config.wait)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            async move {
                if idle.idle_for < TRUSTED_IDLE {
                    Ok(true)
                } else {
                    connection.ping().await.map(|()| true)
                }
            }
            .boxed()
        })
        .connect_with(options)
        .await
}

async fn check_encoding(connection: &mut PgConnection) -> Result<(), StoreError> {
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await
        .map_err(|error| StoreError::internal("reading the database's encoding", error))?;
    if encoding == "UTF8" {
        return Ok(());
    }
    let text = format!("the database is encoded in {encoding}, the registry needs UTF8");
    Err(StoreError::new(
        StoreErrorKind::Internal,
        "opening the database",
        text,
    ))
}

fn bind(statement: Statement) -> (Query<'static, Postgres, PgArguments>, &'static [ColumnType]) {
    let mut query =
        sqlx::query(AssertSqlSafe(statement.text)).persistent(statement.plan == Plan::Kept);
    for argument in statement.arguments {
        query = match argument {
            Argument::Int(value) => query.bind(value),
            Argument::Text(value) => query.bind(value),
            Argument::Id(value) => query.bind(value),
            Argument::Ints(values) => query.bind(values),
            Argument::Texts(values) => query.bind(values),
            Argument::Ids(values) => query.bind(values),
        };
    }
    (query, statement.columns)
}

fn decode(row: &PgRow, columns: &[ColumnType]) -> Result<Row, sqlx::Error> {
    let mut cells = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        cells.push(match column {
            ColumnType::Int => row
                .try_get::<Option<i64>, _>(index)?
                .map_or(Cell::Null, Cell::Int),
            ColumnType::Text => row
                .try_get::<Option<String>, _>(index)?
                .map_or(Cell::Null, Cell::Text),
            ColumnType::Id => row
                .try_get::<Option<Uuid>, _>(index)?
                .map_or(Cell::Null, Cell::Id),
        });
    }
    Ok(Row(cells.into_iter()))
}

async fn fetch(
    connection: impl sqlx::PgExecutor<'_>,
    statement: Statement,
) -> Result<Vec<Row>, EngineError> {
    let (query, columns) = bind(statement);
    let rows = query.fetch_all(connection).await.map_err(classify)?;
    rows.iter()
        .map(|row| decode(row, columns).map_err(classify))
        .collect()
}

/// An open transaction on a connection of its own.
type Transaction = sqlx::Transaction<'static, Postgres>;

impl Driver for PostgresDriver {
    const DIALECT: Dialect = Dialect::Postgres;
    const READERS: usize = 4;

    type Transaction = Transaction;

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        fetch(&self.readers, statement).await
    }

    async fn write(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        fetch(&self.writers, statement).await
    }

    async fn tend(&self, statement: Statement) -> Result<u64, EngineError> {
        let (query, _) = bind(statement);
        let done = query.execute(&self.tenders).await.map_err(classify)?;
        Ok(done.rows_affected())
    }

    async fn begin(&self) -> Result<Transaction, EngineError> {
        self.writers.begin().await.map_err(begun)
    }

    async fn snapshot(&self) -> Result<Transaction, EngineError> {
        self.readers
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(begun)
    }

    async fn fetch_in(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<Vec<Row>, EngineError> {
        fetch(&mut **transaction, statement).await
    }

    async fn execute_in(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<u64, EngineError> {
        let (query, _) = bind(statement);
        let done = query.execute(&mut **transaction).await.map_err(classify)?;
        Ok(done.rows_affected())
    }

    async fn script_in(
        &self,
        _: &mut Transaction,
        _: Statement,
        _: &[&'static [ColumnType]],
    ) -> Result<Vec<Outcome>, EngineError> {
        // The protocol prepares one statement at a time.
        Err(EngineError {
            failure: Failure::Other,
            source: "scripts are not for this engine".into(),
        })
    }

    async fn commit(&self, transaction: Transaction) -> Result<(), EngineError> {
        transaction.commit().await.map_err(classify)
    }

    async fn rollback(&self, transaction: Transaction) {
        if let Err(error) = transaction.rollback().await {
            tracing::debug!(%error, "rollback");
        }
    }

    fn groups(&self) -> usize {
        usize::try_from(self.writers.options().get_max_connections() / 2)
            .unwrap_or(GROUPS)
            .clamp(1, GROUPS)
    }

    fn pool_sizes(&self) -> (usize, usize) {
        let pools = [&self.readers, &self.writers, &self.tenders];
        let size: u32 = pools.iter().map(|pool| pool.size()).sum();
        let idle = pools.iter().map(|pool| pool.num_idle()).sum();
        (
            usize::try_from(size).expect("connections can be counted"),
            idle,
        )
    }
}

/// Nothing was sent yet: a connection lost while beginning leaves nothing open.
fn begun(error: sqlx::Error) -> EngineError {
    let mut error = classify(error);
    if error.failure == Failure::ConnectionLost {
        error.failure = Failure::Unavailable;
    }
    error
}
