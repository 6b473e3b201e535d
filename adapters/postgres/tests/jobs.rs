//! Jobs while loads are at work: heartbeats that pass them, and ends that wait for them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use registry_contract::{
    Subject,
    fixture::{change_set, country_type, entity},
};
use registry_core::{
    JobId, Timestamp,
    port::{IdSource as _, Job, JobCounts, JobState, LoadMark, RandomIds},
    service::Registry,
};
use registry_postgres::{PostgresConfig, PostgresStore, testing::Database};
use registry_sql::Driver as _;
use sqlx::{Connection as _, PgConnection};

fn job() -> Job {
    Job {
        id: JobId(RandomIds.next()),
        type_id: country_type().id,
        actor: change_set(&[], Vec::new()).actor,
        state: JobState::Running,
        counts: JobCounts::default(),
        error_counts: BTreeMap::new(),
        media_type: "text/csv".to_owned(),
        header: None,
        staged: true,
        pending: None,
        reason: None,
        created_at: Timestamp(1),
        finished_at: None,
    }
}

async fn open(url: String) -> Arc<PostgresStore> {
    let config = PostgresConfig {
        connections: 4,
        wait: Duration::from_millis(500),
        ..PostgresConfig::url(url)
    };
    Arc::new(registry_postgres::open(config).await.expect("it opens"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_passes_loads_that_hold_every_connection_for_writing() {
    let database = Database::default();
    let store = open(database.url().await).await;
    let jobs = Subject::of(&store).jobs;
    let job = job();
    jobs.put_job(&job).await.expect("it is written");
    let first = store.driver().begin().await.expect("it begins");
    let second = store.driver().begin().await.expect("it begins");
    assert!(store.driver().begin().await.is_err(), "there are two");
    jobs.touch_job(job.id).await.expect("it is touched");
    assert!(jobs.update_job(&job).await.expect("it is updated"));
    jobs.request_cancel(job.id).await.expect("it is asked");
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_after_the_commit_that_is_on_its_way() {
    let database = Database::default();
    let url = database.url().await;
    let store = open(url.clone()).await;
    let subject = Subject::of(&store);
    let of = country_type();
    subject.define(&[&of]).await;
    let written = entity(&of, 1);
    let counts = JobCounts {
        read: 1,
        created: 1,
        ..JobCounts::default()
    };
    let job = Job {
        pending: Some(LoadMark {
            counts,
            entity: written.id,
            version: written.version,
            at: change_set(&[], Vec::new()).at,
        }),
        ..job()
    };
    subject.jobs.put_job(&job).await.expect("it is written");
    // The load's transaction has looked at its job; its commit is under way.
    let mut load = PgConnection::connect(&url).await.expect("it connects");
    let mut load = load.begin().await.expect("it begins");
    sqlx::query("UPDATE job SET touched_at = touched_at WHERE id = $1 AND running = 1")
        .bind(job.id.0)
        .execute(&mut *load)
        .await
        .expect("it is at work");
    let registry = Registry::new(
        Arc::clone(&subject.store) as _,
        Arc::clone(&subject.jobs) as _,
    );
    let id = job.id;
    let ending = tokio::spawn(async move { registry.interrupted_jobs().end_given_up(&[id]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!ending.is_finished(), "it waits");
    subject.create(&[&of], [written]).await;
    load.commit().await.expect("it commits");
    assert_eq!(ending.await.expect("it ends").expect("it is ended"), 1);
    let told = subject
        .jobs
        .job(id)
        .await
        .expect("it is read")
        .expect("it is there");
    assert_eq!(
        (told.state, told.reason, told.counts),
        (JobState::Succeeded, None, counts)
    );
}
