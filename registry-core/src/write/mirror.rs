//! Symmetric links: each end holds one row, so a change at one end changes the other.

use std::collections::BTreeSet;

use crate::{
    Entity, EntityId, EntityType, LinkNumber, Links, Problem,
    entity_type::{Cardinality, Link},
    limits::LINK_TARGETS,
    service::rights::may_write,
};

use super::{Context, cardinality, pointer, remove, too_many};

/// What changes at the other ends when the outgoing links of one entity go from one state to another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    id: EntityId,
    added: BTreeSet<(LinkNumber, EntityId)>,
    removed: BTreeSet<(LinkNumber, EntityId)>,
}

impl Mirror {
    /// The symmetric links of `id` that come and go; one to itself has no other end.
    pub(crate) fn of(
        entity_type: &EntityType,
        id: EntityId,
        before: Option<&Links>,
        after: &Links,
    ) -> Self {
        let pairs = |links: Option<&Links>| -> BTreeSet<(LinkNumber, EntityId)> {
            entity_type
                .live_links()
                .filter(|link| link.symmetric())
                .flat_map(|link| {
                    let targets = links.and_then(|links| links.get(&link.number));
                    let targets = targets.into_iter().flatten();
                    targets.map(|target| (link.number, *target))
                })
                .filter(|(_, target)| *target != id)
                .collect()
        };
        let (before, after) = (pairs(before), pairs(Some(after)));
        Self {
            id,
            added: after.difference(&before).copied().collect(),
            removed: before.difference(&after).copied().collect(),
        }
    }

    /// The entities at the other ends, which must be read before [`Mirror::decide`].
    pub(crate) fn partners(&self) -> BTreeSet<EntityId> {
        let pairs = self.added.iter().chain(&self.removed);
        pairs.map(|(_, id)| *id).collect()
    }

    /// The links that come.
    pub(crate) fn added(&self) -> &BTreeSet<(LinkNumber, EntityId)> {
        &self.added
    }

    /// The outgoing links of the entity at one other end afterwards. The caller needs the right to write it.
    pub(crate) fn decide(
        &self,
        context: Context<'_>,
        partner: &Entity,
    ) -> Result<Links, Vec<Problem>> {
        let here = |(number, target): &&(LinkNumber, EntityId)| {
            let link = context.entity_type.link(*number);
            link.filter(|_| *target == partner.id)
        };
        let mut links = partner.links.clone();
        let mut problems = Vec::new();
        if may_write(context.caller, partner) {
            for link in self.removed.iter().filter_map(|pair| here(&pair)) {
                remove(&mut links, link.number, self.id);
            }
            for link in self.added.iter().filter_map(|pair| here(&pair)) {
                problems.extend(add(&mut links, link, self.id).err());
            }
        } else {
            let changed = self.added.iter().chain(&self.removed);
            let changed = changed.filter_map(|pair| here(&pair));
            problems.extend(changed.map(|link| {
                let message = "only an owner may write the entity at the other end";
                Problem::at(pointer(link), "forbidden", message)
            }));
        }
        if problems.is_empty() {
            return Ok(links);
        }
        let shown = partner.id.to_string();
        let problems = problems
            .into_iter()
            .map(|one| one.with_value(shown.clone()));
        Err(problems.collect())
    }
}

/// Puts one end of a symmetric link onto the other, where there must be room.
pub(crate) fn add(links: &mut Links, link: &Link, id: EntityId) -> Result<(), Problem> {
    let targets = links.entry(link.number).or_default();
    if let Err(place) = targets.binary_search(&id) {
        targets.insert(place, id);
    }
    match link.cardinality {
        Cardinality::One if targets.len() > 1 => Err(cardinality(pointer(link))),
        Cardinality::Many if targets.len() > LINK_TARGETS => {
            Err(too_many(pointer(link), targets.len()))
        }
        Cardinality::One | Cardinality::Many => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{
        Caller, Timestamp,
        service::fixture::{catalog, entity, id, links},
    };

    /// Outgoing links by name.
    type Held<'a> = &'a [(&'a str, &'a [u128])];

    /// What becomes of the partners of person 1: id and outgoing links of each that changes, or the code of the refusal.
    fn decided(
        before: Held<'_>,
        after: Held<'_>,
        partners: &[(u128, Held<'_>)],
    ) -> Result<Vec<(EntityId, Links)>, &'static str> {
        let catalog = catalog();
        let entity_type = catalog.by_name("person").unwrap();
        let (before, after) = (
            links(&catalog, "person", before),
            links(&catalog, "person", after),
        );
        let mirror = Mirror::of(entity_type, id(1), Some(&before), &after);
        let ids: BTreeSet<EntityId> = partners.iter().map(|(number, _)| id(*number)).collect();
        assert_eq!(mirror.partners(), ids);
        let caller = Caller::default_organisation();
        let context = Context {
            caller: &caller,
            entity_type,
            at: Timestamp(1),
        };
        let read = partners
            .iter()
            .map(|(number, links)| entity(&catalog, "person", *number, links));
        let mut changed = Vec::new();
        for partner in read {
            let links = mirror.decide(context, &partner);
            let links = links.map_err(|problems| problems[0].code)?;
            let after = context.relink(&partner, links).unwrap();
            assert_eq!(after.version, partner.version.next());
            changed.push((after.id, after.links));
        }
        Ok(changed)
    }

    fn expected(all: &[(u128, Held<'_>)]) -> Vec<(EntityId, Links)> {
        let catalog = catalog();
        all.iter()
            .map(|(number, held)| (id(*number), links(&catalog, "person", held)))
            .collect()
    }

    #[test]
    fn partners_gain_and_lose_the_other_end() {
        let changed = decided(
            &[("friends", &[1, 2, 3])],
            &[("friends", &[1, 3, 4])],
            &[(2, &[("friends", &[1, 3])]), (4, &[])],
        );
        assert_eq!(
            changed,
            Ok(expected(&[
                (2, &[("friends", &[3])]),
                (4, &[("friends", &[1])])
            ]))
        );
        assert_eq!(
            decided(&[("friends", &[2])], &[("friends", &[2])], &[]),
            Ok(Vec::new())
        );
    }

    #[test]
    fn a_new_spouse_must_be_free_and_the_old_one_becomes_so() {
        let changed = decided(
            &[("spouse", &[2])],
            &[("spouse", &[3])],
            &[(2, &[("spouse", &[1])]), (3, &[])],
        );
        assert_eq!(changed, Ok(expected(&[(2, &[]), (3, &[("spouse", &[1])])])));
        let taken = decided(&[], &[("spouse", &[3])], &[(3, &[("spouse", &[4])])]);
        assert_eq!(taken, Err("link_cardinality"));
    }

    #[test]
    fn an_old_friend_and_new_spouse_changes_once() {
        let changed = decided(
            &[("friends", &[2])],
            &[("spouse", &[2])],
            &[(2, &[("friends", &[1])])],
        );
        assert_eq!(changed, Ok(expected(&[(2, &[("spouse", &[1])])])));
    }
}
