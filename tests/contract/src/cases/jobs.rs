//! Upload jobs.

use std::{collections::BTreeMap, time::Duration};

use registry_core::{
    JobId, Timestamp, TypeId,
    port::{ExplainedRecord, Job, JobCounts, JobFailure, JobState, RejectedRecord},
};
use uuid::Uuid;

use crate::{
    Harness,
    fixture::{AT, LATER, principal},
};

/// Longer than any test.
const LONG: Duration = Duration::from_mins(10);

fn job_id(number: u32) -> JobId {
    JobId(Uuid::from_u128(
        0x0190_0000_0000_7000_a000_0000_0000_0000 + u128::from(number),
    ))
}

fn job(number: u32) -> Job {
    Job {
        id: job_id(number),
        type_id: TypeId(Uuid::from_u128(7)),
        actor: principal("user:ann"),
        state: JobState::Running,
        counts: JobCounts::default(),
        error_counts: BTreeMap::new(),
        media_type: "text/csv".to_owned(),
        header: None,
        staged: false,
        pending: None,
        reason: None,
        created_at: Timestamp(AT.0 + i64::from(number)),
        finished_at: None,
    }
}

fn failure(line: u64, code: &str) -> JobFailure {
    JobFailure {
        line,
        column: None,
        pointer: Some("/fields/a".to_owned()),
        code: code.to_owned(),
        message: format!("{code} at {line}"),
        value: None,
    }
}

fn record(line: u64) -> RejectedRecord {
    RejectedRecord {
        line,
        raw: format!("raw \"{line}\"\n"),
    }
}

pub async fn a_job_comes_back_whole_and_is_replaced_whole(harness: impl Harness) {
    let subject = harness.open().await;
    assert_eq!(subject.jobs.job(job_id(1)).await.unwrap(), None);
    let running = job(1);
    subject.jobs.put_job(&running).await.unwrap();
    let read = subject.jobs.job(running.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&running));
    let ended = Job {
        state: JobState::Failed,
        counts: JobCounts {
            read: 21,
            created: 1,
            updated: 2,
            unchanged: 3,
            failed: 4,
            not_applied: u64::from(u32::MAX),
        },
        error_counts: [("type".to_owned(), 3), ("a\"b".to_owned(), 1)].into(),
        header: Some("\u{feff}_id,\"a\nb\"\r\n".to_owned()),
        finished_at: Some(LATER),
        ..running
    };
    assert!(subject.jobs.update_job(&ended).await.unwrap());
    assert_eq!(subject.jobs.job(ended.id).await.unwrap(), Some(ended));
    for state in [JobState::Succeeded, JobState::Cancelled] {
        let number = 2 + state as u32;
        let ended = Job {
            state,
            ..job(number)
        };
        subject.jobs.put_job(&job(number)).await.unwrap();
        assert!(subject.jobs.update_job(&ended).await.unwrap());
        assert_eq!(subject.jobs.job(ended.id).await.unwrap(), Some(ended));
    }
}

pub async fn jobs_are_listed_newest_first(harness: impl Harness) {
    let subject = harness.open().await;
    assert_eq!(subject.jobs.jobs(None, 10).await.unwrap(), []);
    for number in [2, 5, 1, 4, 3] {
        subject.jobs.put_job(&job(number)).await.unwrap();
    }
    let list = async |before: Option<u32>, limit| {
        let listed = subject.jobs.jobs(before.map(job_id), limit).await;
        listed.unwrap()
    };
    let all = [5, 4, 3, 2, 1].map(job);
    assert_eq!(list(None, 10).await, all);
    assert_eq!(list(None, 2).await, all[..2]);
    assert_eq!(list(Some(4), 2).await, all[2..4]);
    assert_eq!(list(Some(1), 2).await, []);
}

pub async fn failures_come_in_order_of_line_and_of_their_adding(harness: impl Harness) {
    let subject = harness.open().await;
    for number in [1, 2] {
        subject.jobs.put_job(&job(number)).await.unwrap();
    }
    let full = JobFailure {
        column: Some("name".to_owned()),
        pointer: None,
        value: Some("\u{e9}\t\"".to_owned()),
        ..failure(3, "z")
    };
    let batches = [
        vec![failure(5, "b"), full.clone(), failure(5, "a")],
        vec![failure(2, "c"), failure(5, "c"), failure(10, "a")],
    ];
    for failures in &batches {
        let added = subject.jobs.add_failures(job_id(1), failures, &[]);
        added.await.unwrap();
    }
    let other = [failure(1, "other")];
    subject
        .jobs
        .add_failures(job_id(2), &other, &[])
        .await
        .unwrap();
    let expected = [
        failure(2, "c"),
        full,
        failure(5, "b"),
        failure(5, "a"),
        failure(5, "c"),
        failure(10, "a"),
    ];
    let read = async |skip, limit| {
        let failures = subject.jobs.failures(job_id(1), skip, limit).await;
        failures.unwrap()
    };
    assert_eq!(read(0, 100).await, expected);
    assert_eq!(read(0, 2).await, expected[..2]);
    assert_eq!(read(3, 2).await, expected[3..5]);
    assert_eq!(read(6, 2).await, []);
    let absent = subject.jobs.failures(job_id(9), 0, 10).await.unwrap();
    assert_eq!(absent, []);
}

