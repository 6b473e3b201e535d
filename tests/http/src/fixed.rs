//! A clock that stands still and ids that count up.

use std::sync::atomic::{AtomicU64, Ordering};

use registry_core::{
    Timestamp,
    port::{Clock, IdSource},
};
use uuid::Uuid;

/// Always 2026-01-02T03:04:05Z.
#[derive(Clone, Copy, Debug)]
pub struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_323_045_000_000)
    }
}

/// `00000000-0000-7000-8000-000000000001` and so on.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0000 | count)
    }
}
