//! The flags that choose a store.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use registry_core::service::Registry;

use crate::wire::{self, Migrate, StoreAddress, StoreSettings, WireError};

/// Which store to work on.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreFlags {
    /// Folder of everything that is not elsewhere: the embedded store, uploads on their way
    #[arg(long, env = "REGISTRY_DATA", default_value = "./registry-data")]
    pub(crate) data: PathBuf,
    /// `sqlite://<file>`, `postgres://…` or `memory:` [default: a SQLite file in the data folder]
    #[arg(long, env = "REGISTRY_STORE")]
    pub(crate) store: Option<StoreAddress>,
    /// Refuse a store with older tables instead of bringing it to this version
    #[arg(long, env = "REGISTRY_NO_MIGRATE")]
    pub(crate) no_migrate: bool,
    /// Connections to the store; for reading, where it is SQLite [default: 20, for SQLite 4]
    #[arg(long, env = "REGISTRY_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: Option<u32>,
    /// Seconds that one statement may run
    #[arg(long, env = "REGISTRY_STATEMENT_TIMEOUT", default_value_t = 10)]
    statement_timeout: u64,
}

impl StoreFlags {
    /// The address, the default filled in.
    pub(crate) fn address(&self) -> StoreAddress {
        self.store
            .clone()
            .unwrap_or_else(|| StoreAddress::in_folder(&self.data))
    }

    /// The data folder, made when something will be kept in it.
    pub(crate) fn folder(&self) -> std::io::Result<Option<PathBuf>> {
        if self.address() == StoreAddress::Memory {
            return Ok(None);
        }
        std::fs::create_dir_all(&self.data)?;
        Ok(Some(self.data.clone()))
    }

    /// What the flags say.
    pub(crate) fn settings(&self) -> StoreSettings {
        StoreSettings {
            address: self.address(),
            migrate: if self.no_migrate {
                Migrate::No
            } else {
                Migrate::Yes
            },
            connections: self.connections,
            statement_timeout: Duration::from_secs(self.statement_timeout),
        }
    }

    /// Opens the store. The data folder is made when the store is kept there.
    pub(crate) async fn open(&self) -> Result<Registry, WireError> {
        if self.store.is_none() {
            self.folder()?;
        }
        wire::open(&self.settings()).await
    }
}