pub async fn a_record_must_be_kept_once_however_many_failures_name_its_line(harness: impl Harness) {
    let subject = harness.open().await;
    subject.jobs.put_job(&job(1)).await.unwrap();
    let failures = [failure(7, "a"), failure(7, "b"), failure(3, "c")];
    let records = [record(7), record(7), record(3)];
    let added = subject.jobs.add_failures(job_id(1), &failures, &records);
    added.await.unwrap();
    let more = [failure(7, "d"), failure(12, "e")];
    let records = [record(7), record(12)];
    let added = subject.jobs.add_failures(job_id(1), &more, &records);
    added.await.unwrap();
    let with = |line, codes: &[&str]| {
        let failures = codes.iter().map(|code| failure(line, code));
        ExplainedRecord {
            record: record(line),
            failures: failures.collect(),
        }
    };
    let expected: [ExplainedRecord; 3] =
        [with(3, &["c"]), with(7, &["a", "b", "d"]), with(12, &["e"])];
    let read = async |after, limit| {
        let rejected = subject.jobs.rejected(job_id(1), after, limit).await;
        rejected.unwrap()
    };
    assert_eq!(read(0, 100).await, expected);
    assert_eq!(read(0, 2).await, expected[..2]);
    assert_eq!(read(3, 1).await, expected[1..2]);
    assert_eq!(read(7, 10).await, expected[2..]);
    assert_eq!(read(12, 10).await, []);
}

pub async fn cleared_failures_are_gone_and_others_may_follow(harness: impl Harness) {
    let subject = harness.open().await;
    for number in [1, 2] {
        subject.jobs.put_job(&job(number)).await.unwrap();
        let (failures, records) = ([failure(1, "a")], [record(1)]);
        let added = subject
            .jobs
            .add_failures(job_id(number), &failures, &records);
        added.await.unwrap();
    }
    subject.jobs.clear_failures(job_id(1)).await.unwrap();
    let failures = subject.jobs.failures(job_id(1), 0, 10).await.unwrap();
    let rejected = subject.jobs.rejected(job_id(1), 0, 10).await.unwrap();
    assert_eq!((failures, rejected), (vec![], vec![]));
    assert_eq!(subject.jobs.job(job_id(1)).await.unwrap(), Some(job(1)));
    let other = subject.jobs.failures(job_id(2), 0, 10).await.unwrap();
    assert_eq!(other, [failure(1, "a")]);
    let (failures, records) = ([failure(1, "b")], [record(1)]);
    let added = subject.jobs.add_failures(job_id(1), &failures, &records);
    added.await.unwrap();
    let rejected = subject.jobs.rejected(job_id(1), 0, 10).await.unwrap();
    let expected = ExplainedRecord {
        record: record(1),
        failures: failures.to_vec(),
    };
    assert_eq!(rejected, [expected]);
}

pub async fn writing_the_job_must_not_take_the_request_to_cancel_back(harness: impl Harness) {
    let subject = harness.open().await;
    let other = harness.open().await;
    for number in [1, 2] {
        subject.jobs.put_job(&job(number)).await.unwrap();
        let asked = subject.jobs.cancel_requested(job_id(number)).await;
        assert!(!asked.unwrap());
    }
    other.jobs.request_cancel(job_id(1)).await.unwrap();
    assert!(subject.jobs.update_job(&job(1)).await.unwrap());
    assert!(subject.jobs.cancel_requested(job_id(1)).await.unwrap());
    assert!(!subject.jobs.cancel_requested(job_id(2)).await.unwrap());
    // A job that is not there is passed over.
    subject.jobs.request_cancel(job_id(9)).await.unwrap();
    assert!(!subject.jobs.cancel_requested(job_id(9)).await.unwrap());
    assert_eq!(subject.jobs.job(job_id(9)).await.unwrap(), None);
}

pub async fn writing_a_job_must_touch_it(harness: impl Harness) {
    let subject = harness.open().await;
    let other = harness.open().await;
    let silence = Duration::from_millis(300);
    for number in [1, 2] {
        subject.jobs.put_job(&job(number)).await.unwrap();
    }
    tokio::time::sleep(silence * 2).await;
    assert!(subject.jobs.update_job(&job(2)).await.unwrap());
    assert_eq!(other.jobs.silent_jobs(silence).await.unwrap(), [job(1)]);
}

