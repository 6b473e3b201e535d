//! Loads of several slices, and what happens beside them.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use registry_core::{
    EntityType, Version, limits,
    port::{Atomicity, Effect, LoadEnd, LoadItem, LoadMode, LoadPlan, LoadRow, Rows, StoreError},
    query::{Count, Query},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, entity, id,
        load::{BuildRow as _, Remember, by_key, counts, plan, row, row_stream, rows, rows_once},
        query, text, update,
    },
};

const SLICE: u32 = 5_000;

/// Rows of airports with codes from one on.
fn airports(count: u32) -> Vec<LoadRow> {
    assert_eq!(usize::try_from(SLICE).unwrap(), limits::SLICE_ROWS);
    (1..=count)
        .map(|number| row(u64::from(number)).set(airport::ICAO, text(&number.to_string())))
        .collect()
}

/// Rows as a stream that does something before it yields the row at this place.
fn interrupted<'a, F>(mut of: Vec<LoadRow>, place: u32, interruption: F) -> Rows<'a>
where
    F: Future<Output = Result<(), StoreError>> + Send + 'a,
{
    let place = usize::try_from(place).unwrap();
    let after = of.split_off(place);
    let pause = stream::once(interruption).filter_map(async |outcome| outcome.err().map(Err));
    rows_once(row_stream(of).chain(pause).chain(row_stream(after)).boxed())
}

async fn count(subject: &Subject, of: &EntityType) -> u64 {
    let query = Query {
        count: Count::Exact,
        limit: 1,
        ..query(&[of])
    };
    let found = subject.store.find(&query).await.unwrap();
    found.total.unwrap()
}

async fn world(subject: &Subject, atomic: Atomicity) -> (EntityType, LoadPlan) {
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let plan = LoadPlan {
        atomic,
        ..plan(subject, &airport, LoadMode::Create, 1).await
    };
    (airport, plan)
}

pub async fn rows_must_see_what_rows_of_earlier_slices_made<H: Harness>(_: H) {
    for atomic in [Atomicity::All, Atomicity::Each] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let mut made = airports(SLICE);
        let partners = ["1", "5000"].map(|code| by_key(&airport, airport::ICAO, code));
        made.push(row(5_001).to(airport::PARTNERS, partners.to_vec()));
        made.push(row(5_002).set(airport::ICAO, text("3")));
        let sink = Remember::default();
        let report = subject.store.load(plan.clone(), rows(made.clone()), &sink);
        let report = report.await.unwrap();
        assert_eq!(sink.failures(), [(5_002, vec!["key_taken"])]);
        if atomic == Atomicity::All {
            assert_eq!(report.counts, counts([0, 0, 0, 1, 5_001]));
            assert_eq!(count(&subject, &airport).await, 0);
            made.pop();
            let report = subject.store.load(plan, rows(made), &sink).await;
            assert_eq!(report.unwrap().counts, counts([5_001, 0, 0, 0, 0]));
        } else {
            assert_eq!(report.counts, counts([5_001, 0, 0, 1, 0]));
        }
        assert_eq!(count(&subject, &airport).await, 5_001);
        let linked = subject.contents().await.entities;
        let linked: Vec<usize> = linked
            .iter()
            .filter_map(|one| one.links.values().next().map(Vec::len))
            .collect();
        assert_eq!(linked, [1, 1, 2], "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn a_second_row_about_an_entity_of_an_earlier_slice_fails<H: Harness>(_: H) {
    for (atomic, effect) in [
        (Atomicity::All, Effect::Apply),
        (Atomicity::Each, Effect::Apply),
        (Atomicity::Each, Effect::DryRun),
    ] {
        let subject = H::default().open().await;
        let (_, plan) = world(&subject, atomic).await;
        let plan = LoadPlan {
            mode: LoadMode::Upsert,
            effect,
            ..plan
        };
        let mut made: Vec<LoadRow> = airports(SLICE)
            .into_iter()
            .zip(10_001..)
            .map(|(row, number)| row.about(number))
            .collect();
        made.push(row(5_001).about(10_001).set(airport::NAME, text("again")));
        let sink = Remember::default();
        let report = subject.store.load(plan, rows(made), &sink).await.unwrap();
        assert_eq!(sink.failures(), [(5_001, vec!["duplicate_row"])]);
        assert_eq!(report.counts.failed, 1, "{atomic:?} {effect:?}");
    }
}

pub async fn a_key_given_up_by_a_row_of_an_earlier_slice_is_free<H: Harness>(_: H) {
    for atomic in [Atomicity::All, Atomicity::Each] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let plan = LoadPlan {
            mode: LoadMode::Upsert,
            ..plan
        };
        let first = entity(&airport, 90_000).with(airport::ICAO, text("X"));
        subject.create(&[&airport], [first]).await;
        let mut made = vec![row(10_000).about(90_000).set(airport::ICAO, text("Y"))];
        made.extend(airports(SLICE));
        made.push(row(10_001).set(airport::ICAO, text("X")));
        // What the earlier slice claimed is taken.
        let taken = row(10_002).set(airport::ICAO, text("Y"));
        let dry = LoadPlan {
            effect: Effect::DryRun,
            ..plan.clone()
        };
        let all = [made.clone(), vec![taken]].concat();
        let sink = Remember::default();
        subject.store.load(dry, rows(all), &sink).await.unwrap();
        assert_eq!(sink.failures(), [(10_002, vec!["key_taken"])]);
        let sink = Remember::default();
        let report = subject.store.load(plan, rows(made), &sink).await.unwrap();
        assert_eq!(sink.failures(), [], "{atomic:?}");
        assert_eq!(report.counts, counts([5_001, 1, 0, 0, 0]));
        subject.assert_agreement().await;
    }
}

