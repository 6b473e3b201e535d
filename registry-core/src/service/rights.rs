//! Who may read and write an entity.

use crate::{Caller, Entity, Error, Principal, principal::Role, problem::Refusal};

/// Whether the caller may read the entity: its principals, or `public`, meet the owners or the readers.
pub(crate) fn may_read(caller: &Caller, entity: &Entity) -> bool {
    caller.role == Role::Admin
        || entity
            .owners
            .iter()
            .chain(&entity.readers)
            .any(|one| one.is_public() || caller.principals.contains(one))
}

/// Whether the caller may write the entity: its role allows writing and its principals meet the owners.
pub(crate) fn may_write(caller: &Caller, entity: &Entity) -> bool {
    match caller.role {
        Role::Admin => true,
        Role::Writer => meets(caller, &entity.owners),
        Role::Reader => false,
    }
}

/// Whether one of these principals is the caller.
pub(crate) fn meets(caller: &Caller, owners: &[Principal]) -> bool {
    owners.iter().any(|one| caller.principals.contains(one))
}

/// Refuses callers that may write nothing at all.
pub(crate) fn require_writer(caller: &Caller) -> Result<(), Error> {
    if caller.role == Role::Reader {
        return Err(forbidden("the role reader may not write"));
    }
    Ok(())
}

/// The entity, if the caller may read it; absent and invisible ones are refused in the same words.
pub(crate) fn visible(caller: &Caller, entity: Option<Entity>) -> Result<Entity, Error> {
    entity
        .filter(|entity| may_read(caller, entity))
        .ok_or_else(|| Error::not_found("entity"))
}

/// Refuses when the caller may not write an entity that it may read.
pub(crate) fn require_write(caller: &Caller, entity: &Entity) -> Result<(), Error> {
    if may_write(caller, entity) {
        Ok(())
    } else {
        Err(forbidden("only an owner may write this entity"))
    }
}

/// Known, but not allowed.
pub(crate) fn forbidden(detail: impl Into<String>) -> Error {
    Error::refused(Refusal::Forbidden, "forbidden", detail)
}
