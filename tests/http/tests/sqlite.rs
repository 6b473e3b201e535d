//! The scenarios over SQLite.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use registry_core::port::{Jobs, Store};
use registry_http_tests::Backend;
use registry_sqlite::SqliteConfig;
use tempfile::TempDir;

struct Sqlite(TempDir);

impl Default for Sqlite {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn Jobs>) {
        let config = SqliteConfig::file(self.0.path().join("registry.db"));
        let store = Arc::new(registry_sqlite::open(config).await.unwrap());
        (Arc::clone(&store) as _, store)
    }
}

registry_http_tests::http_scenarios!(Sqlite);
