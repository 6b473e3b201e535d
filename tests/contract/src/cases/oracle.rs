//! Random change sets and queries: the store answers as the reference store does.

use std::sync::Arc;

use registry_core::{change::Change, port::CommitError, query::After};
use registry_memory::MemoryStore;

use crate::{
    Harness, Subject,
    fixture::{airport_type, change_set, country_type, random::Draw},
};

/// Runs one seed: sixty change sets, and after each some queries, walked to their ends.
async fn agree(subject: &Subject, seed: u64) {
    let memory = Arc::new(MemoryStore::new());
    let oracle = Subject::of(&memory);
    let (country, airport) = (country_type(), airport_type());
    let types = [&country, &airport];
    for one in [subject, &oracle] {
        one.define(&types).await;
    }
    let mut draw = Draw(seed);
    let mut applied = 0;
    for round in 0..60 {
        let contents = oracle.contents().await;
        let operations = draw.operations(&types, &contents);
        let mut set = change_set(&types, operations);
        set.scope = draw.scope();
        let expected = oracle.store.commit(set.clone()).await;
        let outcome = subject.store.commit(set.clone()).await;
        // With several reasons to refuse, each store may name another one.
        match (&expected, &outcome) {
            (Ok(_), Ok(_)) => applied += 1,
            (Err(CommitError::Conflict(_)), Err(CommitError::Conflict(_))) => {}
            _ => crate::fixture::fail(&format!(
                "seed {seed}, round {round}: {expected:?}, but {outcome:?} for {set:?}"
            )),
        }
        assert_eq!(memory.verify().unwrap(), [""; 0]);
        for _ in 0..8 {
            let mut query = draw.query(&types);
            loop {
                let expected = oracle.store.find(&query).await.unwrap();
                let found = subject.store.find(&query).await.unwrap();
                assert_eq!(found, expected, "seed {seed}, round {round}: {query:#?}");
                match expected.items.last() {
                    Some(last) if expected.more => {
                        query.after = Some(After::entity(last, &query.sort));
                    }
                    _ => break,
                }
            }
        }
    }
    assert!(applied > 10, "too few change sets of seed {seed} are good");
    let (expected, found) = (oracle.contents().await, subject.contents().await);
    assert_eq!(found.entities, expected.entities, "seed {seed}");
    assert_eq!(found.links, expected.links, "seed {seed}");
    assert_eq!(found.keys, expected.keys, "seed {seed}");
    // Places differ from store to store.
    let changes = |log: Vec<registry_core::port::ChangeRow>| -> Vec<Change> {
        log.into_iter().map(|row| row.change).collect()
    };
    assert_eq!(changes(found.log), changes(expected.log), "seed {seed}");
}

pub async fn random_change_sets_and_queries_are_answered_as_the_reference_store_does<H: Harness>(
    _: H,
) {
    for seed in 1..=5 {
        agree(&H::default().open().await, seed).await;
    }
}
