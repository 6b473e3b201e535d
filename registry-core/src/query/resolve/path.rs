//! Paths: which links a name means, and the steps across them.

use crate::{
    EntityType,
    entity_type::Link,
    limits::PATH_LINKS,
    query::{
        ast::{Filter, LinkEnd, LinkStep},
        error::FilterError,
        tree::Name,
    },
};

use super::{At, NOTHING, Resolver, SystemField, any, unknown};

/// One link that a name means for some of the types it is asked of.
pub(super) struct Hop<'a> {
    pub(super) step: LinkStep,
    holder: &'a EntityType,
    link: &'a Link,
}

impl<'a> Hop<'a> {
    /// From the holder to its targets.
    pub(super) fn outgoing(holder: &'a EntityType, link: &'a Link) -> Self {
        Self::new(holder, link, LinkEnd::Target)
    }

    /// From a target to the holders.
    pub(super) fn incoming(holder: &'a EntityType, link: &'a Link) -> Self {
        Self::new(holder, link, LinkEnd::Holder)
    }

    fn new(holder: &'a EntityType, link: &'a Link, to: LinkEnd) -> Self {
        let step = LinkStep {
            holder_type: holder.id,
            link: link.number,
            to,
        };
        Self { step, holder, link }
    }

    /// Whether it may begin at an entity of one of these types.
    pub(super) fn begins_at(&self, types: &[&EntityType]) -> bool {
        types.iter().any(|one| match self.step.to {
            LinkEnd::Target => one.id == self.holder.id,
            LinkEnd::Holder => self.link.to.allows(one.id),
        })
    }
}

/// The links that one name of a path means, with the types at their other ends.
pub(super) type Level<'a> = Vec<(Hop<'a>, Vec<&'a EntityType>)>;

/// What is asked at the end of a path, of these types.
type End<'e, 'a> =
    dyn FnMut(&mut Resolver<'a>, &[&'a EntityType]) -> Result<Filter, FilterError> + 'e;

/// The way that a path's names go.
pub(super) struct Walk<'a> {
    /// One for each name.
    pub(super) levels: Vec<Level<'a>>,
    /// All types at the end.
    pub(super) end: Vec<&'a EntityType>,
}

impl<'a> Resolver<'a> {
    /// Follows names of which each must be a link.
    pub(super) fn walk(&mut self, at: At<'_, 'a>, names: &[Name]) -> Result<Walk<'a>, FilterError> {
        let mut walk = Walk {
            levels: Vec::new(),
            end: at.seen.to_vec(),
        };
        for (index, name) in names.iter().enumerate() {
            check_length(at.links + index + 1, name)?;
            let hops = self.hops(&walk.end, name)?;
            if hops.is_empty() {
                let text = &name.text;
                let message = if SystemField::named(text).is_some()
                    || walk.end.iter().any(|one| one.field_named(text).is_some())
                {
                    format!("{text} is a field and leads nowhere")
                } else {
                    unknown(text)
                };
                return Err(FilterError::new(name.offset, message));
            }
            let level: Level<'a> = hops
                .into_iter()
                .map(|hop| {
                    let other_end = self.other_end(&hop);
                    (hop, other_end)
                })
                .collect();
            walk.end = union(level.iter().flat_map(|(_, types)| types));
            walk.levels.push(level);
        }
        Ok(walk)
    }

    /// The links that a name means for these types: their own, and those that lead to them under this inverse name.
    pub(super) fn hops(
        &mut self,
        types: &[&'a EntityType],
        name: &Name,
    ) -> Result<Vec<Hop<'a>>, FilterError> {
        let catalog = self.catalog;
        let looked_at = types.len() + catalog.types().len();
        self.budget.lookups(looked_at, name.offset)?;
        Ok(named_hops(catalog, types, &name.text))
    }

    fn other_end(&self, hop: &Hop<'a>) -> Vec<&'a EntityType> {
        match hop.step.to {
            LinkEnd::Target => {
                let targets = self.catalog.targets(hop.link);
                targets.into_iter().map(AsRef::as_ref).collect()
            }
            LinkEnd::Holder => vec![hop.holder],
        }
    }

    /// Steps across every level and asks `end` at the other side, for the types on each way.
    pub(super) fn cross(
        &mut self,
        levels: &[Level<'a>],
        here: &[&'a EntityType],
        end: &mut End<'_, 'a>,
    ) -> Result<Filter, FilterError> {
        let Some((level, rest)) = levels.split_first() else {
            return end(self, here);
        };
        let mut ways = Vec::new();
        for (hop, types) in level.iter().filter(|(hop, _)| hop.begins_at(here)) {
            let filter = self.cross(rest, types, end)?;
            if filter != NOTHING {
                ways.push(Filter::Exists {
                    step: hop.step.clone(),
                    filter: Box::new(filter),
                });
            }
        }
        Ok(any(ways))
    }
}

/// See [`Resolver::hops`].
pub(super) fn named_hops<'a>(
    catalog: &'a crate::Catalog,
    types: &[&'a EntityType],
    name: &str,
) -> Vec<Hop<'a>> {
    let own = types.iter().filter_map(|holder| {
        let link = holder.link_named(name)?;
        Some(Hop::outgoing(holder, link))
    });
    let mut hops: Vec<_> = own.collect();
    // A name means one thing within a type, so a single type's own link leaves no other to look for.
    if types.len() == 1 && !hops.is_empty() {
        return hops;
    }
    for holder in catalog.types() {
        let inverse = |link: &&Link| !link.symmetric() && link.inverse == name;
        let incoming = holder
            .live_links()
            .filter(inverse)
            .map(|link| Hop::incoming(holder, link));
        hops.extend(incoming.filter(|hop| hop.begins_at(types)));
    }
    hops
}

/// Refuses a path through more links than one may have.
pub(super) fn check_length(links: usize, name: &Name) -> Result<(), FilterError> {
    if links > PATH_LINKS {
        let message = format!("more than {PATH_LINKS} links in a path");
        return Err(FilterError::new(name.offset, message));
    }
    Ok(())
}

/// Each type once, in order of first appearance.
fn union<'t, 'a: 't>(types: impl Iterator<Item = &'t &'a EntityType>) -> Vec<&'a EntityType> {
    let mut seen = std::collections::HashSet::new();
    types.copied().filter(|one| seen.insert(one.id)).collect()
}
