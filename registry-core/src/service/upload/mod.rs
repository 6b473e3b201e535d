//! Uploads: a file of entities, checked, loaded and reported row by row.

mod parameters;
mod sink;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::Either;

use crate::{
    Caller, Catalog, EntityType, Error, JobId, Timestamp,
    port::{
        Atomicity, Job, JobCounts, JobFailure, JobState, Jobs, LoadEnd, LoadPlan, LoadReport,
        Position, StoreError, StoreErrorKind,
    },
    upload::{self, Checked, Format, Options, Source},
};

use super::{Registry, commit::store_error, rights::require_writer};

use parameters::Parameters;
use sink::Sink;

/// How long jobs are kept.
pub(super) const KEPT: Duration = Duration::from_hours(24);
/// How often a job is said to be at work; far below [`SILENCE`](super::interrupted::SILENCE).
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a file is read again from its first row when others change what it is about.
const ATTEMPTS: usize = 3;
/// Uploads of files.
#[derive(Clone, Copy, Debug)]
pub struct Uploads<'a> {
    pub(super) registry: &'a Registry,
}

/// What to upload: the parameters of the contract as text, as they stand (decoded) in a query string.
#[derive(Clone, Debug)]
pub struct UploadRequest {
    /// Name of the type.
    pub type_name: String,
    /// The whole file, spooled, without content encoding.
    pub source: Arc<dyn Source>,
    /// Its format.
    pub format: Format,
    /// `mode=`: `create` (default), `upsert`, `update`
    pub mode: Option<String>,
    /// `key=`: the name of a key of the type
    pub key: Option<String>,
    /// `atomic=`: `true` (default), `false`
    pub atomic: Option<String>,
    /// `dry_run=`: `true`, `false` (default)
    pub dry_run: Option<String>,
    /// `null=`: CSV alone
    pub null: Option<String>,
    /// `delimiter=`: CSV alone; one ASCII character
    pub delimiter: Option<String>,
}

/// What an upload came to.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadOutcome {
    /// The job, ended. `Failed` when rows were refused and so nothing was applied.
    pub job: Job,
    /// The first 1,000 errors, in line order.
    pub errors: Vec<JobFailure>,
    /// Whether there are more.
    pub errors_truncated: bool,
    /// Place of the last change in the log; `None` when nothing was written.
    pub position: Option<Position>,
}

