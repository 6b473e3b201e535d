//! What every store must do, as one list of cases: each adapter runs all of them from a short file.
//!
//! ```ignore
//! #[derive(Debug, Default)]
//! struct Memory(Arc<MemoryStore>);
//!
//! #[async_trait]
//! impl Harness for Memory {
//!     async fn open(&self) -> Subject {
//!         Subject::of(&self.0)
//!     }
//! }
//!
//! registry_contract::store_contract!(Memory);
//! ```
//!
//! A store whose data outlives its handles adds `durable_store_contract!(…)`. The names of the cases are the "must" sentences of
//! `registry_core::port`, and the guarantees of DESIGN.md. Random sequences over all stores at once are in `tests/oracle`.

#![expect(
    clippy::unwrap_used,
    reason = "the suite is test code: a case fails by panicking"
)]
#![expect(
    clippy::missing_panics_doc,
    reason = "the suite is test code: a case fails by panicking"
)]
#![expect(
    missing_docs,
    reason = "a case's name is the sentence that it checks; what is not a case is documented"
)]

pub mod cases;
pub mod draw;
pub mod fixture;
mod harness;
mod list;

pub use harness::{Contents, Harness, Subject};
