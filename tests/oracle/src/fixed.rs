//! A clock that goes on by a second with each step, and ids that count up.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use registry_core::{
    EntityId, Timestamp,
    port::{Clock, IdSource},
};
use uuid::Uuid;

/// Shows the time that it was last set to.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepClock(Arc<AtomicI64>);

impl StepClock {
    /// Sets it to the time of a step.
    pub(crate) fn set(&self, step: usize) {
        let seconds = i64::try_from(step).unwrap();
        let at = 1_767_323_045_000_000 + seconds * 1_000_000;
        self.0.store(at, Ordering::Relaxed);
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// `00000000-0000-7000-8000-000000000001` and so on: before every id that is chosen.
#[derive(Debug, Default)]
pub(crate) struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0000 | count)
    }
}

/// The chosen id of this number.
pub(crate) fn id(number: usize) -> EntityId {
    EntityId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + number as u128,
    ))
}