impl Uploads<'_> {
    /// Uploads a file. The future must be driven to its end: run it on a task of its own when whoever waits for it may go away.
    ///
    /// Refuses, before a row is applied, with `not_found`, `forbidden`, `invalid_mode`, `invalid_atomic`, `invalid_dry_run`,
    /// `invalid_delimiter`, `unknown_parameter`, `unknown_key`, and what [`upload::check`] finds. Refused rows are no error: the outcome
    /// tells them.
    pub async fn upload(
        &self,
        caller: &Caller,
        request: UploadRequest,
    ) -> Result<UploadOutcome, Error> {
        require_writer(caller)?;
        let registry = self.registry;
        let now = registry.now();
        registry.jobs.expire_jobs(kept_since(now)).await?;
        let (mut catalog, mut entity_type) = registry.entity_type(&request.type_name).await?;
        let mut parameters = Parameters::read(&entity_type, &request)?;
        let mut checked = check(&request, &catalog, &entity_type, &parameters.options).await?;
        let id = JobId(registry.ids.next());
        let mut job = Job {
            id,
            type_id: entity_type.id,
            actor: caller.actor.clone(),
            state: JobState::Running,
            counts: JobCounts::default(),
            error_counts: BTreeMap::new(),
            media_type: request.format.media_type().to_owned(),
            header: checked.rejected_header.clone(),
            staged: parameters.staged(),
            pending: None,
            reason: None,
            created_at: now,
            finished_at: None,
        };
        registry.jobs.put_job(&job).await?;
        let _at_work = registry.running.enter(id);
        for attempt in 1.. {
            let sink = Sink::new(&*registry.jobs, job.clone(), checked);
            let rows = upload::rows(
                Arc::clone(&request.source),
                Arc::clone(&catalog),
                Arc::clone(&entity_type),
                parameters.options.clone(),
            );
            let plan = LoadPlan {
                entity_type: Arc::clone(&entity_type),
                catalog: Arc::clone(&catalog),
                mode: parameters.options.mode,
                key: parameters.options.key.as_ref().map(|key| key.number),
                atomic: parameters.atomic,
                effect: parameters.effect,
                caller: caller.clone(),
                ids: Arc::clone(&registry.ids),
                at: registry.now(),
            };
            let loaded = at_work(&*registry.jobs, id, registry.store.load(plan, rows, &sink)).await;
            let told = sink.into_told();
            job = told.job;
            job.pending = None;
            match loaded {
                Ok(report) if report.end != LoadEnd::Stale => {
                    return self
                        .finish(job, &report, parameters.atomic, told.errors)
                        .await;
                }
                Ok(_) if attempt < ATTEMPTS => {}
                Ok(_) => {
                    self.fail(job).await?;
                    return Err(Error::Contention);
                }
                Err(error) => {
                    if let Err(second) = self.fail(job).await {
                        tracing::warn!(error = %second, job = %id, "a failed upload's job could not be written");
                    }
                    return Err(store_error(of_load(error, &parameters)));
                }
            }
            // Others were faster: from the first row again, under the types as they are now.
            registry.invalidate();
            registry.jobs.clear_failures(id).await?;
            job.counts = JobCounts::default();
            job.error_counts.clear();
            let again = async {
                let (catalog, entity_type) = registry.entity_type(&request.type_name).await?;
                let parameters = Parameters::read(&entity_type, &request)?;
                let checked = check(&request, &catalog, &entity_type, &parameters.options).await?;
                Ok((catalog, entity_type, parameters, checked))
            };
            match again.await {
                Ok(found) => (catalog, entity_type, parameters, checked) = found,
                Err(error) => {
                    self.fail(job).await?;
                    return Err(error);
                }
            }
        }
        Err(Error::Contention)
    }

    async fn finish(
        &self,
        mut job: Job,
        report: &LoadReport,
        atomic: Atomicity,
        errors: Vec<JobFailure>,
    ) -> Result<UploadOutcome, Error> {
        job.counts = report.counts;
        job.state = match (report.end, atomic) {
            (LoadEnd::Stopped, _) => JobState::Cancelled,
            (_, Atomicity::All) if report.counts.failed > 0 => JobState::Failed,
            _ => JobState::Succeeded,
        };
        job.finished_at = Some(self.registry.now());
        // What was applied is applied: the answer says so even where the job cannot.
        if let Err(error) = self.registry.jobs.put_job(&job).await {
            tracing::warn!(%error, job = %job.id, "a finished upload's job could not be written");
        }
        let all: u64 = job.error_counts.values().sum();
        Ok(UploadOutcome {
            errors_truncated: all > errors.len() as u64,
            job,
            errors,
            position: report.position,
        })
    }

    async fn fail(&self, mut job: Job) -> Result<(), StoreError> {
        job.state = JobState::Failed;
        job.finished_at = Some(self.registry.now());
        self.registry.jobs.put_job(&job).await
    }
}

/// Drives a load and says every few seconds that its job is at work, since one step of it may take minutes.
async fn at_work<T>(jobs: &dyn Jobs, id: JobId, load: impl Future<Output = T>) -> T {
    let mut load = std::pin::pin!(load);
    loop {
        if let Ok(loaded) = tokio::time::timeout(HEARTBEAT, load.as_mut()).await {
            return loaded;
        }
        // Beside the load, which may hold what the touch waits for.
        let touched = std::pin::pin!(jobs.touch_job(id));
        match futures::future::select(touched, load.as_mut()).await {
            Either::Left((Ok(()), _)) => {}
            Either::Left((Err(error), _)) => {
                tracing::warn!(%error, job = %id, "an upload could not tell that it is at work");
            }
            Either::Right((loaded, _)) => return loaded,
        }
    }
}

/// The failure of a load that has begun. Unless it was staged, slices before it are applied: nobody may be told that nothing was written.
fn of_load(error: StoreError, parameters: &Parameters) -> StoreError {
    if parameters.staged() || error.kind == StoreErrorKind::Internal {
        return error;
    }
    StoreError {
        kind: StoreErrorKind::UnknownOutcome,
        ..error
    }
}

/// Jobs created before this are gone.
pub(super) fn kept_since(now: Timestamp) -> Timestamp {
    let kept = i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(kept))
}

/// Looks the file over, off the threads that answer requests.
async fn check(
    request: &UploadRequest,
    catalog: &Arc<Catalog>,
    entity_type: &Arc<EntityType>,
    options: &Options,
) -> Result<Checked, Error> {
    let source = Arc::clone(&request.source);
    let (catalog, entity_type) = (Arc::clone(catalog), Arc::clone(entity_type));
    let options = options.clone();
    tokio::task::spawn_blocking(move || upload::check(&*source, &catalog, &entity_type, &options))
        .await
        .map_err(|error| Error::Internal(format!("the check of the file ended early: {error}")))?
}
