//! Jobs of uploads: who sees them, and how they end when others, or a crash, came between.

use std::sync::Arc;

use registry_core::{
    JobId, Timestamp,
    port::{IdSource as _, Job, JobCounts, JobState, LoadMark, RandomIds},
};
use serde_json::{Value, json};

use crate::{
    Harness,
    fixture::{
        fail,
        upload::{Bench, COUNTRIES, admin, fresh, writer},
    },
};

pub async fn jobs_are_seen_by_who_started_them_and_admins(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let (ann, bob) = (writer("user:ann"), writer("user:bob"));
    let outcome = bench.send(&ann, "country", "", COUNTRIES).await.unwrap();
    let jobs = bench.registry.upload_jobs();
    let job = outcome.job.id;
    for caller in [&ann, &admin()] {
        assert_eq!(jobs.job(caller, job).await.unwrap(), outcome.job);
        let page = jobs.list(caller, 50, None).await.unwrap();
        assert_eq!(
            (page.items, page.next_cursor),
            (vec![outcome.job.clone()], None)
        );
    }
    assert_eq!(
        jobs.job(&bob, job).await.unwrap_err().to_string(),
        "not_found: no such job"
    );
    assert_eq!(jobs.list(&bob, 50, None).await.unwrap().items, Vec::new());
    assert_eq!(
        jobs.cancel(&ann, job).await.unwrap_err().to_string(),
        "job_ended: the job has ended"
    );
    assert_eq!(jobs.errors(&ann, job, 0, 10).await.unwrap(), Vec::new());
}

pub async fn a_type_that_changes_under_a_load_makes_it_stale_and_nothing_is_applied(
    harness: impl Harness,
) {
    use registry_core::port::{
        Atomicity, Effect, LoadEnd, LoadItem, LoadMode, LoadPlan, LoadRow, RandomIds, RowPatch,
    };
    for atomic in [Atomicity::All, Atomicity::Each] {
        let bench = Bench::open(&fresh(&harness)).await;
        let (catalog, entity_type) = bench.registry.entity_type("country").await.unwrap();
        let plan = LoadPlan {
            key: None,
            mode: LoadMode::Create,
            atomic,
            effect: Effect::Apply,
            caller: admin(),
            ids: Arc::new(RandomIds),
            at: bench.registry.now(),
            job: None,
            catalog,
            entity_type: Arc::clone(&entity_type),
        };
        let field = entity_type.field_named("code").unwrap().number;
        let row = LoadItem::Row(Box::new(LoadRow {
            line: 2,
            id: None,
            key: None,
            patch: RowPatch {
                fields: [(field, Some(crate::fixture::text("US")))].into(),
                ..RowPatch::default()
            },
            raw: "US".to_owned(),
        }));
        let registry = &bench.registry;
        let rows = crate::fixture::load::rows_once(Box::pin(futures::stream::once(async move {
            let Value::Object(patch) = json!({"title": "Countries"}) else {
                fail("a patch is an object");
            };
            let types = registry.types();
            types
                .change(&admin(), "country", &patch, None)
                .await
                .unwrap();
            Ok(row)
        })));
        let report = bench.subject.store.load(plan, rows, &Silent).await.unwrap();
        assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
        assert_eq!(bench.entities("country").await, Vec::new());
    }
}

/// Nobody who listens.
#[derive(Debug)]
struct Silent;

#[async_trait::async_trait]
impl registry_core::port::LoadSink for Silent {
    async fn failed(
        &self,
        _failures: Vec<registry_core::port::RowFailure>,
    ) -> Result<(), registry_core::port::StoreError> {
        Ok(())
    }

    async fn writing(
        &self,
        _: registry_core::port::LoadMark,
    ) -> Result<(), registry_core::port::StoreError> {
        Ok(())
    }

    async fn progress(
        &self,
        _counts: &registry_core::port::JobCounts,
    ) -> Result<std::ops::ControlFlow<()>, registry_core::port::StoreError> {
        Ok(std::ops::ControlFlow::Continue(()))
    }
}

pub async fn an_interrupted_job_tells_what_of_its_last_write_is_stored(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let file = "code\nAA\nBB\n";
    let done = bench.send(&admin(), "country", "", file).await.unwrap().job;
    let stored = bench.entities("country").await.remove(0);
    let mark = |version, at| LoadMark {
        counts: JobCounts {
            read: 3,
            created: 2,
            failed: 1,
            ..JobCounts::default()
        },
        entity: stored.id,
        version,
        at,
    };
    let present = mark(stored.version, stored.created_at);
    let before = JobCounts {
        read: 5,
        created: 1,
        updated: 2,
        unchanged: 1,
        failed: 1,
        not_applied: 0,
    };
    let left_out = JobCounts {
        read: 5,
        failed: 1,
        not_applied: 4,
        ..JobCounts::default()
    };
    let (failed, succeeded) = (JobState::Failed, JobState::Succeeded);
    let absent = [
        None,
        Some(mark(stored.version.next(), stored.created_at)),
        Some(mark(stored.version, Timestamp(stored.created_at.0 + 1))),
    ];
    let mut cases = vec![
        (true, Some(present.clone()), succeeded, present.counts),
        (false, Some(present.clone()), failed, present.counts),
    ];
    for pending in absent {
        cases.push((true, pending.clone(), failed, left_out));
        cases.push((false, pending, failed, before));
    }
    for (staged, pending, state, counts) in cases {
        let id = JobId(RandomIds.next());
        let running = Job {
            id,
            state: JobState::Running,
            counts: before,
            staged,
            pending,
            finished_at: None,
            ..done.clone()
        };
        bench.subject.jobs.put_job(&running).await.unwrap();
        let ended = bench.registry.interrupted_jobs();
        assert_eq!(ended.end_given_up(&[id]).await.unwrap(), 1);
        assert_eq!(ended.end_given_up(&[id]).await.unwrap(), 0);
        let told = bench.subject.jobs.job(id).await.unwrap().unwrap();
        assert!(told.finished_at.is_some());
        let reason = (state == failed).then(|| "interrupted".to_owned());
        let expected = Job {
            state,
            counts,
            reason,
            pending: None,
            finished_at: told.finished_at,
            ..running
        };
        assert_eq!(told, expected);
    }
}
