//! What the tests of plans share.

pub(crate) mod cases;
pub(crate) mod data;
pub(crate) mod recording;

use registry_postgres::{PostgresConfig, PostgresDriver, testing::Database};
use registry_sql::SqlStore;
use registry_sqlite::{SqliteConfig, SqliteDriver};

use recording::Recording;

/// A new store on SQLite, and the folder that it lives in.
pub(crate) async fn sqlite() -> (SqlStore<Recording<SqliteDriver>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::file(folder.path().join("registry.db"));
    let driver = SqliteDriver::connect(config).await.unwrap();
    (
        SqlStore::open(Recording::new(driver)).await.unwrap(),
        folder,
    )
}

/// A new store on PostgreSQL.
pub(crate) async fn postgres() -> SqlStore<Recording<PostgresDriver>> {
    let config = PostgresConfig {
        connections: 4,
        ..PostgresConfig::url(Database::default().url().await)
    };
    let driver = PostgresDriver::connect(config).await.unwrap();
    SqlStore::open(Recording::new(driver)).await.unwrap()
}
