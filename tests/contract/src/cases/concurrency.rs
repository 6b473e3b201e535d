//! Many writers at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use registry_core::{
    Entity, EntityId, EntityType, KeyNumber, Scope, Version,
    change::{ChangeOperation, Operation},
    port::{ChangeRow, CommitError, Conflict},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, delete, encoded, entity, id,
        integer, text, update,
    },
    harness::conflict,
};

/// Commits each list of operations in a task of its own, all at once, by turns over two handles.
async fn at_once(
    harness: &impl Harness,
    types: &[&EntityType],
    sets: Vec<Vec<Operation>>,
) -> Vec<Result<(), CommitError>> {
    let handles = [harness.open().await, harness.open().await];
    let types: Vec<EntityType> = types.iter().map(|one| (*one).clone()).collect();
    let tasks = sets.into_iter().zip(handles.iter().cycle());
    let tasks = tasks.map(|(operations, subject)| {
        let (subject, types) = (subject.clone(), types.clone());
        tokio::spawn(async move {
            let types: Vec<&EntityType> = types.iter().collect();
            subject.write(&types, operations).await.map(drop)
        })
    });
    let outcomes = join_all(tasks).await;
    outcomes.into_iter().map(Result::unwrap).collect()
}

pub async fn of_64_parallel_creations_with_one_unique_value_exactly_one_succeeds(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let made: Vec<Entity> = (1..=64)
        .map(|number| entity(&of, number).with(country::CODE, text("FR")))
        .collect();
    let sets = made.iter().cloned().map(|one| vec![Operation::Create(one)]);
    let outcomes = at_once(&harness, &[&of], sets.collect()).await;
    let mut winners = Vec::new();
    for (outcome, one) in outcomes.into_iter().zip(&made) {
        match outcome {
            Ok(()) => winners.push(one.clone()),
            Err(CommitError::Conflict(refusal)) => {
                let key = KeyNumber(country::CODE);
                assert_eq!(refusal, Conflict::KeyTaken { operation: 0, key });
            }
            Err(CommitError::Store(error)) => crate::fixture::fail(&format!("{error:?}")),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let contents = subject.contents().await;
    assert_eq!(contents.entities, winners);
    assert_eq!(contents.log.len(), 2);
    let (code, value) = (KeyNumber(country::CODE), encoded("FR"));
    let holder = subject
        .store
        .by_key(of.id, code, &value, &Scope::Everything);
    assert_eq!(holder.await.unwrap().as_ref(), winners.first());
}

pub async fn a_refused_member_costs_its_neighbours_nothing(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    subject.create(&[&country], [entity(&country, 1)]).await;
    for (round, bad) in (0..3u32).zip([7usize, 0, 63]) {
        let first = 1_000 * (round + 1);
        let made: Vec<Entity> = (first..first + 64)
            .zip(0..)
            .map(|(number, index)| {
                let target = if index == bad { id(999_999) } else { id(1) };
                entity(&airport, number).linked(airport::COUNTRY, &[target])
            })
            .collect();
        let sets = made.iter().cloned().map(|one| vec![Operation::Create(one)]);
        let outcomes = at_once(&harness, &[&airport], sets.collect()).await;
        for (index, (outcome, one)) in outcomes.into_iter().zip(&made).enumerate() {
            assert_eq!(outcome.is_ok(), index != bad, "{index}: {outcome:?}");
            let stored = subject.read(one.id).await;
            assert_eq!(stored.is_some(), index != bad, "{index}");
        }
    }
    subject.assert_agreement().await;
    let contents = subject.contents().await;
    assert_eq!(contents.links.len(), 3 * 63);
    assert_eq!(contents.log.len(), 2 + 1 + 3 * 63);
}

pub async fn of_many_updates_of_one_version_exactly_one_succeeds(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let [mut present] = subject.create(&[&of], [entity(&of, 1)]).await;
    for round in 1..=5i64 {
        let sets = (0..16).map(|writer| {
            let after = present.next();
            let after = after.with(country::POPULATION, integer(100 * round + writer));
            vec![update(&present, &after)]
        });
        let outcomes = at_once(&harness, &[&of], sets.collect()).await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "{outcomes:?}");
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            let refusal = conflict(outcome);
            let expected = Conflict::Stale {
                operation: 0,
                current: Some(present.version.next()),
            };
            assert_eq!(refusal, expected);
        }
        present = subject.read(id(1)).await.unwrap();
        assert_eq!(present.version, Version(round + 1));
    }
}

