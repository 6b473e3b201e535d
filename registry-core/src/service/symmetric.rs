//! Symmetric links: each end holds one row, so a change at one end changes the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Entity, EntityId, EntityType, Error, LinkNumber, Links,
    change::Operation,
    entity_type::Cardinality,
    limits,
    problem::{Problem, Refusal, pointer_token},
};

use super::{
    commit::target_not_found,
    decide::{Context, relink},
    document::too_many,
    rights::{may_read, require_write},
};

/// What changes at the other ends when the outgoing links of one entity go from one state to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mirror {
    added: BTreeSet<(LinkNumber, EntityId)>,
    removed: BTreeSet<(LinkNumber, EntityId)>,
}

impl Mirror {
    /// The symmetric links of `id` that come and go; one to itself has no other end.
    pub(super) fn of(
        entity_type: &EntityType,
        id: EntityId,
        before: Option<&Links>,
        after: Option<&Links>,
    ) -> Self {
        let pairs = |links: Option<&Links>| -> BTreeSet<(LinkNumber, EntityId)> {
            entity_type
                .live_links()
                .filter(|link| link.symmetric())
                .flat_map(|link| {
                    let targets = links.and_then(|links| links.get(&link.number));
                    targets
                        .into_iter()
                        .flatten()
                        .map(|target| (link.number, *target))
                })
                .filter(|(_, target)| *target != id)
                .collect()
        };
        let (before, after) = (pairs(before), pairs(after));
        Self {
            added: after.difference(&before).copied().collect(),
            removed: before.difference(&after).copied().collect(),
        }
    }

    /// The entities at the other ends, which must be read before [`Mirror::decide`].
    pub(super) fn partners(&self) -> BTreeSet<EntityId> {
        self.added
            .iter()
            .chain(&self.removed)
            .map(|(_, id)| *id)
            .collect()
    }

    /// The updates of the other ends. The caller needs the right to write each of them.
    pub(super) fn decide(
        &self,
        context: Context<'_>,
        id: EntityId,
        partners: Vec<Entity>,
    ) -> Result<Vec<Operation>, Error> {
        let partners: BTreeMap<EntityId, Entity> = partners
            .into_iter()
            .map(|partner| (partner.id, partner))
            .collect();
        for (number, target) in &self.added {
            // Of another type: the commit refuses the target with its own words; nothing is to be mirrored there.
            if !partners
                .get(target)
                .is_some_and(|partner| may_read(context.caller, partner))
            {
                return Err(target_not_found(pointer(context, *number), *target));
            }
        }
        let mut operations = Vec::with_capacity(partners.len());
        for partner in partners.into_values() {
            if partner.type_id != context.entity_type.id {
                continue;
            }
            require_write(context.caller, &partner)?;
            let mut links = partner.links.clone();
            for (number, _) in self.removed.iter().filter(|(_, one)| *one == partner.id) {
                remove(&mut links, *number, id);
            }
            for (number, _) in self.added.iter().filter(|(_, one)| *one == partner.id) {
                add(context, &mut links, *number, id)?;
            }
            if let Some(after) = relink(context, &partner, links) {
                operations.push(Operation::Update {
                    before: partner.into(),
                    after,
                });
            }
        }
        Ok(operations)
    }
}

fn add(
    context: Context<'_>,
    links: &mut Links,
    number: LinkNumber,
    id: EntityId,
) -> Result<(), Error> {
    let targets = links.entry(number).or_default();
    if let Err(place) = targets.binary_search(&id) {
        targets.insert(place, id);
    }
    let one = context
        .entity_type
        .link(number)
        .is_some_and(|link| link.cardinality == Cardinality::One);
    if one && targets.len() > 1 {
        return Err(cardinality(pointer(context, number)));
    }
    if targets.len() > limits::LINK_TARGETS {
        return Err(Error::problems(
            Refusal::Conflict,
            "too_many_links",
            vec![too_many(pointer(context, number), targets.len())],
        ));
    }
    Ok(())
}

/// Takes one target off a link.
pub(super) fn remove(links: &mut Links, number: LinkNumber, target: EntityId) {
    if let Some(targets) = links.get_mut(&number) {
        targets.retain(|one| *one != target);
        if targets.is_empty() {
            links.remove(&number);
        }
    }
}

/// The other end has another target already.
pub(super) fn cardinality(pointer: String) -> Error {
    Error::problems(
        Refusal::Conflict,
        "link_cardinality",
        vec![Problem::at(
            pointer,
            "link_cardinality",
            "the other end is linked to another entity already",
        )],
    )
}

fn pointer(context: Context<'_>, number: LinkNumber) -> String {
    let name = context
        .entity_type
        .link(number)
        .map_or("", |link| link.name.as_str());
    format!("/links/{}", pointer_token(name))
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
        let mirror = Mirror::of(entity_type, id(1), Some(&before), Some(&after));
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
            .map(|(number, links)| entity(&catalog, "person", *number, links))
            .collect();
        match mirror.decide(context, id(1), read) {
            Ok(operations) => Ok(operations
                .into_iter()
                .map(|operation| match operation {
                    Operation::Update { before, after } => {
                        assert_eq!(after.version, before.version.next());
                        (after.id, after.links)
                    }
                    other => unreachable!("{other:?}"),
                })
                .collect()),
            Err(Error::Refused(refused)) => Err(refused.code),
            Err(other) => unreachable!("{other}"),
        }
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
