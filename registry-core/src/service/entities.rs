//! Entities: create, read, replace, merge, delete.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{Caller, Catalog, Entity, EntityId, EntityType, Error, Version, port::Position};

use super::Registry;

/// Operations on entities.
#[derive(Clone, Copy, Debug)]
pub struct Entities<'a> {
    pub(super) registry: &'a Registry,
}

/// The version that a writer expects (RFC 9110 section 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any, but there must be one.
    Any,
    /// One of these; empty never matches.
    OneOf(Vec<Version>),
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new entity.
    Created,
    /// A new version.
    Updated,
    /// Nothing differed: no new version.
    Unchanged,
}

/// An entity as a write left it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The entity.
    pub entity: Entity,
    /// Its type.
    pub entity_type: Arc<EntityType>,
    /// What happened.
    pub outcome: Outcome,
    /// Place of the change in the log; `None` when unchanged.
    pub position: Option<Position>,
}

/// An entity that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The entity.
    pub entity: Entity,
    /// Its type.
    pub entity_type: Arc<EntityType>,
    /// All types, as they were when it was read.
    pub catalog: Arc<Catalog>,
}

impl Entities<'_> {
    /// Creates an entity from a document `{fields, links, owners, readers}`, under this id or a new one.
    pub async fn create(
        &self,
        caller: &Caller,
        type_name: &str,
        id: Option<EntityId>,
        body: &Map<String, Value>,
    ) -> Result<Written, Error> {
        todo!()
    }

    /// Creates the entity, or replaces its fields and links whole; owners and readers stay when left out.
    pub async fn put(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        body: &Map<String, Value>,
        if_match: Option<IfMatch>,
    ) -> Result<Written, Error> {
        todo!()
    }

    /// Merges a document into the entity (RFC 7396): only what is named changes, null clears.
    pub async fn patch(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        body: &Map<String, Value>,
        if_match: Option<IfMatch>,
    ) -> Result<Written, Error> {
        todo!()
    }

    /// Deletes the entity and whatever its going takes along.
    pub async fn delete(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        if_match: Option<IfMatch>,
    ) -> Result<Position, Error> {
        todo!()
    }

    /// Deletes these entities, of any types, and whatever their going takes along, in one transaction. Absent ones are passed over;
    /// `None` when nothing was left to delete. The caller must be allowed to write each.
    pub async fn delete_many(
        &self,
        caller: &Caller,
        ids: &[EntityId],
    ) -> Result<Option<Position>, Error> {
        todo!()
    }

    /// The entity of this type and id.
    pub async fn get(&self, caller: &Caller, type_name: &str, id: EntityId) -> Result<Read, Error> {
        todo!()
    }

    /// The entity that holds a key. `value` is the path segment as it came in, still percent-encoded: its parts are separated by `,`.
    pub async fn by_key(
        &self,
        caller: &Caller,
        type_name: &str,
        key: &str,
        value: &str,
    ) -> Result<Read, Error> {
        todo!()
    }
}
