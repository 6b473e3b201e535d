//! A database that was restored elsewhere: the log begins a new epoch, and goes on in order.

use std::{process::Command, sync::Arc};

use registry_contract::{
    Subject,
    fixture::{Build as _, country, country_type, entity, integer, update},
};
use registry_core::{Entity, Version, port::ChangeRow};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

async fn open(url: &str) -> (Subject, Uuid) {
    let store = registry_postgres::open(PostgresConfig::url(url)).await;
    let subject = Subject::of(&Arc::new(store.expect("the store opens")));
    let epoch = subject.store.epoch().await.expect("it has an epoch");
    (subject, epoch)
}

async fn change(subject: &Subject, before: &Entity) -> Entity {
    let after = before.next();
    let value = integer(after.version.0);
    let after = after.with(country::POPULATION, value);
    let of = country_type();
    let operations = vec![update(before, &after)];
    let written = subject.write(&[&of], operations).await;
    written.expect("it is written");
    after
}

fn versions(log: &[ChangeRow]) -> Vec<Version> {
    log.iter().map(|row| row.change.version).collect()
}

/// A type and three versions of an entity.
async fn fill(subject: &Subject) -> Entity {
    let of = country_type();
    subject.define(&[&of]).await;
    let [made] = subject.create(&[&of], [entity(&of, 1)]).await;
    let next = change(subject, &made).await;
    change(subject, &next).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_epoch_stays_where_the_store_stays() {
    let database = Database::default();
    let url = database.url().await;
    let (subject, epoch) = open(&url).await;
    fill(&subject).await;
    let log = subject.log().await;
    let (again, later) = open(&url).await;
    assert_eq!((again.log().await, later), (log, epoch));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_by_transactions_of_another_cluster_goes_on_in_order_under_a_new_epoch() {
    let database = Database::default();
    let url = database.url().await;
    let (subject, epoch) = open(&url).await;
    let entity = fill(&subject).await;
    drop(subject);
    // As in a cluster that has seen fewer transactions than the one of the dump.
    let mut connection = PgConnection::connect(&url).await.expect("it connects");
    sqlx::query(
        "UPDATE change SET transaction = (transaction::text::bigint + 1000000000)::text::xid8",
    )
    .execute(&mut connection)
    .await
    .expect("it is bumped");
    let (restored, renewed) = open(&url).await;
    assert_ne!(renewed, epoch);
    let entity = change(&restored, &entity).await;
    change(&restored, &entity).await;
    let log = restored.log().await;
    assert_eq!(versions(&log), [1, 1, 2, 3, 4, 5].map(Version));
    restored.assert_agreement().await;
    let (_, last) = open(&url).await;
    assert_eq!(last, renewed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_restored_into_another_database_begins_a_new_epoch() {
    let (saved, empty) = (Database::default(), Database::default());
    let (from, to) = (saved.url().await, empty.url().await);
    let (subject, epoch) = open(&from).await;
    let entity = fill(&subject).await;
    let command = "pg_dump \"$0\" | psql -q -v ON_ERROR_STOP=1 \"$1\" >/dev/null";
    let done = Command::new("sh")
        .args(["-c", command, &from, &to])
        .status();
    assert!(done.expect("it runs").success());
    let (restored, renewed) = open(&to).await;
    assert_ne!(renewed, epoch);
    change(&restored, &entity).await;
    let log = restored.log().await;
    assert_eq!(versions(&log), [1, 1, 2, 3, 4].map(Version));
    let (_, still) = open(&from).await;
    assert_eq!(still, epoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_put_back_where_it_was_begins_a_new_epoch() {
    let database = Database::default();
    let url = database.url().await;
    let (subject, epoch) = open(&url).await;
    let entity = fill(&subject).await;
    let dump = std::env::temp_dir().join(Uuid::new_v4().to_string());
    let run = |command: &str| {
        let done = Command::new("sh")
            .args(["-c", command, &url])
            .arg(&dump)
            .status();
        assert!(done.expect("it runs").success());
    };
    run("pg_dump --format custom --file \"$1\" \"$0\"");
    change(&subject, &entity).await;
    drop(subject);
    run("pg_restore --clean --dbname \"$0\" \"$1\" && rm \"$1\"");
    let (restored, renewed) = open(&url).await;
    assert_ne!(renewed, epoch);
    change(&restored, &entity).await;
    let log = restored.log().await;
    assert_eq!(versions(&log), [1, 1, 2, 3, 4].map(Version));
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_run_on_see_the_catalog_move_with_the_epoch() {
    let database = Database::default();
    let url = database.url().await;
    let (running, _) = open(&url).await;
    fill(&running).await;
    let catalog = running.store.catalog(None).await.expect("it reads");
    let known = catalog.expect("it is new").version;
    let mut connection = PgConnection::connect(&url).await.expect("it connects");
    sqlx::query("UPDATE setting SET value = 'elsewhere' WHERE name = 'place'")
        .execute(&mut connection)
        .await
        .expect("it is elsewhere");
    open(&url).await;
    // What the server that runs saw changed since, the restored store may know nothing of.
    for lost in 0..3 {
        let known = Some(Version(known.0 + lost));
        let read = running.store.catalog(known).await.expect("it reads");
        assert!(read.is_some(), "{lost}");
    }
}
