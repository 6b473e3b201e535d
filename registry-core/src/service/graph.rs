//! The neighbourhood of an entity.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::{
    Caller, Catalog, Entity, EntityId, Error, Scope, TypeId,
    problem::{Problem, Refusal},
    query::{Count, Filter, LinkEnd, LinkStep, Query},
};

use super::{LinkService, commit::store_error, view::label};

/// Most steps from the start.
const DEPTH: u64 = 5;
/// Most nodes.
const NODES: u64 = 1_000;

/// Entities around one, and the links between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Start first, breadth first; by id within one distance.
    pub nodes: Vec<Node>,
    /// Every link whose ends are both among the nodes, in order of the holder's node; a symmetric one once, from the earlier node.
    pub edges: Vec<Edge>,
    /// Whether the limit left nodes out.
    pub truncated: bool,
}

/// An entity of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: EntityId,
    /// Name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What stands for it: its label field's value, else its id.
    pub label: String,
}

/// A link of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The holder.
    pub from: EntityId,
    /// The target.
    pub to: EntityId,
    /// The link's name at the holder.
    pub link: String,
}

impl LinkService<'_> {
    /// The readable entities within `depth` links (1 to 5) of one, in either direction, at most `limit` (1 to 1,000).
    ///
    /// Refuses with `not_found`, and `invalid_depth` or `invalid_limit` outside these ranges.
    pub async fn graph(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        depth: u64,
        limit: u64,
    ) -> Result<Graph, Error> {
        require_range("depth", "invalid_depth", depth, DEPTH)?;
        require_range("limit", "invalid_limit", limit, NODES)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let start = self.registry.entities().get(caller, type_name, id).await?;
        let catalog = start.catalog;
        let scope = caller.scope();
        let mut seen = BTreeSet::from([id]);
        let mut found: Vec<Entity> = vec![start.entity];
        let mut level = 0..1;
        let mut truncated = false;
        for _ in 0..depth {
            let frontier = found.get(level.clone()).unwrap_or_default();
            if frontier.is_empty() || truncated {
                break;
            }
            // One more than there is room for tells whether something is left out.
            let room = limit - found.len() + 1;
            let mut next = self
                .neighbours(&catalog, &scope, frontier, &seen, room)
                .await?;
            truncated = next.len() >= room;
            next.truncate(room - 1);
            seen.extend(next.iter().map(|entity| entity.id));
            level = found.len()..found.len() + next.len();
            found.extend(next);
        }
        Ok(Graph {
            nodes: nodes(&catalog, &found),
            edges: edges(&catalog, &found),
            truncated,
        })
    }

    /// The first `most` entities, by id, that are linked to the frontier in either direction and were not seen before.
    async fn neighbours(
        &self,
        catalog: &Catalog,
        scope: &Scope,
        frontier: &[Entity],
        seen: &BTreeSet<EntityId>,
        most: usize,
    ) -> Result<Vec<Entity>, Error> {
        let mut next: BTreeMap<EntityId, Entity> = BTreeMap::new();
        let targets: BTreeSet<EntityId> = frontier
            .iter()
            .flat_map(|entity| outgoing(catalog, entity))
            .map(|(_, target)| target)
            .filter(|target| !seen.contains(target))
            .collect();
        let targets: Vec<EntityId> = targets.into_iter().collect();
        for slice in targets.chunks(most) {
            let read = self.registry.read(slice, scope).await?;
            next.extend(read.into_iter().map(|entity| (entity.id, entity)));
            if next.len() >= most {
                break;
            }
        }
        for (step, ids) in incoming(catalog, frontier) {
            let query = Query {
                types: vec![step.holder_type],
                filter: Filter::And(vec![
                    Filter::Linked {
                        step,
                        ids: Some(ids),
                    },
                    Filter::Not(Box::new(Filter::Ids(seen.iter().copied().collect()))),
                ]),
                sort: Vec::new(),
                scope: scope.clone(),
                limit: most,
                after: None,
                count: Count::None,
            };
            let read = self
                .registry
                .store
                .find(&query)
                .await
                .map_err(store_error)?;
            next.extend(read.items.into_iter().map(|entity| (entity.id, entity)));
        }
        Ok(next.into_values().take(most).collect())
    }
}

fn require_range(
    parameter: &'static str,
    code: &'static str,
    value: u64,
    most: u64,
) -> Result<(), Error> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::problems(
        Refusal::Malformed,
        code,
        vec![Problem::parameter(
            parameter,
            code,
            format!("must be from 1 to {most}"),
        )],
    ))
}

/// The live links that an entity holds, in the type's order, targets by id.
fn outgoing<'a>(
    catalog: &'a Catalog,
    entity: &'a Entity,
) -> impl Iterator<Item = (&'a crate::entity_type::Link, EntityId)> {
    let links = catalog
        .by_id(entity.type_id)
        .into_iter()
        .flat_map(|entity_type| entity_type.live_links());
    links.flat_map(|link| {
        let targets = entity.links.get(&link.number);
        targets
            .into_iter()
            .flatten()
            .map(move |target| (link, *target))
    })
}

/// The links that lead to some of the entities, with the ids of those.
fn incoming(catalog: &Catalog, entities: &[Entity]) -> Vec<(LinkStep, Vec<EntityId>)> {
    let mut by_type: BTreeMap<TypeId, Vec<EntityId>> = BTreeMap::new();
    for entity in entities {
        by_type.entry(entity.type_id).or_default().push(entity.id);
    }
    let mut steps: Vec<(LinkStep, Vec<EntityId>)> = Vec::new();
    for (type_id, ids) in by_type {
        for one in catalog.incoming(type_id) {
            let step = LinkStep {
                holder_type: one.holder.id,
                link: one.link.number,
                to: LinkEnd::Target,
            };
            match steps.iter_mut().find(|(known, _)| *known == step) {
                Some((_, known)) => known.extend(&ids),
                None => steps.push((step, ids.clone())),
            }
        }
    }
    steps
}

fn nodes(catalog: &Catalog, entities: &[Entity]) -> Vec<Node> {
    let nodes = entities.iter().filter_map(|entity| {
        let entity_type = catalog.by_id(entity.type_id)?;
        Some(Node {
            id: entity.id,
            type_name: entity_type.name.clone(),
            label: label(entity_type, entity),
        })
    });
    nodes.collect()
}

/// The links among the entities; a symmetric one once, from the entity that was found first.
fn edges(catalog: &Catalog, entities: &[Entity]) -> Vec<Edge> {
    let places: HashMap<EntityId, usize> = entities
        .iter()
        .enumerate()
        .map(|(place, entity)| (entity.id, place))
        .collect();
    let edges = entities.iter().enumerate().flat_map(|(place, entity)| {
        let places = &places;
        outgoing(catalog, entity).filter_map(move |(link, target)| {
            let other = *places.get(&target)?;
            (!link.symmetric() || place <= other).then(|| Edge {
                from: entity.id,
                to: target,
                link: link.name.clone(),
            })
        })
    });
    edges.collect()
}
