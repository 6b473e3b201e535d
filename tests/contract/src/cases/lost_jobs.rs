//! Jobs that are taken from their process while it is at work, and jobs that cannot be written: what they tell in the end is what is stored.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use registry_core::{
    Error, JobId, Timestamp,
    port::{
        Atomicity, Job, JobCounts, JobState, Jobs, LoadMark, LoadMode, LoadPlan, LoadSink,
        RowFailure, StoreError, StoreErrorKind,
    },
    service::Registry,
};

use crate::{
    Harness, Subject,
    fixture::{
        country, country_type,
        hooked::{Hooked, Moment},
        load::{BuildRow as _, counts, plan, row, rows},
        principal, query, text,
        upload::{Bench, admin, fresh},
    },
};

/// Another process, which takes the job when a write is announced, and ends it or not.
#[derive(Debug)]
struct Taker {
    jobs: Arc<dyn Jobs>,
    job: JobId,
    /// Which of the announced writes.
    write: usize,
    announced: AtomicUsize,
    ends: bool,
}

#[async_trait::async_trait]
impl LoadSink for Taker {
    async fn failed(&self, _: Vec<RowFailure>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn writing(&self, _: LoadMark) -> Result<(), StoreError> {
        if self.announced.fetch_add(1, Ordering::Relaxed) == self.write {
            let job = self.jobs.claim_job(self.job, Duration::ZERO).await?;
            let ended = Job {
                state: JobState::Failed,
                ..job.unwrap()
            };
            if self.ends {
                assert!(self.jobs.end_claimed_job(&ended).await?);
            }
        }
        Ok(())
    }

    async fn progress(&self, _: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        Ok(ControlFlow::Continue(()))
    }
}

fn running(plan: &LoadPlan, id: JobId) -> Job {
    Job {
        id,
        type_id: plan.entity_type.id,
        actor: principal("user:ann"),
        state: JobState::Running,
        counts: JobCounts::default(),
        error_counts: std::collections::BTreeMap::new(),
        media_type: "text/csv".to_owned(),
        header: None,
        staged: plan.atomic == Atomicity::All,
        pending: None,
        reason: None,
        created_at: Timestamp(0),
        finished_at: None,
    }
}

async fn stored(subject: &Subject) -> usize {
    use futures::TryStreamExt as _;
    let stream = subject.store.export(&query(&[&country_type()])).await;
    stream
        .unwrap()
        .try_fold(0, async |sum, _| Ok(sum + 1))
        .await
        .unwrap()
}

pub async fn a_load_whose_job_was_taken_applies_nothing_more<H: Harness>(_: H) {
    let slice = u32::try_from(registry_core::limits::SLICE_ROWS).unwrap();
    for (atomic, write, kept) in [
        (Atomicity::All, 0, 0),
        (Atomicity::Each, 0, 0),
        (Atomicity::Each, 1, slice),
    ] {
        for ends in [false, true] {
            let harness = H::default();
            let subject = harness.open().await;
            let of = country_type();
            subject.define(&[&of]).await;
            let plan = plan(&subject, &of, LoadMode::Create, 1).await;
            let id = JobId(plan.ids.next());
            let plan = LoadPlan {
                atomic,
                job: Some(id),
                ..plan
            };
            subject.jobs.put_job(&running(&plan, id)).await.unwrap();
            let file = (1..=slice + 1).map(|number| {
                row(u64::from(number)).set(country::CODE, text(&format!("c{number}")))
            });
            let taker = Taker {
                jobs: harness.open().await.jobs,
                job: id,
                write,
                announced: AtomicUsize::new(0),
                ends,
            };
            let load = subject.store.load(plan, rows(file.collect()), &taker).await;
            let error = load.unwrap_err();
            assert_eq!(
                (error.kind, error.subject),
                (StoreErrorKind::Unavailable, "loading")
            );
            assert_eq!(stored(&subject).await, kept as usize, "{atomic:?} {ends}");
        }
    }
}

fn hooked(
    bench: &Bench,
    hook: impl Fn(Moment) -> futures::future::BoxFuture<'static, Result<(), StoreError>>
    + Send
    + Sync
    + 'static,
) -> Registry {
    let jobs = Hooked::new(&bench.subject.jobs, hook);
    Registry::new(Arc::clone(&bench.subject.store), jobs)
}

fn kind(error: &Error) -> Option<StoreErrorKind> {
    match error {
        Error::Store(error) => Some(error.kind),
        _ => None,
    }
}

async fn only_job(bench: &Bench) -> Job {
    bench.subject.jobs.jobs(None, 10).await.unwrap().remove(0)
}

pub async fn an_upload_that_goes_on_after_its_job_was_ended_applies_nothing_more(
    harness: impl Harness,
) {
    for atomic in ["true", "false"] {
        let mut bench = Bench::open(&fresh(&harness)).await;
        let other = Arc::new(Registry::new(
            Arc::clone(&bench.subject.store),
            Arc::clone(&bench.subject.jobs),
        ));
        bench.registry = hooked(&bench, move |moment| {
            let other = Arc::clone(&other);
            async move {
                if let Moment::Announced(id) = moment {
                    let ended = other.interrupted_jobs().end_given_up(&[id]).await;
                    assert_eq!(ended.unwrap(), 1);
                }
                Ok(())
            }
            .boxed()
        });
        let parameters = format!("atomic={atomic}");
        let file = "code\nAA\nBB\n";
        let sent = bench.send(&admin(), "country", &parameters, file).await;
        let error = kind(&sent.unwrap_err());
        let expected = if atomic == "true" {
            StoreErrorKind::Unavailable
        } else {
            StoreErrorKind::UnknownOutcome
        };
        assert_eq!(error, Some(expected));
        assert_eq!(bench.entities("country").await, Vec::new());
        let job = only_job(&bench).await;
        assert_eq!(
            (job.state, job.reason.as_deref()),
            (JobState::Failed, Some("interrupted"))
        );
        let left_out = if atomic == "true" { 2 } else { 0 };
        assert_eq!(job.counts, counts([0, 0, 0, 0, left_out]));
    }
}

fn away() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "writing jobs", "it is away")
}

