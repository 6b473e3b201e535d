//! The stores that are compared, each emptied between two seeds.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use registry_core::{
    port::{Jobs, Store},
    service::Registry,
};
use registry_postgres::{PostgresConfig, PostgresDriver, testing::Database};
use registry_sql::{ColumnType, Driver, EngineError, Plan, SqlStore, Statement};
use registry_sqlite::{SqliteConfig, SqliteDriver};

/// Every table but the settings, which hold no data of users.
const TABLES: [&str; 20] = [
    "entity_type",
    "entity",
    "link",
    "unique_key",
    "field_value",
    "pending_index",
    "owner",
    "change",
    "job",
    "job_error",
    "job_rejected",
    "staging",
    "staging_seen",
    "staging_entity",
    "staging_change",
    "staging_link",
    "staging_key",
    "staging_value",
    "staging_owner",
    "staging_target",
];

/// A store on an SQL engine, with a second look at its tables.
#[derive(Debug)]
pub(crate) struct Subject<D: Driver> {
    store: Arc<SqlStore<D>>,
    tables: D,
}

/// A table's rows as texts.
pub(crate) type Rows = BTreeSet<String>;

impl<D: Driver> Subject<D>
where
    SqlStore<D>: Store + Jobs,
{
    pub(crate) fn registry(&self) -> Registry {
        Registry::new(Arc::clone(&self.store) as _, Arc::clone(&self.store) as _)
    }

    /// Takes all data away.
    pub(crate) async fn wipe(&self) -> Result<(), EngineError> {
        let mut transaction = self.tables.begin().await?;
        for table in TABLES {
            let statement = statement(format!("DELETE FROM {table}"), &[]);
            self.tables.execute_in(&mut transaction, statement).await?;
        }
        self.tables.commit(transaction).await
    }

    /// The rows of a query whose columns are of these types.
    pub(crate) async fn rows(
        &self,
        text: &str,
        columns: &'static [ColumnType],
    ) -> Result<Rows, EngineError> {
        let rows = self.tables.fetch(statement(text.to_owned(), columns));
        let rows = rows.await?.into_iter();
        Ok(rows
            .map(|row| format!("{:?}", row.0.collect::<Vec<_>>()))
            .collect())
    }
}

fn statement(text: String, columns: &'static [ColumnType]) -> Statement {
    Statement {
        text,
        arguments: Vec::new(),
        columns,
        plan: Plan::Kept,
    }
}

/// A store on SQLite, in a folder in memory where there is one.
pub(crate) async fn sqlite() -> (Subject<SqliteDriver>, tempfile::TempDir) {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let config = || SqliteConfig {
        readers: 1,
        ..SqliteConfig::file(folder.path().join("registry.db"))
    };
    let subject = Subject {
        store: Arc::new(registry_sqlite::open(config()).await.unwrap()),
        tables: SqliteDriver::connect(config()).await.unwrap(),
    };
    (subject, folder)
}

/// A store in a PostgreSQL database of its own. What a commit promises after a power cut is not looked at here, so none waits for the disk.
pub(crate) async fn postgres() -> Subject<PostgresDriver> {
    let url = Database::default().url().await;
    let config = || PostgresConfig {
        connections: 4,
        ..PostgresConfig::url(format!("{url}?options[synchronous_commit]=off"))
    };
    Subject {
        store: Arc::new(registry_postgres::open(config()).await.unwrap()),
        tables: PostgresDriver::connect(config()).await.unwrap(),
    }
}
