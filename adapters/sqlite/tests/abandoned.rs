//! What a load left behind when its process died.

use std::path::Path;

use registry_core::port::{Clock as _, SystemClock};
use registry_sqlite::SqliteConfig;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

async fn open(path: &Path) {
    let store = registry_sqlite::open(SqliteConfig::file(path)).await;
    drop(store.expect("the store opens"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_abandoned_load_staged_must_be_dropped_when_the_store_is_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("registry.db");
    open(&path).await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .expect("it connects");
    // One that nobody touched for long, and one that is at work in another process.
    for (load, touched_at) in [(vec![1_u8; 16], 0), (vec![2; 16], SystemClock.now().0)] {
        sqlx::query("INSERT INTO staging VALUES (?, ?)")
            .bind(&load)
            .bind(touched_at)
            .execute(&mut connection)
            .await
            .expect("a load is written");
        sqlx::query("INSERT INTO staging_seen VALUES (?, ?)")
            .bind(&load)
            .bind(vec![3_u8; 16])
            .execute(&mut connection)
            .await
            .expect("an entity is written");
    }
    open(&path).await;
    for table in ["SELECT load FROM staging", "SELECT load FROM staging_seen"] {
        let left: Vec<Vec<u8>> = sqlx::query_scalar(table)
            .fetch_all(&mut connection)
            .await
            .expect("they are read");
        assert_eq!(left, [[2; 16]], "{table}");
    }
}