/// Where a job cannot be written.
type Fails = fn(Moment) -> bool;

pub async fn an_upload_that_fails_tells_what_is_stored(harness: impl Harness) {
    let announced = |moment| matches!(moment, Moment::Announced(_));
    let failures = |moment| moment == Moment::Failures;
    let (unavailable, unknown) = (StoreErrorKind::Unavailable, StoreErrorKind::UnknownOutcome);
    let cases: [(&str, Fails, StoreErrorKind, JobCounts, usize); 3] = [
        // Nothing is written yet.
        ("true", announced, unavailable, counts([0, 0, 0, 0, 2]), 0),
        ("false", announced, unavailable, counts([0, 0, 0, 0, 0]), 0),
        // The slice is, and its failure cannot be told.
        ("false", failures, unknown, counts([2, 0, 0, 1, 0]), 2),
    ];
    for (atomic, fails, error, counts, entities) in cases {
        let mut bench = Bench::open(&fresh(&harness)).await;
        bench.registry = hooked(&bench, move |moment| {
            let met = fails(moment);
            async move { if met { Err(away()) } else { Ok(()) } }.boxed()
        });
        let parameters = format!("atomic={atomic}");
        let file = if fails(Moment::Failures) {
            "code\nAA\nBB\nAA\n"
        } else {
            "code\nAA\nBB\n"
        };
        let sent = bench.send(&admin(), "country", &parameters, file).await;
        assert_eq!(kind(&sent.unwrap_err()), Some(error), "{atomic}");
        assert_eq!(bench.entities("country").await.len(), entities);
        let job = only_job(&bench).await;
        assert_eq!(
            (job.state, job.reason, job.counts, job.pending),
            (JobState::Failed, None, counts, None)
        );
        assert!(job.finished_at.is_some());
    }
}

pub async fn the_end_of_an_upload_is_told_again_when_it_cannot_be_written(harness: impl Harness) {
    let mut bench = Bench::open(&harness).await;
    let failed = AtomicUsize::new(0);
    bench.registry = hooked(&bench, move |moment| {
        let fails = moment == Moment::Ending && failed.fetch_add(1, Ordering::Relaxed) < 2;
        async move { if fails { Err(away()) } else { Ok(()) } }.boxed()
    });
    let sent = bench.send(&admin(), "country", "", "code\nAA\nBB\n").await;
    let outcome = sent.unwrap();
    assert_eq!(outcome.job.state, JobState::Succeeded);
    assert_eq!(only_job(&bench).await, outcome.job);
}
