//! Changes of types: what stands in their way, and what they do to the tables.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId, EntityType, FieldNumber, LinkNumber, TypeId,
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
        let violations = match (&change.before, &change.after) {
            (Some(before), None) => self.in_use(before.id).into_iter().collect(),
            (Some(before), Some(after)) => {
                let mut violations = self.would_drop(before, &change.must_be_unused);
                violations.extend(self.repeated_keys(after));
                violations
            }
            (None, _) => Vec::new(),
        };
        violations.into_iter().map(Conflict::Violation).collect()
    }

    fn in_use(&self, type_id: TypeId) -> Option<TypeViolation> {
        violation("", "type_in_use", self.of_type(type_id))
    }

    fn would_drop(&self, before: &EntityType, numbers: &BTreeSet<u32>) -> Vec<TypeViolation> {
        let holding = |number: u32| {
            self.of_type(before.id).filter(move |entity| {
                entity.data.contains_key(&FieldNumber(number))
                    || entity.links.contains_key(&LinkNumber(number))
            })
        };
        numbers
            .iter()
            .filter_map(|number| {
                let field = before.field(FieldNumber(*number));
                let link = before.link(LinkNumber(*number));
                let name = field
                    .map(|field| field.name.as_str())
                    .or(link.map(|link| link.name.as_str()))
                    .unwrap_or_default();
                violation(name, "would_drop", holding(*number))
            })
            .collect()
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
