//! `registry migrate`.

use clap::Args;

use super::{CommandError, End, store::StoreFlags};
use crate::wire;

/// Brings the store to this version's tables and ends.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    store: StoreFlags,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        let settings = wire::StoreSettings {
            migrate: wire::Migrate::Yes,
            ..self.store.settings()
        };
        wire::open(&settings).await?;
        println!("the store is at this version's tables");
        Ok(End::Done)
    }
}
