//! How both engines run the lists of a registry with many entities, and that they find in them what the reference store finds.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{collections::BTreeMap, fmt::Write as _};

use common::{
    cases::cases,
    data::{FIRST, fill},
    recording::Recording,
};
use futures::TryStreamExt as _;
use registry_contract::{
    Subject,
    fixture::{airport, airport_type, country_type, encoded, id, query, scope},
};
use registry_core::{
    KeyNumber, Scope,
    change::Operation,
    port::{Found, Store},
    query::{After, Query},
};
use registry_memory::MemoryStore;
use registry_sql::{Driver, SqlStore, Statement};

const AIRPORTS: u32 = 60_000;

/// A store in memory with the same entities.
async fn reference(store: &dyn Store) -> Subject {
    let types = [country_type(), airport_type()];
    let subject = Subject::of(&std::sync::Arc::new(MemoryStore::default()));
    subject.define(&[&types[0], &types[1]]).await;
    for of in &types {
        let all = store.export(&query(&[of])).await.unwrap();
        let all: Vec<_> = all.try_collect().await.unwrap();
        for part in all.chunks(10_000) {
            let operations = part.iter().cloned().map(Operation::Create).collect();
            subject.write(&[of], operations).await.unwrap();
        }
    }
    subject
}

/// A page, and the one after it.
async fn two_pages(store: &dyn Store, query: &Query) -> (Found, Option<Found>) {
    let first = store.find(query).await.unwrap();
    let next = match first.items.last() {
        Some(last) if first.more => {
            let after = Some(After::entity(last, &query.sort));
            let next = Query {
                after,
                ..query.clone()
            };
            Some(store.find(&next).await.unwrap())
        }
        _ => None,
    };
    (first, next)
}

/// The statements of each list; fails where the list is not that of the reference store.
async fn statements<D: Driver>(
    store: &SqlStore<Recording<D>>,
) -> BTreeMap<&'static str, Vec<Statement>> {
    fill(store, AIRPORTS).await;
    let reference = reference(store).await;
    let mut statements = BTreeMap::new();
    for (name, query) in cases(AIRPORTS) {
        let expected = two_pages(reference.store.as_ref(), &query).await;
        assert!(two_pages(store, &query).await == expected, "{name} differs");
        store.driver().take();
        store.find(&query).await.unwrap();
        statements.insert(name, store.driver().take());
    }
    let (one, icao) = (id(FIRST + 5), KeyNumber(airport::ICAO));
    let everything = Scope::Everything;
    let key = encoded("K5");
    let found = store
        .by_key(airport_type().id, icao, &key, &everything)
        .await;
    assert_eq!(found.unwrap().map(|entity| entity.id), Some(one));
    statements.insert("single, by key", store.driver().take());
    store.entities(&[one], &everything).await.unwrap();
    statements.insert("single, by id", store.driver().take());
    let fifty: Vec<_> = (0..50).map(|number| id(FIRST + number)).collect();
    store
        .entities(&fifty, &scope(&["user:half"]))
        .await
        .unwrap();
    statements.insert("by fifty ids", store.driver().take());
    store.holders(&[id(5)], 100).await.unwrap();
    statements.insert("holders", store.driver().take());
    store.incoming(id(5), &everything).await.unwrap();
    statements.insert("incoming", store.driver().take());
    store.history(one, None, 10).await.unwrap();
    statements.insert("single, history", store.driver().take());
    statements
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let (store, _folder) = common::sqlite().await;
    let mut shown = String::new();
    for (name, statements) in statements(&store).await {
        for (number, statement) in statements.iter().enumerate() {
            let plan = store.driver().plan(statement).await;
            // Aliases of stored tables have one letter, or a letter and a number.
            let pass = plan.lines().find(|line| {
                let alias = line
                    .strip_prefix("SCAN ")
                    .and_then(|rest| rest.split(' ').next());
                alias.is_some_and(|alias| {
                    alias.len() <= 2 && !matches!(alias, "x" | "r" | "u" | "m" | "s" | "c")
                })
            });
            assert_eq!(
                pass, None,
                "{name} passes over a table:
{plan}"
            );
            writeln!(shown, "# {name}, statement {}\n{plan}\n", number + 1).unwrap();
        }
    }
    insta::assert_snapshot!(shown);
}

/// Pages of 8 KiB that a plan touched.
fn pages(plan: &str) -> u64 {
    let counts = plan
        .lines()
        .find_map(|line| line.trim().strip_prefix("Buffers: shared "));
    let numbers = counts.unwrap_or_default().split_whitespace();
    let numbers = numbers.filter_map(|part| part.split_once('='));
    let of = |kind| matches!(kind, "hit" | "read");
    numbers
        .filter(|(kind, _)| of(*kind))
        .filter_map(|(_, count)| count.parse::<u64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let store = common::postgres().await;
    let mut touched: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, statements) in statements(&store).await {
        for statement in statements {
            let plan = store.driver().plan(&statement).await;
            assert!(
                !plan.contains("Seq Scan"),
                "{name} passes over a table:\n{plan}"
            );
            *touched.entry(name).or_default() += pages(&plan);
        }
    }
    // A pass over the type touches a page for each of its rows: 60,000. Counts of half of it may.
    for (name, pages) in &touched {
        let most = if name.starts_with("count") {
            40_000
        } else {
            10_000
        };
        assert!(*pages < most, "{name} touches {pages} pages");
    }
    for list in [
        "all",
        "half by range",
        "one target",
        "half in scope",
        "sorted",
    ] {
        let of = |place: &str| {
            let name = format!("{list}, {place}");
            touched.get(name.as_str()).copied().unwrap()
        };
        let (first, middle) = (of("first"), of("middle"));
        assert!(
            middle <= 2 * first + 50,
            "{list}: {middle} pages in the middle, {first} at first"
        );
    }
    for single in [
        "1 by equality",
        "target without holders",
        "single, by key",
        "single, by id",
        "single, history",
    ] {
        let pages = touched.get(single).copied().unwrap();
        assert!(pages <= 20, "{single} touches {pages} pages");
    }
}
