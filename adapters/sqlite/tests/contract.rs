//! The contract of every store, on SQLite.

use std::sync::Arc;

use registry_contract::{Harness, Subject};
use registry_sqlite::SqliteConfig;

#[derive(Debug)]
struct Sqlite(tempfile::TempDir);

impl Default for Sqlite {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }
}

#[async_trait::async_trait]
impl Harness for Sqlite {
    async fn open(&self) -> Subject {
        let config = SqliteConfig::file(self.0.path().join("registry.db"));
        Subject::of(&Arc::new(
            registry_sqlite::open(config)
                .await
                .expect("the store opens"),
        ))
    }
}

registry_contract::store_contract!(Sqlite);
registry_contract::durable_store_contract!(Sqlite);

#[tokio::test]
async fn one_process_uses_a_file_at_a_time() {
    let subject = Sqlite::default().open().await;
    assert!(subject.jobs.one_process());
}
