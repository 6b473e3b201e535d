//! Linked entities shown inside an answer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Caller, Catalog, Entity, EntityId, EntityType, Error, Scope, TypeId,
    entity_type::Cardinality,
    limits,
    problem::{Problem, Refusal},
    query::{Count, Filter, LinkEnd, LinkStep, NamedLink, Query, named_link, parse_names},
};

use super::{Registry, commit::store_error, search::linked_cursor};

/// Most names of one `expand`.
const NAMES: usize = 5;
/// Entities shown of one many link.
const SHOWN: usize = limits::DEFAULT_PAGE;
/// Queries of one expansion that run at once.
const AT_ONCE: usize = 8;

/// What stands at the other end of one link of one entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Expanded {
    /// A cardinality-one link: `None` when there is no target, or it is not readable.
    One(Option<Entity>),
    /// A many link, or an inverse: the first 50, and a cursor of the link's own list for the rest.
    Many {
        /// The entities.
        items: Vec<Entity>,
        /// Where `GET /entity/{type}/{id}/links/{link}` goes on.
        next_cursor: Option<String>,
    },
}

/// The names of an `expand` parameter: up to five links or inverse names, each of at least one of the types.
pub(super) fn parse(
    catalog: &Catalog,
    types: &[Arc<EntityType>],
    text: Option<&str>,
) -> Result<Vec<String>, Error> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let names = parse_names("expand", "invalid_expand", text, NAMES)?;
    let unknown: Vec<Problem> = names
        .iter()
        .filter(|name| {
            !types
                .iter()
                .any(|one| named_link(catalog, one, name).is_some())
        })
        .map(|name| {
            Problem::parameter("expand", "unknown_link", format!("there is no link {name}"))
        })
        .collect();
    if unknown.is_empty() {
        Ok(names)
    } else {
        Err(Error::problems(Refusal::Invalid, "unknown_link", unknown))
    }
}

/// What stands at the other ends of the named links, by entity and in the order of the names; a name that is no link of an entity's type
/// is left out there.
pub(super) async fn expand(
    registry: &Registry,
    caller: &Caller,
    catalog: &Catalog,
    entities: &[Entity],
    asked: &[String],
) -> Result<Vec<Vec<(String, Expanded)>>, Error> {
    let mut expanded: Vec<Vec<(String, Expanded)>> = vec![Vec::new(); entities.len()];
    if asked.is_empty() {
        return Ok(expanded);
    }
    let expansion = Expansion {
        registry,
        scope: caller.scope(),
        secret: registry.cursor_secret().await?,
    };
    let mut by_type: BTreeMap<TypeId, Vec<(usize, &Entity)>> = BTreeMap::new();
    for (place, entity) in entities.iter().enumerate() {
        by_type
            .entry(entity.type_id)
            .or_default()
            .push((place, entity));
    }
    for name in asked {
        for (type_id, group) in &by_type {
            let Some(named) = catalog
                .by_id(*type_id)
                .and_then(|one| named_link(catalog, one, name))
            else {
                continue;
            };
            let group_entities: Vec<&Entity> = group.iter().map(|(_, entity)| *entity).collect();
            let shown = match (named.to, named.link.cardinality) {
                (LinkEnd::Target, Cardinality::One) => {
                    expansion.one(named, &group_entities).await?
                }
                (LinkEnd::Target, Cardinality::Many) => {
                    expansion.many(named, &group_entities).await?
                }
                (LinkEnd::Holder, _) => expansion.inverse(named, &group_entities).await?,
            };
            for ((place, _), shown) in group.iter().zip(shown) {
                if let Some(list) = expanded.get_mut(*place) {
                    list.push((name.clone(), shown));
                }
            }
        }
    }
    Ok(expanded)
}

struct Expansion<'a> {
    registry: &'a Registry,
    scope: Scope,
    secret: [u8; 32],
}

