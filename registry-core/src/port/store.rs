//! Where types, entities, links, keys and the change log live.

use std::{collections::BTreeSet, fmt::Debug};

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::{
    change::{Change, ChangeSet},
    entity::{Encoded, Entity},
    entity_type::EntityType,
    id::{EntityId, FieldNumber, KeyNumber, LinkNumber, TypeId, Version},
    principal::Scope,
    query::Query,
};

use super::{CommitError, LoadPlan, LoadReport, LoadSink, Rows, StoreError};

pub use crate::catalog::Catalog;

/// All types as a store has them, and the version of the whole.
#[derive(Clone, Debug)]
pub struct CatalogRows {
    /// Grows by one with every change of any type, and with every index that becomes ready.
    pub version: Version,
    /// Every type.
    pub types: Vec<EntityType>,
    /// The fields that [`Store::build_index`] has something to do for: indexed ones whose index is not ready, and ones that are not indexed any
    /// more and whose old rows are still there.
    pub building: BTreeSet<(TypeId, FieldNumber)>,
}

/// A place in the change log. Opaque outside the store that made it; ordered within one epoch of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Transaction that wrote the row (PostgreSQL), else 0.
    pub transaction: u64,
    /// Sequence number of the row.
    pub sequence: u64,
}

/// What a commit tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The place of the last change-log row written.
    pub position: Position,
}

/// How far the building of an index came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildStep {
    /// There may be more entities.
    More,
    /// Nothing is left to be done.
    Done,
}

/// A page of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// At most as many as were asked for, in order.
    pub items: Vec<Entity>,
    /// Whether at least one more follows.
    pub more: bool,
    /// How many match in all, when asked for.
    pub total: Option<u64>,
}

/// Entities as they come; ends after an error.
pub type EntityStream = BoxStream<'static, Result<Entity, StoreError>>;

/// How many entities stand at the other end of one link of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCount {
    /// The holder's type.
    pub holder_type: TypeId,
    /// The link.
    pub link: LinkNumber,
    /// How many readable holders.
    pub count: u64,
}

/// A row of the change log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its place.
    pub position: Position,
    /// The row.
    pub change: Change,
}

/// A stretch of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage {
    /// Rows in order of their places.
    pub rows: Vec<ChangeRow>,
    /// Where to go on from; that of the last row, or the one asked from when there was none.
    pub next: Option<Position>,
}

