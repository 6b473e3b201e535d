//! What the registry needs from outside. Small traits; guarantees are sentences with "must", and the contract suite tests exactly those.

mod error;
mod identity;
mod jobs;
mod load;
mod store;

pub use error::{CommitError, Conflict, StoreError, StoreErrorKind, TypeViolation};
pub use identity::{Clock, IdSource, RandomIds, SystemClock};
pub use jobs::{
    ExplainedRecord, Job, JobCounts, JobFailure, JobState, Jobs, RejectedRecord, job_lost,
};
pub use load::{
    Atomicity, Effect, EntityRef, KeyRef, LoadEnd, LoadItem, LoadMark, LoadMode, LoadPlan,
    LoadReport, LoadRow, LoadSink, RowFailure, RowLink, RowPatch, RowStream, RowTarget, Rows,
};
pub use store::{
    BuildStep, Catalog, CatalogRows, ChangePage, ChangeRow, EntityStream, Found, LinkCount,
    Position, Receipt, Store,
};