pub async fn a_job_must_not_be_ended_when_it_was_touched_or_has_ended(harness: impl Harness) {
    let subject = harness.open().await;
    let other = harness.open().await;
    let silence = Duration::from_millis(300);
    let ended = |number| Job {
        state: JobState::Failed,
        reason: Some("interrupted".to_owned()),
        finished_at: Some(LATER),
        ..job(number)
    };
    for number in 1..=3 {
        subject.jobs.put_job(&job(number)).await.unwrap();
    }
    let succeeded = Job {
        state: JobState::Succeeded,
        ..job(3)
    };
    assert!(subject.jobs.update_job(&succeeded).await.unwrap());
    assert_eq!(other.jobs.silent_jobs(LONG).await.unwrap(), []);
    tokio::time::sleep(silence * 2).await;
    subject.jobs.touch_job(job_id(2)).await.unwrap();
    assert_eq!(other.jobs.silent_jobs(silence).await.unwrap(), [job(1)]);
    for (number, expected) in [(1, true), (1, false), (2, false), (3, false), (4, false)] {
        let claimed = other.jobs.claim_job(job_id(number), silence).await;
        assert_eq!(claimed.unwrap(), expected.then(|| job(number)), "{number}");
        let written = other.jobs.end_claimed_job(&ended(number)).await;
        assert_eq!(written.unwrap(), expected, "{number}");
    }
    assert_eq!(subject.jobs.job(job_id(1)).await.unwrap(), Some(ended(1)));
    assert_eq!(subject.jobs.job(job_id(2)).await.unwrap(), Some(job(2)));
    assert_eq!(subject.jobs.job(job_id(3)).await.unwrap(), Some(succeeded));
    assert_eq!(
        other.jobs.silent_jobs(Duration::ZERO).await.unwrap(),
        [job(2)]
    );
    subject.jobs.touch_job(job_id(9)).await.unwrap();
}

pub async fn a_job_that_was_claimed_or_has_ended_must_not_be_written_over(harness: impl Harness) {
    let subject = harness.open().await;
    let other = harness.open().await;
    let ended = |reason: &str| Job {
        state: JobState::Failed,
        reason: Some(reason.to_owned()),
        finished_at: Some(LATER),
        ..job(1)
    };
    let counted = Job {
        counts: JobCounts {
            read: 1,
            created: 1,
            ..JobCounts::default()
        },
        ..job(1)
    };
    // One that is not there is not made.
    assert!(!subject.jobs.update_job(&job(1)).await.unwrap());
    assert_eq!(subject.jobs.job(job_id(1)).await.unwrap(), None);
    subject.jobs.put_job(&job(1)).await.unwrap();
    assert!(subject.jobs.update_job(&counted).await.unwrap());
    // One that nobody claimed is not ended by another.
    assert!(!other.jobs.end_claimed_job(&ended("a")).await.unwrap());
    let claim = async |silence| other.jobs.claim_job(job_id(1), silence).await.unwrap();
    assert_eq!(claim(Duration::ZERO).await, Some(counted.clone()));
    assert!(!subject.jobs.update_job(&ended("b")).await.unwrap());
    assert_eq!(
        subject.jobs.job(job_id(1)).await.unwrap(),
        Some(counted.clone())
    );
    // Whoever claimed it may be gone too; its process must not make it look alive.
    let silence = Duration::from_millis(300);
    assert_eq!(claim(silence).await, None);
    tokio::time::sleep(silence * 2).await;
    subject.jobs.touch_job(job_id(1)).await.unwrap();
    let silent = other.jobs.silent_jobs(silence).await.unwrap();
    assert_eq!(silent, vec![counted.clone()]);
    assert_eq!(claim(silence).await, Some(counted));
    assert!(other.jobs.end_claimed_job(&ended("c")).await.unwrap());
    for job in [job(1), ended("d")] {
        assert!(!subject.jobs.update_job(&job).await.unwrap());
        assert!(!other.jobs.end_claimed_job(&job).await.unwrap());
    }
    assert_eq!(claim(Duration::ZERO).await, None);
    let told = subject.jobs.job(job_id(1)).await.unwrap();
    assert_eq!(told, Some(ended("c")));
}

pub async fn expired_jobs_go_with_all_that_belongs_to_them(harness: impl Harness) {
    let subject = harness.open().await;
    let ended = |number| Job {
        state: JobState::Succeeded,
        ..job(number)
    };
    subject.jobs.put_job(&job(0)).await.unwrap();
    for number in 1..=3 {
        subject.jobs.put_job(&ended(number)).await.unwrap();
        let (failures, records) = ([failure(1, "a")], [record(1)]);
        let added = subject
            .jobs
            .add_failures(job_id(number), &failures, &records);
        added.await.unwrap();
    }
    subject.jobs.expire_jobs(job(3).created_at).await.unwrap();
    // Of the oldest, rows may still be applied.
    let left = subject.jobs.jobs(None, 10).await.unwrap();
    assert_eq!(left, [ended(3), job(0)]);
    for number in [1, 2] {
        let failures = subject.jobs.failures(job_id(number), 0, 10).await;
        assert_eq!(failures.unwrap(), []);
        let rejected = subject.jobs.rejected(job_id(number), 0, 10).await;
        assert_eq!(rejected.unwrap(), []);
    }
    let kept = subject.jobs.failures(job_id(3), 0, 10).await.unwrap();
    assert_eq!(kept, [failure(1, "a")]);
}
