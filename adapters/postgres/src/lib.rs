//! The PostgreSQL driver: connections, binding and decoding, errors, migrations. It holds no query; those are in `registry-sql`.

mod config;
mod driver;
mod error;
mod migrate;
pub mod testing;

pub use config::PostgresConfig;
pub use driver::PostgresDriver;

/// A store over one PostgreSQL database; any number of servers may share it.
pub type PostgresStore = registry_sql::SqlStore<PostgresDriver>;

/// Connects, bringing the tables up to date unless told not to.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use registry_core::port::Store as _;
/// use registry_postgres::PostgresConfig;
///
/// let config = PostgresConfig { connections: 20, ..PostgresConfig::url("postgres://registry@localhost/registry") };
/// let store = registry_postgres::open(config).await?;
/// store.ping().await?;
/// # Ok(())
/// # }
/// ```
pub async fn open(
    config: PostgresConfig,
) -> Result<PostgresStore, registry_core::port::StoreError> {
    PostgresStore::open(PostgresDriver::connect(config).await?).await
}
