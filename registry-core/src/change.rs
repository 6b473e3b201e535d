//! Change sets: what one write does, as a value, with everything it expects of the store.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Data, Encoded, Entity, EntityId, EntityType, FieldNumber, KeyNumber, LinkNumber, LinkTargets,
    Links, Principal, Scope, Timestamp, TypeId, Version,
};

/// A write: applied in one transaction, all or nothing.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// Who writes.
    pub actor: Principal,
    /// When; also the `updated_at` of what it writes.
    pub at: Timestamp,
    /// What the writer may read: a link target outside counts as missing.
    pub scope: Scope,
    /// The types under which the operations were decided. Expected: each is still at its version. Holds the type of every entity that is
    /// created, updated or deleted.
    pub types: Vec<Arc<EntityType>>,
    /// At most [`crate::limits::OPERATIONS`]; no two name the same entity.
    pub operations: Vec<Operation>,
    /// A change of one type; a change set with one has no operations.
    pub type_change: Option<TypeChange>,
}

impl ChangeSet {
    /// What makes this no change set at all: a defect of whoever made it, to be answered as an internal error. Every store asks before it
    /// does anything else, since [`Batch::of`] would leave such an operation out.
    ///
    /// The bound on the number of operations is not looked at: it does not hold for slices of a load.
    pub fn defect(&self) -> Option<&'static str> {
        let mut named = BTreeSet::new();
        for operation in &self.operations {
            if !named.insert(operation.entity_id()) {
                return Some("two operations name the same entity");
            }
            let type_id = operation.type_id();
            if !self.types.iter().any(|one| one.id == type_id) {
                return Some("the type of an operation is missing");
            }
        }
        match &self.type_change {
            Some(_) if !self.operations.is_empty() => Some("a type change comes with operations"),
            Some(change) if change.before.is_none() && change.after.is_none() => {
                Some("a type change without a type")
            }
            _ => None,
        }
    }
}

/// One operation on one entity.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Expected: no entity of that id. Every link target exists inside the scope and is of an allowed type.
    Create(Entity),
    /// Expected: the entity is at `before.version`. Every target that `after` adds exists inside the scope and is of an allowed type.
    Update {
        /// The entity as it was read.
        before: Arc<Entity>,
        /// As it shall be, one version on.
        after: Entity,
    },
    /// Expected: the entity is at this version, and no entity outside the change set links to it.
    Delete(Arc<Entity>),
}

impl Operation {
    /// The entity it is about.
    pub fn entity_id(&self) -> EntityId {
        match self {
            Self::Create(entity) | Self::Update { after: entity, .. } => entity.id,
            Self::Delete(entity) => entity.id,
        }
    }

    /// The type of that entity.
    pub fn type_id(&self) -> TypeId {
        match self {
            Self::Create(entity) | Self::Update { after: entity, .. } => entity.type_id,
            Self::Delete(entity) => entity.type_id,
        }
    }
}

/// Definition, change or removal of a type.
#[derive(Clone, Debug)]
pub struct TypeChange {
    /// Version of the catalog under which it was decided. Expected: still the same; so two changes of types never cross.
    pub catalog: Version,
    /// The type as it was; `None` when it is defined.
    pub before: Option<Arc<EntityType>>,
    /// The type as it shall be; `None` when it is removed.
    pub after: Option<Arc<EntityType>>,
    /// Fields and links that must hold no data, by number: what the change would drop.
    pub must_be_unused: BTreeSet<u32>,
    /// Fields and links that must hold no data because what is stored could not be read under the type after: another kind, a list or no
    /// list any more, symmetric or not any more. Conflict `type_change_conflict`, where `must_be_unused` is `would_drop`.
    pub must_have_no_values: BTreeSet<u32>,
    /// Whether every stored entity must be checked against the new rules.
    pub check_entities: bool,
}

impl TypeChange {
    /// Its row of the change log; a removal is a version of its own, as the deletion of an entity is.
    fn row(&self, set: &ChangeSet) -> Option<Change> {
        let (type_id, version) = match (&self.before, &self.after) {
            (_, Some(after)) => (after.id, after.version),
            (Some(before), None) => (before.id, before.version.next()),
            (None, None) => return None,
        };
        Some(Change {
            entity: EntityId(type_id.0),
            type_id,
            version,
            operation: ChangeOperation::Type,
            earlier: Earlier::default(),
            actor: set.actor.clone(),
            at: set.at,
        })
    }
}

/// What happened, in the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOperation {
    /// An entity came to be.
    Create,
    /// Some of it changed.
    Update,
    /// It went.
    Delete,
    /// A type was defined, changed or removed; the entity of the row is the type's id.
    Type,
}

/// Earlier values: what a row of the change log keeps, enough to walk back from the present row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Earlier values of the fields that changed; `None` where there was none. A deletion holds all of them.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub fields: std::collections::BTreeMap<FieldNumber, Option<crate::Datum>>,
    /// Links that were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links_added: Vec<(LinkNumber, EntityId)>,
    /// Links that were removed. A deletion holds all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links_removed: Vec<(LinkNumber, EntityId)>,
    /// Earlier owners, when they changed or the entity was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<Principal>>,
    /// Earlier readers, when they changed or the entity was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<Vec<Principal>>,
    /// Type version, time and actor of the version before; creation time and actor too when the entity was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// The parts of an entity's envelope that a later version overwrites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Version of the type.
    pub type_version: Version,
    /// When that version was written.
    pub at: Timestamp,
    /// By whom.
    pub by: Principal,
    /// When the entity was created; kept by a deletion alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<(Timestamp, Principal)>,
}

