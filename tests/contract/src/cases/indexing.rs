//! The index of a field that is turned on for a filled type: built step by step beside whoever writes and asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use registry_core::{
    Entity, EntityId, EntityType, FieldNumber, Version,
    change::Operation,
    entity_type::Field,
    port::{BuildStep, CommitError, Conflict},
    query::{Direction, Operand, Query},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, delete, entity, fail, field_of, id, is, kind, new_type, query, sort, text,
        texts, update,
    },
};

/// A text.
const VALUE: u32 = 1;
/// A list of texts.
const TAGS: u32 = 2;
/// The texts that the cases write are the numbers below this one.
const TEXTS: u32 = 70;

/// Things at a version, with or without indexes.
fn things(version: i64, indexed: bool) -> EntityType {
    EntityType {
        version: Version(version),
        fields: vec![
            Field {
                indexed,
                ..field_of(VALUE, "value", kind("text"))
            },
            Field {
                indexed,
                list: true,
                ..field_of(TAGS, "tags", kind("text"))
            },
        ],
        next_number: 3,
        ..new_type(1, "thing")
    }
}

fn written(number: u32) -> String {
    format!("{number:02}")
}

/// A thing whose values follow from two numbers.
fn thing(of: &EntityType, number: u32, turn: u32) -> Entity {
    valued(entity(of, number), number % 5 + turn)
}

fn valued(thing: Entity, turn: u32) -> Entity {
    let (value, tag) = (written(turn), written(turn / 5));
    thing
        .with(VALUE, text(&value))
        .with(TAGS, texts(&[&value, &tag]))
}

/// A field, looked up in its index or not.
fn operand(of: &EntityType, number: u32, indexed: bool) -> Operand {
    Operand::Field {
        type_id: of.id,
        field: FieldNumber(number),
        list: number == TAGS,
        indexed,
    }
}

/// What every query of the cases finds, with the index or without.
async fn answers(subject: &Subject, of: &EntityType, indexed: bool) -> Vec<Vec<EntityId>> {
    let mut queries = Vec::new();
    for value in (0..TEXTS).map(written) {
        for number in [VALUE, TAGS] {
            queries.push(Query {
                filter: is(operand(of, number, indexed), &value),
                ..query(&[of])
            });
        }
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        queries.push(Query {
            sort: vec![sort(operand(of, VALUE, indexed), direction)],
            ..query(&[of])
        });
    }
    let mut found = Vec::new();
    for query in queries {
        found.push(subject.ids(&query).await);
    }
    found
}

/// Checks that the index holds exactly what the entities hold.
async fn assert_index_agrees(subject: &Subject, of: &EntityType) {
    assert_eq!(subject.building().await, []);
    let scanned = answers(subject, of, false).await;
    assert_eq!(answers(subject, of, true).await, scanned);
}

async fn change(subject: &Subject, before: &EntityType, after: &EntityType) {
    let change = subject.type_change(Some(before), Some(after)).await;
    subject.change_type(change).await.unwrap();
}

async fn step(subject: &Subject, of: &EntityType, number: u32, limit: usize) -> BuildStep {
    let field = FieldNumber(number);
    let step = subject.store.build_index(of.id, field, limit).await;
    step.unwrap()
}

fn both(of: &EntityType) -> [(registry_core::TypeId, FieldNumber); 2] {
    [VALUE, TAGS].map(|number| (of.id, FieldNumber(number)))
}

/// Seven things without an index, then with one that is to be built.
async fn filled(subject: &Subject) -> (EntityType, Vec<Entity>) {
    let (plain, indexed) = (things(1, false), things(2, true));
    subject.define(&[&plain]).await;
    let made = [1, 2, 3, 4, 5, 6, 7].map(|number| thing(&plain, number, 0));
    let made = subject.create(&[&plain], made).await;
    change(subject, &plain, &indexed).await;
    assert_eq!(subject.building().await, both(&indexed));
    (indexed, made.to_vec())
}

pub async fn an_index_of_a_type_without_entities_must_be_ready_at_once(harness: impl Harness) {
    let subject = harness.open().await;
    let (plain, indexed) = (things(1, false), things(2, true));
    subject.define(&[&plain]).await;
    change(&subject, &plain, &indexed).await;
    assert_eq!(subject.building().await, []);
    subject.create(&[&indexed], [thing(&indexed, 1, 0)]).await;
    assert_index_agrees(&subject, &indexed).await;
    let defined = EntityType {
        name: "other".to_owned(),
        id: new_type(2, "").id,
        ..things(1, true)
    };
    subject.define(&[&defined]).await;
    assert_eq!(subject.building().await, []);
}

