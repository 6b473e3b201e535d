//! The composition root: settings in, services out. The only file that names adapters.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use registry_core::service::Registry;
use registry_memory::MemoryStore;
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

/// Whether the tables of the store may be brought to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Yes.
    Yes,
    /// No: an older store is refused.
    No,
}

/// Why there is no registry.
#[derive(Debug, Error)]
pub enum WireError {
    /// The store could not be opened.
    #[error("the store cannot be opened")]
    Store(#[from] registry_core::port::StoreError),
}

/// Opens a store and puts a registry over it.
pub async fn open(address: &StoreAddress, _migrate: Migrate) -> Result<Registry, WireError> {
    match address {
        StoreAddress::Memory => {
            let store = Arc::new(MemoryStore::new());
            Ok(Registry::new(Arc::clone(&store) as _, store))
        }
        StoreAddress::Sqlite(_) | StoreAddress::Postgres(_) => {
            unimplemented!()
        }
    }
}
