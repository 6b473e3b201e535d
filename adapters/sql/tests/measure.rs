//! What lists cost on 200,000 entities: `tests/with-postgres cargo test -p registry-sql --test measure -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

mod common;

use std::time::Instant;

use common::{cases::cases, data::fill, recording::Recording};
use registry_core::port::Store as _;
use registry_sql::{Driver, SqlStore};

const AIRPORTS: u32 = 200_000;

async fn measure<D: Driver>(store: &SqlStore<Recording<D>>) {
    fill(store, AIRPORTS).await;
    for (name, query) in cases(AIRPORTS) {
        let mut times = Vec::new();
        let mut items = 0;
        for _ in 0..12 {
            let begun = Instant::now();
            items = store
                .find(&query)
                .await
                .map_or(0, |found| found.items.len());
            times.push(begun.elapsed());
            if begun.elapsed().as_secs() > 1 {
                break;
            }
        }
        times.sort();
        println!(
            "{name:32} {items:3} items {:9.2} ms",
            times[times.len() / 2].as_secs_f64() * 1e3
        );
    }
    if let Ok(wanted) = std::env::var("REGISTRY_TEST_PLAN") {
        for (name, query) in cases(AIRPORTS) {
            if name.contains(&wanted) {
                store.driver().take();
                store.find(&query).await.unwrap();
                for statement in store.driver().take() {
                    println!(
                        "\n== {name}\n{}\n{}",
                        statement.text,
                        store.driver().plan(&statement).await
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn sqlite() {
    let (store, _folder) = common::sqlite().await;
    measure(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn postgres() {
    measure(&common::postgres().await).await;
}
