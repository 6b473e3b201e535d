//! Upload jobs, their row errors and rejected rows, kept for 24 hours.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{JobId, Principal, Timestamp, TypeId};

use super::{LoadMark, StoreError, StoreErrorKind};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// At work.
    Running,
    /// All that could be applied was.
    Succeeded,
    /// Nothing was applied (atomic), or it broke off.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// What became of the rows; `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Rows read.
    pub read: u64,
    /// New entities.
    pub created: u64,
    /// Changed entities.
    pub updated: u64,
    /// Rows that changed nothing.
    pub unchanged: u64,
    /// Rows refused.
    pub failed: u64,
    /// Good rows that an atomic refusal or a cancel left out.
    pub not_applied: u64,
}

impl JobCounts {
    /// Rows that would have been applied are left out.
    pub fn leave_out(&mut self) {
        self.not_applied += self.created + self.updated + self.unchanged;
        self.created = 0;
        self.updated = 0;
        self.unchanged = 0;
    }
}

/// An upload job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The type uploaded to.
    pub type_id: TypeId,
    /// Who started it.
    pub actor: Principal,
    /// How far it is.
    pub state: JobState,
    /// What became of the rows so far.
    pub counts: JobCounts,
    /// How many failures by code.
    pub error_counts: BTreeMap<String, u64>,
    /// Media type of the file, which is that of its rejected rows.
    pub media_type: String,
    /// First line of the rejected rows' file: the header of a CSV file and the column of the reason.
    pub header: Option<String>,
    /// Whether nothing of it is applied before its end.
    pub staged: bool,
    /// The write that was to be made next when this was written. Whether it was made, the history of its entity tells.
    pub pending: Option<LoadMark>,
    /// Why it broke off: a stable code.
    pub reason: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// One error of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// Line on which the record begins (header = 1), or index from 1 in a JSON array.
    pub line: u64,
    /// Column of a CSV file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Pointer into the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
    /// The value at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A record of an upload that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Line on which it begins, as in [`JobFailure::line`].
    pub line: u64,
    /// It, as it came in; of a CSV file with the delimiter that the reason comes after.
    pub raw: String,
}

/// A refused record with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedRecord {
    /// The record.
    pub record: RejectedRecord,
    /// Why, in order of their adding.
    pub failures: Vec<JobFailure>,
}

/// The error of a load whose job was [taken from it](Jobs::claim_job): what it did not apply before stays out.
pub fn job_lost() -> StoreError {
    let why = "its server was silent for too long, and its job was ended";
    StoreError::new(StoreErrorKind::Unavailable, "loading", why)
}

/// Where jobs live.
///
/// A job is at work until it is claimed or has ended. A claimed job is still running as it is read, and only its ending is left to be written;
/// a job that has ended stays as it is.
///
/// # Errors
///
/// Every method fails with a [`StoreError`] as those of the [`Store`](super::Store) do. All of them but [`Jobs::put_job`] may be asked for
/// again.
#[async_trait]
pub trait Jobs: Debug + Send + Sync + 'static {
    /// Writes a new job.
    ///
    /// Writing a job must [touch](Jobs::touch_job) it.
    async fn put_job(&self, job: &Job) -> Result<(), StoreError>;

    /// Writes a job in place of one at work. It must not do so, and answer `false`, when the job was claimed, has ended or is
    /// gone.
    async fn update_job(&self, job: &Job) -> Result<bool, StoreError>;

    /// Reads a job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs, newest first (by id), older than one or from the newest on; at most `limit`, from 1.
    async fn jobs(&self, before: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// Adds failures, and the records they are about as they came in, to a job that is there.
    ///
    /// A record must be kept once, however many failures name its line.
    async fn add_failures(
        &self,
        id: JobId,
        failures: &[JobFailure],
        rejected: &[RejectedRecord],
    ) -> Result<(), StoreError>;

    /// Takes all failures and records of a job away: its rows are read again from the first.
    async fn clear_failures(&self, id: JobId) -> Result<(), StoreError>;

    /// Asks a job to stop. A job that is not there is passed over.
    ///
    /// Writing the job must not take the request back.
    async fn request_cancel(&self, id: JobId) -> Result<(), StoreError>;

    /// Whether a job was asked to stop, on whatever server.
    async fn cancel_requested(&self, id: JobId) -> Result<bool, StoreError>;

    /// Failures in order of line and of their adding, without the first `skip`; at most `limit`, from 1.
    async fn failures(
        &self,
        id: JobId,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<JobFailure>, StoreError>;

    /// Rejected records in line order after a line (0: all), each with its failures; at most `limit`, from 1.
    async fn rejected(
        &self,
        id: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ExplainedRecord>, StoreError>;

    /// Says that a job is at work; any other is passed over. It must get through while as many loads as there may be apply what they have.
    async fn touch_job(&self, id: JobId) -> Result<(), StoreError>;

    /// Running jobs, claimed ones among them, that nobody has touched for so long, by the store's own clock. No time at all: all of them.
    async fn silent_jobs(&self, silence: Duration) -> Result<Vec<Job>, StoreError>;

    /// Takes a running job that was silent for so long away from its process, touches it, and gives it as it was written last; `None` when it
    /// is not running or was touched meanwhile. Whoever claimed a job may be gone too: a claimed one may be claimed again.
    ///
    /// From then on nothing of its load may be applied (see [`LoadPlan::job`](super::LoadPlan::job)): what was on its way is applied, and
    /// seen by whoever reads afterwards, or never is.
    async fn claim_job(&self, id: JobId, silence: Duration) -> Result<Option<Job>, StoreError>;

    /// Writes the ending of a job that was claimed; `false` when it was not, or has ended.
    async fn end_claimed_job(&self, job: &Job) -> Result<bool, StoreError>;

    /// Whether one process at a time uses this store: then no job that was running at its start can be at work. The answer is the same for
    /// as long as the store is open.
    fn one_process(&self) -> bool;

    /// Removes jobs that were created before a time, with all that belongs to them. Running ones stay until they have ended.
    async fn expire_jobs(&self, before: Timestamp) -> Result<(), StoreError>;
}
