//! Who may write, and what owners and readers a row may set.

use crate::{Caller, Entity, Principal, Problem, port::RowPatch, principal::Role};

/// Owners and readers after the row.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) owners: Vec<Principal>,
    pub(super) readers: Vec<Principal>,
}

/// Whether the caller's principals meet the owners.
pub(super) fn may_write(caller: &Caller, entity: &Entity) -> bool {
    caller.role == Role::Admin
        || entity
            .owners
            .iter()
            .any(|owner| caller.principals.contains(owner))
}

/// Decides owners and readers: into the owners only the caller's own principals may be put, one of its own must stay; the readers are free.
pub(super) fn decide(
    caller: &Caller,
    before: Option<&Entity>,
    patch: &RowPatch,
    problems: &mut Vec<Problem>,
) -> Rights {
    let readers = match (&patch.readers, before) {
        (Some(given), _) => distinct(given),
        (None, Some(before)) => before.readers.clone(),
        (None, None) => Vec::new(),
    };
    let owners = match (&patch.owners, before) {
        (Some(given), _) => {
            check_owners(caller, before, given, problems);
            distinct(given)
        }
        (None, Some(before)) => before.owners.clone(),
        (None, None) => caller.default_owners.clone(),
    };
    if owners.is_empty() {
        problems.push(Problem::at(
            "/owners",
            "required",
            "an entity has at least one owner",
        ));
    }
    Rights { owners, readers }
}

fn check_owners(
    caller: &Caller,
    before: Option<&Entity>,
    given: &[Principal],
    problems: &mut Vec<Problem>,
) {
    for (index, owner) in given.iter().enumerate() {
        let place = format!("/owners/{index}");
        let stays = before.is_some_and(|before| before.owners.contains(owner));
        if owner.is_public() {
            problems.push(
                Problem::at(place, "invalid_principal", "`public` is a reader only")
                    .with_value(owner.as_str()),
            );
        } else if caller.role != Role::Admin && !stays && !caller.principals.contains(owner) {
            problems.push(
                Problem::at(place, "forbidden", "only own principals may be made owners")
                    .with_value(owner.as_str()),
            );
        }
    }
    if caller.role != Role::Admin
        && !given.is_empty()
        && !given.iter().any(|owner| caller.principals.contains(owner))
    {
        problems.push(Problem::at(
            "/owners",
            "forbidden",
            "one of the own principals must stay an owner",
        ));
    }
}

fn distinct(given: &[Principal]) -> Vec<Principal> {
    let mut kept: Vec<Principal> = Vec::with_capacity(given.len());
    for principal in given {
        if !kept.contains(principal) {
            kept.push(principal.clone());
        }
    }
    kept
}
