//! Links: what leads from and to an entity, linking and unlinking from either end.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use crate::{
    Caller, Catalog, Entity, EntityId, EntityType, Error, LinkTargets, Scope,
    entity_type::Cardinality,
    limits,
    port::Position,
    problem::Refusal,
    query::{LinkEnd, NamedLink, named_link},
    write::{self, Context, cardinality, required, too_many},
};

use super::{
    Registry,
    commit::{store_error, target_not_found, target_type},
    entities::{IfMatch, of_type},
    rights::{may_read, require_write, require_writer, visible},
    write::{Decision, Write},
};

/// Operations on links.
#[derive(Clone, Debug)]
pub struct LinkService<'a> {
    pub(super) registry: &'a Registry,
    pub(super) if_match: Option<IfMatch>,
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

/// The live link that has this name, or this inverse name, at a type; else `unknown_link`.
pub(super) fn require_link<'a>(
    catalog: &'a Catalog,
    entity_type: &'a Arc<EntityType>,
    name: &str,
) -> Result<NamedLink<'a>, Error> {
    named_link(catalog, entity_type, name).ok_or_else(|| {
        Error::refused(
            Refusal::Invalid,
            "unknown_link",
            format!("{} has no link of this name", entity_type.name),
        )
    })
}

fn pointer(named: NamedLink<'_>) -> String {
    write::pointer(named.link)
}

/// What to do with one link between two entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Link,
    Unlink,
}

impl LinkService<'_> {
    /// The same, writing only if the entity of the path is at an expected version; else `version_mismatch`.
    #[must_use]
    pub fn expecting(self, if_match: Option<IfMatch>) -> Self {
        Self { if_match, ..self }
    }

    /// Every live link of the entity's type in the type's order, then every one that may lead to it, with counts.
    pub async fn list(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
    ) -> Result<Vec<LinkSummary>, Error> {
        let read = self.registry.entities().get(caller, type_name, id).await?;
        let counts: BTreeMap<_, _> = self
            .registry
            .store
            .incoming(id, &caller.scope())
            .await
            .map_err(store_error)?
            .into_iter()
            .map(|one| ((one.holder_type, one.link), one.count))
            .collect();
        let outgoing = read.entity_type.live_links().map(|link| LinkSummary {
            name: link.name.clone(),
            direction: if link.symmetric() {
                LinkDirection::Both
            } else {
                LinkDirection::Out
            },
            types: target_names(&read.catalog, &link.to),
            count: read
                .entity
                .links
                .get(&link.number)
                .map_or(0, |targets| targets.len() as u64),
        });
        let incoming = read.catalog.incoming(read.entity_type.id);
        let incoming = incoming.map(|one| LinkSummary {
            name: one.link.inverse.clone(),
            direction: LinkDirection::In,
            types: vec![one.holder.name.clone()],
            count: counts
                .get(&(one.holder.id, one.link.number))
                .copied()
                .unwrap_or_default(),
        });
        Ok(outgoing.chain(incoming).collect())
    }

    /// Links two entities by a link's name or its inverse. `None` when they were linked already.
    ///
    /// Refuses with `not_found` for the entity of the path and `link_target_not_found` for the other, `unknown_link`, `link_target_type`,
    /// `forbidden` when the holder (of a symmetric link: either end) may not be written, `link_cardinality`, `too_many_links`.
    pub async fn put(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        target: EntityId,
    ) -> Result<Option<Position>, Error> {
        self.write(caller, type_name, id, link, target, Act::Link)
            .await
    }

    /// Takes a link off, by its name or its inverse. `None` when they were not linked.
    ///
    /// Refuses as [`LinkService::put`] does, and with `required_link` when it is the last of a required link; an absent target was not
    /// linked.
    pub async fn delete(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        target: EntityId,
    ) -> Result<Option<Position>, Error> {
        self.write(caller, type_name, id, link, target, Act::Unlink)
            .await
    }

    async fn write(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        link: &str,
        other: EntityId,
        act: Act,
    ) -> Result<Option<Position>, Error> {
        let registry = self.registry;
        let mut write = Write::new(registry, caller, Some(id));
        write.touch(other);
        loop {
            let (catalog, entity_type) = registry.entity_type(type_name).await?;
            require_writer(caller)?;
            let _held = registry.locks.hold(write.touched()).await;
            let mut read: BTreeMap<EntityId, Entity> = registry
                .read(&[id, other], &Scope::Everything)
                .await?
                .into_iter()
                .map(|entity| (entity.id, entity))
                .collect();
            let far = if other == id {
                read.get(&id).cloned()
            } else {
                read.remove(&other)
            };
            let near = visible(caller, of_type(&entity_type, read.remove(&id)))?;
            let named = require_link(&catalog, &entity_type, link)?;
            IfMatch::check(self.if_match.as_ref(), Some(near.version))?;
            let at = registry.now();
            let context = Context {
                caller,
                entity_type: named.holder,
                at,
            };
            let far = far.filter(|far| may_read(caller, far));
            let Some((holder, after)) = decide(context, named, near, far, other, act)? else {
                return Ok(None);
            };
            let decision = Decision::of(holder, after);
            if let Some(written) = write.commit(named.holder, at, decision, &[]).await? {
                return Ok(written.position);
            }
        }
    }
}

