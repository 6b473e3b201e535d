//! A store that was closed and is opened again.

use registry_core::port::{Job, JobCounts, JobState};

use crate::{
    Harness,
    fixture::{
        AT, Build as _, airport, airport_type, country, country_type, delete, entity, id,
        principal, text, update,
    },
};

pub async fn an_acknowledged_change_set_must_survive(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [
        entity(&country, 1).with(country::CODE, text("FR")),
        entity(&airport, 2).linked(airport::COUNTRY, &[id(1)]),
        entity(&airport, 3),
    ];
    let [_, paris, nice] = subject.create(&[&country, &airport], made).await;
    let after = paris.next().with(airport::NAME, text("Paris"));
    let operations = vec![update(&paris, &after), delete(&nice)];
    subject.write(&[&airport], operations).await.unwrap();
    let before = subject.contents().await;
    drop(subject);
    let again = harness.open().await;
    assert_eq!(again.contents().await, before);
    // And goes on: places of the log are not given twice.
    again.create(&[&airport], [entity(&airport, 4)]).await;
    let log = again.log().await;
    assert_eq!(log.len(), before.log.len() + 1);
    assert!(log.is_sorted_by(|a, b| a.position < b.position));
    again.assert_agreement().await;
}

pub async fn secret_and_epoch_stay(harness: impl Harness) {
    let subject = harness.open().await;
    let secret = subject.store.secret().await.unwrap();
    let epoch = subject.store.epoch().await.unwrap();
    drop(subject);
    let again = harness.open().await;
    assert_eq!(again.store.secret().await.unwrap(), secret);
    assert_eq!(again.store.epoch().await.unwrap(), epoch);
}

pub async fn an_index_that_was_begun_must_be_built_to_its_end(harness: impl Harness) {
    super::indexing::begun_and_left(harness).await;
}

pub async fn jobs_survive(harness: impl Harness) {
    let subject = harness.open().await;
    let job = Job {
        id: registry_core::JobId(id(1).0),
        type_id: country_type().id,
        actor: principal("user:ann"),
        state: JobState::Running,
        counts: JobCounts::default(),
        error_counts: std::collections::BTreeMap::new(),
        media_type: "text/csv".to_owned(),
        header: None,
        staged: false,
        pending: None,
        reason: None,
        created_at: AT,
        finished_at: None,
    };
    subject.jobs.put_job(&job).await.unwrap();
    drop(subject);
    let again = harness.open().await;
    assert_eq!(again.jobs.job(job.id).await.unwrap(), Some(job));
}
