//! Random sequences over all stores: see CONTRIBUTING.md for how one is run again.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use registry_oracle_tests::{Bench, Shape, seed::Tally};

/// Threads, each with stores of its own.
const THREADS: usize = 3;

/// Every operation of a step.
const OPERATIONS: [&str; 21] = [
    "Define",
    "ReplaceType",
    "ChangeType",
    "DeleteType",
    "ListTypes",
    "BuildIndexes",
    "Create",
    "Put",
    "Patch",
    "Delete",
    "Link",
    "Unlink",
    "Upload",
    "Get",
    "ByKey",
    "Links",
    "Linked",
    "Graph",
    "Search",
    "Walk",
    "Download",
];

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

/// Runs seeds one after the other until none is left, or one fails.
async fn run(next: &AtomicU64, end: u64, tally: &Mutex<Tally>) -> Option<String> {
    let bench = Bench::open().await;
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return None;
        }
        match bench.run(seed, Shape::Small).await {
            Ok(counts) => {
                let mut tally = tally.lock().unwrap();
                for (outcome, count) in counts {
                    *tally.entry(outcome).or_default() += count;
                }
            }
            Err(why) => {
                // The others end with the seed that they are at.
                next.store(u64::MAX / 2, Ordering::Relaxed);
                return Some(why);
            }
        }
    }
}

#[test]
fn every_store_answers_as_the_reference_store_does() {
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::default();
    let failed: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| runtime().block_on(run(&next, seeds.end, &tally))))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.flatten().collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let tally = tally.into_inner().unwrap();
    println!("{tally:#?}");
    // Seeds in which hardly anything is done would prove nothing.
    let count = usize::try_from(seeds.end - seeds.start).unwrap();
    if count >= 100 {
        for operation in OPERATIONS {
            let done = tally.get(&format!("{operation} done")).copied();
            assert!(
                done.unwrap_or_default() >= count / 10,
                "{operation}: {done:?}"
            );
        }
    }
}

/// What thousands of entities are read by differs from what a few are read by: sets are bounded, and orders are cut into pages.
#[test]
fn large_types_are_read_as_the_reference_store_reads_them() {
    let count = match std::env::var("REGISTRY_LONG") {
        Ok(_) => 30,
        Err(_) => 2,
    };
    runtime().block_on(async {
        let bench = Bench::open().await;
        let mut entities = 0;
        for seed in given("REGISTRY_SEED").map_or(1..1 + count, |seed| seed..seed + 1) {
            match bench.run(seed, Shape::Large).await {
                Ok(tally) => entities += tally["entities"],
                Err(why) => assert_eq!(why, "", "a large seed"),
            }
        }
        assert!(entities >= 5_000, "{entities} entities are not many");
    });
}
