//! The outgoing links that a write makes: targets found, counted, required.

use std::collections::BTreeSet;

use crate::{
    EntityId, EntityType, LinkNumber, Links, Problem,
    entity_type::{Cardinality, Link},
    limits::LINK_TARGETS,
    port::{EntityRef, RowLink},
    problem::pointer_token,
};

use super::{Start, add_new};

/// Why a target cannot be linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTarget {
    /// It is absent or invisible: the same words for both.
    Missing,
    /// The link does not lead to entities of its type.
    WrongType,
}

/// Finds a target of a link.
pub(crate) type Find<'a> = &'a dyn Fn(&Link, &EntityRef) -> Result<EntityId, NoTarget>;

/// The links after a write. Targets of links that the type has no more stay, hidden.
pub(super) fn decide(
    entity_type: &EntityType,
    start: Start<'_>,
    given: &[RowLink],
    find: Find<'_>,
    problems: &mut Vec<Problem>,
) -> Links {
    let none = Links::new();
    let before = start.before().map_or(&none, |before| &before.links);
    let mut after = before.clone();
    if let Start::Replace(_) = start {
        after.retain(|number, _| entity_type.link(*number).is_none_or(|link| link.removed));
    }
    for given in given {
        let Some(link) = entity_type.link(given.link) else {
            continue;
        };
        let targets = targets(link, before, given, find, problems);
        if targets.is_empty() {
            after.remove(&link.number);
        } else {
            after.insert(link.number, targets.into_iter().collect());
        }
    }
    let bare = entity_type
        .live_links()
        .filter(|link| link.required && !after.contains_key(&link.number));
    add_new(problems, bare.map(|link| required(pointer(link))).collect());
    after
}

/// Finds the targets that a link is given. One that stays is nobody's question: who may write the holder need not be able to read it.
pub(crate) fn targets(
    link: &Link,
    before: &Links,
    given: &RowLink,
    find: Find<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<EntityId> {
    let present = before.get(&link.number);
    let mut found = BTreeSet::new();
    for (index, target) in given.targets.iter().enumerate() {
        let stays = match &target.reference {
            EntityRef::Id(id) => present.filter(|ids| ids.contains(id)).map(|_| *id),
            EntityRef::Key(_) => None,
        };
        match stays.map_or_else(|| find(link, &target.reference), Ok) {
            Ok(id) => {
                found.insert(id);
            }
            Err(fault) => {
                let place = match link.cardinality {
                    Cardinality::One => pointer(link),
                    Cardinality::Many => format!("{}/{index}", pointer(link)),
                };
                let problem = match fault {
                    NoTarget::Missing => missing(place),
                    NoTarget::WrongType => wrong_type(place),
                };
                problems.push(problem.with_value(target.shown.clone()));
            }
        }
    }
    match link.cardinality {
        Cardinality::One if found.len() > 1 => problems.push(Problem::at(
            pointer(link),
            "link_cardinality",
            "the link leads to one entity",
        )),
        Cardinality::Many if found.len() > LINK_TARGETS => {
            problems.push(too_many(pointer(link), found.len()));
        }
        Cardinality::One | Cardinality::Many => {}
    }
    found
}

/// Takes one target off a link.
pub(crate) fn remove(links: &mut Links, number: LinkNumber, target: EntityId) {
    if let Some(targets) = links.get_mut(&number) {
        targets.retain(|one| *one != target);
        if targets.is_empty() {
            links.remove(&number);
        }
    }
}

/// Where a document has a link.
pub(crate) fn pointer(link: &Link) -> String {
    format!("/links/{}", pointer_token(&link.name))
}

/// A link target is absent or invisible.
pub(crate) fn missing(pointer: String) -> Problem {
    Problem::at(pointer, "link_target_not_found", "no such link target")
}

/// A link does not lead to entities of the target's type.
pub(crate) fn wrong_type(pointer: String) -> Problem {
    let message = "the link does not lead to entities of this type";
    Problem::at(pointer, "link_target_type", message)
}

/// A required link has no target.
pub(crate) fn required(pointer: String) -> Problem {
    Problem::at(pointer, "required_link", "a target is required")
}

/// The other end has another target already.
pub(crate) fn cardinality(pointer: String) -> Problem {
    let message = "the other end is linked to another entity already";
    Problem::at(pointer, "link_cardinality", message)
}

/// More targets than one outgoing link may have.
pub(crate) fn too_many(pointer: String, count: usize) -> Problem {
    let message = format!(
        "{count} targets; a link has at most {LINK_TARGETS}. Declare it at the other end for more"
    );
    Problem::at(pointer, "too_many_links", message)
}
