//! The scenarios over the reference store.

use std::sync::Arc;

use async_trait::async_trait;
use registry_core::port::{Jobs, Store};
use registry_http_tests::Backend;
use registry_memory::MemoryStore;

#[derive(Default)]
struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn Jobs>) {
        let store = Arc::new(MemoryStore::new());
        (Arc::clone(&store) as _, store)
    }
}

registry_http_tests::http_scenarios!(Memory);