pub async fn an_index_of_a_filled_type_is_built_step_by_step(harness: impl Harness) {
    let subject = harness.open().await;
    let other = harness.open().await;
    let (of, _) = filled(&subject).await;
    let before = answers(&subject, &of, false).await;
    let version = subject.catalog_version().await;
    for _ in 0..3 {
        assert_eq!(step(&subject, &of, VALUE, 2).await, BuildStep::More);
        assert_eq!(answers(&subject, &of, false).await, before);
        assert_eq!(subject.building().await, both(&of));
    }
    let known = other.store.catalog(Some(version)).await.unwrap();
    assert!(known.is_none(), "nothing is ready yet");
    assert_eq!(step(&subject, &of, VALUE, 2).await, BuildStep::Done);
    let seen = other.store.catalog(Some(version)).await.unwrap().unwrap();
    assert_eq!(seen.version, version.next());
    assert_eq!(seen.types, std::slice::from_ref(&of));
    let left: Vec<_> = seen.building.into_iter().collect();
    assert_eq!(left, [(of.id, FieldNumber(TAGS))]);
    // A slice that is full may have been the last; the next step tells.
    assert_eq!(step(&subject, &of, TAGS, 7).await, BuildStep::More);
    assert_eq!(step(&subject, &of, TAGS, 7).await, BuildStep::Done);
    assert_index_agrees(&subject, &of).await;
    assert_eq!(answers(&subject, &of, true).await, before);
}

pub async fn a_field_that_needs_no_building_must_answer_done_and_change_nothing(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let (of, _) = filled(&subject).await;
    subject.build_indexes(3).await;
    let before = subject.contents().await;
    let absent = new_type(9, "absent");
    for (of, number) in [(&of, VALUE), (&of, 99), (&absent, VALUE)] {
        assert_eq!(step(&subject, of, number, 1).await, BuildStep::Done);
    }
    assert_eq!(subject.contents().await, before);
}

pub async fn writes_between_the_steps_keep_their_rows(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, made) = filled(&subject).await;
    let write = async |operations| subject.write(&[&of], operations).await.unwrap();
    for number in [VALUE, TAGS] {
        assert_eq!(step(&subject, &of, number, 4).await, BuildStep::More);
    }
    // On either side of the place that the building came to: changed, emptied, deleted, made, and left alone.
    let (first, last) = (made[0].clone(), made[6].clone());
    write(vec![
        update(&first, &valued(first.next(), 3)),
        update(&made[1], &made[1].next().without(VALUE).without(TAGS)),
        delete(&made[2]),
        update(&made[4], &valued(made[4].next(), 1)),
        update(&made[5], &made[5].next().without(VALUE).without(TAGS)),
        delete(&last),
        Operation::Create(thing(&of, 0, 2)),
        Operation::Create(thing(&of, 8, 2)),
    ])
    .await;
    subject.build_indexes(1).await;
    assert_index_agrees(&subject, &of).await;
}

pub async fn a_change_of_the_type_beside_the_index_leaves_its_building_alone(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let (of, made) = filled(&subject).await;
    assert_eq!(step(&subject, &of, VALUE, 4).await, BuildStep::More);
    let mut renamed = things(3, true);
    "item".clone_into(&mut renamed.name);
    "worth".clone_into(&mut renamed.fields[0].name);
    change(&subject, &of, &renamed).await;
    assert_eq!(subject.building().await, both(&renamed));
    let after = valued(made[0].next(), 3);
    let operations = vec![update(&made[0], &after)];
    subject.write(&[&renamed], operations).await.unwrap();
    assert_eq!(step(&subject, &renamed, VALUE, 4).await, BuildStep::Done);
    subject.build_indexes(4).await;
    assert_index_agrees(&subject, &renamed).await;
}

pub async fn an_index_that_is_given_up_and_asked_for_again_must_be_built_from_its_beginning(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let (of, made) = filled(&subject).await;
    assert_eq!(step(&subject, &of, VALUE, 4).await, BuildStep::More);
    let (plain, again) = (things(3, false), things(4, true));
    change(&subject, &of, &plain).await;
    // A store may leave the old rows to these steps.
    subject.build_indexes(4).await;
    let version = subject.catalog_version().await;
    assert_eq!(step(&subject, &of, VALUE, 4).await, BuildStep::Done);
    assert_eq!(subject.catalog_version().await, version);
    let operations = vec![update(&made[0], &valued(made[0].next(), 3))];
    subject.write(&[&plain], operations).await.unwrap();
    change(&subject, &plain, &again).await;
    assert_eq!(subject.building().await, both(&again));
    subject.build_indexes(4).await;
    assert_index_agrees(&subject, &again).await;
    // Removed for good, in the middle of another building.
    let (plain, last) = (things(5, false), things(6, true));
    change(&subject, &again, &plain).await;
    change(&subject, &plain, &last).await;
    assert_eq!(step(&subject, &last, VALUE, 4).await, BuildStep::More);
    let stored = subject.contents().await.entities;
    let operations = stored.iter().map(delete).collect();
    subject.write(&[&last], operations).await.unwrap();
    let removal = subject.type_change(Some(&last), None).await;
    subject.change_type(removal).await.unwrap();
    subject.build_indexes(4).await;
    assert_eq!(step(&subject, &last, VALUE, 4).await, BuildStep::Done);
}

/// Builds until nothing is left, whoever else does.
async fn build_along(subject: &Subject, of: &EntityType) {
    for number in [VALUE, TAGS] {
        while step(subject, of, number, 3).await == BuildStep::More {}
    }
}

