//! The contract of every store.

use std::sync::Arc;

use registry_contract::{Harness, Subject};
use registry_memory::MemoryStore;

#[derive(Debug, Default)]
struct Memory(Arc<MemoryStore>);

#[async_trait::async_trait]
impl Harness for Memory {
    async fn open(&self) -> Subject {
        Subject::of(&self.0)
    }
}

registry_contract::store_contract!(Memory);
// Two of the same: what can differ is its link and key rows from its entities, looked at after every change set.
