//! `kill -9` of the server while sixteen writers write.

use std::time::Duration;

use registry_fault_tests::{Random, Site, Writer, rounds, thing_types};
use sqlx::{Connection as _, PgConnection};

use crate::Load;

/// A killed server's backends may still finish a statement that they had received.
async fn backends_ended(site: &Site) {
    let mut connection = PgConnection::connect(site.store()).await.unwrap();
    let alive = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'registry'";
    for _ in 0..2_000 {
        let left: i64 = sqlx::query_scalar(alive)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if left == 0 {
            connection.close().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    unreachable!("the backends of a killed server stay");
}

/// No acknowledged write is lost, no write is there by half, and the tables agree.
async fn killed_under_load(site: Site) {
    let mut server = site.start(0).await;
    let client = server.client();
    client.define(&thing_types()).await;
    let mut writers = Writer::several(&client, 16).await;
    let mut random = Random(42);
    let cycles = rounds(200);
    for cycle in 0..cycles {
        let load = Load::start(writers, &[server.client()]);
        tokio::time::sleep(Duration::from_millis(100 + random.below(400))).await;
        server.kill();
        writers = load.stop().await;
        let open = writers.iter().filter(|one| one.is_open()).count();
        assert!(open > 0, "cycle {cycle}: nobody was interrupted");
        if site.is_postgres() {
            backends_ended(&site).await;
        }
        server = site.start(0).await;
        let tables = site.tables().await;
        tables.assert_agreement();
        let client = server.client();
        for writer in &mut writers {
            writer.settle(&tables);
            writer.look(&client).await;
        }
    }
    let acknowledged: u64 = writers.iter().map(|one| one.acknowledged).sum();
    assert!(
        acknowledged > 5 * u64::from(cycles),
        "{acknowledged} writes in {cycles} cycles are no load"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_on_sqlite() {
    killed_under_load(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_on_postgres() {
    killed_under_load(Site::postgres().await).await;
}
