//! What one row does, given what is stored and what the rows before it did.

use std::{cell::RefCell, collections::HashSet};

use crate::{
    Encoded, Entity, EntityId, Problem, Version,
    entity_type::Link,
    port::{EntityRef, LoadMode, LoadRow},
    service::rights::may_write,
    write::{self, Made, Mirror, NoTarget, Start},
};

use super::{
    Resolution,
    later::{Late, Waiting},
    overlay::{Overlay, Seen},
    prepare::{Ground, Prepared, named, visible},
};

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Created,
    Updated,
    Unchanged,
    Failed(Vec<Problem>),
    /// It links to what a later row may make.
    Waits(Waiting),
}

/// The entity a row is about.
enum About {
    Existing(Seen),
    New(EntityId, Version),
}

/// What a row may rely on beside what is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    /// Entities that other rows make for certain, unless they fail.
    pub(super) ahead: &'a HashSet<EntityId>,
    /// What becomes of it when a target is not there.
    pub(super) late: Late<'a>,
}

/// Decides one row and lays what it does over what is known. A refused row leaves no trace: it is as if it were not in the file.
pub(super) fn decide(
    ground: &Ground,
    known: &Resolution,
    overlay: &mut Overlay<'_>,
    turn: Turn<'_>,
    index: usize,
    (row, prepared): (&LoadRow, &Prepared),
) -> Verdict {
    let about = match identify(ground, known, overlay, row) {
        Ok(about) => about,
        Err(problem) => {
            let mut problems = row.patch.faults.clone();
            problems.push(problem);
            return Verdict::Failed(problems);
        }
    };
    let (id, start) = match &about {
        About::Existing(seen) => (seen.entity.id, Start::Merge(seen.entity.as_ref())),
        About::New(id, _) => (*id, Start::New),
    };
    let missing = RefCell::new(Vec::new());
    let find =
        |link: &Link, reference: &EntityRef| match (overlay.find(link, reference, id), reference) {
            (Err(NoTarget::Missing), EntityRef::Id(target))
                if ground.may_make(link) && overlay.target(*target).is_none() =>
            {
                if turn.ahead.contains(target) {
                    return Ok(*target);
                }
                missing.borrow_mut().push(*target);
                Err(NoTarget::Missing)
            }
            (found, _) => found,
        };
    let data = prepared.data.clone();
    let made = write::decide(ground.context(), start, &row.patch, data, &find);
    let claims = claims(ground, overlay, id, prepared);
    let missing = missing.into_inner();
    let made = match made {
        Ok(made) => made,
        Err(mut problems) => {
            problems.extend(claims);
            if missing.is_empty() || !turn.late.waits(&missing) {
                turn.late.explain(&mut problems);
                return Verdict::Failed(problems);
            }
            return Verdict::Waits(Waiting {
                id: row.id,
                clean: problems.len() == missing.len(),
                missing: missing.into_boxed_slice(),
            });
        }
    };
    match apply(ground, overlay, index, about, made, claims) {
        Ok(Verdict::Unchanged) => {
            remember(overlay, row, id);
            Verdict::Unchanged
        }
        Ok(verdict) => {
            remember(overlay, row, id);
            for (key, value) in &prepared.given_up {
                overlay.set_key(*key, value.clone(), None);
            }
            for (key, value) in &prepared.claimed {
                overlay.set_key(*key, value.clone(), Some(id));
            }
            verdict
        }
        Err(problems) => Verdict::Failed(problems),
    }
}

