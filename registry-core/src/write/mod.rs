//! One entity's write, decided in pure code: what a document or a row makes of an entity, with everything that is wrong with it at once.
//!
//! The services and the load read what is stored, each in its own way, and share every rule: what is refused is refused with the same
//! codes, places and words, however it came in.

mod document;
mod links;
mod mirror;
mod rights;

use crate::{
    Caller, Data, Entity, EntityId, EntityType, Links, Principal, Problem, Timestamp, Version,
    entity_type::fields, port::RowPatch, problem::Place,
};

pub(crate) use self::{
    document::{id, id_alone, principals, read},
    links::{
        Find, NoTarget, cardinality, missing, pointer, remove, required, targets, too_many,
        wrong_type,
    },
    mirror::{Mirror, add},
};

/// Who writes, when, under which type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) entity_type: &'a EntityType,
    pub(crate) at: Timestamp,
}

/// What a write starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// Nothing: what is not named gets its default.
    New,
    /// Fields and links become what is named, and nothing else.
    Replace(&'a Entity),
    /// What is not named stays.
    Merge(&'a Entity),
}

impl<'a> Start<'a> {
    fn before(self) -> Option<&'a Entity> {
        match self {
            Self::New => None,
            Self::Replace(before) | Self::Merge(before) => Some(before),
        }
    }
}

/// What a write makes of an entity.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) data: Data,
    pub(crate) links: Links,
    pub(crate) owners: Vec<Principal>,
    pub(crate) readers: Vec<Principal>,
}

/// The data that a write makes. Values of removed fields stay.
pub(crate) fn data(
    entity_type: &EntityType,
    start: Start<'_>,
    patch: &RowPatch,
) -> Result<Data, Vec<Problem>> {
    let base = match start {
        Start::New => fields::defaults(entity_type, |number| {
            !patch.fields.contains_key(&number) && !patch.blank.contains(&number)
        }),
        Start::Replace(before) => fields::removed(entity_type, &before.data),
        Start::Merge(before) => before.data.clone(),
    };
    let faults = patch.faults.iter().filter(|one| is_below("/fields", one));
    let mut problems: Vec<Problem> = faults.cloned().collect();
    match fields::apply_patch(entity_type, base, &patch.fields) {
        Ok(data) if problems.is_empty() => return Ok(data),
        Ok(_) => {}
        Err(more) => add_new(&mut problems, more),
    }
    problems.sort_by_cached_key(|problem| place_in(entity_type, problem));
    Err(problems)
}

/// Where the field of a problem stands in the type; what the type does not have comes last.
fn place_in(entity_type: &EntityType, problem: &Problem) -> usize {
    let Place::Pointer(at) = &problem.place else {
        return usize::MAX;
    };
    let name = at.split('/').nth(2).unwrap_or_default();
    let place = entity_type.live_fields().position(|one| one.name == name);
    place.unwrap_or(usize::MAX)
}

/// What a write makes of an entity, given the data that it makes. Whether the caller may write the entity is decided before.
pub(crate) fn decide(
    context: Context<'_>,
    start: Start<'_>,
    patch: &RowPatch,
    data: Result<Data, Vec<Problem>>,
    find: Find<'_>,
) -> Result<Made, Vec<Problem>> {
    let (data, mut problems) = match data {
        Ok(data) => (data, Vec::new()),
        Err(problems) => (Data::new(), problems),
    };
    let faults = patch.faults.iter().filter(|one| !is_below("/fields", one));
    problems.extend(faults.cloned());
    let links = links::decide(
        context.entity_type,
        start,
        &patch.links,
        find,
        &mut problems,
    );
    let (owners, readers) = rights::decide(context.caller, start, patch, &mut problems);
    if problems.is_empty() {
        Ok(Made {
            data,
            links,
            owners,
            readers,
        })
    } else {
        Err(problems)
    }
}

impl Context<'_> {
    /// A new entity.
    pub(crate) fn create(self, id: EntityId, version: Version, made: Made) -> Entity {
        Entity {
            id,
            type_id: self.entity_type.id,
            version,
            type_version: self.entity_type.version,
            data: made.data,
            links: made.links,
            owners: made.owners,
            readers: made.readers,
            created_at: self.at,
            created_by: self.caller.actor.clone(),
            updated_at: self.at,
            updated_by: self.caller.actor.clone(),
        }
    }

    /// The entity one version on; `None` when nothing differs.
    pub(crate) fn change(self, before: &Entity, made: Made) -> Option<Entity> {
        if before.data == made.data
            && before.links == made.links
            && before.owners == made.owners
            && before.readers == made.readers
        {
            return None;
        }
        Some(Entity {
            created_at: before.created_at,
            created_by: before.created_by.clone(),
            ..self.create(before.id, before.version.next(), made)
        })
    }

    /// The entity with these outgoing links, one version on; `None` when nothing differs.
    pub(crate) fn relink(self, before: &Entity, links: Links) -> Option<Entity> {
        let made = Made {
            data: before.data.clone(),
            links,
            owners: before.owners.clone(),
            readers: before.readers.clone(),
        };
        self.change(before, made)
    }
}

/// Another entity holds a key.
pub(crate) fn key_taken(pointer: String, key: &str) -> Problem {
    let message = format!("another entity has this value of the key {key}");
    Problem::at(pointer, "key_taken", message)
}

/// Adds problems, but none about a place where something is wrong already.
fn add_new(problems: &mut Vec<Problem>, more: Vec<Problem>) {
    for problem in more {
        let told = match &problem.place {
            Place::Pointer(at) => is_told(problems, at),
            _ => false,
        };
        if !told {
            problems.push(problem);
        }
    }
}

/// Whether something is wrong already at a pointer or below it.
fn is_told(problems: &[Problem], pointer: &str) -> bool {
    problems.iter().any(|one| is_below(pointer, one))
}

/// Whether a problem is at a pointer or below it.
fn is_below(pointer: &str, problem: &Problem) -> bool {
    let Place::Pointer(at) = &problem.place else {
        return false;
    };
    at.strip_prefix(pointer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
