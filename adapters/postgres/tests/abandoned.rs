//! What a load left behind when its process died.

use registry_core::port::{Clock as _, SystemClock};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

async fn open(url: &str) {
    let store = registry_postgres::open(PostgresConfig::url(url)).await;
    drop(store.expect("the store opens"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_abandoned_load_staged_must_be_dropped_when_the_store_is_opened() {
    let database = Database::default();
    let url = database.url().await;
    open(&url).await;
    let mut connection = PgConnection::connect(&url).await.expect("it connects");
    // One that nobody touched for long, and one that is at work in another process.
    let (abandoned, at_work) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (load, touched_at) in [(abandoned, 0), (at_work, SystemClock.now().0)] {
        sqlx::query("INSERT INTO staging VALUES ($1, $2)")
            .bind(load)
            .bind(touched_at)
            .execute(&mut connection)
            .await
            .expect("a load is written");
        sqlx::query("INSERT INTO staging_seen VALUES ($1, $2)")
            .bind(load)
            .bind(Uuid::from_u128(3))
            .execute(&mut connection)
            .await
            .expect("an entity is written");
    }
    open(&url).await;
    for table in ["SELECT load FROM staging", "SELECT load FROM staging_seen"] {
        let left: Vec<Uuid> = sqlx::query_scalar(table)
            .fetch_all(&mut connection)
            .await
            .expect("they are read");
        assert_eq!(left, [at_work], "{table}");
    }
}