/// The store. `None` and empty answers mean absence; errors mean failure.
///
/// # Errors
///
/// Every method fails with a [`StoreError`] when the engine cannot be reached, has no connection free in time or takes too long
/// ([`Unavailable`](super::StoreErrorKind::Unavailable), [`Timeout`](super::StoreErrorKind::Timeout)), and when what is stored does not
/// decode ([`Internal`](super::StoreErrorKind::Internal)). What a method can fail with beyond that stands with it.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// All types, in any order, or `None` when the catalog is still at `known`.
    ///
    /// A type change must be seen by the next call on any handle of the same store.
    async fn catalog(&self, known: Option<Version>) -> Result<Option<CatalogRows>, StoreError>;

    /// The entities of these ids (any number, repeats count once) inside the scope, in order of id, absent ones left out.
    ///
    /// It must not tell an entity outside the scope from an absent one.
    async fn entities(&self, ids: &[EntityId], scope: &Scope) -> Result<Vec<Entity>, StoreError>;

    /// The entity inside the scope that holds a key; `value` is as [`crate::key::value`] makes it.
    async fn by_key(
        &self,
        type_id: TypeId,
        key: KeyNumber,
        value: &Encoded,
        scope: &Scope,
    ) -> Result<Option<Entity>, StoreError>;

    /// The entities that match, in the query's order: a page of `query.limit`, from 1 to [`PAGE`](crate::limits::PAGE), after the place
    /// `query.after`, and the total when `query.count` asks for it. The values of the query are encoded as the core encodes them.
    ///
    /// Every store must give the same entities in the same order for the same query. A walk over pages must give every entity that stays
    /// exactly once, whatever comes and goes meanwhile.
    async fn find(&self, query: &Query) -> Result<Found, StoreError>;

    /// All entities that match, in the query's order, whatever its `limit`, `after` and `count` say.
    ///
    /// The stream must show the store as of one moment, that of this call, however long it is read. An export must not keep writers
    /// waiting. Dropping the stream must end the read. A store whose entities are not in memory anyway holds no more than a few pages of
    /// them there, and may cut off a stream that nobody reads from for most of a minute: its last item is an error then.
    ///
    /// # Errors
    ///
    /// `Unavailable` too when as many exports as the store allows go on already.
    async fn export(&self, query: &Query) -> Result<EntityStream, StoreError>;

    /// The entities that hold a link to one of `targets` (any number), with the link, in order of target, holder and link; at most `limit`,
    /// from 1.
    ///
    /// It must return holders outside every scope too: deletes are decided with it.
    async fn holders(
        &self,
        targets: &[EntityId],
        limit: usize,
    ) -> Result<Vec<crate::change::LinkRow>, StoreError>;

    /// For each link that leads to `target`, how many holders inside the scope there are; links without one are left out.
    async fn incoming(&self, target: EntityId, scope: &Scope)
    -> Result<Vec<LinkCount>, StoreError>;

    /// The highest version that an id ever had, in the change log, its deletion counted as a version; `None` for an id that was never used.
    async fn last_version(&self, id: EntityId) -> Result<Option<Version>, StoreError>;

    /// The place of the newest row of the change log; `None` when there is none.
    ///
    /// The head must not lie before the place of any acknowledged write, also where [`Store::changes`] does not give that row yet.
    async fn log_head(&self) -> Result<Option<Position>, StoreError>;

    /// Rows of the change log after a place, or from the first one on; at most `limit`, from 1.
    ///
    /// A reader that goes on from `next` must see every row exactly once, in an order in which the versions of one entity grow, however
    /// writers commit.
    async fn changes(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<ChangePage, StoreError>;

    /// The rows of one entity in the change log, newest first, of versions below `before`, or of all; at most `limit`, from 1.
    async fn history(
        &self,
        id: EntityId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError>;

    /// Applies a change set.
    ///
    /// It must apply all of it or nothing. It must write the change-log rows in the same transaction. It must refuse with a typed conflict
    /// when an expectation of an operation is not met. It must not apply under a type version other than the set's. It must free the keys that the set gives up before it claims new ones, so
    /// that keys can be swapped. An acknowledged change set must survive a crash of the process.
    ///
    /// A change of a type must be made while no one writes entities of it, and refused when a stored entity
    /// [violates](crate::change::TypeChange::violations) it, holds a target that a [narrowed
    /// link](crate::change::TypeChange::narrowed_links) does not lead to, or shares the value of a [key that is
    /// built](crate::change::TypeChange::keys_to_build) with another. With it the rows of
    /// [`rows_to_drop`](crate::change::TypeChange::rows_to_drop) must go (those of indexes at the latest by [`Store::build_index`]) and those of `keys_to_build` must come. An index of
    /// [`indexes_to_build`](crate::change::TypeChange::indexes_to_build) must be ready at once when the type has no entities, and must not be
    /// ready when it has: [`Store::build_index`] makes it so.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] names the first expectation that was not met; nothing was applied. [`CommitError::Store`] with
    /// [`UnknownOutcome`](super::StoreErrorKind::UnknownOutcome): it may have been applied; with
    /// [`TypeChanging`](super::StoreErrorKind::TypeChanging): somebody held the lock of a type for too long;
    /// [`Full`](super::StoreErrorKind::Full): no room is left; `Internal` too for a set with a [defect](ChangeSet::defect).
    async fn commit(&self, set: ChangeSet) -> Result<Receipt, CommitError>;

    /// Takes the building of a field's index one step further: at most `limit` entities of the type, from 1 to
    /// [`INDEX_SLICE`](crate::limits::INDEX_SLICE), get their rows in one short transaction. The store keeps how far it came.
    ///
    /// From the change of the type on, every write must keep the index rows of what it writes. Once the index is ready, it must hold exactly
    /// the values of the stored entities, whatever was written while it was built. The step that finds no more entities must make the index
    /// ready in its own transaction, and the catalog's version must grow with that. Steps on several handles at once must be harmless. An
    /// index that was begun must be built to its end by a handle opened after a crash. A field that needs no building, be it ready, not
    /// indexed, or gone, must answer `Done` and change nothing; an index that was given up and asked for again must be built from its
    /// beginning.
    ///
    /// # Errors
    ///
    /// Those of a commit that are no conflict. After any error the step may be asked for again.
    async fn build_index(
        &self,
        type_id: TypeId,
        field: FieldNumber,
        limit: usize,
    ) -> Result<BuildStep, StoreError>;

    /// Applies a stream of rows of one type; see [`LoadPlan`]. Failures of rows go to the sink as they are found.
    ///
    /// With `All` it must apply every row in one transaction or none. With `Each` it must apply every good row. Rows must see what earlier
    /// rows made. It must hold no more than a slice of rows in memory. It must not hold a lock or a transaction between slices.
    ///
    /// # Errors
    ///
    /// Those of a commit that are no conflict, of the rows' source and of the sink. What was applied before stays (`Each`), or nothing was
    /// (`All`), unless the outcome is unknown.
    async fn load(
        &self,
        plan: LoadPlan,
        rows: Rows<'_>,
        sink: &dyn LoadSink,
    ) -> Result<LoadReport, StoreError>;

    /// A secret of this store, made at random at its first start: the key of cursors.
    async fn secret(&self) -> Result<[u8; 32], StoreError>;

    /// Name of the present epoch of the change log; another one after a restore.
    async fn epoch(&self) -> Result<uuid::Uuid, StoreError>;

    /// Answers when the store can be read.
    async fn ping(&self) -> Result<(), StoreError>;
}
