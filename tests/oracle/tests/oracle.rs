//! Random sequences over all stores: see CONTRIBUTING.md for how one is run again.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use registry_oracle_tests::Bench;

/// Threads, each with stores of its own.
const THREADS: usize = 3;

/// A number that the caller of the test gives.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The seed that `REGISTRY_SEED` names; else those from 1 on: as many as `REGISTRY_SEEDS` says, 20,000 with `REGISTRY_LONG=1`, or 500.
fn seeds() -> Range<u64> {
    if let Some(seed) = given("REGISTRY_SEED") {
        return seed..seed + 1;
    }
    let usual = match std::env::var("REGISTRY_LONG") {
        Ok(_) => 20_000,
        Err(_) => 500,
    };
    1..1 + given("REGISTRY_SEEDS").unwrap_or(usual)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn every_store_answers_as_the_reference_store_does() {
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    runtime().block_on(async {
                        let bench = Bench::open().await;
                        loop {
                            let seed = next.fetch_add(1, Ordering::Relaxed);
                            if seed >= seeds.end {
                                return None;
                            }
                            if let Err(why) = bench.run(seed).await {
                                // The others end with the seed that they are at.
                                next.store(u64::MAX / 2, Ordering::Relaxed);
                                return Some(why);
                            }
                        }
                    })
                })
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.flatten().collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
