//! PostgreSQL restarted while sixteen writers and a reader work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use registry_fault_tests::{Client, Cluster, Outcome, Site, Writer, rounds, thing_types};

use crate::Load;

/// How long the server may take until everything works again.
const HEALED: Duration = Duration::from_secs(10);

/// Reads until told to stop; every answer is a page or 503.
async fn read(client: Client, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let answer = client
            .send("GET", "/entity/place?count=exact", None)
            .await
            .unwrap();
        match answer.status {
            200 => assert_eq!(answer.body["total"], 4),
            _ => assert!(answer.is_failure() && answer.status == 503, "{answer:?}"),
        }
    }
}

async fn restarted_under_load(mode: &'static str) {
    let cluster = Arc::new(Cluster::start());
    let site = Site::over(cluster.url());
    let server = site.start(0).await;
    let client = server.client();
    client.define(&thing_types()).await;
    let mut writers = Writer::several(&client, 16).await;
    for round in 0..rounds(30) {
        let load = Load::start(writers, &[server.client()]);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read(server.client(), Arc::clone(&stop)));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let restarting = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || restarting.restart(mode))
            .await
            .unwrap();
        let back = Instant::now();
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.store(true, Ordering::Relaxed);
        reader.await.unwrap();
        writers = load.stop().await;
        let tables = site.tables().await;
        tables.assert_agreement();
        for writer in &mut writers {
            writer.settle(&tables);
            // It heals by itself: every writer goes on, nobody restarts the server.
            loop {
                let outcome = writer.step(&client).await;
                if outcome == Outcome::Done {
                    break;
                }
                assert!(
                    outcome == Outcome::Refused && back.elapsed() < HEALED,
                    "round {round}: {outcome:?} so long after the restart"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let tables = site.tables().await;
    tables.assert_agreement();
    for writer in &mut writers {
        writer.settle(&tables);
        writer.look(&client).await;
    }
    let failures: u64 = writers.iter().map(|one| one.refused + one.unknown).sum();
    assert!(failures > 0, "nobody noticed the restarts");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_restart_is_survived() {
    restarted_under_load("fast").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_survived() {
    restarted_under_load("immediate").await;
}
