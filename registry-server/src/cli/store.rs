//! The flags that choose a store.

use std::path::PathBuf;

use clap::Args;
use registry_core::service::Registry;

use crate::wire::{self, Migrate, StoreAddress, WireError};

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

    /// Opens the store.
    pub(crate) async fn open(&self) -> Result<Registry, WireError> {
        let migrate = if self.no_migrate {
            Migrate::No
        } else {
            Migrate::Yes
        };
        wire::open(&self.address(), migrate).await
    }
}
