//! Every test on the values of every kind, on fields with and without an index, single and list: the same answers.

use registry_core::{
    Datum, Encoded, Entity, EntityId, EntityType,
    change::Operation,
    entity_type::Field,
    query::{Direction, Filter, Operand, Query, Test},
};

use crate::{
    Harness,
    fixture::{Build as _, compare, entity, field, field_of, id, kind, new_type, not, query, sort},
};

/// Whether `field_value` holds the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    Without,
    With,
}

/// Values of a kind in their order, encoded.
fn values_of(kind: &str) -> Vec<Encoded> {
    let integers = [
        i64::MIN,
        -1_000_000,
        -1,
        0,
        1,
        2,
        10,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX,
    ];
    let texts: &[&str] = match kind {
        "integer" => return integers.map(registry_core::field::encode_integer).to_vec(),
        "boolean" => &["0", "1"],
        "enum" => &["closed", "open"],
        "date" => &["0001-01-01", "1999-12-31", "2000-01-01", "9999-12-31"],
        "datetime" => &[
            "0001-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:00.000001Z",
            "9999-12-31T23:59:59.999999Z",
        ],
        "uuid" => &[
            "00000000-0000-0000-0000-000000000000",
            "01900000-0000-7000-8000-00000000000a",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        "email" => &["A@example.org", "a+b@example.org", "a@example.org"],
        "url" => &[
            "http://a/",
            "https://a/%20",
            "https://a/%7e",
            "https://a/?_=1",
        ],
        // By code point: capitals before small letters, accents after all of them, planes by number and not by UTF-16.
        "text" => &[
            "",
            " ",
            "!",
            "%",
            "0",
            "10",
            "2",
            "A",
            "Z",
            "[",
            "\\",
            "_",
            "a",
            "a ",
            "aa",
            "b",
            "z",
            "~",
            "\u{c9}",
            "\u{e9}",
            "\u{df}x",
            "\u{3b1}",
            "\u{65e5}\u{672c}",
            "\u{fffd}",
            "\u{10000}",
            "\u{1f600}",
        ],
        other => crate::fixture::fail(&format!("no values of {other}")),
    };
    let mut values: Vec<Encoded> = texts.iter().map(|one| Encoded((*one).to_owned())).collect();
    values.sort();
    values
}

const KINDS: [&str; 9] = [
    "text", "integer", "boolean", "enum", "date", "datetime", "uuid", "email", "url",
];

fn type_of(name: &str, list: bool, index: Index) -> EntityType {
    EntityType {
        fields: vec![Field {
            list,
            indexed: index == Index::With,
            ..field_of(1, "value", kind(name))
        }],
        next_number: 2,
        ..new_type(1, "thing")
    }
}

fn tests_of(low: &Encoded, high: &Encoded, name: &str) -> Vec<Test> {
    let mut tests = vec![
        Test::Equal(low.clone()),
        Test::NotEqual(low.clone()),
        Test::Less(low.clone()),
        Test::AtMost(low.clone()),
        Test::Greater(low.clone()),
        Test::AtLeast(low.clone()),
        Test::Between(low.clone(), high.clone()),
        Test::Between(high.clone(), low.clone()),
        Test::In(vec![high.clone(), low.clone(), high.clone()]),
    ];
    if matches!(name, "text" | "url" | "email") {
        tests.push(Test::Contains(low.0.clone()));
        tests.push(Test::StartsWith(low.0.clone()));
    }
    tests
}

/// One entity per value, one without any; then each test with each neighbouring pair of literals.
async fn every_test(harness: impl Harness, name: &str, index: Index) {
    let subject = harness.open().await;
    let of = type_of(name, false, index);
    subject.define(&[&of]).await;
    let values = values_of(name);
    let mut made: Vec<Entity> = (1..)
        .zip(&values)
        .map(|(number, value)| entity(&of, number).with(1, Datum::One(value.clone())))
        .collect();
    made.push(entity(&of, 900));
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&of], operations).await.unwrap();
    let operand = || field(&of, 1);
    for (low, high) in values.iter().zip(values.iter().skip(1).chain(&values)) {
        for test in tests_of(low, high, name) {
            let passes = |one: &&Entity| {
                let values = operand().values_of(one);
                values.iter().any(|value| test.passes(value))
            };
            let expected: Vec<EntityId> = made.iter().filter(passes).map(|one| one.id).collect();
            let filter = compare(operand(), test.clone());
            let found = subject.ids(&with(&of, filter.clone())).await;
            assert_eq!(found, expected, "{name} {index:?} {test:?}");
            let others = made.iter().filter(|one| !passes(one)).map(|one| one.id);
            let found = subject.ids(&with(&of, not(filter))).await;
            assert_eq!(
                found,
                others.collect::<Vec<_>>(),
                "{name} {index:?} NOT {test:?}"
            );
        }
    }
    let mut descending: Vec<EntityId> = made.iter().map(|one| one.id).collect();
    assert_eq!(
        ordered(&subject, &of, operand(), Direction::Ascending).await,
        descending
    );
    descending.reverse();
    // The one without a value is last both ways.
    descending.rotate_left(1);
    assert_eq!(
        ordered(&subject, &of, operand(), Direction::Descending).await,
        descending
    );
}

fn with(of: &EntityType, filter: Filter) -> Query {
    Query {
        filter,
        ..query(&[of])
    }
}

