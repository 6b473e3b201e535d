//! `registry migrate`.

use clap::Args;

use super::{CommandError, End, store::StoreFlags};

/// Brings the store to this version's tables and ends.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    store: StoreFlags,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        let mut flags = self.store;
        flags.no_migrate = false;
        flags.open().await?;
        println!("the store is at this version's tables");
        Ok(End::Done)
    }
}