/// Lays what a row makes over what is known, with the other ends of its symmetric links; nothing when one of those cannot change, or there are
/// problems already.
fn apply(
    ground: &Ground,
    overlay: &mut Overlay<'_>,
    index: usize,
    about: About,
    mut made: Made,
    mut problems: Vec<Problem>,
) -> Result<Verdict, Vec<Problem>> {
    let context = ground.context();
    let (id, held) = match &about {
        About::Existing(seen) => (seen.entity.id, Some(&seen.entity.links)),
        About::New(id, _) => (*id, None),
    };
    for (number, other) in overlay.owed(id) {
        if let Some(link) = context.entity_type.link(number) {
            let full = write::add(&mut made.links, link, other).err();
            problems.extend(full.map(|problem| problem.with_value(other.to_string())));
        }
    }
    let mirror = Mirror::of(context.entity_type, id, held, &made.links);
    let mut partners = Vec::new();
    for partner in mirror.partners() {
        let Some(seen) = overlay.entity(partner) else {
            continue;
        };
        match mirror.decide(context, &seen.entity) {
            Ok(links) => partners.push((seen, links)),
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let verdict = match about {
        About::New(id, version) => {
            overlay.put(index, context.create(id, version, made), None);
            Verdict::Created
        }
        About::Existing(seen) => {
            let Some(after) = context.change(&seen.entity, made) else {
                return Ok(Verdict::Unchanged);
            };
            put(overlay, index, seen, after);
            Verdict::Updated
        }
    };
    for (link, target) in mirror.added() {
        if overlay.entity(*target).is_none() {
            overlay.owe(*target, *link, id);
        }
    }
    for (seen, links) in partners {
        if let Some(after) = context.relink(&seen.entity, links) {
            put(overlay, index, seen, after);
        }
    }
    Ok(verdict)
}

/// Lays the next form of an entity over what is known: a load is one version of it, however many rows touch it.
fn put(overlay: &mut Overlay<'_>, index: usize, seen: Seen, after: Entity) {
    let version = seen.next_version();
    overlay.put(index, Entity { version, ..after }, seen.stored);
}

/// Notes whom the row was about, unless no later row can name it: its id was made for it, and rows are not found by a key.
fn remember(overlay: &mut Overlay<'_>, row: &LoadRow, id: EntityId) {
    if row.id.is_some() || row.key.is_some() {
        overlay.remember(id);
    }
}

/// Finds the entity that a row is about, by the rules of the mode.
fn identify(
    ground: &Ground,
    known: &Resolution,
    overlay: &Overlay<'_>,
    row: &LoadRow,
) -> Result<About, Problem> {
    let plan = &ground.plan;
    let found = match (plan.key, &row.key) {
        (Some(key), Some(value)) => overlay.found_by(key, value),
        (Some(key), None) if plan.mode != LoadMode::Create => {
            return Err(Problem::at(
                ground.key_pointer(key),
                "required",
                "the row has no value for the key that finds its entity",
            ));
        }
        (Some(_), None) => None,
        (None, _) => row.id.filter(|id| overlay.entity(*id).is_some()),
    };
    if let Some(id) = found {
        if overlay.is_repeated(id) {
            return Err(Problem::whole(
                "duplicate_row",
                "an earlier row of the file is about the same entity",
            ));
        }
        if plan.key.is_some() && row.id.is_some_and(|given| given != id) {
            return Err(Problem::at(
                "/_id",
                "id_mismatch",
                "the key belongs to an entity with another id",
            )
            .with_value(named(row.id)));
        }
    }
    let readable = found
        .and_then(|id| overlay.entity(id))
        .filter(|seen| visible(ground, &seen.entity));
    match (plan.mode, readable) {
        (LoadMode::Update | LoadMode::Upsert, Some(seen)) => {
            if may_write(&plan.caller, &seen.entity) {
                Ok(About::Existing(seen))
            } else {
                Err(Problem::whole(
                    "forbidden",
                    "only an owner may write this entity",
                ))
            }
        }
        (LoadMode::Update, None) => Err(absent(ground, row)),
        (LoadMode::Create | LoadMode::Upsert, _) => fresh(ground, known, overlay, row, found),
    }
}

/// A new entity, unless its id or the key that finds it is taken.
fn fresh(
    ground: &Ground,
    known: &Resolution,
    overlay: &Overlay<'_>,
    row: &LoadRow,
    found: Option<EntityId>,
) -> Result<About, Problem> {
    if let (Some(key), Some(_)) = (ground.plan.key, found) {
        return Err(taken(ground, key, row.key.as_ref()));
    }
    let Some(id) = row.id else {
        return Ok(About::New(EntityId(ground.plan.ids.next()), Version::FIRST));
    };
    if overlay.entity(id).is_some() {
        return Err(if overlay.is_repeated(id) {
            Problem::whole(
                "duplicate_row",
                "an earlier row of the file is about the same entity",
            )
        } else {
            Problem::at("/_id", "entity_exists", "an entity with this id exists")
                .with_value(id.to_string())
        });
    }
    let version = known
        .last_versions
        .get(&id)
        .map_or(Version::FIRST, |last| last.next());
    Ok(About::New(id, version))
}

fn absent(ground: &Ground, row: &LoadRow) -> Problem {
    match (ground.plan.key, row.id) {
        (Some(key), _) => {
            let problem = Problem::at(
                ground.key_pointer(key),
                "not_found",
                "no entity has this key",
            );
            match shown(ground, key, row.key.as_ref()) {
                Some(text) => problem.with_value(text),
                None => problem,
            }
        }
        (None, Some(id)) => {
            Problem::at("/_id", "not_found", "no entity has this id").with_value(id.to_string())
        }
        (None, None) => Problem::at("/_id", "required", "an update needs the id of its entity"),
    }
}

fn taken(ground: &Ground, key: crate::KeyNumber, value: Option<&Encoded>) -> Problem {
    let name = ground
        .keys
        .iter()
        .find(|one| one.number == key)
        .map_or("", |one| one.name.as_str());
    let problem = write::key_taken(ground.key_pointer(key), name);
    match shown(ground, key, value) {
        Some(text) => problem.with_value(text),
        None => problem,
    }
}

/// The value of a key of one field, as people write it.
fn shown(ground: &Ground, key: crate::KeyNumber, value: Option<&Encoded>) -> Option<String> {
    let key = ground.keys.iter().find(|one| one.number == key)?;
    let [field] = key.fields.as_slice() else {
        return None;
    };
    let field = ground.entity_type().field(*field)?;
    value.map(|value| field.kind.cell(value))
}

/// Keys that the row claims and cannot have.
fn claims(
    ground: &Ground,
    overlay: &Overlay<'_>,
    id: EntityId,
    prepared: &Prepared,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in &prepared.claimed {
        if overlay
            .holder(*key, value)
            .is_some_and(|holder| holder != id)
        {
            problems.push(taken(ground, *key, Some(value)));
        }
    }
    problems
}
