//! Orders, pages, counts and exports.

use std::cmp::Ordering;

use futures::{StreamExt as _, TryStreamExt as _};
use registry_core::{
    Encoded, Entity, EntityId, EntityType,
    change::Operation,
    query::{After, Count, Direction, Operand, Query, SortTerm, SystemField, Test},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, compare, country_type, delete, encoded, entity, field,
        id, integer, not, query, sort, text, update,
    },
};

use Direction::{Ascending, Descending};

/// Walks over the pages of a query, from its `after` on; the ids in the order in which they came.
pub(crate) async fn walk(subject: &Subject, mut query: Query) -> Vec<EntityId> {
    let mut ids = Vec::new();
    loop {
        let found = subject.store.find(&query).await.unwrap();
        assert!(found.items.len() <= query.limit, "more than asked for");
        ids.extend(found.items.iter().map(|one| one.id));
        assert!(ids.len() < 10_000, "the walk does not end");
        match found.items.last() {
            Some(last) if found.more => query.after = Some(After::entity(last, &query.sort)),
            _ => return ids,
        }
    }
}

/// 120 airports: a few names, statuses and elevations, each missing now and then.
async fn many(subject: &Subject) -> (EntityType, Vec<Entity>) {
    let of = airport_type();
    subject.define(&[&country_type(), &of]).await;
    let names = [Some("b"), None, Some("a"), Some(""), Some("B")];
    let elevations = [
        Some(5),
        Some(-5),
        None,
        Some(0),
        Some(i64::MAX),
        Some(5),
        Some(i64::MIN),
    ];
    let made: Vec<Entity> = (1..=120u32)
        .map(|number| {
            let mut one = entity(&of, number);
            let pick = usize::try_from(number * 31 % 97).unwrap();
            if let Some(Some(name)) = names.get(pick % names.len()) {
                one = one.with(airport::NAME, text(name));
            }
            if let Some(Some(height)) = elevations.get(pick % elevations.len()) {
                one = one.with(airport::ELEVATION, integer(*height));
            }
            one
        })
        .collect();
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&of], operations).await.unwrap();
    (of, made)
}

fn orders(of: &EntityType) -> Vec<Vec<SortTerm>> {
    let name = |direction| sort(field(of, airport::NAME), direction);
    let height = |direction| sort(field(of, airport::ELEVATION), direction);
    let system = |field, direction| sort(Operand::System(field), direction);
    vec![
        vec![],
        vec![name(Ascending)],
        vec![name(Descending)],
        vec![height(Ascending)],
        vec![height(Descending)],
        vec![name(Ascending), height(Descending)],
        vec![name(Descending), height(Ascending)],
        vec![height(Descending), name(Descending)],
        vec![
            name(Ascending),
            height(Ascending),
            system(SystemField::Id, Descending),
        ],
        vec![
            height(Ascending),
            name(Descending),
            system(SystemField::UpdatedBy, Descending),
        ],
        vec![system(SystemField::Version, Descending), name(Ascending)],
        vec![system(SystemField::Id, Descending)],
        vec![system(SystemField::CreatedAt, Descending)],
        vec![system(SystemField::UpdatedAt, Ascending)],
    ]
}

/// The order of two entities, told in other words than the store's: by one list of keys.
fn expected_order(order: &[SortTerm], a: &Entity, b: &Entity) -> Ordering {
    for term in order {
        let (a, b) = (term.by.value_of(a), term.by.value_of(b));
        let by_value = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, _) => return Ordering::Greater,
            (_, None) => return Ordering::Less,
            (Some(a), Some(b)) => a.cmp(&b),
        };
        match (by_value, term.direction) {
            (Ordering::Equal, _) => {}
            (unequal, Ascending) => return unequal,
            (unequal, Descending) => return unequal.reverse(),
        }
    }
    let by_id = a.id.cmp(&b.id);
    match order.last() {
        Some(SortTerm {
            direction: Descending,
            ..
        }) => by_id.reverse(),
        _ => by_id,
    }
}

