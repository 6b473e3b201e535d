//! What writers are told who wait in vain for a row, and for a type.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use futures::future::join_all;
use registry_contract::{
    Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, entity, fail, id, integer, update,
    },
};
use registry_core::{
    Scope,
    change::Operation,
    port::{CommitError, StoreErrorKind},
};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

struct World {
    subject: Subject,
    /// A session in the middle of a transaction.
    other: PgConnection,
    _database: Database,
}

async fn world(entities: u32, hold: &str) -> World {
    let set = |config| PostgresConfig {
        lock_timeout: Duration::from_millis(300),
        ..config
    };
    world_of(entities, hold, set).await
}

async fn world_of(
    entities: u32,
    hold: &str,
    set: impl FnOnce(PostgresConfig) -> PostgresConfig,
) -> World {
    let database = Database::default();
    let url = database.url().await;
    let config = set(PostgresConfig::url(url.clone()));
    let store = registry_postgres::open(config).await;
    let subject = Subject::of(&Arc::new(store.expect("the store opens")));
    let of = country_type();
    subject.define(&[&of]).await;
    for number in 1..=entities {
        subject.create(&[&of], [entity(&of, number)]).await;
    }
    let mut other = PgConnection::connect(&url).await.expect("it connects");
    for statement in ["BEGIN", hold] {
        say(&mut other, statement).await;
    }
    World {
        subject,
        other,
        _database: database,
    }
}

async fn say(other: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(other)
        .await
        .expect("the other session is heard");
}

fn held(number: u32) -> String {
    let id = id(number).0;
    format!("SELECT id FROM entity WHERE id = '{id}' FOR UPDATE")
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
    let mut world = world(40, &held(5)).await;
    let writers = (1..=40).map(|number| tokio::spawn(change(world.subject.clone(), number)));
    let outcomes = join_all(writers)
        .await
        .into_iter()
        .map(|one| one.expect("it ends"));
    let outcomes: Vec<_> = outcomes
        .zip(1u32..)
        .filter(|(outcome, _)| outcome.is_err())
        .collect();
    assert_eq!(outcomes, [(Err(StoreErrorKind::Busy), 5)]);
    say(&mut world.other, "ROLLBACK").await;
    assert_eq!(change(world.subject, 5).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_let_go_soon_after_the_wait_is_written() {
    let mut world = world(1, &held(1)).await;
    let writer = tokio::spawn(change(world.subject.clone(), 1));
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert!(!writer.is_finished(), "it waits once more");
    say(&mut world.other, "ROLLBACK").await;
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
    say(&mut world.other, "ROLLBACK").await;
    assert_eq!(change(world.subject, 1).await, Ok(()));
}

/// Creates an airport in a country.
async fn create(subject: Subject, number: u32, country: u32) -> Result<(), StoreErrorKind> {
    let (of, country_of) = (airport_type(), country_type());
    let made = entity(&of, number).linked(airport::COUNTRY, &[id(country)]);
    match subject
        .write(&[&of, &country_of], vec![Operation::Create(made)])
        .await
    {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.kind),
        Err(CommitError::Conflict(conflict)) => fail(&format!("{conflict:?}")),
    }
}

/// How many of these entities are there.
async fn count(subject: &Subject, numbers: RangeInclusive<u32>) -> usize {
    let ids: Vec<_> = numbers.map(id).collect();
    let read = subject.store.entities(&ids, &Scope::Everything).await;
    read.expect("it reads").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_went_away_while_others_waited_is_not_written() {
    let set = |config| PostgresConfig {
        lock_timeout: Duration::from_secs(1),
        ..config
    };
    let mut world = world_of(1, &held(1), set).await;
    world.subject.define(&[&airport_type()]).await;
    let writers: Vec<_> = (101..=140)
        .map(|number| tokio::spawn(create(world.subject.clone(), number, 1)))
        .collect();
    // Four groups of one wait twice, then all others once in groups, and then apart.
    tokio::time::sleep(Duration::from_millis(4_300)).await;
    for writer in &writers {
        writer.abort();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    say(&mut world.other, "ROLLBACK").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let written = count(&world.subject, 101..=140).await;
    // Those that wait at the moment: a statement that was sent is not taken back.
    assert!(written <= 2, "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_holds_are_written_with_few_connections_too() {
    let set = |config| PostgresConfig {
        connections: 4,
        wait: Duration::from_millis(250),
        lock_timeout: Duration::from_millis(300),
        ..config
    };
    let world = world_of(30, &held(1), set).await;
    world.subject.define(&[&airport_type()]).await;
    let waiting = (101..=120).map(|number| {
        let writer = create(world.subject.clone(), number, 1);
        tokio::spawn(writer)
    });
    let free = (2..=30).map(|number| tokio::spawn(change(world.subject.clone(), number)));
    let (waiting, free) = futures::join!(join_all(waiting), join_all(free));
    let told = |outcomes: Vec<Result<_, _>>| -> Vec<Result<(), StoreErrorKind>> {
        outcomes
            .into_iter()
            .map(|one| one.expect("it ends"))
            .collect()
    };
    assert_eq!(told(waiting), vec![Err(StoreErrorKind::Busy); 20]);
    assert_eq!(told(free), vec![Ok(()); 29]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_after_a_wait_in_vain_is_run_again() {
    let set = |config| PostgresConfig {
        // Longer than the engine takes to look for a deadlock, which is one second.
        lock_timeout: Duration::from_millis(1_800),
        ..config
    };
    let mut world = world_of(2, &held(2), set).await;
    // The writer is the one who looks.
    say(&mut world.other, "SET LOCAL deadlock_timeout = '30s'").await;
    let of = country_type();
    let mut operations = Vec::new();
    for number in [1, 2] {
        let before = world.subject.read(id(number)).await.expect("it is there");
        operations.push(update(
            &before,
            &before.next().with(country::POPULATION, integer(1)),
        ));
    }
    let subject = world.subject.clone();
    let writer = tokio::spawn(async move { subject.write(&[&of], operations).await.map(|_| ()) });
    // It waited for the second in vain, and waits for it again with the first in hand.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    say(&mut world.other, &held(1)).await;
    say(&mut world.other, "ROLLBACK").await;
    let outcome = writer.await.expect("it ends");
    assert!(outcome.is_ok(), "{outcome:?}");
}
