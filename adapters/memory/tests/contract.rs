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