/// Each of 16 writers makes an entity and changes it twenty times, while two readers follow the log.
pub async fn no_change_is_skipped_or_out_of_order_however_writers_commit(harness: impl Harness) {
    const WRITERS: u32 = 16;
    const VERSIONS: i64 = 21;
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let mut writers = Vec::new();
    for number in 1..=WRITERS {
        let (handle, of) = (harness.open().await, of.clone());
        writers.push(tokio::spawn(async move {
            let [mut present] = handle.create(&[&of], [entity(&of, number)]).await;
            for version in 2..=VERSIONS {
                let after = present.next().with(country::POPULATION, integer(version));
                let operations = vec![update(&present, &after)];
                handle.write(&[&of], operations).await.unwrap();
                present = after;
            }
        }));
    }
    let wanted = usize::try_from(i64::from(WRITERS) * VERSIONS).unwrap() + 1;
    let readers = [3, 50].map(|limit| tokio::spawn(follow(subject.clone(), limit, wanted)));
    for writer in writers {
        writer.await.unwrap();
    }
    let whole = subject.log().await;
    assert_eq!(whole.len(), wanted);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), whole);
    }
    let mut versions: BTreeMap<EntityId, Vec<Version>> = BTreeMap::new();
    let of_entities = whole
        .iter()
        .filter(|row| row.change.operation != ChangeOperation::Type);
    for row in of_entities {
        let of_one = versions.entry(row.change.entity).or_default();
        of_one.push(row.change.version);
    }
    let all: Vec<Version> = (1..=VERSIONS).map(Version).collect();
    let expected = (1..=WRITERS)
        .map(|number| (id(number), all.clone()))
        .collect();
    assert_eq!(versions, expected);
}

/// Follows the log until it has as many rows, with a bound on time.
async fn follow(subject: Subject, limit: usize, wanted: usize) -> Vec<ChangeRow> {
    let mut rows = Vec::new();
    let mut after = None;
    let reading = async {
        while rows.len() < wanted {
            let page = subject.store.changes(after, limit).await.unwrap();
            if page.rows.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            assert!(rows.len() <= wanted, "a row was seen twice");
            rows.extend(page.rows);
            after = page.next;
        }
    };
    let bound = std::time::Duration::from_mins(2);
    let outcome = tokio::time::timeout(bound, reading).await;
    assert!(outcome.is_ok(), "{} rows of {wanted} were seen", rows.len());
    rows
}

/// A target is deleted while others link to it: whatever wins, no link leads nowhere.
pub async fn a_link_and_the_deletion_of_its_target_never_both_succeed(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    for round in 1..=10u32 {
        let target = entity(&country, round);
        let [target] = subject.create(&[&country], [target]).await;
        let links = (0..4).map(|writer| {
            let holder = entity(&airport, 1_000 + 10 * round + writer);
            vec![Operation::Create(
                holder.linked(airport::COUNTRY, &[target.id]),
            )]
        });
        let sets = links.chain([vec![delete(&target)]]).collect();
        let outcomes = at_once(&harness, &[&country, &airport], sets).await;
        let (deletion, links) = outcomes.split_last().unwrap();
        let linked = links.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(deletion.is_err() || linked == 0, "{outcomes:?}");
        assert!(deletion.is_ok() || linked > 0, "{outcomes:?}");
        assert_eq!(subject.read(target.id).await.is_none(), deletion.is_ok());
    }
    subject.assert_agreement().await;
}

/// Two holders are relinked crosswise, over and over: locks taken in different orders must not end in a deadlock.
pub async fn change_sets_over_the_same_entities_in_other_orders_all_end(harness: impl Harness) {
    let subject = harness.open().await;
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let ring = |versions: Version| {
        (1..=8).map(move |number| Entity {
            version: versions,
            ..entity(&airport_type(), number)
        })
    };
    let operations = ring(Version(1)).map(Operation::Create).collect();
    subject.write(&[&airport], operations).await.unwrap();
    let sets = (0..16usize).map(|writer| {
        let mut operations: Vec<Operation> = ring(Version(1))
            .map(|before| {
                let tag = u32::try_from(writer).unwrap();
                let after = before.next().linked(airport::PARTNERS, &[id(tag % 8 + 1)]);
                update(&before, &after)
            })
            .collect();
        operations.rotate_left(writer % 8);
        if writer % 2 == 0 {
            operations.reverse();
        }
        operations
    });
    let outcomes = at_once(&harness, &[&airport], sets.collect()).await;
    let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(winners, 1, "{outcomes:?}");
    for outcome in outcomes {
        assert!(
            matches!(
                outcome,
                Ok(()) | Err(CommitError::Conflict(Conflict::Stale { .. }))
            ),
            "{outcome:?}"
        );
    }
    let stored = subject.contents().await.entities;
    let targets: BTreeSet<_> = stored.iter().map(|one| one.links.clone()).collect();
    assert_eq!(targets.len(), 1, "two change sets were applied in part");
    subject.assert_agreement().await;
}
