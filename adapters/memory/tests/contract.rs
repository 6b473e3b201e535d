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

#[tokio::test]
async fn one_process_has_the_store() {
    let subject = Memory::default().open().await;
    assert!(subject.jobs.one_process());
}