pub async fn entities_come_in_order_missing_values_last_ties_by_id(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, mut made) = many(&subject).await;
    for order in orders(&of) {
        made.sort_by(|a, b| expected_order(&order, a, b));
        let expected: Vec<EntityId> = made.iter().map(|one| one.id).collect();
        let query = Query {
            sort: order.clone(),
            ..query(&[&of])
        };
        assert_eq!(subject.ids(&query).await, expected, "{order:?}");
    }
}

pub async fn pages_put_together_are_the_whole(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, mut made) = many(&subject).await;
    for order in orders(&of) {
        made.sort_by(|a, b| expected_order(&order, a, b));
        let expected: Vec<EntityId> = made.iter().map(|one| one.id).collect();
        for limit in [1, 7, 40, 119, 120, 121] {
            let query = Query {
                sort: order.clone(),
                limit,
                ..query(&[&of])
            };
            assert_eq!(walk(&subject, query).await, expected, "{limit} {order:?}");
        }
    }
}

pub async fn a_page_may_begin_after_a_place_that_nobody_holds(harness: impl Harness) {
    let subject = harness.open().await;
    let of = airport_type();
    subject.define(&[&country_type(), &of]).await;
    let named = |number, name| entity(&of, number).with(airport::NAME, text(name));
    let made = [
        named(10, "b"),
        named(20, "d"),
        named(30, "b"),
        entity(&of, 40),
    ];
    subject.create(&[&of], made).await;
    let cases: [(Direction, Option<&str>, u32, &[u32]); 10] = [
        (Ascending, Some("a"), 99, &[10, 30, 20, 40]),
        (Ascending, Some("b"), 15, &[30, 20, 40]),
        (Ascending, Some("c"), 1, &[20, 40]),
        (Ascending, Some("e"), 1, &[40]),
        (Ascending, None, 39, &[40]),
        (Ascending, None, 40, &[]),
        (Descending, Some("e"), 1, &[20, 30, 10, 40]),
        (Descending, Some("b"), 15, &[10, 40]),
        (Descending, None, 41, &[40]),
        (Descending, None, 39, &[]),
    ];
    for (direction, value, number, expected) in cases {
        let query = Query {
            sort: vec![sort(field(&of, airport::NAME), direction)],
            after: Some(After {
                values: vec![value.map(encoded)],
                id: id(number),
            }),
            ..query(&[&of])
        };
        let expected: Vec<EntityId> = expected.iter().map(|number| id(*number)).collect();
        let found = subject.ids(&query).await;
        assert_eq!(found, expected, "{direction:?} {value:?} {number}");
    }
}

pub async fn a_walk_over_pages_must_give_every_entity_that_stays_exactly_once(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let (of, made) = many(&subject).await;
    let mut fresh = 1_000;
    let mut entities: Vec<Entity> = made;
    for order in orders(&of) {
        let stays: Vec<EntityId> = entities.iter().map(|one| one.id).collect();
        let mut goes: Vec<Entity> = Vec::new();
        let mut seen = Vec::new();
        let mut query = Query {
            sort: order.clone(),
            limit: 11,
            ..query(&[&of])
        };
        loop {
            let found = subject.store.find(&query).await.unwrap();
            seen.extend(found.items.iter().map(|one| one.id));
            assert!(seen.len() < 10_000, "the walk does not end");
            let Some(last) = found.items.last().filter(|_| found.more) else {
                break;
            };
            query.after = Some(After::entity(last, &query.sort));
            // The last of the page goes after it was read, others come before and behind it.
            let mut operations: Vec<Operation> = goes.iter().map(delete).collect();
            goes = [0, 1, 2]
                .map(|step| {
                    let height = Encoded::clone(&registry_core::field::encode_integer(step - 1));
                    fresh += 1;
                    entity(&of, fresh)
                        .with(
                            airport::NAME,
                            text(["", "a", "c"][usize::try_from(step).unwrap()]),
                        )
                        .with(airport::ELEVATION, registry_core::Datum::One(height))
                })
                .to_vec();
            operations.extend(goes.iter().cloned().map(Operation::Create));
            subject.write(&[&of], operations).await.unwrap();
            if let Some(place) = entities.iter().position(|one| one.id == last.id) {
                let before = entities.remove(place);
                subject.write(&[&of], vec![delete(&before)]).await.unwrap();
                let version = before.version.next().next();
                let again = Entity { version, ..before };
                // It comes back where it was, behind the walk.
                subject.create(&[&of], [again.clone()]).await;
                entities.insert(place, again);
            }
        }
        for one in &stays {
            let times = seen.iter().filter(|id| *id == one).count();
            assert_eq!(times, 1, "{one} {order:?}");
        }
        let rest = goes.iter().map(delete).collect();
        subject.write(&[&of], rest).await.unwrap();
    }
}

