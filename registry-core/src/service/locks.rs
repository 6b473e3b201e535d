//! Locks on entities within this process, so that writers of one entity wait in line instead of failing each other's commits.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
};

use tokio::sync::{Mutex, MutexGuard};

use crate::EntityId;

/// Enough that two entities seldom share one.
const STRIPES: usize = 1_024;

/// Striped locks, by hash of the entity's id. They spare work only: the store's version check is what keeps writes correct.
#[derive(Debug)]
pub(super) struct EntityLocks {
    stripes: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for EntityLocks {
    fn default() -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl EntityLocks {
    /// Waits until no other writer in this process holds any of these. Taken in one order, so that two writers never wait for each other.
    pub(super) async fn hold(
        &self,
        ids: impl IntoIterator<Item = EntityId>,
    ) -> Vec<MutexGuard<'_, ()>> {
        let stripes: BTreeSet<usize> = ids.into_iter().map(|id| self.stripe(id)).collect();
        let mut held = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            if let Some(lock) = self.stripes.get(stripe) {
                held.push(lock.lock().await);
            }
        }
        held
    }

    fn stripe(&self, id: EntityId) -> usize {
        let hash = self.hasher.hash_one(id);
        usize::try_from(hash % STRIPES as u64).expect("below STRIPES, which is one")
    }
}
