//! What a delete reaches, and what it comes to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Caller, Catalog, Entity, EntityId, EntityType, Error, LinkNumber, Timestamp, TypeId,
    change::{LinkRow, Operation},
    entity_type::{Link, OnDelete},
    limits,
    problem::{Problem, Refusal},
    write::{Context, remove},
};

use super::super::rights::{forbidden, may_write};

/// Everything that a delete reaches.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// What goes: the roots and what cascades to them.
    doomed: BTreeSet<EntityId>,
    /// What stays and loses links, with the links and their targets.
    unlinked: BTreeMap<EntityId, BTreeSet<(LinkNumber, EntityId)>>,
    /// Links that forbid it, unless their holders go too.
    pub(super) restricting: Vec<LinkRow>,
    /// Whether some rows were not read.
    pub(super) partial: bool,
}

impl Reach {
    pub(super) fn of(roots: &[EntityId]) -> Self {
        Self {
            doomed: roots.iter().copied().collect(),
            ..Self::default()
        }
    }

    /// Takes in the links that lead to doomed entities; returns what is doomed by them. `None` when a row is of a type or link that the
    /// catalog does not know: it is older than the row.
    pub(super) fn take(&mut self, catalog: &Catalog, rows: Vec<LinkRow>) -> Option<Vec<EntityId>> {
        let mut next = Vec::new();
        for row in rows {
            let (_, link) = link_of(catalog, row.holder_type, row.link)?;
            match link.on_delete {
                OnDelete::Cascade => {
                    if self.doomed.insert(row.holder) {
                        next.push(row.holder);
                    }
                }
                OnDelete::Unlink => {
                    self.unlinked
                        .entry(row.holder)
                        .or_default()
                        .insert((row.link, row.target));
                }
                OnDelete::Restrict => self.restricting.push(row),
            }
        }
        Some(next)
    }

    /// Ends the walk: what goes needs no unlinking and forbids nothing.
    pub(super) fn close(&mut self) {
        let doomed = &self.doomed;
        self.unlinked.retain(|holder, _| !doomed.contains(holder));
        self.restricting.retain(|row| !doomed.contains(&row.holder));
    }

    pub(super) fn count(&self) -> usize {
        self.doomed.len() + self.unlinked.len()
    }

    /// Refuses what is forbidden by a link or too much.
    pub(super) fn check(&self, catalog: &Catalog) -> Result<(), Error> {
        if !self.restricting.is_empty() {
            return Err(self.restricted(catalog));
        }
        let count = self.count();
        if count > limits::OPERATIONS {
            let least = if self.partial { "at least " } else { "" };
            return Err(Error::refused(
                Refusal::Conflict,
                "too_many_affected",
                format!(
                    "{least}{count} entities would be deleted or unlinked; at most {} may be",
                    limits::OPERATIONS
                ),
            )
            .with("count", count));
        }
        Ok(())
    }

    /// The refusal that names every link in the way; the first of them, and how many hold it, stand beside the list.
    pub(super) fn restricted(&self, catalog: &Catalog) -> Error {
        let mut by_link: BTreeMap<(TypeId, LinkNumber), BTreeSet<EntityId>> = BTreeMap::new();
        for row in &self.restricting {
            let link = (row.holder_type, row.link);
            by_link.entry(link).or_default().insert(row.holder);
        }
        let mut named: Vec<(&str, &str, usize)> = by_link
            .iter()
            .filter_map(|((holder_type, link), holders)| {
                let (holder, link) = link_of(catalog, *holder_type, *link)?;
                Some((holder.name.as_str(), link.name.as_str(), holders.len()))
            })
            .collect();
        named.sort_unstable();
        let told = |(holder, link, count): &(&str, &str, usize)| {
            let message = format!("{holder}.{link} leads here and forbids it (held by {count})");
            Problem::whole("restricted", message)
        };
        let problems = named.iter().map(told).collect();
        let (holder, link, count) = named.first().copied().unwrap_or(("", "", 0));
        Error::problems(Refusal::Conflict, "restricted", problems)
            .with("link", link)
            .with("holder_type", holder)
            .with("count", count)
    }

    pub(super) fn touched(&self) -> Vec<EntityId> {
        self.doomed
            .iter()
            .chain(self.unlinked.keys())
            .copied()
            .collect()
    }

    /// The operations, roots first. `Ok(None)` when the entities are no longer as the links said.
    pub(super) fn decide(
        &self,
        caller: &Caller,
        catalog: &Catalog,
        at: Timestamp,
        entities: Vec<Entity>,
    ) -> Result<Option<Plan>, Error> {
        let mut types: BTreeMap<TypeId, Arc<EntityType>> = BTreeMap::new();
        let mut operations = Vec::with_capacity(entities.len());
        if entities.len() != self.count() {
            return Ok(None);
        }
        for entity in entities {
            let Some(entity_type) = catalog.by_id(entity.type_id) else {
                return Ok(None);
            };
            types.insert(entity_type.id, Arc::clone(entity_type));
            if self.doomed.contains(&entity.id) {
                if !may_write(caller, &entity) {
                    return Err(forbidden(
                        "an entity that would be deleted too may not be written",
                    ));
                }
                operations.push(Operation::Delete(Arc::new(entity)));
                continue;
            }
            let mut links = entity.links.clone();
            for (link, target) in self.unlinked.get(&entity.id).into_iter().flatten() {
                remove(&mut links, *link, *target);
            }
            let context = Context {
                caller,
                entity_type,
                at,
            };
            let Some(after) = context.relink(&entity, links) else {
                return Ok(None);
            };
            operations.push(Operation::Update {
                before: Arc::new(entity),
                after,
            });
        }
        Ok(Some(Plan {
            types: types.into_values().collect(),
            operations,
        }))
    }
}

