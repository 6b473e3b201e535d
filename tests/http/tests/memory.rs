//! The scenarios over the reference store.

use std::sync::Arc;

use async_trait::async_trait;
use registry_core::service::Registry;
use registry_http_tests::Backend;
use registry_memory::MemoryStore;

#[derive(Default)]
struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn registry(&self) -> Registry {
        let store = Arc::new(MemoryStore::new());
        Registry::new(Arc::clone(&store) as _, store)
    }
}

registry_http_tests::http_scenarios!(Memory);
