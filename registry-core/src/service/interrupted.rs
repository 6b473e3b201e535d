//! Upload jobs whose process ended before them: what became of their rows is found out and told.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    EntityId, Error, JobId, Version,
    port::{Job, JobState, LoadMark},
};

use super::{Registry, commit::store_error};

/// For how long nobody may have touched a running job before its process counts as dead. Jobs are touched every ten seconds.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

/// The code of a job whose process ended before it.
const INTERRUPTED: &str = "interrupted";

/// The jobs that run in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<BTreeSet<JobId>>>);

impl Running {
    /// Counts a job until what this gives is dropped.
    pub(super) fn enter(&self, id: JobId) -> AtWork {
        self.ids().insert(id);
        AtWork {
            running: self.clone(),
            id,
        }
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job at work in this process.
#[derive(Debug)]
pub(super) struct AtWork {
    running: Running,
    id: JobId,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.running.ids().remove(&self.id);
    }
}

/// The ending of jobs whose process is gone. A job ends as `failed` with the reason `interrupted`, or as `succeeded` where all of it had
/// been applied and only the telling was missing; its counts agree with what is stored.
#[derive(Clone, Copy, Debug)]
pub struct InterruptedJobs<'a> {
    pub(super) registry: &'a Registry,
}

impl InterruptedJobs<'_> {
    /// Ends what a process before this one left, to be called before this one serves: at once where the store is used by one process at a
    /// time, else only those that were silent for a minute. Gives how many.
    pub async fn end_left(&self) -> Result<usize, Error> {
        if self.registry.jobs.one_process() {
            self.end_silent(Duration::ZERO).await
        } else {
            self.end_silent(SILENCE).await
        }
    }

    /// Ends what other processes left: running jobs that were silent for a minute. Gives how many.
    pub async fn end_lost(&self) -> Result<usize, Error> {
        self.end_silent(SILENCE).await
    }

    /// The jobs that run in this process.
    pub fn running_here(&self) -> Vec<JobId> {
        self.registry.running.ids().iter().copied().collect()
    }

    /// Ends jobs of this process that were given up; waits for a commit that is on its way to the store. Gives how many.
    ///
    /// # Errors
    /// The first failure of the store, once all were tried.
    pub async fn end_given_up(&self, ids: &[JobId]) -> Result<usize, Error> {
        let mut ended = Ok(0);
        for id in ids {
            match (self.end(*id, Duration::ZERO).await, &mut ended) {
                (Ok(done), Ok(count)) => *count += usize::from(done),
                (Err(error), Ok(_)) => ended = Err(error),
                (_, Err(_)) => {}
            }
        }
        ended
    }

    async fn end_silent(&self, silence: Duration) -> Result<usize, Error> {
        let mut ended = 0;
        let here: BTreeSet<JobId> = self.running_here().into_iter().collect();
        for job in self.registry.jobs.silent_jobs(silence).await? {
            if !here.contains(&job.id) {
                ended += usize::from(self.end(job.id, silence).await?);
            }
        }
        Ok(ended)
    }

    async fn end(&self, id: JobId, silence: Duration) -> Result<bool, Error> {
        // First nothing more can be applied, then it is looked what was.
        let Some(mut job) = self.registry.jobs.claim_job(id, silence).await? else {
            return Ok(false);
        };
        job.reason = Some(INTERRUPTED.to_owned());
        self.end_claimed(job).await.map(|ended| ended.is_some())
    }

    /// Ends a job that was claimed, and gives it; `None` when somebody else ended it.
    pub(super) async fn end_claimed(&self, mut job: Job) -> Result<Option<Job>, Error> {
        let written = match job.pending.take() {
            Some(mark) if self.was_written(&job, &mark).await? => Some(mark.counts),
            _ => None,
        };
        job.state = JobState::Failed;
        match written {
            Some(counts) => {
                job.counts = counts;
                if job.staged {
                    job.state = JobState::Succeeded;
                    job.reason = None;
                }
            }
            None if job.staged => job.counts.leave_out(),
            None => {}
        }
        job.finished_at = Some(self.registry.now());
        let ended = self.registry.jobs.end_claimed_job(&job).await?;
        Ok(ended.then_some(job))
    }

    /// Whether the write that a job was about to make was made.
    async fn was_written(&self, job: &Job, mark: &LoadMark) -> Result<bool, Error> {
        let version = self.version_of(mark.entity, mark.version).await?;
        Ok(version.is_some_and(|change| change == (mark.at, job.actor.clone())))
    }

    /// When, and by whom, a version was made.
    async fn version_of(
        &self,
        id: EntityId,
        version: Version,
    ) -> Result<Option<(crate::Timestamp, crate::Principal)>, Error> {
        let rows = self
            .registry
            .store
            .history(id, Some(version.next()), 1)
            .await
            .map_err(store_error)?;
        let row = rows.into_iter().find(|row| row.change.version == version);
        Ok(row.map(|row| (row.change.at, row.change.actor)))
    }
}
