//! The composition root: settings in, services out. The only file that names adapters.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use registry_core::{
    port::{Jobs, Store, StoreError},
    service::Registry,
};
use registry_memory::MemoryStore;
use registry_postgres::PostgresConfig;
use registry_sql::Migrations;
use registry_sqlite::SqliteConfig;
use thiserror::Error;

/// Where a registry keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// `sqlite://<file>`
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(String),
    /// `memory:`: gone with the process.
    Memory,
}

/// A text that is no address of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a store is sqlite://<file>, postgres://… or memory:")]
pub struct NotAStore;

impl FromStr for StoreAddress {
    type Err = NotAStore;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "memory:" {
            return Ok(Self::Memory);
        }
        if let Some(file) = text
            .strip_prefix("sqlite://")
            .filter(|file| !file.is_empty())
        {
            return Ok(Self::Sqlite(PathBuf::from(file)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(NotAStore)
    }
}

impl StoreAddress {
    /// The embedded default: a file in the data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self::Sqlite(data.join("registry.db"))
    }
}

/// How to open a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Which one.
    pub address: StoreAddress,
    /// Whether its tables may be brought to this version.
    pub migrate: Migrate,
    /// Most connections; the store's own default when `None`. SQLite: connections for reading.
    pub connections: Option<u32>,
    /// How long one statement may run.
    pub statement_timeout: Duration,
}

/// Whether the tables of the store may be brought to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Yes.
    Yes,
    /// No: an older store is refused.
    No,
}

impl From<Migrate> for Migrations {
    fn from(migrate: Migrate) -> Self {
        match migrate {
            Migrate::Yes => Self::Apply,
            Migrate::No => Self::Refuse,
        }
    }
}

/// Why there is no registry.
#[derive(Debug, Error)]
pub enum WireError {
    /// The store could not be opened.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// The folder of the store's file is not there. Only the data folder is made: another one that is missing is a slip, or not mounted.
    #[error("the store cannot be opened: {} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// The data folder could not be made.
    #[error("the data folder cannot be made")]
    Folder(#[from] std::io::Error),
}

/// Opens a store and puts a registry over it.
pub async fn open(settings: &StoreSettings) -> Result<Registry, WireError> {
    match &settings.address {
        StoreAddress::Memory => Ok(over(MemoryStore::new())),
        StoreAddress::Sqlite(file) => {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(WireError::NoFolder(folder.to_owned()));
            }
            let mut config = SqliteConfig::file(file);
            config.migrations = settings.migrate.into();
            config.statement_timeout = settings.statement_timeout;
            if let Some(connections) = settings.connections {
                config.readers = connections as usize;
            }
            Ok(over(registry_sqlite::open(config).await?))
        }
        StoreAddress::Postgres(url) => {
            let mut config = PostgresConfig::url(url);
            config.migrations = settings.migrate.into();
            config.statement_timeout = settings.statement_timeout;
            if let Some(connections) = settings.connections {
                config.connections = connections;
            }
            Ok(over(registry_postgres::open(config).await?))
        }
    }
}

/// A registry over a store that keeps jobs too.
fn over(store: impl Store + Jobs) -> Registry {
    let store = Arc::new(store);
    Registry::new(Arc::clone(&store) as _, store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!("memory:".parse(), Ok(StoreAddress::Memory));
        assert_eq!(
            "sqlite:///var/lib/r.db".parse(),
            Ok(StoreAddress::Sqlite(PathBuf::from("/var/lib/r.db")))
        );
        assert_eq!(
            "postgres://a@b/c".parse(),
            Ok(StoreAddress::Postgres("postgres://a@b/c".to_owned()))
        );
        for text in ["", "sqlite://", "mysql://a", "/var/lib/r.db"] {
            assert_eq!(text.parse::<StoreAddress>(), Err(NotAStore), "{text}");
        }
    }
}
