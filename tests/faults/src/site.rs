//! A store and the folders of the servers over it: what outlives a server process.

use std::path::PathBuf;

use registry_postgres::testing::Database;
use tempfile::TempDir;

use crate::{Server, Tables};

/// Where servers run.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    store: String,
}

impl Site {
    /// Over a new SQLite file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite://{}", folder.path().join("registry.db").display());
        Self { folder, store }
    }

    /// Over a new database of the tests' PostgreSQL.
    pub async fn postgres() -> Self {
        Self::over(Database::default().url().await)
    }

    /// Over the database that a URL names.
    pub fn over(store: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, store }
    }

    /// The URL of the store.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("registry.db")
    }

    /// Whether it is on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.store.starts_with("postgres://")
    }

    /// Starts a server; the same number again goes on in the same folder.
    pub async fn start(&self, number: u32) -> Server {
        let folder = self.folder.path().join(format!("server-{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        Server::start(&self.store, &folder).await
    }

    /// All rows, as of one moment.
    pub async fn tables(&self) -> Tables {
        Tables::read(&self.store).await
    }

    /// Runs SQL on the store.
    pub async fn execute(&self, sql: &str) {
        crate::tables::execute(&self.store, sql).await;
    }
}
