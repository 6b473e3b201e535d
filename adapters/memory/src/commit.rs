//! Change sets: every expectation is checked first, then everything is applied and nothing can fail any more.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    Entity, EntityId,
    change::{Batch, ChangeSet, KeyRow, Operation},
    port::{CommitError, Conflict, Receipt, StoreError},
};

use crate::state::{KeySlot, State};

impl State {
    pub(crate) fn commit(&mut self, set: &ChangeSet) -> Result<Receipt, CommitError> {
        set.well_formed()
            .map_err(|defect| StoreError::internal("reading a change set", defect))?;
        let batch = Batch::of(set);
        self.check_types(set)?;
        self.check_versions(set)?;
        self.check_targets(set, &batch)?;
        self.check_holders(set, &batch)?;
        self.check_keys(set, &batch)?;
        if let Some(change) = &set.type_change {
            self.check_type_change(change)?;
            self.apply_type_change(change);
        }
        self.apply(batch);
        Ok(Receipt {
            position: self.head(),
        })
    }

    fn check_types(&self, set: &ChangeSet) -> Result<(), Conflict> {
        for expected in &set.types {
            let stored = self.types.get(&expected.id);
            if stored.is_none_or(|stored| stored.version != expected.version) {
                return Err(Conflict::TypeChanged {
                    type_id: expected.id,
                });
            }
        }
        Ok(())
    }

    fn check_versions(&self, set: &ChangeSet) -> Result<(), Conflict> {
        for (operation, wanted) in set.operations.iter().enumerate() {
            let stored = self.entities.get(&wanted.entity_id());
            let expected = match wanted {
                Operation::Create(_) if stored.is_some() => {
                    return Err(Conflict::EntityExists { operation });
                }
                Operation::Create(_) => continue,
                Operation::Update { before, .. } | Operation::Delete(before) => before,
            };
            let same = stored.is_some_and(|stored| {
                (stored.type_id, stored.version) == (expected.type_id, expected.version)
            });
            if !same {
                return Err(Conflict::Stale {
                    operation,
                    current: stored.map(|stored| stored.version),
                });
            }
        }
        Ok(())
    }

    /// A target counts as it will be when the set is applied: one made by the set is there, one deleted by it is not.
    fn check_targets(&self, set: &ChangeSet, batch: &Batch) -> Result<(), Conflict> {
        let written: BTreeMap<EntityId, Option<&Entity>> = set
            .operations
            .iter()
            .map(|operation| match operation {
                Operation::Create(entity) | Operation::Update { after: entity, .. } => {
                    (entity.id, Some(entity))
                }
                Operation::Delete(entity) => (entity.id, None),
            })
            .collect();
        for check in &batch.targets {
            let target = match written.get(&check.target) {
                Some(written) => *written,
                None => self.entities.get(&check.target),
            };
            let target =
                target.filter(|target| set.scope.admits(&target.owners, &target.readers));
            let Some(target) = target else {
                return Err(Conflict::TargetMissing {
                    operation: check.operation,
                    link: check.link,
                    target: check.target,
                });
            };
            if !check.to.allows(target.type_id) {
                return Err(Conflict::TargetType {
                    operation: check.operation,
                    link: check.link,
                    target: check.target,
                });
            }
        }
        Ok(())
    }

    fn check_holders(&self, set: &ChangeSet, batch: &Batch) -> Result<(), Conflict> {
        let removed: BTreeSet<_> = batch.links_removed.iter().collect();
        for (operation, wanted) in set.operations.iter().enumerate() {
            let Operation::Delete(entity) = wanted else {
                continue;
            };
            let linked = self
                .links
                .leading_to(entity.id)
                .any(|row| !removed.contains(&row));
            if linked {
                return Err(Conflict::StillLinked { operation });
            }
        }
        Ok(())
    }

    fn check_keys(&self, set: &ChangeSet, batch: &Batch) -> Result<(), Conflict> {
        let operations: BTreeMap<EntityId, usize> = set
            .operations
            .iter()
            .enumerate()
            .map(|(index, operation)| (operation.entity_id(), index))
            .collect();
        let freed: BTreeSet<KeySlot> = batch.keys_removed.iter().map(slot).collect();
        let mut claimed = BTreeSet::new();
        for row in &batch.keys_added {
            let slot = slot(row);
            let held = self.keys.contains_key(&slot) && !freed.contains(&slot);
            if held || !claimed.insert(slot) {
                return Err(Conflict::KeyTaken {
                    operation: operations.get(&row.entity).copied().unwrap_or_default(),
                    key: row.key,
                });
            }
        }
        Ok(())
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
