//! What one row does, given what is stored and what the rows before it did.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Encoded, Entity, EntityId, Links, Problem, Version,
    port::{LoadMode, LoadRow},
    service::rights::may_write,
};

use super::{
    Resolution, links,
    overlay::{Overlay, Seen},
    prepare::{Ground, Prepared, named, visible},
    rights,
};

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Created,
    Updated,
    Unchanged,
    Failed(Vec<Problem>),
}

/// The entity a row is about.
enum About {
    Existing(Seen),
    New(EntityId, Version),
}

/// Decides one row and lays what it does over what is known. A refused row leaves no trace: it is as if it were not in the file.
pub(super) fn decide(
    ground: &Ground,
    known: &Resolution,
    overlay: &mut Overlay<'_>,
    index: usize,
    row: &LoadRow,
    prepared: &Prepared,
) -> Verdict {
    let about = match identify(ground, known, overlay, row) {
        Ok(about) => about,
        Err(problem) => return Verdict::Failed(vec![problem]),
    };
    let before = match &about {
        About::Existing(seen) => Some(seen.entity.as_ref()),
        About::New(..) => None,
    };
    let id = match &about {
        About::Existing(seen) => seen.entity.id,
        About::New(id, _) => *id,
    };

    let mut problems = Vec::new();
    let data = match &prepared.data {
        Ok(data) => Some(data.clone()),
        Err(wrong) => {
            problems.extend(wrong.iter().cloned());
            None
        }
    };
    let links = links::decide(ground, overlay, id, before, row, &mut problems);
    let rights = rights::decide(&ground.plan.caller, before, &row.patch, &mut problems);
    problems.extend(claims(ground, overlay, id, prepared));
    let (Some(data), true) = (data, problems.is_empty()) else {
        return Verdict::Failed(problems);
    };

    let plan = &ground.plan;
    let verdict = match about {
        About::New(id, version) => {
            let entity = Entity {
                id,
                type_id: plan.entity_type.id,
                version,
                type_version: plan.entity_type.version,
                data,
                links: links.after,
                owners: rights.owners,
                readers: rights.readers,
                created_at: plan.at,
                created_by: plan.caller.actor.clone(),
                updated_at: plan.at,
                updated_by: plan.caller.actor.clone(),
            };
            overlay.put(index, entity, None);
            Verdict::Created
        }
        About::Existing(seen) => {
            let before = &seen.entity;
            if before.data == data
                && before.links == links.after
                && before.owners == rights.owners
                && before.readers == rights.readers
            {
                remember(overlay, row, id);
                return Verdict::Unchanged;
            }
            let entity = Entity {
                version: seen.next_version(),
                type_version: plan.entity_type.version,
                data,
                links: links.after,
                owners: rights.owners,
                readers: rights.readers,
                updated_at: plan.at,
                updated_by: plan.caller.actor.clone(),
                ..before.as_ref().clone()
            };
            overlay.put(index, entity, seen.stored);
            Verdict::Updated
        }
    };
    remember(overlay, row, id);
    for (key, value) in &prepared.given_up {
        overlay.set_key(*key, value.clone(), None);
    }
    for (key, value) in &prepared.claimed {
        overlay.set_key(*key, value.clone(), Some(id));
    }
    for partner in links.partners {
        touch(ground, overlay, index, id, &partner);
    }
    verdict
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
    let problem = Problem::at(
        ground.key_pointer(key),
        "key_taken",
        format!("another entity has this value of the key `{name}`"),
    );
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

/// Writes the other end of a symmetric link.
fn touch(
    ground: &Ground,
    overlay: &mut Overlay<'_>,
    row: usize,
    id: EntityId,
    partner: &links::Partner,
) {
    let Some(seen) = overlay.entity(partner.id) else {
        return;
    };
    let mut targets: BTreeSet<EntityId> = seen
        .entity
        .links
        .get(&partner.link)
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let differs = match partner.end {
        links::End::Linked => targets.insert(id),
        links::End::Unlinked => targets.remove(&id),
    };
    if !differs {
        return;
    }
    let version = seen.next_version();
    let mut entity = Arc::unwrap_or_clone(seen.entity);
    set(&mut entity.links, partner.link, targets);
    entity.version = version;
    entity.type_version = ground.plan.entity_type.version;
    entity.updated_at = ground.plan.at;
    entity.updated_by = ground.plan.caller.actor.clone();
    overlay.put(row, entity, seen.stored);
}

/// Sets the targets of a link; without any it has no entry.
pub(super) fn set(links: &mut Links, link: crate::LinkNumber, targets: BTreeSet<EntityId>) {
    if targets.is_empty() {
        links.remove(&link);
    } else {
        links.insert(link, targets.into_iter().collect());
    }
}
