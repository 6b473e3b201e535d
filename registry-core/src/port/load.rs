//! The second write: a stream of rows of one type.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    ops::ControlFlow,
    sync::Arc,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{
    Catalog, Datum, Encoded, EntityId, EntityType, FieldNumber, JobId, KeyNumber, LinkNumber,
    Principal, Timestamp, TypeId, Version, problem::Problem,
};

use super::JobCounts;

/// What a row does when its entity is, or is not, there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// Makes entities; one that is there fails the row.
    Create,
    /// Merges into the one that is there, else makes one.
    Upsert,
    /// Merges into the one that is there; none fails the row.
    Update,
}

/// How a stream of rows is applied.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The type of the rows; expected to stay at its version.
    pub entity_type: Arc<EntityType>,
    /// All types, for link targets.
    pub catalog: Arc<Catalog>,
    /// What rows do.
    pub mode: LoadMode,
    /// The key by which rows find their entity; by id when `None`.
    pub key: Option<KeyNumber>,
    /// Whether one failed row leaves every row out.
    pub atomic: Atomicity,
    /// Whether the rows are only checked.
    pub effect: Effect,
    /// Who loads.
    pub caller: crate::Caller,
    /// Names what is created.
    pub ids: Arc<dyn super::IdSource>,
    /// When: the time of everything written.
    pub at: Timestamp,
    /// The job that tells of the load, if one does. Each transaction that applies rows must check that it is at work, so that it cannot be
    /// [claimed](super::Jobs::claim_job) before the commit; else it is rolled back and the load fails with [`super::job_lost`].
    pub job: Option<JobId>,
}

/// Whether rows stand or fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// Every row, in one transaction, or none.
    All,
    /// Every good row.
    Each,
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Rows are applied.
    Apply,
    /// Rows are checked and counted, nothing is written.
    DryRun,
}

/// A key's value, and whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyRef {
    /// The type.
    pub type_id: TypeId,
    /// The key.
    pub key: KeyNumber,
    /// Its value: see [`crate::key::value`].
    pub value: Encoded,
}

/// An entity named by id or by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntityRef {
    /// By id.
    Id(EntityId),
    /// By a key of a type.
    Key(KeyRef),
}

/// One target that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTarget {
    /// How it is named.
    pub reference: EntityRef,
    /// The words the row used, for failures.
    pub shown: String,
}

/// The targets that a row gives to one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLink {
    /// The link; at most one entry of a row is about it.
    pub link: LinkNumber,
    /// Its targets from now on; empty takes the link off.
    pub targets: Vec<RowTarget>,
}

/// What a row, or the document of a single write, says of its entity: absent things stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowPatch {
    /// Values by field; `None` clears.
    pub fields: BTreeMap<FieldNumber, Option<Datum>>,
    /// Fields that the row names and leaves blank: kept where there is an entity, and without their default in a new one (a default stands
    /// in for what was left out, as in SQL's `INSERT`).
    pub blank: BTreeSet<FieldNumber>,
    /// Links.
    pub links: Vec<RowLink>,
    /// Owners.
    pub owners: Option<Vec<Principal>>,
    /// Readers.
    pub readers: Option<Vec<Principal>>,
    /// What could not be read: the row is refused, with all else that is wrong with it.
    pub faults: Vec<Problem>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRow {
    /// Its line.
    pub line: u64,
    /// The id it names.
    pub id: Option<EntityId>,
    /// The value of the plan's key.
    pub key: Option<Encoded>,
    /// What it says.
    pub patch: RowPatch,
    /// The record as it came in; handed back with a failure.
    pub raw: String,
}

/// What the stream yields.
#[derive(Clone, Debug)]
pub enum LoadItem {
    /// A row that was read.
    Row(Box<LoadRow>),
    /// A row that could not be read.
    Rejected(RowFailure),
}

/// Rows in line order. Ends early with an error only when the source broke: nothing more is applied then.
pub type RowStream<'a> = BoxStream<'a, Result<LoadItem, super::StoreError>>;

/// Rows that can be read more than once: those that link to later ones are decided when all have been seen.
pub struct Rows<'a>(Box<dyn Fn() -> RowStream<'a> + Send + Sync + 'a>);

impl<'a> Rows<'a> {
    /// Rows that are read from the first one on whenever they are opened; they must be the same each time.
    pub fn new(open: impl Fn() -> RowStream<'a> + Send + Sync + 'a) -> Self {
        Self(Box::new(open))
    }

    /// Reads them from the first one on.
    pub fn open(&self) -> RowStream<'a> {
        self.0()
    }
}

impl Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RowFailure {
    /// Its line.
    pub line: u64,
    /// Its record.
    pub raw: String,
    /// Why, one or more. Places are pointers into an item `{"_id","fields","links","owners","readers"}`, for a CSV row too, or the whole row.
    pub errors: Vec<Problem>,
}

/// A write of a load that is about to be made, so that after a crash it can be told whether it was: then the history of `entity` has
/// `version`, made `at` this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadMark {
    /// What will have become of the rows.
    pub counts: JobCounts,
    /// One of the entities that it writes.
    pub entity: EntityId,
    /// The version that it makes of it.
    pub version: Version,
    /// The time of the load.
    pub at: Timestamp,
}

/// Where failures of rows go, and where progress is seen.
#[async_trait]
pub trait LoadSink: Debug + Send + Sync {
    /// Takes the failures of one slice, in line order; those of rows that waited for later ones come after all others.
    async fn failed(&self, failures: Vec<RowFailure>) -> Result<(), super::StoreError>;

    /// Told before each write.
    async fn writing(&self, mark: LoadMark) -> Result<(), super::StoreError>;

    /// Told after each slice; `Break` stops the load: what is not applied yet stays out. Before everything is applied at once, good rows
    /// count as what they will be.
    async fn progress(&self, counts: &JobCounts) -> Result<ControlFlow<()>, super::StoreError>;
}

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// Counts; rows that could not be read are among `read` and `failed`.
    pub counts: JobCounts,
    /// The place of the last change-log row written.
    pub position: Option<super::Position>,
    /// How it ended.
    pub end: LoadEnd,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadEnd {
    /// Every row was looked at.
    Complete,
    /// The sink stopped it.
    Stopped,
    /// What is stored changed under it and nothing was applied: the rows may be sent again from the first, under the types as they are
    /// now.
    Stale,
}
