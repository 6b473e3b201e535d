//! Lists and searches.

mod scan;

use std::sync::Arc;

use crate::{
    Caller, Catalog, Entity, EntityId, EntityType, Error, Scope, TypeId, limits,
    problem::{Problem, Refusal},
    query::{After, Count, Query, cursor, parse_sort, resolve_sort},
};

use super::{Expanded, Registry, Select, commit::store_error, expand, links::require_link};

pub(super) use scan::linked_cursor;
use scan::{Scan, filter};

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
    /// The readable entities that match, in the order asked for.
    ///
    /// Refuses with `not_found` for a type, and for parameters with `invalid_filter` (`fields`, `filter`), `invalid_links`,
    /// `invalid_uuids`, `invalid_sort`, `invalid_select`, `invalid_expand`, `unknown_field`, `unknown_link`, `invalid_limit`,
    /// `invalid_count`, `invalid_cursor`.
    pub async fn search(
        &self,
        caller: &Caller,
        request: &SearchRequest,
    ) -> Result<SearchPage, Error> {
        let (catalog, named) = self.registry.entity_types(&request.type_names).await?;
        let mut types: Vec<Arc<EntityType>> = Vec::new();
        for entity_type in named {
            if !types.iter().any(|known| known.id == entity_type.id) {
                types.push(entity_type);
            }
        }
        let bound: Vec<TypeId> = types.iter().map(|one| one.id).collect();
        if types.is_empty() {
            types = catalog.types().to_vec();
        }
        let scan = Scan {
            types,
            bound,
            within: None,
            place: None,
        };
        self.run(caller, catalog, scan, request).await
    }

    /// The readable entities at the other end of a link (its name or an inverse name) of one entity; `request.type_names` is not looked at.
    ///
    /// Refuses as [`Search::search`] does, with `not_found` for the entity, and with `unknown_link`.
    pub async fn linked(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        request: &SearchRequest,
    ) -> Result<SearchPage, Error> {
        let read = self.registry.entities().get(caller, type_name, id).await?;
        let named = require_link(&read.catalog, &read.entity_type, link)?;
        let scan = Scan::linked(&read.catalog, named, &read.entity);
        self.run(caller, Arc::clone(&read.catalog), scan, request)
            .await
    }

    /// What `expand=` shows of one entity.
    pub async fn expand(
        &self,
        caller: &Caller,
        entity: &Entity,
        names: &str,
    ) -> Result<Vec<(String, Expanded)>, Error> {
        let catalog = self.registry.catalog().await?;
        let types: Vec<Arc<EntityType>> =
            catalog.by_id(entity.type_id).cloned().into_iter().collect();
        let names = expand::parse(&catalog, &types, Some(names))?;
        let one = std::slice::from_ref(entity);
        let expanded = expand::expand(self.registry, caller, &catalog, one, &names).await?;
        Ok(expanded.into_iter().next().unwrap_or_default())
    }

    async fn run(
        &self,
        caller: &Caller,
        catalog: Arc<Catalog>,
        scan: Scan,
        request: &SearchRequest,
    ) -> Result<SearchPage, Error> {
        let scope = caller.scope();
        let limit = parse_limit(request.limit.as_deref())?;
        let count = parse_count(request.count.as_deref())?;
        let type_refs: Vec<&EntityType> = scan.types.iter().map(AsRef::as_ref).collect();
        let select = Select::parse(request.select.as_deref(), &type_refs)?;
        let names = expand::parse(&catalog, &scan.types, request.expand.as_deref())?;
        let filter = filter(&catalog, &scan, request)?;
        let sort = match &request.sort {
            Some(text) => resolve_sort(&catalog, &scan.types, &parse_sort(text)?)?,
            None => Vec::new(),
        };
        let binding = scan.binding(&scope, &sort, request);
        let secret = self.registry.cursor_secret().await?;
        let after = request
            .cursor
            .as_deref()
            .map(|text| cursor::open(&secret, &binding, text, sort.len()))
            .transpose()?;
        if scan.types.is_empty() {
            // A query has at least one type, and a registry without types no entities.
            return Ok(SearchPage {
                items: Vec::new(),
                expanded: Vec::new(),
                select,
                catalog,
                next_cursor: None,
                total: (count == Count::Exact).then_some(0),
            });
        }
        let query = Query {
            types: scan.types.iter().map(|one| one.id).collect(),
            filter,
            sort,
            scope,
            limit,
            after,
            count,
        };
        let found = self
            .registry
            .store
            .find(&query)
            .await
            .map_err(store_error)?;
        let next_cursor = found.items.last().filter(|_| found.more).map(|last| {
            let after = After::entity(last, &query.sort);
            cursor::seal(&secret, &binding, &after)
        });
        let expanded =
            expand::expand(self.registry, caller, &catalog, &found.items, &names).await?;
        Ok(SearchPage {
            items: found.items,
            expanded,
            select,
            catalog,
            next_cursor,
            total: found.total,
        })
    }
}

/// The query for all entities of one type that a request's conditions match, in its order, and what it selects.
pub(super) fn export(
    catalog: &Catalog,
    entity_type: &Arc<EntityType>,
    scope: Scope,
    request: &SearchRequest,
) -> Result<(Query, Select), Error> {
    let scan = Scan {
        types: vec![Arc::clone(entity_type)],
        bound: Vec::new(),
        within: None,
        place: None,
    };
    let select = Select::parse(request.select.as_deref(), &[entity_type])?;
    let filter = filter(catalog, &scan, request)?;
    let sort = match &request.sort {
        Some(text) => resolve_sort(catalog, &scan.types, &parse_sort(text)?)?,
        None => Vec::new(),
    };
    let query = Query {
        types: vec![entity_type.id],
        filter,
        sort,
        scope,
        limit: limits::PAGE,
        after: None,
        count: Count::None,
    };
    Ok((query, select))
}

fn parse_limit(text: Option<&str>) -> Result<usize, Error> {
    let Some(text) = text else {
        return Ok(limits::DEFAULT_PAGE);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|limit| digits && (1..=limits::PAGE).contains(limit))
        .ok_or_else(|| {
            parameter(
                "limit",
                "invalid_limit",
                format!("must be from 1 to {}", limits::PAGE),
            )
        })
}

fn parse_count(text: Option<&str>) -> Result<Count, Error> {
    match text {
        None => Ok(Count::None),
        Some("exact") => Ok(Count::Exact),
        Some(_) => Err(parameter("count", "invalid_count", "must be exact")),
    }
}

fn parameter(name: &'static str, code: &'static str, message: impl Into<String>) -> Error {
    Error::problems(
        Refusal::Malformed,
        code,
        vec![Problem::parameter(name, code, message)],
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn limits_are_whole_numbers_from_1_to_1000() {
        assert_eq!(parse_limit(None).unwrap(), 50);
        assert_eq!(parse_limit(Some("1000")).unwrap(), 1_000);
        for wrong in [
            "",
            "0",
            "-1",
            "+1",
            "1001",
            "1e3",
            "abc",
            "18446744073709551616",
            " 1",
        ] {
            assert!(parse_limit(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
