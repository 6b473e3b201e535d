//! The links of one row: targets found, counted and checked.

use std::collections::BTreeSet;

use crate::{
    Entity, EntityId, LinkNumber, Links, Problem,
    entity_type::{Cardinality, Link},
    limits::LINK_TARGETS,
    port::{EntityRef, LoadRow, RowLink, RowTarget},
    problem::pointer_token,
    service::rights::may_write,
};

use super::{decide::set, overlay::Overlay, prepare::Ground};

/// What a row is told whose link target is absent or invisible.
pub(crate) const NO_TARGET: &str = "no such entity is stored or created by an earlier row";

/// What the row makes of its entity's links.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) after: Links,
    /// The other ends of symmetric links that change with it.
    pub(super) partners: Vec<Partner>,
}

/// The other end of a symmetric link.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) id: EntityId,
    pub(super) link: LinkNumber,
    pub(super) end: End,
}

/// What happens at the other end.
#[derive(Debug)]
pub(super) enum End {
    Linked,
    Unlinked,
}

/// Decides the links of a row; what is wrong goes to `problems`.
pub(super) fn decide(
    ground: &Ground,
    overlay: &Overlay<'_>,
    id: EntityId,
    before: Option<&Entity>,
    row: &LoadRow,
    problems: &mut Vec<Problem>,
) -> Decided {
    let mut after = before
        .map(|before| before.links.clone())
        .unwrap_or_default();
    let mut partners = Vec::new();
    for given in &row.patch.links {
        let Some(link) = ground.entity_type().link(given.link) else {
            continue;
        };
        let old: BTreeSet<EntityId> = after
            .get(&link.number)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let new = targets(overlay, id, &old, link, given, problems);
        if link.symmetric() {
            for gained in new.difference(&old).filter(|other| **other != id) {
                problems.extend(full(overlay, *gained, id, link));
                partners.push(Partner {
                    id: *gained,
                    link: link.number,
                    end: End::Linked,
                });
            }
            for lost in old.difference(&new).filter(|other| **other != id) {
                problems.extend(locked(overlay, *lost, link));
                partners.push(Partner {
                    id: *lost,
                    link: link.number,
                    end: End::Unlinked,
                });
            }
        }
        set(&mut after, link.number, new);
    }
    for link in ground
        .entity_type()
        .live_links()
        .filter(|link| link.required)
    {
        let given = row
            .patch
            .links
            .iter()
            .find(|given| given.link == link.number);
        // A target that was named and not found is told already.
        let named = given.is_some_and(|given| !given.targets.is_empty());
        let looked_at = before.is_none() || given.is_some();
        if looked_at && !named && !after.contains_key(&link.number) {
            problems.push(Problem::at(
                pointer(link),
                "required_link",
                "a target is required",
            ));
        }
    }
    Decided { after, partners }
}

fn pointer(link: &Link) -> String {
    format!("/links/{}", pointer_token(&link.name))
}

/// Finds the targets of one link.
fn targets(
    overlay: &Overlay<'_>,
    id: EntityId,
    old: &BTreeSet<EntityId>,
    link: &Link,
    given: &RowLink,
    problems: &mut Vec<Problem>,
) -> BTreeSet<EntityId> {
    let mut found = BTreeSet::new();
    for (index, target) in given.targets.iter().enumerate() {
        match resolve(overlay, id, old, link, target) {
            Ok(target) => {
                found.insert(target);
            }
            Err((code, message)) => {
                let place = match link.cardinality {
                    Cardinality::One => pointer(link),
                    Cardinality::Many => format!("{}/{index}", pointer(link)),
                };
                problems.push(Problem::at(place, code, message).with_value(target.shown.clone()));
            }
        }
    }
    match link.cardinality {
        Cardinality::One if given.targets.len() > 1 => problems.push(Problem::at(
            pointer(link),
            "link_cardinality",
            format!("`{}` leads to one entity", link.name),
        )),
        Cardinality::Many if found.len() > LINK_TARGETS => problems.push(Problem::at(
            pointer(link),
            "too_many_links",
            format!("an outgoing link has at most {LINK_TARGETS} targets"),
        )),
        Cardinality::One | Cardinality::Many => {}
    }
    found
}

fn resolve(
    overlay: &Overlay<'_>,
    own: EntityId,
    old: &BTreeSet<EntityId>,
    link: &Link,
    target: &RowTarget,
) -> Result<EntityId, (&'static str, String)> {
    let found = match &target.reference {
        // A target that stays is nobody's question: who may write the holder need not be able to read it.
        EntityRef::Id(id) if old.contains(id) => return Ok(*id),
        EntityRef::Id(id) => overlay.target(*id).or_else(|| overlay.itself(*id, own)),
        EntityRef::Key(reference) => overlay.target_by_key(reference),
    };
    match found {
        Some(found) if found.readable && link.to.allows(found.type_id) => Ok(found.id),
        Some(found) if found.readable => Err((
            "link_target_type",
            format!("`{}` does not lead to entities of this type", link.name),
        )),
        Some(_) | None => Err(("link_target_not_found", NO_TARGET.to_owned())),
    }
}

/// Whether the other end of a symmetric link, which changes too, may not be written.
fn locked(overlay: &Overlay<'_>, partner: EntityId, link: &Link) -> Option<Problem> {
    let seen = overlay.entity(partner)?;
    let message = "only an owner may write the entity at the other end";
    (!may_write(overlay.caller(), &seen.entity))
        .then(|| Problem::at(pointer(link), "forbidden", message).with_value(partner.to_string()))
}

/// Whether the other end of a symmetric link has no room.
fn full(overlay: &Overlay<'_>, partner: EntityId, id: EntityId, link: &Link) -> Option<Problem> {
    let seen = overlay.entity(partner)?;
    if let Some(problem) = locked(overlay, partner, link) {
        return Some(problem);
    }
    let others = seen
        .entity
        .links
        .get(&link.number)
        .into_iter()
        .flatten()
        .filter(|target| **target != id)
        .count();
    let (code, message) = match link.cardinality {
        Cardinality::One if others > 0 => (
            "link_cardinality",
            "the other end is linked to another entity".to_owned(),
        ),
        Cardinality::Many if others >= LINK_TARGETS => (
            "too_many_links",
            format!("the other end has {LINK_TARGETS} targets"),
        ),
        Cardinality::One | Cardinality::Many => return None,
    };
    Some(Problem::at(pointer(link), code, message).with_value(partner.to_string()))
}
