//! What owners and readers a row may set.

use crate::{
    Caller, Entity, Principal, Problem, port::RowPatch, principal::Role, service::rights::meets,
};

/// Owners and readers after the row.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) owners: Vec<Principal>,
    pub(super) readers: Vec<Principal>,
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
            "owners_empty",
            "there must be an owner",
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
                Problem::at(place, "public_owner", "public may stand in readers only")
                    .with_value(owner.as_str()),
            );
        } else if caller.role != Role::Admin && !stays && !caller.principals.contains(owner) {
            problems.push(
                Problem::at(
                    place,
                    "forbidden",
                    "only an admin may name an owner other than the caller",
                )
                .with_value(owner.as_str()),
            );
        }
    }
    if caller.role != Role::Admin && !given.is_empty() && !meets(caller, given) {
        problems.push(Problem::at(
            "/owners",
            "forbidden",
            "one of the caller's own principals must remain",
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
