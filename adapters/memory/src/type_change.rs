//! Changes of types: what stands in their way, and what they do to the tables.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId, EntityType, LinkNumber, LinkTargets,
    change::{TypeChange, key_rows, link_rows},
    port::{Conflict, TypeViolation},
};

use crate::{commit::slot, state::State};

/// Ids shown of the entities that stand in the way.
const SAMPLES: usize = 10;

impl State {
    /// Why a change of a type cannot be made now.
    pub(crate) fn obstacles(&self, change: &TypeChange) -> Vec<Conflict> {
        if change.catalog != self.catalog {
            return vec![Conflict::CatalogChanged];
        }
        let mut found: BTreeMap<(String, &'static str), Vec<&Entity>> = BTreeMap::new();
        if let (Some(before), true) = (&change.before, change.looks_at_entities()) {
            let narrowed = change.narrowed_links();
            for entity in self.of_type(before.id) {
                let narrowed = narrowed.iter().filter_map(|(link, to)| {
                    let name = self.leads_elsewhere(change, entity, *link, to)?;
                    Some((name, "type_change_conflict"))
                });
                // A set: an entity counts once for each name, however often it violates it.
                let own: BTreeSet<_> = change
                    .violations(entity)
                    .into_iter()
                    .chain(narrowed)
                    .collect();
                for violation in own {
                    found.entry(violation).or_default().push(entity);
                }
            }
        }
        let found = found
            .into_iter()
            .filter_map(|((name, code), entities)| violation(&name, code, entities.into_iter()));
        let repeated = change
            .after
            .iter()
            .flat_map(|after| self.repeated_keys(after));
        found.chain(repeated).map(Conflict::Violation).collect()
    }

    /// The name of a link when the entity holds a target of a type that the link does not lead to.
    fn leads_elsewhere(
        &self,
        change: &TypeChange,
        entity: &Entity,
        link: LinkNumber,
        to: &LinkTargets,
    ) -> Option<String> {
        let mut targets = entity.links.get(&link)?.iter();
        let foreign = |id: &EntityId| {
            let target = self.entities.get(id);
            target.is_some_and(|target| !to.allows(target.type_id))
        };
        let name = &change.after.as_ref()?.link(link)?.name;
        targets.any(foreign).then(|| name.clone())
    }

    /// Keys of the new form of a type whose value two of its entities share.
    fn repeated_keys(&self, after: &EntityType) -> Vec<TypeViolation> {
        let mut holders: BTreeMap<_, Vec<&Entity>> = BTreeMap::new();
        for entity in self.of_type(after.id) {
            for row in key_rows(after, entity) {
                holders.entry(slot(&row)).or_default().push(entity);
            }
        }
        after
            .all_keys()
            .filter_map(|key| {
                let mut sharing: Vec<&Entity> = holders
                    .iter()
                    .filter(|((_, number, _), holders)| *number == key.number && holders.len() > 1)
                    .flat_map(|(_, holders)| holders.iter().copied())
                    .collect();
                sharing.sort_by_key(|entity| entity.id);
                violation(&key.name, "type_change_conflict", sharing.into_iter())
            })
            .collect()
    }

    /// Cannot fail: everything was looked at before.
    pub(crate) fn apply_type_change(&mut self, change: &TypeChange) {
        self.catalog = self.catalog.next();
        self.note_indexes(change);
        if let Some(before) = &change.before {
            self.types.remove(&before.id);
            self.keys.retain(|(type_id, ..), _| *type_id != before.id);
        }
        let Some(after) = &change.after else {
            return;
        };
        let mut keys = Vec::new();
        let mut links = BTreeSet::new();
        for entity in self.of_type(after.id) {
            keys.extend(key_rows(after, entity));
            links.extend(link_rows(after, entity.id, &entity.links));
        }
        self.keys
            .extend(keys.iter().map(|row| (slot(row), row.entity)));
        let dropped: Vec<_> = self
            .links
            .rows()
            .filter(|row| row.holder_type == after.id && !links.contains(row))
            .collect();
        for row in &dropped {
            self.links.remove(row);
        }
        self.types.insert(after.id, EntityType::clone(after));
    }
}

/// The violation of these entities, in order of their ids; `None` when there are none.
fn violation<'a>(
    name: &str,
    code: &'static str,
    entities: impl Iterator<Item = &'a Entity>,
) -> Option<TypeViolation> {
    let ids: Vec<EntityId> = entities.map(|entity| entity.id).collect();
    (!ids.is_empty()).then(|| TypeViolation {
        name: name.to_owned(),
        code,
        count: ids.len() as u64,
        samples: ids.into_iter().take(SAMPLES).collect(),
    })
}
