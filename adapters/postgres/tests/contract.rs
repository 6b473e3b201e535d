//! The contract of every store, on PostgreSQL: a database of its own for each case.

use std::sync::Arc;

use registry_contract::{Harness, Subject};
use registry_postgres::{PostgresConfig, testing::Database};

#[derive(Debug, Default)]
struct Postgres(Database);

#[async_trait::async_trait]
impl Harness for Postgres {
    async fn open(&self) -> Subject {
        let config = PostgresConfig {
            connections: 8,
            ..PostgresConfig::url(self.0.url().await)
        };
        Subject::of(&Arc::new(
            registry_postgres::open(config)
                .await
                .expect("the store opens"),
        ))
    }
}

registry_contract::store_contract!(Postgres);
registry_contract::durable_store_contract!(Postgres);

#[tokio::test]
async fn several_processes_may_use_a_database_at_a_time() {
    let subject = Postgres::default().open().await;
    assert!(!subject.jobs.one_process());
}