pub async fn what_is_staged_is_invisible_to_readers(harness: impl Harness) {
    let subject = harness.open().await;
    let (airport, plan) = world(&subject, Atomicity::All).await;
    let before = subject.contents().await;
    let look = async {
        assert_eq!(subject.contents().await, before);
        let everything = registry_core::Scope::Everything;
        let read = subject.store.entities(&[id(1)], &everything).await;
        assert_eq!(read.unwrap(), []);
        let code = registry_core::KeyNumber(airport::ICAO);
        let value = registry_core::Encoded("1".to_owned());
        let held = subject.store.by_key(airport.id, code, &value, &everything);
        assert_eq!(held.await.unwrap(), None);
        // Neither is anybody kept waiting, nor does anybody see what another load staged.
        subject
            .create(&[&airport], [entity(&airport, 50_000)])
            .await;
        Ok(())
    };
    // The second slice is read while the first is staged, and the third after that.
    let stream = interrupted(airports(2 * SLICE + 5), 2 * SLICE + 2, look);
    let sink = Remember::default();
    let report = subject.store.load(plan, stream, &sink).await.unwrap();
    assert_eq!(report.counts, counts([10_005, 0, 0, 0, 0]));
    assert_eq!(count(&subject, &airport).await, 10_006);
}

pub async fn two_loads_do_not_see_each_other_before_they_are_applied(harness: impl Harness) {
    let subject = harness.open().await;
    let (airport, outer) = world(&subject, Atomicity::All).await;
    let inner = LoadPlan {
        effect: Effect::DryRun,
        ..plan(&subject, &airport, LoadMode::Create, 20_000).await
    };
    let beside = async {
        let sink = Remember::default();
        let report = subject.store.load(inner, rows(airports(10)), &sink).await?;
        assert_eq!(report.counts, counts([10, 0, 0, 0, 0]));
        assert_eq!(sink.failures(), []);
        Ok(())
    };
    let stream = interrupted(airports(2 * SLICE + 1), 2 * SLICE, beside);
    let sink = Remember::default();
    let report = subject.store.load(outer, stream, &sink).await.unwrap();
    assert_eq!(report.counts, counts([10_001, 0, 0, 0, 0]));
}