pub async fn a_page_tells_whether_more_follows(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let made = [1, 2, 3].map(|number| entity(&of, number));
    let made = subject.create(&[&of], made).await;
    for (limit, more) in [(1, true), (2, true), (3, false), (4, false)] {
        let query = Query {
            limit,
            ..query(&[&of])
        };
        let found = subject.store.find(&query).await.unwrap();
        let items: Vec<Entity> = made.iter().take(limit).cloned().collect();
        let expected = registry_core::port::Found {
            items,
            more,
            total: None,
        };
        assert_eq!(found, expected, "{limit}");
    }
}

pub async fn a_total_counts_all_matches_whatever_page_is_asked_for(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, made) = many(&subject).await;
    let name = field(&of, airport::NAME);
    let filter = compare(name.clone(), Test::AtLeast(encoded("a")));
    let matching = |one: &&Entity| {
        name.value_of(one)
            .is_some_and(|value| value.0.as_str() >= "a")
    };
    let count = made.iter().filter(matching).count() as u64;
    for (filter, expected) in [
        (filter.clone(), count),
        (not(filter), made.len() as u64 - count),
    ] {
        for after in [
            None,
            Some(After {
                values: vec![],
                id: id(60),
            }),
        ] {
            for limit in [1, 1_000] {
                let query = Query {
                    filter: filter.clone(),
                    count: Count::Exact,
                    limit,
                    after: after.clone(),
                    ..query(&[&of])
                };
                let found = subject.store.find(&query).await.unwrap();
                assert_eq!(found.total, Some(expected), "{limit} {after:?}");
            }
        }
    }
}

pub async fn an_export_gives_all_matches_in_order(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, mut made) = many(&subject).await;
    for order in orders(&of) {
        made.sort_by(|a, b| expected_order(&order, a, b));
        let query = Query {
            sort: order.clone(),
            filter: compare(field(&of, airport::NAME), Test::Less(encoded("b"))),
            // None of these mean anything to an export.
            limit: 1,
            count: Count::Exact,
            after: Some(After {
                values: vec![Some(encoded("zz")); order.len()],
                id: id(60),
            }),
            ..query(&[&of])
        };
        let stream = subject.store.export(&query).await.unwrap();
        let found: Vec<Entity> = stream.try_collect().await.unwrap();
        let name = field(&of, airport::NAME);
        let matching = |one: &&Entity| name.value_of(one).is_some_and(|v| v.0.as_str() < "b");
        let expected: Vec<Entity> = made.iter().filter(matching).cloned().collect();
        assert_eq!(found, expected, "{order:?}");
    }
}

pub async fn the_stream_must_show_the_store_as_of_one_moment(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let made: Vec<Entity> = (1..=2_500).map(|number| entity(&of, number)).collect();
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&of], operations).await.unwrap();
    let mut stream = subject.store.export(&query(&[&of])).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    // What happens while it is read does not show, and is not kept waiting.
    let mut operations: Vec<Operation> = made.iter().skip(1_000).take(500).map(delete).collect();
    operations.extend(made.iter().skip(2_000).map(|one| update(one, &one.next())));
    operations.push(Operation::Create(entity(&of, 9_000)));
    subject.write(&[&of], operations).await.unwrap();
    let mut found = vec![first];
    found.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    assert!(found == made, "{} entities were exported", found.len());
    // A stream that is dropped half way leaves the store in order.
    let mut dropped = subject.store.export(&query(&[&of])).await.unwrap();
    dropped.next().await.unwrap().unwrap();
    drop(dropped);
    subject.create(&[&of], [entity(&of, 9_001)]).await;
}
