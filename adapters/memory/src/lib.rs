//! The reference store: everything in maps behind one lock, every answer by brute force from the definitions in
//! [`registry_core`]. Obviously right rather than fast: the oracle of the property tests, and a store for users' own unit tests.
//!
//! ```
//! use std::sync::Arc;
//! use registry_core::port::Store;
//! use registry_memory::MemoryStore;
//!
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! ```

mod commit;
mod find;
mod index;
mod jobs;
mod links;
mod load;
mod log;
mod state;
mod store;
mod type_change;
mod verify;

pub use store::MemoryStore;
