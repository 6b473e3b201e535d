//! Time and identifiers, injected so that tests compare whole documents.

use std::{
    fmt::Debug,
    time::{SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

use crate::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers.
pub trait IdSource: Debug + Send + Sync + 'static {
    /// A new identifier; must never repeat.
    fn next(&self) -> Uuid;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// UUIDs of version 7 (RFC 9562): sorted by the time of their making.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn an_identifier_must_never_repeat() {
        const EACH: usize = 10_000;
        let start = || thread::spawn(|| (0..EACH).map(|_| RandomIds.next()).collect::<Vec<_>>());
        let threads = [start(), start(), start()];
        let made = threads.map(|thread| thread.join().unwrap());
        let different: HashSet<Uuid> = made.into_iter().flatten().collect();
        assert_eq!(different.len(), 3 * EACH);
    }
}