async fn ordered(
    subject: &crate::Subject,
    of: &EntityType,
    by: Operand,
    direction: Direction,
) -> Vec<EntityId> {
    let query = Query {
        sort: vec![sort(by, direction)],
        ..query(&[of])
    };
    subject.ids(&query).await
}

pub async fn every_test_on_every_kind_of_value<H: Harness>(_: H) {
    for name in KINDS {
        every_test(H::default(), name, Index::Without).await;
    }
}

pub async fn every_test_on_every_kind_of_indexed_value<H: Harness>(_: H) {
    for name in KINDS {
        every_test(H::default(), name, Index::With).await;
    }
}

/// Every list of up to three of four values.
async fn lists(harness: impl Harness, index: Index) {
    let subject = harness.open().await;
    let of = type_of("text", true, index);
    subject.define(&[&of]).await;
    let letters = ["a", "b", "c", "d"].map(|one| Encoded(one.to_owned()));
    let mut lists: Vec<Vec<Encoded>> = vec![Vec::new()];
    for length in 0..3 {
        let shorter: Vec<_> = lists
            .iter()
            .filter(|one| one.len() == length)
            .cloned()
            .collect();
        for list in shorter {
            for letter in &letters {
                lists.push([list.clone(), vec![letter.clone()]].concat());
            }
        }
    }
    let mut made: Vec<Entity> = (1..)
        .zip(lists)
        .map(|(number, list)| entity(&of, number).with(1, Datum::Many(list)))
        .collect();
    made.push(entity(&of, 900));
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&of], operations).await.unwrap();
    let [a, b, ..] = &letters;
    for (low, high) in [(a, b), (b, b)] {
        for test in tests_of(low, high, "text") {
            let filter = compare(field(&of, 1), test.clone());
            let passes = |one: &&Entity| {
                let values = field(&of, 1).values_of(one);
                values.iter().any(|value| test.passes(value))
            };
            let expected: Vec<_> = made.iter().filter(passes).map(|one| one.id).collect();
            let found = subject.ids(&with(&of, filter)).await;
            assert_eq!(found, expected, "{index:?} {test:?}");
        }
    }
    let present = subject
        .ids(&with(&of, Filter::Present(field(&of, 1))))
        .await;
    let expected: Vec<_> = made.iter().skip(1).map(|one| one.id).collect();
    assert_eq!(present, expected.split_last().unwrap().1);
}

pub async fn every_test_on_lists(harness: impl Harness) {
    lists(harness, Index::Without).await;
}

pub async fn every_test_on_indexed_lists(harness: impl Harness) {
    lists(harness, Index::With).await;
}

pub async fn the_index_follows_every_change(harness: impl Harness) {
    let subject = harness.open().await;
    let of = type_of("text", true, Index::With);
    subject.define(&[&of]).await;
    let tagged = |values: &[&str]| entity(&of, 1).with(1, crate::fixture::texts(values));
    let [first] = subject.create(&[&of], [tagged(&["a", "b", "a"])]).await;
    let second = first.next().with(1, crate::fixture::texts(&["b", "c"]));
    let operations = vec![crate::fixture::update(&first, &second)];
    subject.write(&[&of], operations).await.unwrap();
    let third = second.next().without(1);
    for (value, expected) in [("a", vec![]), ("b", vec![id(1)]), ("c", vec![id(1)])] {
        let filter = crate::fixture::is(field(&of, 1), value);
        assert_eq!(subject.ids(&with(&of, filter)).await, expected, "{value}");
    }
    let operations = vec![crate::fixture::update(&second, &third)];
    subject.write(&[&of], operations).await.unwrap();
    for value in ["a", "b", "c"] {
        let filter = crate::fixture::is(field(&of, 1), value);
        assert_eq!(subject.ids(&with(&of, filter)).await, [], "{value}");
    }
    let [again] = subject
        .create(
            &[&of],
            [Entity {
                id: id(2),
                ..tagged(&["a"])
            }],
        )
        .await;
    let deleted = vec![crate::fixture::delete(&again)];
    subject.write(&[&of], deleted).await.unwrap();
    let filter = crate::fixture::is(field(&of, 1), "a");
    assert_eq!(subject.ids(&with(&of, filter)).await, []);
}

pub async fn an_index_that_is_dropped_and_made_again_holds_what_is_there(harness: impl Harness) {
    let subject = harness.open().await;
    let first = type_of("text", false, Index::With);
    subject.define(&[&first]).await;
    let valued = |number, value| entity(&first, number).with(1, crate::fixture::text(value));
    let made = [valued(1, "a"), valued(2, "b"), entity(&first, 3)];
    subject.create(&[&first], made).await;
    let mut before = first;
    for index in [Index::Without, Index::With] {
        let after = EntityType {
            version: before.version.next(),
            ..type_of("text", false, index)
        };
        let change = subject.type_change(Some(&before), Some(&after)).await;
        subject.change_type(change).await.unwrap();
        subject.build_indexes(2).await;
        for (value, expected) in [("a", vec![id(1)]), ("b", vec![id(2)]), ("c", vec![])] {
            let filter = crate::fixture::is(field(&after, 1), value);
            assert_eq!(
                subject.ids(&with(&after, filter)).await,
                expected,
                "{value}"
            );
        }
        let sorted = ordered(&subject, &after, field(&after, 1), Direction::Descending).await;
        assert_eq!(sorted, [id(2), id(1), id(3)]);
        before = after;
    }
}