/// What a delete does.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) types: Vec<Arc<EntityType>>,
    pub(super) operations: Vec<Operation>,
}

fn link_of(
    catalog: &Catalog,
    holder_type: TypeId,
    link: LinkNumber,
) -> Option<(&Arc<EntityType>, &Link)> {
    let holder = catalog.by_id(holder_type)?;
    let link = holder.link(link).filter(|link| !link.removed)?;
    Some((holder, link))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::service::fixture::{catalog, entity, id};

    fn row(
        catalog: &Catalog,
        holder_type: &str,
        link: &str,
        holder: u128,
        target: u128,
    ) -> LinkRow {
        let entity_type = catalog.by_name(holder_type).unwrap();
        LinkRow {
            holder: id(holder),
            holder_type: entity_type.id,
            link: entity_type.link_named(link).unwrap().number,
            target: id(target),
        }
    }

    fn code(result: Result<(), Error>) -> (&'static str, Vec<(&'static str, serde_json::Value)>) {
        match result {
            Ok(()) => ("", Vec::new()),
            Err(Error::Refused(refused)) => (refused.code, refused.extra),
            Err(other) => unreachable!("{other}"),
        }
    }

    #[test]
    fn what_goes_along_forbids_nothing_and_is_not_unlinked() {
        let catalog = catalog();
        let mut reach = Reach::of(&[id(1), id(2)]);
        let rows = vec![
            row(&catalog, "airport", "country", 2, 1),
            row(&catalog, "airport", "serves", 2, 1),
            row(&catalog, "airport", "serves", 3, 1),
            row(&catalog, "runway", "airport", 4, 2),
        ];
        assert_eq!(reach.take(&catalog, rows), Some(vec![id(4)]));
        assert_eq!(reach.take(&catalog, Vec::new()), Some(Vec::new()));
        reach.close();
        assert_eq!(code(reach.check(&catalog)), ("", vec![]));
        assert_eq!(reach.touched(), vec![id(1), id(2), id(4), id(3)]);
        let entities = vec![
            entity(&catalog, "country", 1, &[]),
            entity(
                &catalog,
                "airport",
                2,
                &[("country", &[1]), ("serves", &[1])],
            ),
            entity(&catalog, "airport", 3, &[("serves", &[1, 9])]),
            entity(&catalog, "runway", 4, &[("airport", &[2])]),
        ];
        let caller = Caller::default_organisation();
        let plan = reach
            .decide(&caller, &catalog, Timestamp(1), entities)
            .unwrap()
            .unwrap();
        let names: Vec<&str> = plan.types.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["country", "airport", "runway"]);
        let done: Vec<String> = plan
            .operations
            .iter()
            .map(|operation| match operation {
                Operation::Delete(entity) => format!("delete {}", entity.id.0.as_u128()),
                Operation::Update { after, .. } => format!(
                    "update {} to version {} with {} links",
                    after.id.0.as_u128(),
                    after.version,
                    after.links.values().flatten().count()
                ),
                Operation::Create(_) => unreachable!("nothing is created"),
            })
            .collect();
        assert_eq!(
            done,
            [
                "delete 1",
                "delete 2",
                "update 3 to version 2 with 1 links",
                "delete 4"
            ]
        );
    }

    #[test]
    fn a_restricting_link_is_named() {
        let catalog = catalog();
        let mut reach = Reach::of(&[id(1)]);
        let rows = vec![
            row(&catalog, "airport", "country", 2, 1),
            row(&catalog, "airport", "country", 3, 1),
        ];
        reach.take(&catalog, rows).unwrap();
        reach.close();
        assert_eq!(
            code(reach.check(&catalog)),
            (
                "restricted",
                vec![
                    ("link", "country".into()),
                    ("holder_type", "airport".into()),
                    ("count", 2.into())
                ]
            )
        );
    }

    #[test]
    fn what_has_changed_since_is_decided_again() {
        let catalog = catalog();
        let mut reach = Reach::of(&[id(1)]);
        let rows = vec![row(&catalog, "airport", "serves", 3, 1)];
        reach.take(&catalog, rows.clone()).unwrap();
        let caller = Caller::default_organisation();
        let country = entity(&catalog, "country", 1, &[]);
        let unlinked = entity(&catalog, "airport", 3, &[]);
        for entities in [vec![country.clone()], vec![country, unlinked]] {
            let plan = reach.decide(&caller, &catalog, Timestamp(1), entities);
            assert!(plan.unwrap().is_none());
        }
        // A type that this catalog does not know yet.
        assert_eq!(Reach::of(&[id(1)]).take(&Catalog::default(), rows), None);
    }
}
