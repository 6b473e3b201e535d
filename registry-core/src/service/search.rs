//! Lists and searches.

use std::sync::Arc;

use crate::{Caller, Catalog, Entity, EntityId, Error};

use super::{Expanded, Registry, Select};

/// Lists and searches of entities.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    pub(super) registry: &'a Registry,
}

/// What to look for: the parameters of the contract as text, as they stand (decoded) in a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// Names of the types to look in; all when empty.
    pub type_names: Vec<String>,
    /// `fields=`
    pub fields: Option<String>,
    /// `links=`
    pub links: Option<String>,
    /// `uuids=`
    pub uuids: Option<String>,
    /// `filter=`
    pub filter: Option<String>,
    /// `sort=`
    pub sort: Option<String>,
    /// `select=`
    pub select: Option<String>,
    /// `expand=`
    pub expand: Option<String>,
    /// `count=`: `exact`
    pub count: Option<String>,
    /// `limit=`: 1 to 1,000, 50 when absent.
    pub limit: Option<String>,
    /// `cursor=`
    pub cursor: Option<String>,
}

/// A page of entities.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The entities, in order.
    pub items: Vec<Entity>,
    /// What `expand` asked for, by item and in the order of the names; inner lists are empty without `expand`.
    pub expanded: Vec<Vec<(String, Expanded)>>,
    /// What `select` asked for.
    pub select: Select,
    /// All types, as they were when the page was read.
    pub catalog: Arc<Catalog>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<String>,
    /// How many match in all, when asked for.
    pub total: Option<u64>,
}

impl Search<'_> {
    /// The entities that match.
    pub async fn search(
        &self,
        caller: &Caller,
        request: &SearchRequest,
    ) -> Result<SearchPage, Error> {
        todo!()
    }

    /// The readable entities at the other end of a link (its name or an inverse name) of one entity; `request.type_names` is not looked at.
    pub async fn linked(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        request: &SearchRequest,
    ) -> Result<SearchPage, Error> {
        todo!()
    }

    /// What `expand=` shows of one entity.
    pub async fn expand(
        &self,
        caller: &Caller,
        entity: &Entity,
        names: &str,
    ) -> Result<Vec<(String, Expanded)>, Error> {
        todo!()
    }
}
