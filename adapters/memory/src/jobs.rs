//! Upload jobs.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use registry_core::{
    JobId, Timestamp,
    port::{ExplainedRecord, Job, JobFailure, JobState, Jobs, RejectedRecord, StoreError},
};

use crate::{MemoryStore, store::lock};

/// A job with all that belongs to it.
#[derive(Debug)]
pub(crate) struct JobTable {
    job: Job,
    /// In order of their adding.
    failures: Vec<JobFailure>,
    /// By line.
    rejected: BTreeMap<u64, String>,
    touched_at: Instant,
    claimed: bool,
    /// Beside the job, so that writing the job does not take the request back.
    request: Request,
}

/// Whether a job was asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Request {
    #[default]
    None,
    Cancel,
}

impl JobTable {
    /// Whether what its load has may be applied.
    pub(crate) fn is_at_work(&self) -> bool {
        self.job.state == JobState::Running && !self.claimed
    }

    fn is_silent(&self, silence: Duration) -> bool {
        self.job.state == JobState::Running && self.touched_at.elapsed() >= silence
    }

    fn failures_in_order(&self) -> Vec<&JobFailure> {
        let mut failures: Vec<&JobFailure> = self.failures.iter().collect();
        // Stable, so that those of one line stay in order of their adding.
        failures.sort_by_key(|failure| failure.line);
        failures
    }
}

#[async_trait]
impl Jobs for MemoryStore {
    async fn put_job(&self, job: &Job) -> Result<(), StoreError> {
        match lock(&self.jobs)?.entry(job.id) {
            Entry::Vacant(place) => {
                place.insert(JobTable {
                    job: job.clone(),
                    failures: Vec::new(),
                    rejected: BTreeMap::new(),
                    touched_at: Instant::now(),
                    claimed: false,
                    request: Request::None,
                });
                Ok(())
            }
            Entry::Occupied(_) => Err(StoreError::internal("writing jobs", "the job is there")),
        }
    }

    async fn update_job(&self, job: &Job) -> Result<bool, StoreError> {
        let mut jobs = lock(&self.jobs)?;
        let table = jobs.get_mut(&job.id);
        let Some(table) = table.filter(|table| table.is_at_work()) else {
            return Ok(false);
        };
        table.job = job.clone();
        table.touched_at = Instant::now();
        Ok(true)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(lock(&self.jobs)?.get(&id).map(|table| table.job.clone()))
    }

    async fn jobs(&self, before: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError> {
        // Ids of jobs are of version 7: their order is that of their making.
        Ok(lock(&self.jobs)?
            .iter()
            .rev()
            .filter(|(id, _)| before.is_none_or(|before| **id < before))
            .take(limit)
            .map(|(_, table)| table.job.clone())
            .collect())
    }

    async fn add_failures(
        &self,
        id: JobId,
        failures: &[JobFailure],
        rejected: &[RejectedRecord],
    ) -> Result<(), StoreError> {
        let mut jobs = lock(&self.jobs)?;
        let table = jobs
            .get_mut(&id)
            .ok_or_else(|| StoreError::internal("adding failures", "no such job"))?;
        table.failures.extend_from_slice(failures);
        for record in rejected {
            let kept = table.rejected.entry(record.line);
            kept.or_insert_with(|| record.raw.clone());
        }
        Ok(())
    }

    async fn clear_failures(&self, id: JobId) -> Result<(), StoreError> {
        if let Some(table) = lock(&self.jobs)?.get_mut(&id) {
            table.failures.clear();
            table.rejected.clear();
        }
        Ok(())
    }

    async fn request_cancel(&self, id: JobId) -> Result<(), StoreError> {
        if let Some(table) = lock(&self.jobs)?.get_mut(&id) {
            table.request = Request::Cancel;
        }
        Ok(())
    }

    async fn cancel_requested(&self, id: JobId) -> Result<bool, StoreError> {
        let jobs = lock(&self.jobs)?;
        Ok(jobs.get(&id).map(|table| table.request) == Some(Request::Cancel))
    }

    async fn failures(
        &self,
        id: JobId,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<JobFailure>, StoreError> {
        let jobs = lock(&self.jobs)?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(jobs.get(&id).map_or_else(Vec::new, |table| {
            let failures = table.failures_in_order().into_iter();
            failures.skip(skip).take(limit).cloned().collect()
        }))
    }

    async fn rejected(
        &self,
        id: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ExplainedRecord>, StoreError> {
        let jobs = lock(&self.jobs)?;
        let Some(table) = jobs.get(&id) else {
            return Ok(Vec::new());
        };
        let records = table.rejected.iter().filter(|(line, _)| **line > after);
        Ok(records
            .take(limit)
            .map(|(line, raw)| {
                let failures = table.failures.iter().filter(|one| one.line == *line);
                ExplainedRecord {
                    record: RejectedRecord {
                        line: *line,
                        raw: raw.clone(),
                    },
                    failures: failures.cloned().collect(),
                }
            })
            .collect())
    }

    async fn touch_job(&self, id: JobId) -> Result<(), StoreError> {
        let mut jobs = lock(&self.jobs)?;
        if let Some(table) = jobs.get_mut(&id).filter(|table| table.is_at_work()) {
            table.touched_at = Instant::now();
        }
        Ok(())
    }

    async fn silent_jobs(&self, silence: Duration) -> Result<Vec<Job>, StoreError> {
        let jobs = lock(&self.jobs)?;
        let silent = jobs.values().filter(|table| table.is_silent(silence));
        Ok(silent.map(|table| table.job.clone()).collect())
    }

    async fn claim_job(&self, id: JobId, silence: Duration) -> Result<Option<Job>, StoreError> {
        let mut jobs = lock(&self.jobs)?;
        let table = jobs.get_mut(&id);
        Ok(table.filter(|table| table.is_silent(silence)).map(|table| {
            table.claimed = true;
            table.touched_at = Instant::now();
            table.job.clone()
        }))
    }

    async fn end_claimed_job(&self, job: &Job) -> Result<bool, StoreError> {
        let mut jobs = lock(&self.jobs)?;
        let table = jobs.get_mut(&job.id).filter(|table| table.claimed);
        let Some(table) = table.filter(|table| table.job.state == JobState::Running) else {
            return Ok(false);
        };
        table.job = job.clone();
        Ok(true)
    }

    fn one_process(&self) -> bool {
        true
    }

    async fn expire_jobs(&self, before: Timestamp) -> Result<(), StoreError> {
        lock(&self.jobs)?.retain(|_, table| {
            table.job.state == JobState::Running || table.job.created_at >= before
        });
        Ok(())
    }
}
