//! Building the index of a field that was turned on for a filled type.

use crate::{Error, FieldNumber, TypeId, limits::INDEX_SLICE, port::BuildStep};

use super::{Registry, commit::store_error};

/// The building of indexes. Until a field's index is ready, queries go without it and answer the same, only slower.
///
/// Whoever embeds the registry calls [`Indexing::run_pending`] from time to time; the server does so every second. Several processes may do
/// it at once over one store.
#[derive(Clone, Copy, Debug)]
pub struct Indexing<'a> {
    pub(super) registry: &'a Registry,
}

impl Indexing<'_> {
    /// One pass over the catalog: builds every index that is not ready, each from where an earlier pass left it, and returns how many it
    /// brought to their end. Writers go on meanwhile: each step is a short transaction over [`INDEX_SLICE`] entities.
    ///
    /// An index that fails does not keep the others from being built; the first failure is returned then, and the next pass goes on where
    /// this one stopped. May be dropped at any point.
    pub async fn run_pending(&self) -> Result<usize, Error> {
        let catalog = self.registry.catalog().await?;
        let mut built = 0;
        let mut failure = None;
        for (type_id, field) in catalog.building() {
            match self.build(*type_id, *field).await {
                Ok(()) => built += 1,
                Err(error) => {
                    tracing::warn!(%error, type_id = %type_id, field = field.0, "an index could not be built further");
                    failure.get_or_insert(error);
                }
            }
            // Ready or given up: the catalog in memory says otherwise.
            self.registry.invalidate();
        }
        failure.map_or(Ok(built), Err)
    }

    async fn build(&self, type_id: TypeId, field: FieldNumber) -> Result<(), Error> {
        let store = &self.registry.store;
        loop {
            let step = store.build_index(type_id, field, INDEX_SLICE).await;
            if step.map_err(store_error)? == BuildStep::Done {
                return Ok(());
            }
        }
    }
}
