//! Databases for tests, on the server that `REGISTRY_TEST_POSTGRES` names.

use registry_core::port::StoreError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// A new, empty database; made when its URL is asked for first.
#[derive(Debug, Default)]
pub struct Database(OnceCell<String>);

impl Database {
    /// Its URL.
    ///
    /// # Panics
    ///
    /// When the server is missing: a test that needs one must fail, not pass without having looked.
    pub async fn url(&self) -> String {
        self.0
            .get_or_init(|| async {
                create()
                    .await
                    .expect("REGISTRY_TEST_POSTGRES names a server: see tests/with-postgres")
            })
            .await
            .clone()
    }
}

async fn create() -> Result<String, StoreError> {
    let failed = |error: sqlx::Error| StoreError::internal("making a database for a test", error);
    let server = std::env::var("REGISTRY_TEST_POSTGRES")
        .map_err(|error| StoreError::internal("making a database for a test", error))?;
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&server).await.map_err(failed)?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let (base, _) = server.rsplit_once('/').ok_or_else(|| {
        StoreError::internal("making a database for a test", "a URL without a database")
    })?;
    Ok(format!("{base}/{name}"))
}
