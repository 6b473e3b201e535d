//! Change sets: every expectation is checked first, then everything is applied and nothing can fail any more.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId,
    change::{Batch, ChangeSet, KeyRow, Operation},
    port::{Conflict, Receipt, StoreError},
};

use crate::state::{KeySlot, State};

/// Operations by the entity they are about: what it will be, or nothing when it is deleted.
type Written<'a> = BTreeMap<EntityId, (usize, Option<&'a Entity>)>;

impl State {
    /// Applies a change set, or tells every expectation that is not met.
    pub(crate) fn commit(&mut self, set: &ChangeSet) -> Result<Receipt, Refusal> {
        if let Some(defect) = set.defect() {
            return Err(StoreError::internal("reading a change set", defect).into());
        }
        let batch = Batch::of(set);
        let conflicts = self.conflicts(set, &batch);
        if !conflicts.is_empty() {
            return Err(Refusal::Conflicts(conflicts));
        }
        if let Some(change) = &set.type_change {
            self.apply_type_change(change);
        }
        self.apply(batch);
        Ok(Receipt {
            position: self.head(),
        })
    }

    /// Everything that is not as expected, types first: under another version of a type the rest means nothing.
    fn conflicts(&self, set: &ChangeSet, batch: &Batch) -> Vec<Conflict> {
        let mut conflicts: Vec<Conflict> = self.changed_types(set).collect();
        if conflicts.is_empty() {
            let written = set.operations.iter().enumerate();
            let written: Written<'_> = written
                .map(|(index, operation)| match operation {
                    Operation::Create(entity) | Operation::Update { after: entity, .. } => {
                        (entity.id, (index, Some(entity)))
                    }
                    Operation::Delete(entity) => (entity.id, (index, None)),
                })
                .collect();
            conflicts.extend(self.other_versions(set));
            conflicts.extend(self.bad_targets(set, batch, &written));
            conflicts.extend(self.still_linked(set, batch));
            conflicts.extend(self.taken_keys(batch, &written));
            conflicts.extend(set.type_change.iter().flat_map(|one| self.obstacles(one)));
        }
        conflicts
    }

    fn changed_types(&self, set: &ChangeSet) -> impl Iterator<Item = Conflict> {
        let changed = set.types.iter().filter(|expected| {
            let stored = self.types.get(&expected.id);
            stored.is_none_or(|stored| stored.version != expected.version)
        });
        changed.map(|one| Conflict::TypeChanged { type_id: one.id })
    }

    fn other_versions(&self, set: &ChangeSet) -> impl Iterator<Item = Conflict> {
        let operations = set.operations.iter().enumerate();
        operations.filter_map(|(operation, wanted)| {
            let stored = self.entities.get(&wanted.entity_id());
            match wanted {
                Operation::Create(_) => stored.map(|_| Conflict::EntityExists { operation }),
                Operation::Update { before, .. } | Operation::Delete(before) => {
                    let same = stored.is_some_and(|stored| {
                        (stored.type_id, stored.version) == (before.type_id, before.version)
                    });
                    (!same).then(|| Conflict::Stale {
                        operation,
                        current: stored.map(|stored| stored.version),
                    })
                }
            }
        })
    }

    /// A target counts as it will be when the set is applied: one made by the set is there, one deleted by it is not.
    fn bad_targets(
        &self,
        set: &ChangeSet,
        batch: &Batch,
        written: &Written<'_>,
    ) -> impl Iterator<Item = Conflict> {
        batch.targets.iter().filter_map(|check| {
            let target = match written.get(&check.target) {
                Some((_, written)) => *written,
                None => self.entities.get(&check.target),
            };
            let target = target.filter(|one| set.scope.admits(&one.owners, &one.readers));
            let (operation, link, target_id) = (check.operation, check.link, check.target);
            match target {
                None => Some(Conflict::TargetMissing {
                    operation,
                    link,
                    target: target_id,
                }),
                Some(target) if !check.to.allows(target.type_id) => Some(Conflict::TargetType {
                    operation,
                    link,
                    target: target_id,
                }),
                Some(_) => None,
            }
        })
    }

    fn still_linked(&self, set: &ChangeSet, batch: &Batch) -> impl Iterator<Item = Conflict> {
        let removed: BTreeSet<_> = batch.links_removed.iter().collect();
        let operations = set.operations.iter().enumerate();
        operations.filter_map(move |(operation, wanted)| {
            let Operation::Delete(entity) = wanted else {
                return None;
            };
            let mut leading = self.links.leading_to(entity.id);
            leading
                .any(|row| !removed.contains(&row))
                .then_some(Conflict::StillLinked { operation })
        })
    }

    fn taken_keys(&self, batch: &Batch, written: &Written<'_>) -> impl Iterator<Item = Conflict> {
        let freed: BTreeSet<KeySlot> = batch.keys_removed.iter().map(slot).collect();
        let mut claimed = BTreeSet::new();
        batch.keys_added.iter().filter_map(move |row| {
            let slot = slot(row);
            let held = self.keys.contains_key(&slot) && !freed.contains(&slot);
            let (operation, _) = written.get(&row.entity)?;
            (held || !claimed.insert(slot)).then_some(Conflict::KeyTaken {
                operation: *operation,
                key: row.key,
            })
        })
    }

    fn apply(&mut self, batch: Batch) {
        for (id, ..) in &batch.deleted {
            self.entities.remove(id);
        }
        for entity in batch.created.into_iter().chain(batch.updated) {
            self.entities.insert(entity.id, entity);
        }
        for row in &batch.links_removed {
            self.links.remove(row);
        }
        for row in &batch.links_added {
            self.links.insert(row);
        }
        for row in &batch.keys_removed {
            self.keys.remove(&slot(row));
        }
        for row in &batch.keys_added {
            self.keys.insert(slot(row), row.entity);
        }
        self.log.extend(batch.changes);
    }
}

pub(crate) fn slot(row: &KeyRow) -> KeySlot {
    (row.type_id, row.key, row.value.clone())
}

/// Why nothing was applied.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// These expectations, at least one, were not met.
    Conflicts(Vec<Conflict>),
    /// It cannot be told.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