pub async fn steps_on_several_handles_at_once_must_be_harmless(harness: impl Harness) {
    let handles = [harness.open().await, harness.open().await];
    let (of, _) = filled(&handles[0]).await;
    let more = (10..60).map(|number| Operation::Create(thing(&of, number, 1)));
    handles[0].write(&[&of], more.collect()).await.unwrap();
    let version = handles[0].catalog_version().await;
    let tasks = handles.iter().cycle().take(4).cloned().map(|subject| {
        let of = of.clone();
        tokio::spawn(async move { build_along(&subject, &of).await })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
    assert_index_agrees(&handles[1], &of).await;
    let ready = handles[0].catalog_version().await;
    assert_eq!(ready, version.next().next(), "each index became ready once");
}

/// What writers and builders tell each other.
#[derive(Default)]
struct Together {
    written: AtomicU32,
    enough: AtomicBool,
}

impl Together {
    /// Waits until so many more writes were made, or nobody seems to write any more.
    async fn more(&self, count: u32) {
        let goal = self.written.load(Ordering::Relaxed) + count;
        let reached = async {
            while self.written.load(Ordering::Relaxed) < goal {
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(200), reached).await;
    }
}

/// Writes four things of its own over and over, under whatever the type is then: each turn changes one, and now and then one is deleted
/// and made again.
async fn keep_writing(subject: &Subject, first: u32, together: &Together) {
    let mut own: [Option<Entity>; 4] = [None, None, None, None];
    for turn in 0..TEXTS {
        if together.enough.load(Ordering::Relaxed) {
            return;
        }
        let (number, own) = (first + turn % 4, &mut own[turn as usize % 4]);
        loop {
            let catalog = subject.store.catalog(None).await.unwrap().unwrap();
            let of = &catalog.types[0];
            let (operation, after) = match &own {
                None => {
                    let last = subject.store.last_version(id(number)).await.unwrap();
                    let made = Entity {
                        version: last.map_or(Version::FIRST, Version::next),
                        ..valued(entity(of, number), turn)
                    };
                    (Operation::Create(made.clone()), Some(made))
                }
                Some(before) if turn % 11 == 10 => (delete(before), None),
                Some(before) => {
                    // Never a value that it had before: what was left behind is not mended by a later turn.
                    let after = Entity {
                        type_version: of.version,
                        ..valued(before.next(), turn)
                    };
                    (update(before, &after), Some(after))
                }
            };
            match subject.write(&[of], vec![operation]).await {
                Ok(_) => {
                    *own = after;
                    together.written.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Err(CommitError::Conflict(Conflict::TypeChanged { .. })) => {}
                Err(error) => fail(&format!("turn {turn} of {number}: {error:?}")),
            }
        }
    }
}

pub async fn a_ready_index_must_hold_exactly_what_is_stored_whatever_was_written_meanwhile(
    harness: impl Harness,
) {
    let handles = [harness.open().await, harness.open().await];
    let subject = &handles[0];
    let mut plain = things(1, false);
    subject.define(&[&plain]).await;
    let made = (1..=20).map(|number| Operation::Create(thing(&plain, number, 0)));
    subject.write(&[&plain], made.collect()).await.unwrap();
    for round in 1..=5_u32 {
        let together = Arc::new(Together::default());
        let writers = handles.iter().cycle().take(8).cloned().zip(0_u32..);
        let writers: Vec<_> = writers
            .map(|(subject, writer)| {
                let together = Arc::clone(&together);
                let first = 100 * round + 10 * writer;
                tokio::spawn(async move { keep_writing(&subject, first, &together).await })
            })
            .collect();
        together.more(40).await;
        let indexed = things(plain.version.0 + 1, true);
        change(subject, &plain, &indexed).await;
        for number in [VALUE, TAGS] {
            let mut handles = handles.iter().cycle();
            loop {
                together.more(8).await;
                let handle = handles.next().unwrap_or(subject);
                if step(handle, &indexed, number, 16).await == BuildStep::Done {
                    break;
                }
            }
        }
        together.more(8).await;
        together.enough.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
        assert_index_agrees(subject, &indexed).await;
        plain = things(indexed.version.0 + 1, false);
        change(subject, &indexed, &plain).await;
    }
}

/// The case of stores whose data outlives their handles.
pub(super) async fn begun_and_left(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, made) = filled(&subject).await;
    assert_eq!(step(&subject, &of, VALUE, 3).await, BuildStep::More);
    // A step that is dropped in the middle, as a killed process leaves it.
    let store = Arc::clone(&subject.store);
    let dropped = tokio::spawn(async move {
        let step = store.build_index(new_type(1, "").id, FieldNumber(VALUE), 1);
        drop(futures::poll!(std::pin::pin!(step)));
    });
    dropped.await.unwrap();
    drop(subject);
    let again = harness.open().await;
    assert_eq!(again.building().await, both(&of));
    let operations = vec![update(&made[0], &valued(made[0].next(), 3))];
    again.write(&[&of], operations).await.unwrap();
    again.build_indexes(2).await;
    assert_index_agrees(&again, &of).await;
}