pub async fn a_load_whose_rows_break_off_applies_nothing_more<H: Harness>(_: H) {
    for (atomic, expected) in [(Atomicity::All, 0), (Atomicity::Each, 5_000)] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let broken = async { Err(StoreError::internal("reading the file", "it is gone")) };
        let stream = interrupted(airports(SLICE + 5), SLICE + 2, broken);
        let sink = Remember::default();
        let outcome = subject.store.load(plan.clone(), stream, &sink).await;
        assert_eq!(outcome.unwrap_err().subject, "reading the file");
        assert_eq!(count(&subject, &airport).await, expected, "{atomic:?}");
        // Nothing of it is left behind that would stand in the way of another try.
        let plan = LoadPlan {
            mode: LoadMode::Upsert,
            key: Some(registry_core::KeyNumber(airport::ICAO)),
            ..plan
        };
        let keyed = airports(SLICE + 5).into_iter().zip(1..);
        let keyed = keyed.map(|(row, number): (LoadRow, u32)| row.found_by(&number.to_string()));
        let again = subject.store.load(plan, rows(keyed.collect()), &sink).await;
        let unchanged = expected;
        let created = 5_005 - expected;
        assert_eq!(again.unwrap().counts, counts([created, 0, unchanged, 0, 0]));
        assert_eq!(sink.failures(), []);
    }
}

pub async fn a_load_that_is_stopped_applies_nothing_more<H: Harness>(_: H) {
    for (atomic, expected) in [
        (Atomicity::All, counts([0, 0, 0, 0, 5_000])),
        (Atomicity::Each, counts([5_000, 0, 0, 0, 0])),
    ] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let sink = Remember::until(1);
        let stream = rows(airports(SLICE + 5));
        let report = subject.store.load(plan, stream, &sink).await.unwrap();
        assert_eq!((report.end, report.counts), (LoadEnd::Stopped, expected));
        assert_eq!(count(&subject, &airport).await, expected.created);
    }
}

pub async fn rows_that_could_not_be_read_are_failures_like_others(harness: impl Harness) {
    let subject = harness.open().await;
    let (airport, plan) = world(&subject, Atomicity::Each).await;
    let unread = registry_core::port::RowFailure {
        line: 2,
        raw: "raw 2".to_owned(),
        errors: vec![registry_core::Problem::whole("bad_row", "cannot be read")],
    };
    let items = [
        LoadItem::Row(Box::new(row(1))),
        LoadItem::Rejected(unread),
        LoadItem::Row(Box::new(row(3))),
    ];
    let sink = Remember::default();
    let stream = rows_once(stream::iter(items.map(Ok)).boxed());
    let report = subject.store.load(plan, stream, &sink).await.unwrap();
    assert_eq!(report.counts, counts([2, 0, 0, 1, 0]));
    assert_eq!(sink.failures(), [(2, vec!["bad_row"])]);
    assert_eq!(count(&subject, &airport).await, 2);
}

/// The type as a change leaves it that means nothing to its entities.
async fn change_type(subject: &Subject, before: &EntityType) -> EntityType {
    let after = EntityType {
        version: before.version.next(),
        title: Some("Airport".to_owned()),
        ..before.clone()
    };
    let change = subject.type_change(Some(before), Some(&after)).await;
    subject.change_type(change).await.unwrap();
    after
}

pub async fn rows_are_not_applied_under_a_type_that_has_changed<H: Harness>(_: H) {
    for atomic in [Atomicity::All, Atomicity::Each] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let change = async {
            change_type(&subject, &airport).await;
            Ok(())
        };
        let stream = interrupted(airports(10), 5, change);
        let sink = Remember::default();
        let report = subject.store.load(plan, stream, &sink).await.unwrap();
        assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
        assert_eq!(count(&subject, &airport).await, 0, "{atomic:?}");
    }
}

