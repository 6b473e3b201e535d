//! What a load holds, and what it sees, from one slice to the next.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use registry_core::{
    EntityType, FieldNumber, LinkNumber, Version, limits,
    port::{
        Atomicity, Effect, JobCounts, LoadMark, LoadMode, LoadPlan, LoadRow, LoadSink, RandomIds,
        RowFailure, StoreError,
    },
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country_type, entity, id,
        load::{BuildRow as _, Remember, by_key, counts, plan, row, row_stream, rows, rows_once},
        text, update,
    },
};

/// Longer than anything here takes that waits for nobody.
const SOON: Duration = Duration::from_secs(10);

/// As many rows as make a slice, which create airports without a value, from a line on.
fn slice(first: u64) -> impl Iterator<Item = LoadRow> {
    (first..).take(limits::SLICE_ROWS).map(row)
}

async fn world(subject: &Subject, atomic: Atomicity, effect: Effect) -> (EntityType, LoadPlan) {
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let plan = LoadPlan {
        atomic,
        effect,
        ids: Arc::new(RandomIds),
        ..plan(subject, &airport, LoadMode::Upsert, 1).await
    };
    (airport, plan)
}

/// How far the rows that were handed out are ahead of those that were dealt with.
#[derive(Debug, Default)]
struct Lead {
    handed_out: AtomicU64,
    done: AtomicU64,
    most: AtomicU64,
}

impl Lead {
    fn hand_out(&self) {
        let handed_out = self.handed_out.fetch_add(1, Ordering::Relaxed) + 1;
        let lead = handed_out - self.done.load(Ordering::Relaxed);
        self.most.fetch_max(lead, Ordering::Relaxed);
    }
}

#[async_trait]
impl LoadSink for Lead {
    async fn failed(&self, _: Vec<RowFailure>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn writing(&self, _: LoadMark) -> Result<(), StoreError> {
        Ok(())
    }

    async fn progress(&self, counts: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        self.done.store(counts.read, Ordering::Relaxed);
        Ok(ControlFlow::Continue(()))
    }
}

pub async fn it_must_hold_no_more_than_two_slices_of_rows_in_memory<H: Harness>(_: H) {
    for (atomic, effect) in [
        (Atomicity::All, Effect::Apply),
        (Atomicity::Each, Effect::Apply),
        (Atomicity::Each, Effect::DryRun),
    ] {
        let subject = H::default().open().await;
        let (_, plan) = world(&subject, atomic, effect).await;
        let made: Vec<LoadRow> = slice(1).chain(slice(10_001)).chain([row(20_001)]).collect();
        let lead = Lead::default();
        let stream = row_stream(made.clone()).inspect(|_| lead.hand_out());
        let rows = rows_once(stream.boxed());
        let report = subject.store.load(plan, rows, &lead).await.unwrap();
        assert_eq!(report.counts, counts([made.len() as u64, 0, 0, 0, 0]));
        let most = lead.most.into_inner();
        assert!(
            most <= 2 * limits::SLICE_ROWS as u64,
            "{atomic:?} {effect:?}: {most}"
        );
    }
}

pub async fn staged_things_must_hide_stored_ones(harness: impl Harness) {
    let subject = harness.open().await;
    let (airport, plan) = world(&subject, Atomicity::All, Effect::Apply).await;
    let stored = entity(&airport, 90_000)
        .with(airport::ICAO, text("A"))
        .with(airport::NAME, text("old"));
    subject.create(&[&airport], [stored]).await;
    let named = |icao| vec![by_key(&airport, airport::ICAO, icao)];
    // The slice changes the entity and gives its key up for another one.
    let changes = row(1)
        .about(90_000)
        .set(airport::ICAO, text("B"))
        .set(airport::NAME, text("new"));
    let mut made = vec![changes];
    made.extend(slice(2));
    let partner = row(6_001).about(90_001);
    made.push(partner.to(airport::PARTNERS, named("B")));

    let mut wrong = made.clone();
    wrong.push(row(6_002).to(airport::PARTNERS, named("A")));
    let sink = Remember::default();
    let load = subject.store.load(plan.clone(), rows(wrong), &sink);
    let report = load.await.unwrap();
    assert_eq!(sink.failures(), [(6_002, vec!["link_target_not_found"])]);
    assert_eq!(report.counts, counts([0, 0, 0, 1, 5_002]));

    let sink = Remember::default();
    let report = subject.store.load(plan, rows(made), &sink).await.unwrap();
    assert_eq!(report.counts, counts([5_001, 1, 0, 0, 0]));
    let read = subject.read(id(90_000)).await.unwrap();
    let data = [(airport::ICAO, "B"), (airport::NAME, "new")];
    let data = data.map(|(field, value)| (FieldNumber(field), text(value)));
    let links = [(LinkNumber(airport::PARTNERS), vec![id(90_001)])];
    assert_eq!(
        (read.version, read.data, read.links),
        (Version(2), data.into(), links.into())
    );
    subject.assert_agreement().await;
}

pub async fn it_must_not_hold_a_lock_or_a_transaction_between_slices<H: Harness>(_: H) {
    for atomic in [Atomicity::All, Atomicity::Each] {
        let harness = H::default();
        let (subject, other) = (harness.open().await, harness.open().await);
        let (airport, plan) = world(&subject, atomic, Effect::Apply).await;
        let made = [entity(&airport, 90_000), entity(&airport, 90_001)];
        let [known, unknown] = subject.create(&[&airport], made).await;
        // The first slice looks one of them up and changes nothing of it.
        let mut before = vec![row(1).about(90_000)];
        before.extend(slice(2));
        let write = async {
            let operations = [&known, &unknown].map(|one| update(one, &one.next()));
            let types = [&airport];
            let written = other.write(&types, operations.to_vec());
            let written = tokio::time::timeout(SOON, written).await;
            written.expect("the writer waits for the load").unwrap();
            None
        };
        let pause = stream::once(write).filter_map(async |nothing| nothing);
        let stream = row_stream(before)
            .chain(pause)
            .chain(row_stream(vec![row(9_000)]));
        let sink = Remember::default();
        let load = subject.store.load(plan, rows_once(stream.boxed()), &sink);
        let report = load.await.unwrap();
        assert_eq!(report.counts, counts([5_001, 0, 1, 0, 0]), "{atomic:?}");
        for one in [known, unknown] {
            assert_eq!(subject.read(one.id).await, Some(one.next()), "{atomic:?}");
        }
    }
}
