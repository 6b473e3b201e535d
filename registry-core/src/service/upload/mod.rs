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
/// How long is waited before the ending of a job is written again.
const TELL_AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
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
                job: Some(id),
            };
            let loaded = at_work(&*registry.jobs, id, registry.store.load(plan, rows, &sink)).await;
            let told = sink.into_told();
            job = told.job;
            match loaded {
                Ok(report) if report.end != LoadEnd::Stale => {
                    return self
                        .finish(job, &report, parameters.atomic, told.errors)
                        .await;
                }
                Ok(_) if attempt < ATTEMPTS => {}
                Ok(_) => {
                    self.leave_out(job).await;
                    return Err(Error::Contention);
                }
                Err(error) => return Err(store_error(self.break_off(job, error).await)),
            }
            // Others were faster: from the first row again, under the types as they are now.
            registry.invalidate();
            job.counts = JobCounts::default();
            job.error_counts.clear();
            job.pending = None;
            let again = async {
                registry.jobs.clear_failures(id).await?;
                let (catalog, entity_type) = registry.entity_type(&request.type_name).await?;
                let parameters = Parameters::read(&entity_type, &request)?;
                let checked = check(&request, &catalog, &entity_type, &parameters.options).await?;
                Ok((catalog, entity_type, parameters, checked))
            };
            match again.await {
                Ok(found) => (catalog, entity_type, parameters, checked) = found,
                Err(error) => {
                    self.leave_out(job).await;
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
        job.pending = None;
        // What was applied is applied: the answer says so even where the job cannot.
        self.end(&mut job).await;
        let all: u64 = job.error_counts.values().sum();
        Ok(UploadOutcome {
            errors_truncated: all > errors.len() as u64,
            job,
            errors,
            position: report.position,
        })
    }

    /// Ends the job of a load of which nothing was applied.
    async fn leave_out(&self, mut job: Job) {
        job.state = JobState::Failed;
        job.pending = None;
        job.counts.leave_out();
        self.end(&mut job).await;
    }

    /// Writes the ending of a job, again when it cannot be: else it would count as interrupted in a minute.
    async fn end(&self, job: &mut Job) {
        job.finished_at = Some(self.registry.now());
        let mut again = TELL_AGAIN.into_iter();
        loop {
            match self.registry.jobs.update_job(job).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(job = %job.id, "an upload ended after its job");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, job = %job.id, "the end of an upload could not be written to its job");
                }
            }
            let Some(wait) = again.next() else { return };
            tokio::time::sleep(wait).await;
        }
    }

    /// Ends the job of a load that failed, by what is stored, and gives the failure as the caller may be told it: where rows are applied, or
    /// may be, nobody may be told that nothing was written.
    async fn break_off(&self, job: Job, error: StoreError) -> StoreError {
        let id = job.id;
        // Of what is staged, the failure itself tells.
        let told = !job.staged && (job.pending.is_some() || writes(&job.counts));
        let ended = async {
            // What is on its way to the store arrives before, or never.
            let claimed = self.registry.jobs.claim_job(id, Duration::ZERO).await?;
            match claimed {
                Some(_) => self.registry.interrupted_jobs().end_claimed(job).await,
                None => Ok(None),
            }
        };
        let applied = match ended.await {
            Ok(Some(job)) => writes(&job.counts),
            Ok(None) => told,
            Err(second) => {
                tracing::warn!(error = %second, job = %id, "a failed upload's job could not be written");
                told
            }
        };
        if !applied || error.kind == StoreErrorKind::Internal {
            return error;
        }
        StoreError {
            kind: StoreErrorKind::UnknownOutcome,
            ..error
        }
    }
}

fn writes(counts: &JobCounts) -> bool {
    counts.created + counts.updated > 0
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