/// One row of the change log, as it is written; the store adds the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entity, or the type's id.
    pub entity: EntityId,
    /// Its type.
    pub type_id: TypeId,
    /// The version that the change made.
    pub version: Version,
    /// What happened.
    pub operation: ChangeOperation,
    /// What was there before; empty for a creation.
    pub earlier: Earlier,
    /// Who.
    pub actor: Principal,
    /// When.
    pub at: Timestamp,
}

/// A row of `unique_key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRow {
    /// The type.
    pub type_id: TypeId,
    /// The key.
    pub key: KeyNumber,
    /// Its value: see [`crate::key::value`].
    pub value: Encoded,
    /// Who has it.
    pub entity: EntityId,
}

/// A row of `field_value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueRow {
    /// The type.
    pub type_id: TypeId,
    /// The field.
    pub field: FieldNumber,
    /// The value, or one element of it.
    pub value: Encoded,
    /// Who has it.
    pub entity: EntityId,
}

/// A row of `link`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkRow {
    /// The holder.
    pub holder: EntityId,
    /// The holder's type.
    pub holder_type: TypeId,
    /// The link.
    pub link: LinkNumber,
    /// The target.
    pub target: EntityId,
}

/// A row of `owner`: who may read the entity, be it as owner or as reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerRow {
    /// Who.
    pub principal: Principal,
    /// The entity's type.
    pub type_id: TypeId,
    /// The entity.
    pub entity: EntityId,
}

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
                .map(|before| earlier(before, after, &links_added, &links_removed))
                .unwrap_or_default(),
            actor: set.actor.clone(),
            at: set.at,
        });
        self.links_removed.extend(links_removed);
        self.links_added.extend(links_added);
    }
}

/// The rows beside the entity's own that one entity makes.
#[derive(Default)]
struct Rows {
    keys: BTreeSet<KeyRow>,
    values: BTreeSet<ValueRow>,
    links: BTreeSet<LinkRow>,
    owners: BTreeSet<OwnerRow>,
}

impl Rows {
    fn of(entity_type: &EntityType, entity: &Entity) -> Self {
        Self {
            keys: key_rows(entity_type, entity).collect(),
            values: value_rows(entity_type, entity).collect(),
            links: link_rows(entity_type, entity.id, &entity.links).collect(),
            owners: entity
                .owners
                .iter()
                .chain(&entity.readers)
                .map(|principal| OwnerRow {
                    principal: principal.clone(),
                    type_id: entity.type_id,
                    entity: entity.id,
                })
                .collect(),
        }
    }
}

/// The keys that an entity holds under a type.
pub fn key_rows<'a>(
    entity_type: &'a EntityType,
    entity: &'a Entity,
) -> impl Iterator<Item = KeyRow> + 'a {
    entity_type.all_keys().filter_map(|key| {
        let value = crate::key::value(&key, &entity.data)?;
        Some(KeyRow {
            type_id: entity_type.id,
            key: key.number,
            value,
            entity: entity.id,
        })
    })
}

/// The index rows that an entity has under a type.
pub fn value_rows<'a>(
    entity_type: &'a EntityType,
    entity: &'a Entity,
) -> impl Iterator<Item = ValueRow> + 'a {
    entity_type
        .live_fields()
        .filter(|field| field.indexed)
        .flat_map(move |field| {
            let values = entity
                .data
                .get(&field.number)
                .map(crate::Datum::values)
                .unwrap_or_default();
            values.iter().map(move |value| ValueRow {
                type_id: entity_type.id,
                field: field.number,
                value: value.clone(),
                entity: entity.id,
            })
        })
}

/// The link rows of live links that an entity holds.
pub fn link_rows<'a>(
    entity_type: &'a EntityType,
    holder: EntityId,
    links: &'a Links,
) -> impl Iterator<Item = LinkRow> + 'a {
    entity_type.live_links().flat_map(move |link| {
        let targets = links
            .get(&link.number)
            .map(Vec::as_slice)
            .unwrap_or_default();
        targets.iter().map(move |target| LinkRow {
            holder,
            holder_type: entity_type.id,
            link: link.number,
            target: *target,
        })
    })
}

fn earlier(
    before: &Entity,
    after: Option<&Entity>,
    links_added: &[LinkRow],
    links_removed: &[LinkRow],
) -> Earlier {
    let none = Data::new();
    let present = after.map_or(&none, |after| &after.data);
    let numbers: BTreeSet<FieldNumber> =
        before.data.keys().chain(present.keys()).copied().collect();
    let pairs = |rows: &[LinkRow]| rows.iter().map(|row| (row.link, row.target)).collect();
    Earlier {
        fields: numbers
            .into_iter()
            .filter(|number| before.data.get(number) != present.get(number))
            .map(|number| (number, before.data.get(&number).cloned()))
            .collect(),
        links_added: pairs(links_added),
        links_removed: pairs(links_removed),
        owners: (after.is_none_or(|after| after.owners != before.owners))
            .then(|| before.owners.clone()),
        readers: (after.is_none_or(|after| after.readers != before.readers))
            .then(|| before.readers.clone()),
        stamp: Some(Stamp {
            type_version: before.type_version,
            at: before.updated_at,
            by: before.updated_by.clone(),
            created: after
                .is_none()
                .then(|| (before.created_at, before.created_by.clone())),
        }),
    }
}
