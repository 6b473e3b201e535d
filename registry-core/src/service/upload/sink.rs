//! What the job is told while its file is loaded.

use std::{
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    port::{
        Job, JobCounts, JobFailure, Jobs, LoadMark, LoadSink, RejectedRecord, RowFailure,
        StoreError, job_lost,
    },
    problem::{Place, Problem},
    upload::Checked,
};

/// Errors that an answer lists.
const ERRORS: usize = 1_000;
/// Characters of a value at fault that are shown.
const SHOWN: usize = 200;

/// Writes failures and progress of one attempt to the job.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    jobs: &'a dyn Jobs,
    checked: Checked,
    told: Mutex<Told>,
}

#[derive(Debug)]
pub(super) struct Told {
    pub(super) job: Job,
    pub(super) errors: Vec<JobFailure>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(jobs: &'a dyn Jobs, job: Job, checked: Checked) -> Self {
        Self {
            jobs,
            checked,
            told: Mutex::new(Told {
                job,
                errors: Vec::new(),
            }),
        }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_told(self) -> Told {
        self.told
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, job: &Job) -> Result<(), StoreError> {
        if self.jobs.update_job(job).await? {
            Ok(())
        } else {
            Err(job_lost())
        }
    }

    fn failure(&self, line: u64, problem: &Problem) -> JobFailure {
        let pointer = match &problem.place {
            Place::Pointer(pointer) if !pointer.is_empty() => Some(pointer.clone()),
            _ => None,
        };
        let column = pointer.as_deref().and_then(|at| self.checked.column(at));
        JobFailure {
            line,
            column: column.map(str::to_owned),
            pointer,
            code: problem.code.to_owned(),
            message: problem.message.clone(),
            value: problem
                .value
                .as_ref()
                .map(|value| value.chars().take(SHOWN).collect()),
        }
    }
}

#[async_trait]
impl LoadSink for Sink<'_> {
    async fn failed(&self, failures: Vec<RowFailure>) -> Result<(), StoreError> {
        let mut errors = Vec::new();
        let mut rejected = Vec::with_capacity(failures.len());
        for failure in failures {
            let line = failure.line;
            errors.extend(failure.errors.iter().map(|one| self.failure(line, one)));
            let raw = failure.raw;
            rejected.push(RejectedRecord { line, raw });
        }
        let id = {
            let mut told = self.told();
            for error in &errors {
                let count = told.job.error_counts.entry(error.code.clone());
                *count.or_default() += 1;
            }
            told.errors.extend(errors.iter().cloned());
            // Rows that waited for later ones are told of last.
            told.errors.sort_by_key(|error| error.line);
            told.errors.truncate(ERRORS);
            told.job.id
        };
        self.jobs.add_failures(id, &errors, &rejected).await
    }

    async fn writing(&self, mark: LoadMark) -> Result<(), StoreError> {
        let job = {
            let mut told = self.told();
            told.job.pending = Some(mark);
            told.job.clone()
        };
        self.write(&job).await
    }

    async fn progress(&self, counts: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        let job = {
            let mut told = self.told();
            told.job.counts = *counts;
            told.job.pending = None;
            told.job.clone()
        };
        self.write(&job).await?;
        Ok(if self.jobs.cancel_requested(job.id).await? {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}
