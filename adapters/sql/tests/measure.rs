//! What lists and changes of a type cost on 200,000 entities: `tests/with-postgres cargo test -p registry-sql --test measure -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

mod common;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use common::{cases::cases, data::fill, recording::Recording};
use registry_contract::fixture::{airport_type, change_set};
use registry_core::{
    Version,
    change::{ChangeSet, TypeChange},
    limits::INDEX_SLICE,
    port::{BuildStep, Store as _},
};
use registry_sql::{Argument, Driver, Sql, SqlStore};

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

/// Changes of a filled type: a key that is built, indexes that are given up and then dropped in steps, a removal that is refused.
async fn measure_changes<D: Driver>(store: &SqlStore<Recording<D>>) {
    fill(store, AIRPORTS).await;
    let before = airport_type();
    let with = |version, unique, indexed| {
        let mut of = airport_type();
        of.version = Version(version);
        for field in &mut of.fields {
            field.unique |= unique && field.name == "elevation";
            field.indexed &= indexed;
        }
        of
    };
    let changes = [
        ("key of 200,000", Some(with(2, true, true))),
        ("indexes given up", Some(with(3, true, false))),
        ("removal refused", None),
    ];
    let mut sql = Sql::new(D::DIALECT);
    sql.push("INSERT INTO entity_type (id, version, document) VALUES (")
        .bind(Argument::Id(before.id.0))
        .push(", 1, '')");
    let mut transaction = store.driver().begin().await.unwrap();
    let defined = store.driver().execute_in(&mut transaction, sql.finish(&[]));
    defined.await.unwrap();
    store.driver().commit(transaction).await.unwrap();
    let mut present = before;
    let mut catalog = Version(0);
    for (name, after) in changes {
        let change = TypeChange {
            catalog,
            before: Some(Arc::new(present.clone())),
            after: after.clone().map(Arc::new),
            must_be_unused: BTreeSet::new(),
            must_have_no_values: BTreeSet::new(),
            check_entities: name.starts_with("key"),
        };
        let set = ChangeSet {
            types: vec![Arc::new(present.clone())],
            type_change: Some(change),
            ..change_set(&[], Vec::new())
        };
        let begun = Instant::now();
        let outcome = store.commit(set).await;
        println!("{name:32} {:9.2} ms", begun.elapsed().as_secs_f64() * 1e3);
        assert_eq!(outcome.is_ok(), after.is_some(), "{outcome:?}");
        catalog = catalog.next();
        present = after.unwrap_or(present);
    }
    let begun = Instant::now();
    let mut steps = 0;
    for (type_id, field) in store.catalog(None).await.unwrap().unwrap().building {
        while store
            .build_index(type_id, field, INDEX_SLICE)
            .await
            .unwrap()
            == BuildStep::More
        {
            steps += 1;
        }
    }
    println!(
        "indexes dropped, {steps} steps      {:9.2} ms",
        begun.elapsed().as_secs_f64() * 1e3
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn sqlite_changes() {
    let (store, _folder) = common::sqlite().await;
    measure_changes(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn postgres_changes() {
    measure_changes(&common::postgres().await).await;
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