pub async fn an_entity_that_changed_since_it_was_resolved_is_not_overwritten(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let (airport, plan) = world(&subject, Atomicity::All).await;
    let [first] = subject
        .create(&[&airport], [entity(&airport, 90_000)])
        .await;
    let theirs = first.next().with(airport::STATUS, text("theirs"));
    let plan = LoadPlan {
        mode: LoadMode::Upsert,
        ids: Arc::new(registry_core::port::RandomIds),
        ..plan
    };
    let mut made = airports(2 * SLICE + 5);
    made.insert(
        0,
        row(20_000).about(90_000).set(airport::NAME, text("ours")),
    );
    let write = async {
        let operations = vec![update(&first, &theirs)];
        subject.write(&[&airport], operations).await.unwrap();
        Ok(())
    };
    let stream = interrupted(made.clone(), 2 * SLICE + 2, write);
    let sink = Remember::default();
    let report = subject
        .store
        .load(plan.clone(), stream, &sink)
        .await
        .unwrap();
    assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
    assert_eq!(count(&subject, &airport).await, 1);
    assert_eq!(subject.read(first.id).await, Some(theirs));
    let report = subject.store.load(plan, rows(made), &sink).await.unwrap();
    assert_eq!(report.counts, counts([10_005, 1, 0, 0, 0]));
    let read = subject.read(first.id).await.unwrap();
    let data = [
        (registry_core::FieldNumber(airport::NAME), text("ours")),
        (registry_core::FieldNumber(airport::STATUS), text("theirs")),
    ];
    assert_eq!((read.version, read.data), (Version(3), data.into()));
}

pub async fn a_key_taken_since_it_was_resolved_is_not_taken_twice<H: Harness>(_: H) {
    for atomic in [Atomicity::All, Atomicity::Each] {
        let subject = H::default().open().await;
        let (airport, plan) = world(&subject, atomic).await;
        let taken = entity(&airport, 90_000).with(airport::ICAO, text("3"));
        let take = async {
            subject.create(&[&airport], [taken]).await;
            Ok(())
        };
        // Rows are read a slice ahead. `All` has staged the row already, `Each` has not decided it: the row or the load gives way, never the key.
        let place = match atomic {
            Atomicity::All => 2 * SLICE + 1,
            Atomicity::Each => 4,
        };
        let stream = interrupted(airports(place + 4), place, take);
        let sink = Remember::default();
        let report = subject.store.load(plan, stream, &sink).await.unwrap();
        match atomic {
            Atomicity::All => {
                assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
                assert_eq!(count(&subject, &airport).await, 1);
            }
            Atomicity::Each => {
                assert_eq!(report.counts, counts([7, 0, 0, 1, 0]));
                assert_eq!(sink.failures(), [(3, vec!["key_taken"])]);
            }
        }
        subject.assert_agreement().await;
    }
}

pub async fn a_target_deleted_since_it_was_resolved_is_not_linked_to(harness: impl Harness) {
    let subject = harness.open().await;
    let (airport, plan) = world(&subject, Atomicity::All).await;
    let country = country_type();
    let target = entity(&country, 90_000).with(country::CODE, text("FR"));
    let [target] = subject.create(&[&country], [target]).await;
    let mut made = airports(2 * SLICE + 5);
    let france = by_key(&country, country::CODE, "FR");
    made.insert(0, row(20_000).to(airport::COUNTRY, vec![france]));
    let delete = async {
        let operations = vec![crate::fixture::delete(&target)];
        subject.write(&[&country], operations).await.unwrap();
        Ok(())
    };
    let stream = interrupted(made, 2 * SLICE + 2, delete);
    let sink = Remember::default();
    let report = subject.store.load(plan, stream, &sink).await.unwrap();
    assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
    assert_eq!(count(&subject, &airport).await, 0);
}
