//! Rows of the change log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Data, Datum, Entity, EntityId, FieldNumber, LinkNumber, Principal, Timestamp, TypeId, Version,
};

use super::LinkRow;

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
    pub fields: BTreeMap<FieldNumber, Option<Datum>>,
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

impl Earlier {
    /// What the next version keeps of an entity; `None` when that is its deletion.
    pub(super) fn of(
        before: &Entity,
        after: Option<&Entity>,
        links_added: &[LinkRow],
        links_removed: &[LinkRow],
    ) -> Self {
        let none = Data::new();
        let present = after.map_or(&none, |after| &after.data);
        let numbers: BTreeSet<FieldNumber> =
            before.data.keys().chain(present.keys()).copied().collect();
        let pairs = |rows: &[LinkRow]| rows.iter().map(|row| (row.link, row.target)).collect();
        Self {
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
