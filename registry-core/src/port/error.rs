//! How a store fails.

use std::error::Error;

use thiserror::Error as ThisError;

use crate::{EntityId, KeyNumber, LinkNumber, TypeId, Version};

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Not reachable now, overloaded, or out of connections; a later try may succeed.
    Unavailable,
    /// What was to be written is held by others, and was not let go in time; a later try may succeed.
    Busy,
    /// A statement took longer than it may.
    Timeout,
    /// Another change of the same type holds its lock.
    TypeChanging,
    /// The store has no room left.
    Full,
    /// The connection was lost while committing: the write may have happened.
    UnknownOutcome,
    /// Anything else: a defect, or data that does not decode.
    Internal,
}

/// A store could not do its work. Displayed without the source.
#[derive(Debug, ThisError)]
#[error("{subject}: {kind:?}")]
pub struct StoreError {
    /// The kind.
    pub kind: StoreErrorKind,
    /// What was being done, in a few words.
    pub subject: &'static str,
    /// The engine's own error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with its cause.
    pub fn new(
        kind: StoreErrorKind,
        subject: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            subject,
            source: Some(source.into()),
        }
    }

    /// An internal error with its cause.
    pub fn internal(
        subject: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(StoreErrorKind::Internal, subject, source)
    }

    /// Whether the write may have happened all the same.
    pub fn may_have_applied(&self) -> bool {
        self.kind == StoreErrorKind::UnknownOutcome
    }
}

/// What a change set expected and did not find; nothing of it was applied. `operation` is the index of the operation refused.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Conflict {
    /// A type is at another version, or gone.
    #[error("the type has changed")]
    TypeChanged {
        /// The type.
        type_id: TypeId,
    },
    /// The catalog is at another version.
    #[error("the catalog has changed")]
    CatalogChanged,
    /// The id is taken.
    #[error("the entity exists")]
    EntityExists {
        /// Which operation.
        operation: usize,
    },
    /// The entity is at another version, or gone.
    #[error("the entity has changed")]
    Stale {
        /// Which operation.
        operation: usize,
        /// The version it is at.
        current: Option<Version>,
    },
    /// A link target is absent or outside the scope.
    #[error("link target not found")]
    TargetMissing {
        /// Which operation.
        operation: usize,
        /// The link.
        link: LinkNumber,
        /// The target.
        target: EntityId,
    },
    /// A link target is of a type that the link does not lead to.
    #[error("link target of a wrong type")]
    TargetType {
        /// Which operation.
        operation: usize,
        /// The link.
        link: LinkNumber,
        /// The target.
        target: EntityId,
    },
    /// Another entity has the key.
    #[error("key taken")]
    KeyTaken {
        /// Which operation.
        operation: usize,
        /// The key.
        key: KeyNumber,
    },
    /// An entity outside the change set links to one that it deletes.
    #[error("still linked")]
    StillLinked {
        /// Which operation.
        operation: usize,
    },
    /// Stored entities stand in the way of a change of their type.
    #[error("stored entities violate the change")]
    Violation(TypeViolation),
}

/// Why a change of a type was refused: what stands in the way, how often, and up to ten of the entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeViolation {
    /// Name of the field, link or key at fault; empty when the type itself is still in use.
    pub name: String,
    /// `would_drop`, `type_change_conflict` or `type_in_use`.
    pub code: &'static str,
    /// How many entities; of a type in use at most [`IN_USE_COUNTED`](crate::limits::IN_USE_COUNTED) are counted.
    pub count: u64,
    /// Up to ten of them, by id.
    pub samples: Vec<EntityId>,
}

/// Why a change set was not applied.
#[derive(Debug, ThisError)]
pub enum CommitError {
    /// An expectation was not met.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