/// The holder before and after; `None` when nobody holds what is to be taken off.
///
/// `near` is the entity of the path, `far` the one at the other end as far as the caller may see it.
fn decide(
    context: Context<'_>,
    named: NamedLink<'_>,
    near: Entity,
    far: Option<Entity>,
    other: EntityId,
    act: Act,
) -> Result<Option<(Entity, Option<Entity>)>, Error> {
    let (holder, target) = match named.to {
        LinkEnd::Target => {
            require_write(context.caller, &near)?;
            let linked = near
                .links
                .get(&named.link.number)
                .is_some_and(|targets| targets.contains(&other));
            // A link that is there stays there, even when its target has become invisible since.
            if act == Act::Link && !linked {
                match &far {
                    None => return Err(target_not_found(pointer(named), other)),
                    Some(far) if !named.link.to.allows(far.type_id) => {
                        return Err(target_type(pointer(named), other));
                    }
                    Some(_) => {}
                }
            }
            (near, other)
        }
        LinkEnd::Holder => match (far, act) {
            (Some(far), _) if far.type_id == named.holder.id => {
                require_write(context.caller, &far)?;
                (far, near.id)
            }
            (_, Act::Unlink) => return Ok(None),
            (Some(_), Act::Link) => return Err(target_type(pointer(named), other)),
            (None, Act::Link) => return Err(target_not_found(pointer(named), other)),
        },
    };
    let mut links = holder.links.clone();
    match act {
        Act::Link => {
            let targets = links.entry(named.link.number).or_default();
            match (named.link.cardinality, named.to) {
                (Cardinality::One, LinkEnd::Holder)
                    if targets.iter().any(|present| *present != target) =>
                {
                    return Err(Error::refused_write(vec![cardinality(pointer(named))]));
                }
                (Cardinality::One, _) => *targets = vec![target],
                (Cardinality::Many, _) => {
                    if let Err(place) = targets.binary_search(&target) {
                        targets.insert(place, target);
                    }
                }
            }
            if targets.len() > limits::LINK_TARGETS {
                let problem = too_many(pointer(named), targets.len());
                return Err(Error::refused_write(vec![problem]));
            }
        }
        Act::Unlink => {
            let held = links.contains_key(&named.link.number);
            write::remove(&mut links, named.link.number, target);
            if named.link.required && held && !links.contains_key(&named.link.number) {
                return Err(Error::refused_write(vec![required(pointer(named))]));
            }
        }
    }
    let after = context.relink(&holder, links);
    Ok(Some((holder, after)))
}

/// The names of the types that a link may lead to.
fn target_names(catalog: &Catalog, to: &LinkTargets) -> Vec<String> {
    match to {
        LinkTargets::Any => vec!["*".to_owned()],
        LinkTargets::Types(ids) => ids
            .iter()
            .filter_map(|id| catalog.by_id(*id))
            .map(|one| one.name.clone())
            .collect(),
    }
}
