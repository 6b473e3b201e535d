//! What writers are told who wait in vain for a row, and for a type.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use registry_contract::{
    Subject,
    fixture::{Build as _, country, country_type, entity, fail, id, integer, update},
};
use registry_core::port::{CommitError, StoreErrorKind};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

struct World {
    subject: Subject,
    /// A session in the middle of a transaction.
    other: PgConnection,
    _database: Database,
}

async fn world(entities: u32, hold: &str) -> World {
    let database = Database::default();
    let url = database.url().await;
    let config = PostgresConfig {
        lock_timeout: Duration::from_millis(300),
        ..PostgresConfig::url(url.clone())
    };
    let store = registry_postgres::open(config).await;
    let subject = Subject::of(&Arc::new(store.expect("the store opens")));
    let of = country_type();
    subject.define(&[&of]).await;
    for number in 1..=entities {
        subject.create(&[&of], [entity(&of, number)]).await;
    }
    let mut other = PgConnection::connect(&url).await.expect("it connects");
    for statement in ["BEGIN", hold] {
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&mut other)
            .await
            .expect("it holds");
    }
    World {
        subject,
        other,
        _database: database,
    }
}

async fn change(subject: Subject, number: u32) -> Result<(), StoreErrorKind> {
    let of = country_type();
    let before = subject.read(id(number)).await.expect("it is there");
    let after = before.next().with(country::POPULATION, integer(1));
    match subject.write(&[&of], vec![update(&before, &after)]).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.kind),
        Err(CommitError::Conflict(conflict)) => fail(&format!("{conflict:?}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_held_costs_its_writer_alone_and_is_not_told_as_a_changing_type() {
    let hold = format!("SELECT id FROM entity WHERE id = '{}' FOR UPDATE", id(5).0);
    let mut world = world(40, &hold).await;
    let writers = (1..=40).map(|number| tokio::spawn(change(world.subject.clone(), number)));
    let outcomes = join_all(writers)
        .await
        .into_iter()
        .map(|one| one.expect("it ends"));
    let outcomes: Vec<_> = outcomes
        .zip(1u32..)
        .filter(|(outcome, _)| outcome.is_err())
        .collect();
    assert_eq!(outcomes, [(Err(StoreErrorKind::Unavailable), 5)]);
    sqlx::query("ROLLBACK")
        .execute(&mut world.other)
        .await
        .expect("it lets go");
    assert_eq!(change(world.subject, 5).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_let_go_soon_after_the_wait_is_written() {
    let hold = format!("SELECT id FROM entity WHERE id = '{}' FOR UPDATE", id(1).0);
    let mut world = world(1, &hold).await;
    let writer = tokio::spawn(change(world.subject.clone(), 1));
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert!(!writer.is_finished(), "it waits once more");
    sqlx::query("ROLLBACK")
        .execute(&mut world.other)
        .await
        .expect("it lets go");
    assert_eq!(writer.await.expect("it ends"), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_held_is_told_as_changing() {
    let of = country_type();
    let hold = format!(
        "SELECT pg_advisory_xact_lock(registry_type_lock('{}'))",
        of.id.0
    );
    let mut world = world(1, &hold).await;
    let outcome = change(world.subject.clone(), 1).await;
    assert_eq!(outcome, Err(StoreErrorKind::TypeChanging));
    let after = registry_core::EntityType {
        version: registry_core::Version(2),
        ..of.clone()
    };
    let change_of_type = world.subject.type_change(Some(&of), Some(&after)).await;
    match world.subject.change_type(change_of_type).await {
        Err(CommitError::Store(error)) => assert_eq!(error.kind, StoreErrorKind::TypeChanging),
        other => fail(&format!("{other:?}")),
    }
    sqlx::query("ROLLBACK")
        .execute(&mut world.other)
        .await
        .expect("it lets go");
    assert_eq!(change(world.subject, 1).await, Ok(()));
}
