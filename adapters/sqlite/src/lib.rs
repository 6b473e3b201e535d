//! The SQLite driver: connections, binding and decoding, errors, migrations. It holds no query; those are in `registry-sql`.

mod config;
mod driver;
mod error;
mod pool;

pub use config::SqliteConfig;
pub use driver::SqliteDriver;

/// A store over one SQLite database file.
pub type SqliteStore = registry_sql::SqlStore<SqliteDriver>;

/// Opens a store, bringing its tables up to date unless told not to.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("registry-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// use registry_core::port::Store as _;
/// let store = registry_sqlite::open(registry_sqlite::SqliteConfig::file(folder.join("registry.db"))).await?;
/// store.ping().await?;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
pub async fn open(config: SqliteConfig) -> Result<SqliteStore, registry_core::port::StoreError> {
    SqliteStore::open(SqliteDriver::connect(config).await?).await
}
