//! What can be said of a row without its neighbours: which entity it names, which data it makes, which keys that claims.

use std::sync::Arc;

use crate::{
    Data, Encoded, Entity, EntityId, EntityType, KeyNumber, Problem,
    entity_type::{Key, Link},
    key,
    port::{EntityRef, KeyRef, LoadMode, LoadPlan, LoadRow},
    problem::pointer_token,
    write::{self, Context, Start},
};

use super::{Lookup, Resolution};

/// What every row of a load needs of its type, made once.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) plan: LoadPlan,
    pub(super) keys: Vec<Key>,
}

impl Ground {
    pub(super) fn new(plan: LoadPlan) -> Self {
        Self {
            keys: plan.entity_type.all_keys().collect(),
            plan,
        }
    }

    pub(super) fn entity_type(&self) -> &Arc<EntityType> {
        &self.plan.entity_type
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            caller: &self.plan.caller,
            entity_type: &self.plan.entity_type,
            at: self.plan.at,
        }
    }

    /// Whether a row of this load may make an entity that the link leads to.
    pub(super) fn may_make(&self, link: &Link) -> bool {
        self.plan.mode != LoadMode::Update && link.to.allows(self.plan.entity_type.id)
    }

    /// Where a row gives a key: at the first of its fields.
    pub(super) fn key_pointer(&self, number: KeyNumber) -> String {
        let name = self
            .keys
            .iter()
            .find(|key| key.number == number)
            .and_then(|key| key.fields.first())
            .and_then(|field| self.plan.entity_type.field(*field))
            .map(|field| pointer_token(&field.name));
        format!("/fields/{}", name.unwrap_or_default())
    }

    /// Whether the link is one whose rows are held by both ends.
    pub(super) fn symmetric(&self, link: crate::LinkNumber) -> bool {
        self.plan
            .entity_type
            .link(link)
            .is_some_and(Link::symmetric)
    }
}

/// What must be known before rows can be prepared.
pub(super) fn first_lookup(ground: &Ground, rows: &[LoadRow]) -> Lookup {
    let mut lookup = Lookup::default();
    for row in rows {
        lookup.entities.extend(row.id);
        if let (Some(key), Some(value)) = (ground.plan.key, &row.key) {
            lookup.entity_keys.insert((key, value.clone()));
        }
        for target in row.patch.links.iter().flat_map(|link| &link.targets) {
            match &target.reference {
                EntityRef::Id(id) => {
                    lookup.targets.insert(*id);
                }
                EntityRef::Key(reference) => {
                    lookup.keys.insert(reference.clone());
                }
            }
        }
    }
    lookup
}

/// What must be known besides before rows can be decided: who holds the keys they claim, and the partners of their symmetric links.
pub(super) fn second_lookup(
    ground: &Ground,
    known: &Resolution,
    rows: &[LoadRow],
    prepared: &[Prepared],
) -> Lookup {
    let mut lookup = Lookup::default();
    for (row, prepared) in rows.iter().zip(prepared) {
        let claims = prepared.claimed.iter().map(|(key, value)| KeyRef {
            type_id: ground.plan.entity_type.id,
            key: *key,
            value: value.clone(),
        });
        lookup
            .keys
            .extend(claims.filter(|claim| !known.keys.contains_key(claim)));
        for link in row.patch.links.iter().filter(|l| ground.symmetric(l.link)) {
            let named = link
                .targets
                .iter()
                .filter_map(|target| match &target.reference {
                    EntityRef::Id(id) => known.targets.contains_key(id).then_some(*id),
                    EntityRef::Key(reference) => known.keys.get(reference).map(|found| found.id),
                });
            let present = prepared
                .before
                .iter()
                .filter_map(|before| before.links.get(&link.link))
                .flatten()
                .copied();
            let partners = named
                .chain(present)
                .filter(|id| !known.entities.contains_key(id));
            lookup.entities.extend(partners);
        }
    }
    lookup
}

/// A row with what follows from it alone.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The entity it names, when that is of the plan's type and the caller may read it.
    pub(super) before: Option<Arc<Entity>>,
    /// The data it makes, or what is wrong with it.
    pub(super) data: Result<Data, Vec<Problem>>,
    /// Keys of the new data that the old does not have.
    pub(super) claimed: Vec<(KeyNumber, Encoded)>,
    /// Keys of the old data that the new does not have.
    pub(super) given_up: Vec<(KeyNumber, Encoded)>,
}

impl Prepared {
    pub(super) fn of(ground: &Ground, known: &Resolution, row: &LoadRow) -> Self {
        let id = match (ground.plan.key, &row.key) {
            (Some(key), Some(value)) => known.entity_keys.get(&(key, value.clone())).copied(),
            (Some(_), None) => None,
            (None, _) => row.id,
        };
        let before = id
            .and_then(|id| known.entities.get(&id))
            .map(|resolved| Arc::clone(&resolved.entity))
            .filter(|entity| visible(ground, entity));
        let start = before.as_deref().map_or(Start::New, Start::Merge);
        let data = write::data(ground.entity_type(), start, &row.patch);
        let old = before
            .as_deref()
            .map(|before| key_values(ground, &before.data))
            .unwrap_or_default();
        let new = match &data {
            Ok(data) => key_values(ground, data),
            Err(_) => old.clone(),
        };
        Self {
            claimed: new.iter().filter(|k| !old.contains(k)).cloned().collect(),
            given_up: old.into_iter().filter(|k| !new.contains(k)).collect(),
            before,
            data,
        }
    }
}

/// Whether the entity is there for this load: of its type, and readable for its caller.
pub(super) fn visible(ground: &Ground, entity: &Entity) -> bool {
    entity.type_id == ground.plan.entity_type.id
        && ground
            .plan
            .caller
            .scope()
            .admits(&entity.owners, &entity.readers)
}

fn key_values(ground: &Ground, data: &Data) -> Vec<(KeyNumber, Encoded)> {
    let values = ground
        .keys
        .iter()
        .filter_map(|key| key::value(key, data).map(|value| (key.number, value)));
    values.collect()
}

impl Resolution {
    /// Adds what a later lookup told.
    pub(super) fn merge(&mut self, other: Self) {
        self.entities.extend(other.entities);
        self.entity_keys.extend(other.entity_keys);
        self.targets.extend(other.targets);
        self.keys.extend(other.keys);
        self.last_versions.extend(other.last_versions);
    }
}

/// The row's id, for messages.
pub(super) fn named(id: Option<EntityId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
