//! What the rows of a slice have decided so far, laid over what was resolved: later rows see it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use indexmap::IndexMap;

use crate::{
    Encoded, Entity, EntityId, KeyNumber, LinkNumber,
    change::Operation,
    entity_type::Link,
    port::{EntityRef, KeyRef, LoadPlan},
    write::NoTarget,
};

use super::{Origin, Resolution, ResolvedTarget, later::Owed};

/// An entity as a row sees it, and what is stored of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) entity: Arc<Entity>,
    /// `None`: this load makes it.
    pub(super) stored: Option<Arc<Entity>>,
}

impl Seen {
    /// The version of its next form: a load is one change of an entity, however many rows touch it.
    pub(super) fn next_version(&self) -> crate::Version {
        self.stored
            .as_ref()
            .map_or(self.entity.version, |stored| stored.version.next())
    }
}

#[derive(Debug)]
struct Changed {
    seen: Seen,
    /// Index of the first row that touched it.
    row: usize,
}

/// The state of the world between two rows of a slice.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    plan: &'a LoadPlan,
    known: &'a Resolution,
    changed: IndexMap<EntityId, Changed>,
    keys: HashMap<(KeyNumber, Encoded), Option<EntityId>>,
    about: HashSet<EntityId>,
    /// Symmetric links given by earlier slices, and by rows of this one, to entities before they came.
    owed: (&'a Owed, Owed),
}

impl<'a> Overlay<'a> {
    pub(super) fn new(plan: &'a LoadPlan, known: &'a Resolution, owed: &'a Owed) -> Self {
        Self {
            owed: (owed, Owed::new()),
            plan,
            known,
            changed: IndexMap::new(),
            keys: HashMap::new(),
            about: HashSet::new(),
        }
    }

    /// The entity, whatever its type.
    pub(super) fn entity(&self, id: EntityId) -> Option<Seen> {
        if let Some(changed) = self.changed.get(&id) {
            return Some(changed.seen.clone());
        }
        self.known.entities.get(&id).map(|resolved| Seen {
            entity: Arc::clone(&resolved.entity),
            stored: match &resolved.origin {
                Origin::Stored => Some(Arc::clone(&resolved.entity)),
                Origin::Staged(stored) => stored.clone(),
            },
        })
    }

    /// Whether an earlier row was about it.
    pub(super) fn is_repeated(&self, id: EntityId) -> bool {
        self.about.contains(&id)
            || self
                .known
                .entities
                .get(&id)
                .is_some_and(|resolved| resolved.seen)
    }

    /// Who holds a key of the plan's type by which rows find their entity.
    pub(super) fn found_by(&self, key: KeyNumber, value: &Encoded) -> Option<EntityId> {
        let named = (key, value.clone());
        match self.keys.get(&named) {
            Some(holder) => *holder,
            None => self.known.entity_keys.get(&named).copied(),
        }
    }

    /// Who holds a key that a row wants to claim.
    pub(super) fn holder(&self, key: KeyNumber, value: &Encoded) -> Option<EntityId> {
        if let Some(holder) = self.keys.get(&(key, value.clone())) {
            return *holder;
        }
        let reference = KeyRef {
            type_id: self.plan.entity_type.id,
            key,
            value: value.clone(),
        };
        self.known.keys.get(&reference).map(|target| target.id)
    }

    /// Finds a target of a link that the entity `own` holds.
    pub(super) fn find(
        &self,
        link: &Link,
        reference: &EntityRef,
        own: EntityId,
    ) -> Result<EntityId, NoTarget> {
        let found = match reference {
            EntityRef::Id(id) => self.target(*id).or_else(|| self.itself(*id, own)),
            EntityRef::Key(reference) => self.target_by_key(reference),
        };
        match found.filter(|found| found.readable) {
            Some(found) if link.to.allows(found.type_id) => Ok(found.id),
            Some(_) => Err(NoTarget::WrongType),
            None => Err(NoTarget::Missing),
        }
    }

    /// A link target by id.
    pub(super) fn target(&self, id: EntityId) -> Option<ResolvedTarget> {
        match self.changed.get(&id) {
            Some(changed) => Some(self.as_target(&changed.seen.entity)),
            None => self.known.targets.get(&id).copied(),
        }
    }

    /// An entity that is being made as the target of its own link.
    fn itself(&self, id: EntityId, own: EntityId) -> Option<ResolvedTarget> {
        (id == own).then_some(ResolvedTarget {
            id,
            type_id: self.plan.entity_type.id,
            readable: true,
        })
    }

    fn target_by_key(&self, reference: &KeyRef) -> Option<ResolvedTarget> {
        if reference.type_id == self.plan.entity_type.id
            && let Some(holder) = self.keys.get(&(reference.key, reference.value.clone()))
        {
            return holder.and_then(|id| self.target(id));
        }
        self.known.keys.get(reference).copied()
    }

    /// The symmetric links that an entity was given before it came.
    pub(super) fn owed(&self, id: EntityId) -> impl Iterator<Item = (LinkNumber, EntityId)> {
        let (earlier, own) = &self.owed;
        let of = |owed: &'_ Owed| owed.get(&id).cloned().unwrap_or_default();
        of(earlier).into_iter().chain(of(own))
    }

    /// Gives a symmetric link to an entity that has not come yet.
    pub(super) fn owe(&mut self, id: EntityId, link: LinkNumber, other: EntityId) {
        self.owed.1.entry(id).or_default().push((link, other));
    }

    fn as_target(&self, entity: &Entity) -> ResolvedTarget {
        ResolvedTarget {
            id: entity.id,
            type_id: entity.type_id,
            readable: self
                .plan
                .caller
                .scope()
                .admits(&entity.owners, &entity.readers),
        }
    }

    /// Takes the form that a row gives an entity.
    pub(super) fn put(&mut self, row: usize, entity: Entity, stored: Option<Arc<Entity>>) {
        let seen = Seen {
            entity: Arc::new(entity),
            stored,
        };
        match self.changed.get_mut(&seen.entity.id) {
            Some(changed) => changed.seen = seen,
            None => {
                self.changed.insert(seen.entity.id, Changed { seen, row });
            }
        }
    }

    /// Notes that an accepted row was about an entity.
    pub(super) fn remember(&mut self, id: EntityId) {
        self.about.insert(id);
    }

    /// What accepted rows of the slice were about, by id.
    pub(super) fn about(&self) -> Vec<EntityId> {
        let mut ids: Vec<EntityId> = self.about.iter().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Notes that a key is given up, or held by an entity from now on.
    pub(super) fn set_key(&mut self, key: KeyNumber, value: Encoded, holder: Option<EntityId>) {
        self.keys.insert((key, value), holder);
    }

    /// Everything changed, as operations, and for each the row that caused it; and the links owed to entities that have not come.
    pub(super) fn into_operations(self) -> ((Vec<Operation>, Vec<usize>), Owed) {
        let operations = self
            .changed
            .into_values()
            .map(|Changed { seen, row }| {
                let after = Arc::unwrap_or_clone(seen.entity);
                let operation = match seen.stored {
                    Some(before) => Operation::Update { before, after },
                    None => Operation::Create(after),
                };
                (operation, row)
            })
            .unzip();
        (operations, self.owed.1)
    }
}
