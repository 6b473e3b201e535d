//! The change log: read forward by followers, backward as history.

use registry_core::{
    Entity, EntityId, Version,
    change::{ChangeOperation, Operation},
    port::{ChangePage, ChangeRow},
};

use crate::{
    Harness,
    fixture::{Build as _, country, country_type, delete, entity, id, text, update},
};

pub async fn an_empty_log_has_no_rows_and_no_place(harness: impl Harness) {
    let subject = harness.open().await;
    let expected = ChangePage {
        rows: Vec::new(),
        next: None,
    };
    assert_eq!(subject.store.changes(None, 10).await.unwrap(), expected);
    assert_eq!(subject.store.log_head().await.unwrap(), None);
}

pub async fn the_head_must_not_lie_before_the_place_of_any_acknowledged_write(
    harness: impl Harness,
) {
    let (subject, other) = (harness.open().await, harness.open().await);
    let country = country_type();
    subject.define(&[&country]).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (subject, other, country) = (subject.clone(), other.clone(), country.clone());
        writers.spawn(async move {
            for number in 0..6 {
                let made = entity(&country, writer * 100 + number);
                let operations = vec![Operation::Create(made)];
                let written = subject.write(&[&country], operations).await;
                let place = Some(written.unwrap().position);
                for reader in [&subject, &other] {
                    let head = reader.store.log_head().await.unwrap();
                    assert!(head >= place, "{head:?} lies before {place:?}");
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let head = subject.store.log_head().await.unwrap();
    let log = subject.log().await;
    assert_eq!(log.len(), 49);
    assert_eq!(log.last().map(|row| row.position), head);
}

pub async fn a_reader_that_goes_on_from_next_must_see_every_row_exactly_once(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    for number in 1..=25 {
        subject
            .create(&[&country], [entity(&country, number)])
            .await;
    }
    // Waits until the newest row can be read.
    subject.log().await;
    let whole = subject.store.changes(None, 1_000).await.unwrap();
    let expected: Vec<EntityId> = std::iter::once(EntityId(country.id.0))
        .chain((1..=25).map(id))
        .collect();
    let ids: Vec<EntityId> = whole.rows.iter().map(|row| row.change.entity).collect();
    assert_eq!(ids, expected);
    assert!(whole.rows.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(whole.next, whole.rows.last().map(|row| row.position));
    for limit in [1, 2, 5, 25, 26, 27] {
        let mut rows: Vec<ChangeRow> = Vec::new();
        let mut after = None;
        loop {
            let page = subject.store.changes(after, limit).await.unwrap();
            assert!(page.rows.len() <= limit);
            if page.rows.is_empty() {
                // At the end the place stays.
                assert_eq!(page.next, after);
                break;
            }
            assert!(page.next > after, "the log does not go on");
            rows.extend(page.rows);
            after = page.next;
        }
        assert_eq!(rows, whole.rows, "{limit} at a time");
    }
    let end = whole.next;
    subject.create(&[&country], [entity(&country, 26)]).await;
    subject.log().await;
    let page = subject.store.changes(end, 10).await.unwrap();
    let ids: Vec<EntityId> = page.rows.iter().map(|row| row.change.entity).collect();
    assert_eq!(ids, [id(26)]);
}

pub async fn history_is_newest_first_and_of_one_entity(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let made = [entity(&country, 1), entity(&country, 2)];
    let [first, other] = subject.create(&[&country], made).await;
    let mut versions = vec![first];
    for name in ["a", "b", "c"] {
        let before = versions.last().unwrap().clone();
        let after = before.next().with(country::NAME, text(name));
        let operations = vec![update(&before, &after)];
        subject.write(&[&country], operations).await.unwrap();
        versions.push(after);
    }
    let last = versions.last().unwrap().clone();
    let operations = vec![delete(&last), update(&other, &other.next())];
    subject.write(&[&country], operations).await.unwrap();
    let again = Entity {
        version: Version(6),
        ..entity(&country, 1)
    };
    subject.create(&[&country], [again]).await;

    let log = subject.log().await;
    let mut of_first: Vec<ChangeRow> = log
        .into_iter()
        .filter(|row| row.change.entity == id(1))
        .collect();
    of_first.reverse();
    let operations: Vec<(Version, ChangeOperation)> = of_first
        .iter()
        .map(|row| (row.change.version, row.change.operation))
        .collect();
    let expected = [
        (Version(6), ChangeOperation::Create),
        (Version(5), ChangeOperation::Delete),
        (Version(4), ChangeOperation::Update),
        (Version(3), ChangeOperation::Update),
        (Version(2), ChangeOperation::Update),
        (Version(1), ChangeOperation::Create),
    ];
    assert_eq!(operations, expected);
    let history = async |before: Option<i64>, limit| {
        let before = before.map(Version);
        subject.store.history(id(1), before, limit).await.unwrap()
    };
    assert_eq!(history(None, 100).await, of_first);
    assert_eq!(history(None, 2).await, of_first[..2]);
    assert_eq!(history(Some(7), 3).await, of_first[..3]);
    assert_eq!(history(Some(6), 2).await, of_first[1..3]);
    assert_eq!(history(Some(2), 100).await, of_first[5..]);
    assert_eq!(history(Some(1), 100).await, []);
    let absent = subject.store.history(id(99), None, 10).await.unwrap();
    assert_eq!(absent, []);
}

pub async fn the_rows_of_a_type_are_not_those_of_an_entity_with_its_id(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let twin = EntityId(country.id.0);
    assert_eq!(subject.store.last_version(twin).await.unwrap(), None);
    let history = subject.store.history(twin, None, 10).await.unwrap();
    assert_eq!(history, []);
    let made = Entity {
        id: twin,
        ..entity(&country, 1)
    };
    subject.create(&[&country], [made]).await;
    let history = subject.store.history(twin, None, 10).await.unwrap();
    let operations: Vec<_> = history.iter().map(|row| row.change.operation).collect();
    assert_eq!(operations, [ChangeOperation::Create]);
}

pub async fn the_walk_back_through_history_gives_every_earlier_version(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let first = entity(&country, 1).with(country::NAME, text("a"));
    let second = first.next().with(country::CODE, text("A"));
    let third = second.next().without(country::NAME).owned_by(&["org:b"]);
    subject.create(&[&country], [first.clone()]).await;
    for (before, after) in [(&first, &second), (&second, &third)] {
        let operations = vec![update(before, after)];
        subject.write(&[&country], operations).await.unwrap();
    }
    let mut present = subject.read(id(1)).await.unwrap();
    let mut walked = vec![present.clone()];
    for row in subject.store.history(id(1), None, 10).await.unwrap() {
        let earlier = row.change.earlier;
        let Some(stamp) = earlier.stamp else {
            continue;
        };
        for (number, datum) in earlier.fields {
            match datum {
                Some(datum) => present.data.insert(number, datum),
                None => present.data.remove(&number),
            };
        }
        present.version = Version(row.change.version.0 - 1);
        present.owners = earlier.owners.unwrap_or(present.owners);
        present.readers = earlier.readers.unwrap_or(present.readers);
        present.type_version = stamp.type_version;
        present.updated_at = stamp.at;
        present.updated_by = stamp.by;
        walked.push(present.clone());
    }
    assert_eq!(walked, [third, second, first]);
}
