//! Upload jobs: read, listed, stopped; their errors and rejected rows.

use crate::{
    Caller, EntityId, Error, JobId,
    port::{Job, JobFailure, JobState},
    principal::Role,
    problem::Refusal,
    query::{
        After,
        cursor::{self, Binding},
    },
    upload::Rejected,
};

use super::{Registry, upload::kept_since};

/// Jobs of uploads. A job is seen by who started it and by admins, for 24 hours.
#[derive(Clone, Copy, Debug)]
pub struct JobService<'a> {
    pub(super) registry: &'a Registry,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPage {
    /// Newest first.
    pub items: Vec<Job>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl JobService<'_> {
    /// One job; `not_found` when it is absent, another's, or older than 24 hours.
    pub async fn job(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let job = self.registry.jobs.job(id).await?;
        job.filter(|job| self.shows(caller, job))
            .ok_or_else(|| Error::not_found("job"))
    }

    /// Jobs, newest first. `limit` is from 1 to [`crate::limits::PAGE`].
    pub async fn list(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<JobPage, Error> {
        let secret = self.registry.cursor_secret().await?;
        let binding = Binding::new(&[], &caller.scope(), &[], &[("place", "job")]);
        let mut before = cursor
            .map(|text| cursor::open(&secret, &binding, text, 0))
            .transpose()?
            .map(|after| JobId(after.id.0));
        let mut items = Vec::new();
        // One more than asked for tells whether there is a next page.
        while items.len() <= limit {
            let page = self.registry.jobs.jobs(before, limit + 1).await?;
            let full = page.len() > limit;
            before = page.last().map(|job| job.id);
            items.extend(page.into_iter().filter(|job| self.shows(caller, job)));
            if !full {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| {
            let after = After {
                values: Vec::new(),
                id: EntityId(last.id.0),
            };
            cursor::seal(&secret, &binding, &after)
        });
        Ok(JobPage { items, next_cursor })
    }

    /// Asks a running job to stop, on whatever server it runs; it stops after the slice it is at. 409 `job_ended` when it has ended.
    pub async fn cancel(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let job = self.job(caller, id).await?;
        if job.state != JobState::Running {
            return Err(Error::refused(
                Refusal::Conflict,
                "job_ended",
                "the job has ended",
            ));
        }
        self.registry.jobs.request_cancel(id).await?;
        Ok(job)
    }

    /// Errors of a job in line order, from the `skip`-th on.
    pub async fn errors(
        &self,
        caller: &Caller,
        id: JobId,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<JobFailure>, Error> {
        self.job(caller, id).await?;
        Ok(self.registry.jobs.failures(id, skip, limit).await?)
    }

    /// What the file of a job's rejected rows begins with, and the writer of its records.
    pub async fn rejected_file(&self, caller: &Caller, id: JobId) -> Result<RejectedFile, Error> {
        let job = self.job(caller, id).await?;
        let writer = Rejected::of(&job)
            .ok_or_else(|| Error::Internal(format!("job {id} has an unknown media type")))?;
        Ok(RejectedFile {
            head: writer.head(&job),
            media_type: job.media_type,
            writer,
            id,
            after: 0,
        })
    }

    /// The next stretch of a file of rejected rows, at most `limit` records; `None` after the last, when only
    /// [`RejectedFile::tail`] is left.
    pub async fn rejected(
        &self,
        file: &mut RejectedFile,
        limit: usize,
    ) -> Result<Option<String>, Error> {
        let page = self
            .registry
            .jobs
            .rejected(file.id, file.after, limit)
            .await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        file.after = last.record.line;
        let records = page
            .iter()
            .map(|one| file.writer.record(&one.record.raw, &one.failures));
        Ok(Some(records.collect()))
    }

    fn shows(self, caller: &Caller, job: &Job) -> bool {
        job.created_at >= kept_since(self.registry.now())
            && (caller.role == Role::Admin || job.actor == caller.actor)
    }
}

/// A file of rejected rows while it is written.
#[derive(Debug)]
pub struct RejectedFile {
    /// What it begins with.
    pub head: String,
    /// Its media type.
    pub media_type: String,
    writer: Rejected,
    id: JobId,
    after: u64,
}

impl RejectedFile {
    /// What it ends with.
    pub fn tail(&self) -> &'static str {
        self.writer.tail()
    }
}