impl Expansion<'_> {
    /// The targets of a cardinality-one link, in one read.
    async fn one(
        &self,
        named: NamedLink<'_>,
        entities: &[&Entity],
    ) -> Result<Vec<Expanded>, Error> {
        let ids: Vec<EntityId> = entities
            .iter()
            .flat_map(|entity| targets(named, entity))
            .copied()
            .collect();
        let read = self.read(&ids).await?;
        let target = |entity: &&Entity| {
            let id = targets(named, entity).first()?;
            read.get(id).cloned()
        };
        Ok(entities.iter().map(target).map(Expanded::One).collect())
    }

    /// The first readable targets of a many link: one read for all entities, and another only for those of whose targets some were
    /// not readable.
    async fn many(
        &self,
        named: NamedLink<'_>,
        entities: &[&Entity],
    ) -> Result<Vec<Expanded>, Error> {
        // One more than is shown tells whether there is a next page.
        let mut found: Vec<Vec<Entity>> = vec![Vec::new(); entities.len()];
        let mut looked: Vec<usize> = vec![0; entities.len()];
        loop {
            let mut wanted: Vec<(usize, &[EntityId])> = Vec::new();
            for (place, entity) in entities.iter().enumerate() {
                let (Some(found), Some(looked)) = (found.get(place), looked.get_mut(place)) else {
                    continue;
                };
                let missing = (SHOWN + 1).saturating_sub(found.len());
                let rest = targets(named, entity).get(*looked..).unwrap_or_default();
                let next = rest.get(..missing).unwrap_or(rest);
                *looked += next.len();
                if !next.is_empty() {
                    wanted.push((place, next));
                }
            }
            if wanted.is_empty() {
                break;
            }
            let ids: Vec<EntityId> = wanted
                .iter()
                .flat_map(|(_, ids)| ids.iter().copied())
                .collect();
            let read = self.read(&ids).await?;
            for (place, ids) in wanted {
                if let Some(found) = found.get_mut(place) {
                    found.extend(ids.iter().filter_map(|id| read.get(id).cloned()));
                }
            }
        }
        let pages = entities.iter().zip(found);
        Ok(pages
            .map(|(entity, found)| self.page(named, entity.id, found))
            .collect())
    }

    /// The first readable holders: in one query when they are few, else one query per entity.
    async fn inverse(
        &self,
        named: NamedLink<'_>,
        entities: &[&Entity],
    ) -> Result<Vec<Expanded>, Error> {
        let ids: BTreeSet<EntityId> = entities.iter().map(|entity| entity.id).collect();
        if ids.len() > 1 {
            let all = self
                .holders(named, ids.iter().copied().collect(), limits::PAGE)
                .await?;
            if !all.1 {
                let page = |entity: &&Entity| {
                    let holders = all
                        .0
                        .iter()
                        .filter(|holder| targets(named, holder).binary_search(&entity.id).is_ok());
                    self.page(named, entity.id, holders.take(SHOWN + 1).cloned().collect())
                };
                return Ok(entities.iter().map(page).collect());
            }
        }
        // Collected first: a closure over references, held across an await, would make the future of every caller not `Send`.
        let ids: Vec<EntityId> = entities.iter().map(|entity| entity.id).collect();
        stream::iter(ids)
            .map(|id| async move {
                let (holders, _) = self.holders(named, vec![id], SHOWN + 1).await?;
                Ok(self.page(named, id, holders))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// The first readable holders of a link to any of these, by id, and whether more follow.
    async fn holders(
        &self,
        named: NamedLink<'_>,
        ids: Vec<EntityId>,
        limit: usize,
    ) -> Result<(Vec<Entity>, bool), Error> {
        let query = Query {
            types: vec![named.holder.id],
            filter: Filter::Linked {
                step: LinkStep {
                    holder_type: named.holder.id,
                    link: named.link.number,
                    to: LinkEnd::Target,
                },
                ids: Some(ids),
            },
            sort: Vec::new(),
            scope: self.scope.clone(),
            limit,
            after: None,
            count: Count::None,
        };
        let found = self
            .registry
            .store
            .find(&query)
            .await
            .map_err(store_error)?;
        Ok((found.items, found.more))
    }

    async fn read(&self, ids: &[EntityId]) -> Result<HashMap<EntityId, Entity>, Error> {
        let read = self.registry.read(ids, &self.scope).await?;
        Ok(read.into_iter().map(|entity| (entity.id, entity)).collect())
    }

    fn page(&self, named: NamedLink<'_>, id: EntityId, mut items: Vec<Entity>) -> Expanded {
        let more = items.len() > SHOWN;
        items.truncate(SHOWN);
        let next_cursor = items
            .last()
            .filter(|_| more)
            .map(|last| linked_cursor(&self.secret, &self.scope, named, id, last.id));
        Expanded::Many { items, next_cursor }
    }
}

fn targets<'a>(named: NamedLink<'_>, holder: &'a Entity) -> &'a [EntityId] {
    holder
        .links
        .get(&named.link.number)
        .map(Vec::as_slice)
        .unwrap_or_default()
}
