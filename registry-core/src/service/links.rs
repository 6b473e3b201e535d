//! Links: what leads from and to an entity, linking and unlinking from either end.

use serde::Serialize;

use crate::{Caller, EntityId, Error, port::Position};

use super::{Graph, Registry};

/// Operations on links.
#[derive(Clone, Copy, Debug)]
pub struct LinkService<'a> {
    pub(super) registry: &'a Registry,
}

/// One link of one entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkSummary {
    /// Its name here: the link's, or its inverse's.
    pub name: String,
    /// Which way it leads.
    pub direction: LinkDirection,
    /// Names of the types that the other end may have; `["*"]` for any.
    pub types: Vec<String>,
    /// How many stand at the other end: targets that this entity holds, or holders that the caller may read.
    pub count: u64,
}

/// Which way a link leads, seen from an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkDirection {
    /// The entity holds it.
    Out,
    /// The other end holds it.
    In,
    /// Symmetric: both hold it.
    Both,
}

impl LinkService<'_> {
    /// Every live link of the entity's type, and every one that may lead to it, with counts.
    pub async fn list(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
    ) -> Result<Vec<LinkSummary>, Error> {
        todo!()
    }

    /// Links two entities by a link's name or its inverse. `None` when they were linked already.
    pub async fn put(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        target: EntityId,
    ) -> Result<Option<Position>, Error> {
        todo!()
    }

    /// Takes a link off, by its name or its inverse. `None` when they were not linked.
    pub async fn delete(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        target: EntityId,
    ) -> Result<Option<Position>, Error> {
        todo!()
    }

    /// The readable entities within `depth` links (1 to 5) of one, at most `limit` (1 to 1,000).
    pub async fn graph(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        depth: u64,
        limit: u64,
    ) -> Result<Graph, Error> {
        todo!()
    }
}
