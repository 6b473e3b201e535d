//! What change sets do to each table.

use crate::{Entity, EntityId, EntityType, LinkNumber, LinkTargets, TypeId, Version};

use super::{
    Change, ChangeOperation, ChangeSet, Earlier, KeyRow, LinkRow, Operation, OwnerRow, ValueRow,
    rows::Rows,
};

/// A link target that must exist inside the scope and be of an allowed type.
#[derive(Clone, Debug)]
pub struct TargetCheck {
    /// Index of the operation in its change set.
    pub operation: usize,
    /// The link.
    pub link: LinkNumber,
    /// The target.
    pub target: EntityId,
    /// Its allowed types.
    pub to: LinkTargets,
}

/// What change sets do to each table: the same for every store, computed here so that no store decides anything.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Entities that are made.
    pub created: Vec<Entity>,
    /// Entities that are rewritten, each expected at the version before its own.
    pub updated: Vec<Entity>,
    /// Entities that go, each expected at this version.
    pub deleted: Vec<(EntityId, TypeId, Version)>,
    /// Link targets to check.
    pub targets: Vec<TargetCheck>,
    /// Keys given up.
    pub keys_removed: Vec<KeyRow>,
    /// Keys claimed, each expected to be free once the removed ones are.
    pub keys_added: Vec<KeyRow>,
    /// Index rows to take out.
    pub values_removed: Vec<ValueRow>,
    /// Index rows to put in.
    pub values_added: Vec<ValueRow>,
    /// Link rows to take out.
    pub links_removed: Vec<LinkRow>,
    /// Link rows to put in.
    pub links_added: Vec<LinkRow>,
    /// Scope rows to take out.
    pub owners_removed: Vec<OwnerRow>,
    /// Scope rows to put in.
    pub owners_added: Vec<OwnerRow>,
    /// Rows of the change log, in order of the operations; that of a type change too.
    pub changes: Vec<Change>,
}

impl Batch {
    /// What the operations of a change set do to each table.
    pub fn of(set: &ChangeSet) -> Self {
        let mut batch = Self::default();
        for (index, operation) in set.operations.iter().enumerate() {
            let type_id = operation.type_id();
            let Some(entity_type) = set.types.iter().find(|one| one.id == type_id) else {
                continue;
            };
            let (before, after) = match operation {
                Operation::Create(entity) => (None, Some(entity)),
                Operation::Update { before, after } => (Some(before.as_ref()), Some(after)),
                Operation::Delete(entity) => (Some(entity.as_ref()), None),
            };
            batch.add(index, entity_type, before, after, set);
        }
        let changed = set.type_change.as_ref();
        batch
            .changes
            .extend(changed.and_then(|change| change.row(set)));
        batch
    }

    /// Adds what another batch does; the two must not touch the same rows.
    pub fn append(&mut self, other: Self) {
        self.created.extend(other.created);
        self.updated.extend(other.updated);
        self.deleted.extend(other.deleted);
        self.targets.extend(other.targets);
        self.keys_removed.extend(other.keys_removed);
        self.keys_added.extend(other.keys_added);
        self.values_removed.extend(other.values_removed);
        self.values_added.extend(other.values_added);
        self.links_removed.extend(other.links_removed);
        self.links_added.extend(other.links_added);
        self.owners_removed.extend(other.owners_removed);
        self.owners_added.extend(other.owners_added);
        self.changes.extend(other.changes);
    }

    fn add(
        &mut self,
        index: usize,
        entity_type: &EntityType,
        before: Option<&Entity>,
        after: Option<&Entity>,
        set: &ChangeSet,
    ) {
        let old = before
            .map(|entity| Rows::of(entity_type, entity))
            .unwrap_or_default();
        let new = after
            .map(|entity| Rows::of(entity_type, entity))
            .unwrap_or_default();
        self.keys_removed
            .extend(old.keys.difference(&new.keys).cloned());
        self.keys_added
            .extend(new.keys.difference(&old.keys).cloned());
        self.values_removed
            .extend(old.values.difference(&new.values).cloned());
        self.values_added
            .extend(new.values.difference(&old.values).cloned());
        self.owners_removed
            .extend(old.owners.difference(&new.owners).cloned());
        self.owners_added
            .extend(new.owners.difference(&old.owners).cloned());
        let links_removed: Vec<LinkRow> = old.links.difference(&new.links).cloned().collect();
        let links_added: Vec<LinkRow> = new.links.difference(&old.links).cloned().collect();
        self.targets.extend(links_added.iter().map(|row| {
            TargetCheck {
                operation: index,
                link: row.link,
                target: row.target,
                to: entity_type
                    .link(row.link)
                    .map_or(LinkTargets::Any, |link| link.to.clone()),
            }
        }));
        let (entity, operation) = match (before, after) {
            (Some(_), Some(after)) => {
                self.updated.push(after.clone());
                (after, ChangeOperation::Update)
            }
            (None, Some(after)) => {
                self.created.push(after.clone());
                (after, ChangeOperation::Create)
            }
            (Some(before), None) => {
                self.deleted
                    .push((before.id, before.type_id, before.version));
                (before, ChangeOperation::Delete)
            }
            (None, None) => return,
        };
        let version = if after.is_some() {
            entity.version
        } else {
            entity.version.next()
        };
        self.changes.push(Change {
            entity: entity.id,
            type_id: entity.type_id,
            version,
            operation,
            earlier: before
                .map(|before| Earlier::of(before, after, &links_added, &links_removed))
                .unwrap_or_default(),
            actor: set.actor.clone(),
            at: set.at,
        });
        self.links_removed.extend(links_removed);
        self.links_added.extend(links_added);
    }
}
