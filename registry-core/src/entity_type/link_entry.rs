//! A link from its entry in a draft.

use serde_json::{Map, Value};

use super::{
    Cardinality, Link, LinkTargets, OnDelete, draft::Entry, members::Members, names,
    problems::Problems,
};
use crate::{Catalog, LinkNumber, TypeId, limits, problem::pointer_token};

const MEMBERS: [&str; 5] = ["to", "cardinality", "inverse", "on_delete", "required"];

/// The type that declares a link, as far as the link needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) id: TypeId,
    /// Its name after the change.
    pub(super) name: &'a str,
}

/// Reads a link; `None` when its targets could not be read.
pub(super) fn read(
    entry: &Entry,
    attributes: &Map<String, Value>,
    number: u32,
    holder: Holder<'_>,
    catalog: &Catalog,
    problems: &mut Problems,
) -> Option<Link> {
    let members = Members {
        map: attributes,
        pointer: &entry.pointer,
    };
    for name in attributes.keys() {
        if !MEMBERS.contains(&name.as_str()) {
            let pointer = format!("{}/{}", entry.pointer, pointer_token(name));
            problems.add(pointer, "unknown_member", format!("unknown member {name}"));
        }
    }
    let required = members.flag("required", problems).unwrap_or(false);
    let default = if required {
        OnDelete::Restrict
    } else {
        OnDelete::Unlink
    };
    let on_delete = [
        ("restrict", OnDelete::Restrict),
        ("unlink", OnDelete::Unlink),
        ("cascade", OnDelete::Cascade),
    ];
    let cardinality = [("one", Cardinality::One), ("many", Cardinality::Many)];
    let inverse = inverse(&entry.name, holder, &members, problems);
    let link = Link {
        number: LinkNumber(number),
        name: entry.name.clone(),
        cardinality: one_of("cardinality", &cardinality, &members, problems)
            .unwrap_or(Cardinality::Many),
        on_delete: one_of("on_delete", &on_delete, &members, problems).unwrap_or(default),
        inverse,
        required,
        removed: false,
        to: targets(holder, catalog, &members, problems)?,
    };
    check(&link, holder, &members, problems);
    Some(link)
}

fn one_of<T: Copy>(
    name: &str,
    choices: &[(&str, T)],
    members: &Members<'_>,
    problems: &mut Problems,
) -> Option<T> {
    let value = members.get(name)?;
    let found = choices
        .iter()
        .find(|(choice, _)| value.as_str() == Some(choice));
    if found.is_none() {
        let words: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
        problems.add(
            members.pointer(name),
            "not_a_choice",
            format!("must be one of {}", words.join(", ")),
        );
    }
    found.map(|(_, choice)| *choice)
}

fn inverse(
    link_name: &str,
    holder: Holder<'_>,
    members: &Members<'_>,
    problems: &mut Problems,
) -> String {
    let pointer = members.pointer("inverse");
    if let Some(given) = members.text("inverse", problems) {
        names::check_member_name(&given, &pointer, problems);
        return given;
    }
    let default = format!("{}_{link_name}", holder.name);
    if default.len() > limits::NAME_LENGTH
        && names::is_name(holder.name)
        && names::is_name(link_name)
    {
        problems.add(
            pointer,
            "inverse_too_long",
            format!("{default} is longer than a name may be: give an inverse"),
        );
    }
    default
}

fn targets(
    holder: Holder<'_>,
    catalog: &Catalog,
    members: &Members<'_>,
    problems: &mut Problems,
) -> Option<LinkTargets> {
    let pointer = members.pointer("to");
    if members.get("to").is_none() {
        problems.add(pointer, "required", "a link needs the types it leads to");
        return None;
    }
    let names = members.texts("to", problems)?;
    if names.is_empty() {
        problems.add(pointer, "empty", "a link leads to one type at least");
        return None;
    }
    if names.iter().any(|name| name == "*") {
        if names.len() > 1 {
            problems.add(pointer, "any_and_more", "\"*\" stands alone");
            return None;
        }
        return Some(LinkTargets::Any);
    }
    let mut types: Vec<TypeId> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        let found = if name.eq_ignore_ascii_case(holder.name) {
            Some(holder.id)
        } else {
            catalog.by_name(name).map(|one| one.id)
        };
        match found {
            None => problems.add(at, "unknown_type", format!("no type {name}")),
            Some(id) if types.contains(&id) => {
                problems.add(at, "duplicate", format!("{name} is there twice"));
            }
            Some(id) => types.push(id),
        }
    }
    (types.len() == names.len()).then_some(LinkTargets::Types(types))
}

fn check(link: &Link, holder: Holder<'_>, members: &Members<'_>, problems: &mut Problems) {
    if link.required && link.on_delete == OnDelete::Unlink {
        problems.add(
            members.pointer("on_delete"),
            "required_unlink",
            "a required link cannot be unlinked when its target is deleted",
        );
    }
    if link.symmetric() {
        if link.to != LinkTargets::Types(vec![holder.id]) {
            problems.add(
                members.pointer("to"),
                "symmetric_to",
                "a symmetric link leads to its own type alone",
            );
        }
        // A required symmetric link that unlinks has been reported already.
        if link.on_delete != OnDelete::Unlink {
            problems.add(
                members.pointer("on_delete"),
                "symmetric_on_delete",
                "a symmetric link can only be unlinked when an end is deleted",
            );
        }
    }
}
