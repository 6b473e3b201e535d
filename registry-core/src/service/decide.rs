//! What a write makes of an entity: pure decisions over the type, the entity as it is, the caller and the document.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    Caller, Entity, EntityId, EntityType, Error, LinkNumber, Links, Principal, Timestamp, Version,
    principal::Role,
    problem::{Problem, Refusal, pointer_token},
};

use super::{
    document::{self, Document, Faults},
    fields,
    rights::{meets, require_write},
};

/// Who writes, when, under which type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) caller: &'a Caller,
    pub(super) entity_type: &'a EntityType,
    pub(super) at: Timestamp,
}

/// How a document changes an entity that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Fields and links are what the document says, and nothing else.
    Replace,
    /// What the document does not name stays.
    Merge,
}

/// The entity that a document makes.
pub(super) fn create(
    context: Context<'_>,
    id: EntityId,
    version: Version,
    body: &Map<String, Value>,
) -> Result<Entity, Error> {
    let Context {
        caller,
        entity_type,
        at,
    } = context;
    let mut faults = Faults::default();
    let document = document::read(entity_type, body, &mut faults);
    let data = fields::new(entity_type, document.fields, &mut faults);
    let links = with_links(Links::new(), &document.links);
    require_links(entity_type, &links, &document.links, &mut faults);
    if document.owners.is_none() && !body.contains_key("owners") && caller.default_owners.is_empty()
    {
        faults.invalid.push(Problem::at(
            "/owners",
            "owners_empty",
            "there must be an owner",
        ));
    }
    faults.check()?;
    let owners = document
        .owners
        .unwrap_or_else(|| caller.default_owners.clone());
    require_own(caller, &[], &owners)?;
    Ok(Entity {
        id,
        type_id: entity_type.id,
        version,
        type_version: entity_type.version,
        data,
        links,
        owners,
        readers: document.readers.unwrap_or_default(),
        created_at: at,
        created_by: caller.actor.clone(),
        updated_at: at,
        updated_by: caller.actor.clone(),
    })
}

/// The entity as a document leaves it, one version on; `None` when nothing differs.
pub(super) fn change(
    context: Context<'_>,
    before: &Entity,
    change: Change,
    body: &Map<String, Value>,
) -> Result<Option<Entity>, Error> {
    let Context {
        caller,
        entity_type,
        ..
    } = context;
    require_write(caller, before)?;
    let mut faults = Faults::default();
    let Document {
        fields,
        links: named,
        owners,
        readers,
    } = document::read(entity_type, body, &mut faults);
    let (data, kept) = match change {
        Change::Merge => (
            fields::merged(entity_type, &before.data, fields, &mut faults),
            before.links.clone(),
        ),
        Change::Replace => (
            fields::replaced(entity_type, &before.data, fields, &mut faults),
            removed_links(entity_type, &before.links),
        ),
    };
    let links = with_links(kept, &named);
    require_links(entity_type, &links, &named, &mut faults);
    faults.check()?;
    if let Some(owners) = &owners {
        require_own(caller, &before.owners, owners)?;
    }
    let after = Entity {
        data,
        links,
        owners: owners.unwrap_or_else(|| before.owners.clone()),
        readers: readers.unwrap_or_else(|| before.readers.clone()),
        ..before.clone()
    };
    Ok(next_version(context, before, after))
}

/// An entity with these outgoing links, one version on; `None` when nothing differs. Whether the caller may write it is decided before.
pub(super) fn relink(context: Context<'_>, before: &Entity, links: Links) -> Option<Entity> {
    let after = Entity {
        links,
        ..before.clone()
    };
    next_version(context, before, after)
}

fn next_version(context: Context<'_>, before: &Entity, after: Entity) -> Option<Entity> {
    if after == *before {
        return None;
    }
    Some(Entity {
        version: before.version.next(),
        type_version: context.entity_type.version,
        updated_at: context.at,
        updated_by: context.caller.actor.clone(),
        ..after
    })
}

/// Targets of links that the type has no more: they stay, hidden.
fn removed_links(entity_type: &EntityType, links: &Links) -> Links {
    links
        .iter()
        .filter(|(number, _)| entity_type.link(**number).is_none_or(|link| link.removed))
        .map(|(number, targets)| (*number, targets.clone()))
        .collect()
}

fn with_links(mut links: Links, named: &BTreeMap<LinkNumber, Vec<EntityId>>) -> Links {
    for (number, targets) in named {
        if targets.is_empty() {
            links.remove(number);
        } else {
            links.insert(*number, targets.clone());
        }
    }
    links
}

/// Every required link has a target. A link that was named but could not be read has its own problem already.
fn require_links(
    entity_type: &EntityType,
    links: &Links,
    named: &BTreeMap<LinkNumber, Vec<EntityId>>,
    faults: &mut Faults,
) {
    for link in entity_type.live_links().filter(|link| link.required) {
        let pointer = format!("/links/{}", pointer_token(&link.name));
        let unread = !named.contains_key(&link.number) && faults.has_below(&pointer);
        if !links.contains_key(&link.number) && !unread {
            faults.invalid.push(Problem::at(
                pointer,
                "required_link",
                "a target is required",
            ));
        }
    }
}

/// Callers other than admins give ownership to none but themselves, and never give up their own.
fn require_own(caller: &Caller, before: &[Principal], after: &[Principal]) -> Result<(), Error> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    let mut problems: Vec<Problem> = after
        .iter()
        .enumerate()
        .filter(|(_, one)| !before.contains(one) && !caller.principals.contains(*one))
        .map(|(index, one)| {
            Problem::at(
                format!("/owners/{index}"),
                "forbidden",
                "only an admin may name an owner other than the caller",
            )
            .with_value(one.to_string())
        })
        .collect();
    if !meets(caller, after) {
        problems.push(Problem::at(
            "/owners",
            "forbidden",
            "one of the caller's own principals must remain",
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::problems(Refusal::Forbidden, "forbidden", problems))
    }
}
