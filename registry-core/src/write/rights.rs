//! The owners and readers that a write makes.

use std::collections::BTreeSet;

use crate::{Caller, Principal, Problem, port::RowPatch, principal::Role, service::rights::meets};

use super::{Start, add_new, is_told};

/// Decides owners and readers; those that are left out stay. Callers other than admins give ownership to none but themselves, and never
/// give up their own; the readers are free.
pub(super) fn decide(
    caller: &Caller,
    start: Start<'_>,
    patch: &RowPatch,
    problems: &mut Vec<Problem>,
) -> (Vec<Principal>, Vec<Principal>) {
    let before = start.before();
    let readers = match &patch.readers {
        Some(given) => distinct(given),
        None => before.map(|one| one.readers.clone()).unwrap_or_default(),
    };
    let owners = match (&patch.owners, before) {
        (Some(given), _) => distinct(given),
        (None, Some(before)) => before.owners.clone(),
        (None, None) => caller.default_owners.clone(),
    };
    if owners.is_empty() {
        let none = Problem::at("/owners", "owners_empty", "there must be an owner");
        add_new(problems, vec![none]);
    }
    // Those of a new entity whose owners are left out are checked too: a caller is never made the owner of what it could not write.
    if caller.role != Role::Admin && (patch.owners.is_some() || before.is_none()) {
        let present = before.map_or(&[][..], |before| &before.owners);
        if !is_told(problems, "/owners") {
            problems.extend(not_own(caller, present, &owners));
        }
    }
    (owners, readers)
}

fn not_own(caller: &Caller, before: &[Principal], after: &[Principal]) -> Vec<Problem> {
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
            .with_value(one.as_str())
        })
        .collect();
    if !after.is_empty() && !meets(caller, after) {
        problems.push(Problem::at(
            "/owners",
            "forbidden",
            "one of the caller's own principals must remain",
        ));
    }
    problems
}

fn distinct(given: &[Principal]) -> Vec<Principal> {
    let mut seen = BTreeSet::new();
    let kept = given.iter().filter(|one| seen.insert(*one));
    kept.cloned().collect()
}
