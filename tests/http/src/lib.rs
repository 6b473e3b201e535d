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

mod callers;
mod client;
mod faults;
mod fixed;
pub mod scenario;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use registry_core::port::{Jobs, Store};
use registry_server::http::HttpSettings;

pub use callers::{CALLER, NamedCallers};
pub use client::Client;
pub use faults::{Fault, Faults, Faulty};
pub use fixed::{CountingIds, StandingClock};

/// A store to run the scenarios over; kept until a scenario has ended.
#[async_trait]
pub trait Backend: Default {
    /// An empty store.
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn Jobs>);
}

/// The settings that a scenario runs under.
pub fn settings(scenario: &str) -> HttpSettings {
    let settings = HttpSettings {
        max_body: 64 * 1024,
        max_upload: 64 * 1024,
        ..HttpSettings::default()
    };
    match scenario {
        "limits" => HttpSettings {
            max_upload: 32 * 1024 * 1024,
            ..settings
        },
        "timeouts" => HttpSettings {
            request_timeout: Duration::from_millis(100),
            ..settings
        },
        "overload" => HttpSettings {
            max_requests: 0,
            request_timeout: Duration::from_millis(10),
            ..settings
        },
        "connections" => HttpSettings {
            max_request_line: 1024,
            ..settings
        },
        _ => settings,
    }
}

/// Runs every scenario over a backend, one test each.
#[macro_export]
macro_rules! http_scenarios {
    ($backend:ty) => {
        $crate::http_scenarios!(@each $backend:
            conventions, entity_types, type_changes, definitions, entities, values, links, search, uploads, rows, downloads, jobs, service, problems,
            rights, limits, failures, timeouts, overload, connections
        );
    };
    (@each $backend:ty: $($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let backend = <$backend>::default();
                let settings = $crate::settings(stringify!($name));
                let mut client = $crate::Client::over(&backend, settings).await;
                $crate::scenario::$name::run(&mut client).await;
                client.compare(stringify!($name));
            }
        )*
    };
}
