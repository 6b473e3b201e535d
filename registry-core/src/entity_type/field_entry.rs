//! A field from its entry in a draft.

use serde_json::{Map, Value};

use super::{Field, draft::Entry, fields, members::Members, problems::Problems};
use crate::{FieldNumber, field::Kind};

/// The attributes that every kind has; the others belong to the kind.
const COMMON: [&str; 12] = [
    "type",
    "list",
    "min_items",
    "max_items",
    "required",
    "unique",
    "indexed",
    "searchable",
    "default",
    "title",
    "description",
    "input",
];

/// Reads a field; `None` when its kind could not be read.
pub(super) fn read(
    entry: &Entry,
    attributes: &Map<String, Value>,
    number: u32,
    problems: &mut Problems,
) -> Option<Field> {
    let members = Members {
        map: attributes,
        pointer: &entry.pointer,
    };
    let kind = kind(&members, problems);
    let list = members.flag("list", problems).unwrap_or(false);
    let is_text = kind.as_ref().is_none_or(Kind::can_be_searchable);
    let [min_items, max_items] = ["min_items", "max_items"].map(|name| {
        let count = members.count(name, problems);
        if count.is_some() && !list {
            let message = format!("{name} is for lists");
            problems.add(members.pointer(name), "not_a_list", message);
        }
        count
    });
    let mut field = Field {
        number: FieldNumber(number),
        name: entry.name.clone(),
        list,
        min_items,
        max_items,
        required: members.flag("required", problems).unwrap_or(false),
        unique: members.flag("unique", problems).unwrap_or(false),
        indexed: members.flag("indexed", problems).unwrap_or(false),
        searchable: members.flag("searchable", problems).unwrap_or(is_text),
        default: members.get("default").cloned(),
        title: members.text("title", problems),
        description: members.text("description", problems),
        input: members.text("input", problems),
        removed: false,
        kind: kind?,
    };
    check(&mut field, &members, problems);
    Some(field)
}

fn kind(members: &Members<'_>, problems: &mut Problems) -> Option<Kind> {
    if members.get("type").is_none() {
        problems.add(members.pointer("type"), "required", "a field needs a type");
        return None;
    }
    let name = members.text("type", problems)?;
    let rules: Map<String, Value> = members
        .map
        .iter()
        .filter(|(name, value)| !COMMON.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match Kind::from_definition(&name, &rules, members.pointer) {
        Ok(kind) => Some(kind),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

fn check(field: &mut Field, members: &Members<'_>, problems: &mut Problems) {
    if let (Some(min), Some(max)) = (field.min_items, field.max_items)
        && min > max
    {
        problems.add(
            members.pointer("min_items"),
            "out_of_range",
            "min_items is above max_items",
        );
    }
    if field.unique && !keyable(field) {
        problems.add(
            members.pointer("unique"),
            "not_unique_kind",
            "a list, json or number field cannot be unique",
        );
    }
    if field.indexed && !field.kind.comparable() {
        problems.add(
            members.pointer("indexed"),
            "not_indexable",
            "a json field cannot be indexed",
        );
    }
    if field.searchable && !field.kind.can_be_searchable() {
        problems.add(
            members.pointer("searchable"),
            "not_searchable",
            "only text fields are searchable",
        );
    }
    if field.default.is_some()
        && let Err(problem) = fields::check_default(field)
    {
        problems.push(problem.under(members.pointer));
    }
}

/// Whether the values of a field can be part of a key.
pub(super) fn keyable(field: &Field) -> bool {
    !field.list && field.kind.can_be_unique()
}
