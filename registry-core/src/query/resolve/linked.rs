//! The other ends of links: the `links` parameter, and the list of entities at the end of a link.

use std::sync::Arc;

use crate::{
    Catalog, EntityId, EntityType, TypeId,
    entity_type::Link,
    limits::RESOLVED_NODES,
    problem::Error,
    query::{
        ast::{Filter, LinkEnd, LinkStep},
        error::{refuse, refuse_name},
        params::LinkedTo,
    },
};

use super::{
    any,
    path::{Hop, named_hops},
    unknown,
};

/// Linked to all of these, in either direction, by any live link or the one named; 422 `unknown_link`, 400 `invalid_links`.
///
/// An entity that is absent or that the caller may not read matches nothing.
pub fn resolve_links(
    catalog: &Catalog,
    types: &[Arc<EntityType>],
    links: &[LinkedTo],
) -> Result<Filter, Error> {
    let fail = |message: String| refuse("links", "invalid_links", message);
    let types: Vec<&EntityType> = types.iter().map(AsRef::as_ref).collect();
    let mut left = RESOLVED_NODES;
    let mut all = Vec::with_capacity(links.len());
    for linked in links {
        let hops = match &linked.link {
            None => every_hop(catalog, &types),
            Some(name) => {
                let hops = named_hops(catalog, &types, name);
                if hops.is_empty() {
                    return Err(refuse_name("links", "unknown_link", unknown(name)));
                }
                hops
            }
        };
        left = left
            .checked_sub(hops.len())
            .ok_or_else(|| fail("too many links to look through; name the link".to_owned()))?;
        let ways = hops.into_iter().map(|hop| Filter::Exists {
            step: hop.step,
            filter: Box::new(Filter::Ids(vec![linked.id])),
        });
        all.push(any(ways.collect()));
    }
    Ok(Filter::And(all))
}

/// Every live link of these types, and every one that leads to them.
fn every_hop<'a>(catalog: &'a Catalog, types: &[&'a EntityType]) -> Vec<Hop<'a>> {
    let mut hops = Vec::new();
    for holder in catalog.types() {
        for link in holder.live_links() {
            let mut both = vec![Hop::outgoing(holder, link)];
            if !link.symmetric() {
                both.push(Hop::incoming(holder, link));
            }
            hops.extend(both.into_iter().filter(|hop| hop.begins_at(types)));
        }
    }
    hops
}

/// A live link as it is named from one of its ends.
#[derive(Clone, Copy, Debug)]
pub struct NamedLink<'a> {
    /// The type that declares it.
    pub holder: &'a Arc<EntityType>,
    /// The link.
    pub link: &'a Link,
    /// The end that the name leads to: the target by the link's own name, the holder by its inverse name.
    pub to: LinkEnd,
}

/// The live link that a type's entities know by this name, their own or one that leads to them. A symmetric link is each end's own.
pub fn named_link<'a>(
    catalog: &'a Catalog,
    entity_type: &'a Arc<EntityType>,
    name: &str,
) -> Option<NamedLink<'a>> {
    if let Some(link) = entity_type.link_named(name) {
        return Some(NamedLink {
            holder: entity_type,
            link,
            to: LinkEnd::Target,
        });
    }
    let incoming = catalog.incoming_named(entity_type.id, name)?;
    Some(NamedLink {
        holder: incoming.holder,
        link: incoming.link,
        to: LinkEnd::Holder,
    })
}

/// The types at the other end of an entity's link, and the filter that keeps those linked to it; `None` when the type knows no such link.
///
/// The caller must have the right to read the entity: the filter does not ask for it again.
pub fn linked_query(
    catalog: &Catalog,
    entity_type: &Arc<EntityType>,
    id: EntityId,
    name: &str,
) -> Option<(Vec<TypeId>, Filter)> {
    let named = named_link(catalog, entity_type, name)?;
    let (types, to) = match named.to {
        LinkEnd::Holder => (vec![named.holder.id], LinkEnd::Target),
        // Each end of a symmetric link holds it, so those at the other end hold it to this one.
        LinkEnd::Target if named.link.symmetric() => (vec![entity_type.id], LinkEnd::Target),
        LinkEnd::Target => {
            let targets = catalog.targets(named.link);
            let types = targets.into_iter().map(|target| target.id).collect();
            (types, LinkEnd::Holder)
        }
    };
    let step = LinkStep {
        holder_type: named.holder.id,
        link: named.link.number,
        to,
    };
    let ids = Some(vec![id]);
    Some((types, Filter::Linked { step, ids }))
}
