//! HTTP scenarios: requests to the whole surface in process, and every answer compared whole, with the same transcript for every store.
//!
//! A scenario sends requests one after the other; the clock stands still and ids count up, so that its transcript is always the same. It
//! is compared with `src/snapshots/<scenario>.snap`. What a store makes at random (the place of a write, cursors) is left out of it.
//!
//! After a change that is meant to show: `INSTA_UPDATE=always cargo test -p registry-http-tests --test memory`, and read the difference.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the scenarios are test code: they fail by panicking"
)]
#![expect(
    missing_docs,
    clippy::too_many_lines,
    reason = "a scenario is one function, told by its file's first line: requests in their order"
)]

mod client;
mod fixed;
pub mod scenario;

use async_trait::async_trait;
use registry_core::service::Registry;

pub use client::Client;
pub use fixed::{CountingIds, StandingClock};

/// A store to run the scenarios over; kept until a scenario has ended.
#[async_trait]
pub trait Backend: Default {
    /// A registry over an empty store.
    async fn registry(&self) -> Registry;
}

/// Runs every scenario over a backend, one test each.
#[macro_export]
macro_rules! http_scenarios {
    ($backend:ty) => {
        $crate::http_scenarios!(@each $backend:
            conventions, entity_types, type_changes, entities, links, search, uploads, downloads, jobs, service, problems
        );
    };
    (@each $backend:ty: $($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let backend = <$backend>::default();
                let mut client = $crate::Client::over(&backend).await;
                $crate::scenario::$name::run(&mut client).await;
                client.compare(stringify!($name));
            }
        )*
    };
}
