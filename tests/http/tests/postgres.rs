//! The scenarios over PostgreSQL, on the server that `REGISTRY_TEST_POSTGRES` names.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use registry_core::port::{Jobs, Store};
use registry_http_tests::Backend;
use registry_postgres::{PostgresConfig, testing::Database};

#[derive(Default)]
struct Postgres(Database);

#[async_trait]
impl Backend for Postgres {
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn Jobs>) {
        let config = PostgresConfig::url(self.0.url().await);
        let store = Arc::new(registry_postgres::open(config).await.unwrap());
        (Arc::clone(&store) as _, store)
    }
}

registry_http_tests::http_scenarios!(Postgres);
