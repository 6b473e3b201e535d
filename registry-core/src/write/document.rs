//! Reading what is sent for an entity: `fields`, `links`, `owners`, `readers`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    EntityId, EntityType, Principal, Problem,
    entity_type::{Cardinality, Link, fields},
    port::{EntityRef, RowLink, RowPatch, RowTarget},
    problem::pointer_token,
};

/// Members that the server makes.
const READ_ONLY: [&str; 8] = [
    "id",
    "type",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "expanded",
];

/// Reads one target of a link; the pointers of its problems are relative to the target.
pub(crate) type ReadTarget<'a> = &'a dyn Fn(&Link, &Value) -> Result<RowTarget, Problem>;

/// Reads a document. What cannot be read is among the faults of what was.
pub(crate) fn read(
    entity_type: &EntityType,
    body: &Map<String, Value>,
    target: ReadTarget<'_>,
) -> RowPatch {
    let mut patch = RowPatch::default();
    for (member, value) in body {
        match (member.as_str(), value) {
            ("fields", Value::Object(given)) => {
                let (fields, faults) = fields::read_patch(entity_type, given);
                patch.fields = fields;
                patch.faults.extend(faults);
            }
            ("links", Value::Object(given)) => {
                for (name, value) in given {
                    read_link(entity_type, name, value, target, &mut patch);
                }
            }
            ("fields" | "links", _) => patch.faults.push(Problem::at(
                format!("/{member}"),
                "type",
                "must be an object",
            )),
            ("owners", value) => patch.owners = principals("owners", value, &mut patch.faults),
            ("readers", value) => patch.readers = principals("readers", value, &mut patch.faults),
            (other, _) => {
                let (code, message) = if READ_ONLY.contains(&other) {
                    ("read_only_field", "the server makes this member")
                } else {
                    ("unknown_member", "no such member")
                };
                let pointer = format!("/{}", pointer_token(other));
                patch.faults.push(Problem::at(pointer, code, message));
            }
        }
    }
    patch
}

fn read_link(
    entity_type: &EntityType,
    name: &str,
    value: &Value,
    target: ReadTarget<'_>,
    patch: &mut RowPatch,
) {
    let pointer = format!("/links/{}", pointer_token(name));
    let Some(link) = entity_type.link_named(name) else {
        let problem = Problem::at(pointer, "unknown_link", "no such link");
        patch.faults.push(problem);
        return;
    };
    let mut faults = Vec::new();
    let mut read = |value: &Value, pointer: &str| {
        target(link, value).map_err(|problem| faults.push(problem.under(pointer)))
    };
    let targets = match (link.cardinality, value) {
        (_, Value::Null) => Vec::new(),
        (Cardinality::One, value) => read(value, &pointer).into_iter().collect(),
        (Cardinality::Many, Value::Array(values)) => values
            .iter()
            .enumerate()
            .filter_map(|(index, value)| read(value, &format!("{pointer}/{index}")).ok())
            .collect(),
        (Cardinality::Many, _) => {
            faults.push(Problem::at(pointer, "type", "must be a list"));
            Vec::new()
        }
    };
    if faults.is_empty() {
        patch.links.push(RowLink {
            link: link.number,
            targets,
        });
    }
    patch.faults.extend(faults);
}

/// The target that a text names by its id.
pub(crate) fn id(text: &str) -> Result<RowTarget, Problem> {
    let id: EntityId = text
        .parse()
        .map_err(|_| Problem::at("", "invalid_id", "is not a UUID"))?;
    Ok(RowTarget {
        reference: EntityRef::Id(id),
        shown: id.to_string(),
    })
}

/// Reads targets that are named by their ids alone.
pub(crate) fn id_alone(_: &Link, value: &Value) -> Result<RowTarget, Problem> {
    match value {
        Value::String(text) => id(text),
        _ => Err(Problem::at("", "type", "must be the id of an entity")),
    }
}

/// Reads a list of principals: in the order given, without repetition.
pub(crate) fn principals(
    member: &str,
    value: &Value,
    faults: &mut Vec<Problem>,
) -> Option<Vec<Principal>> {
    let Value::Array(values) = value else {
        let message = "must be a list of principals";
        faults.push(Problem::at(format!("/{member}"), "type", message));
        return None;
    };
    let mut read = Vec::with_capacity(values.len());
    let mut seen = BTreeSet::new();
    let before = faults.len();
    for (index, value) in values.iter().enumerate() {
        let (code, message) = match value.as_str().map(Principal::parse) {
            None => ("type", "must be text"),
            Some(None) => ("invalid_principal", "must be kind:value, as in user:ann"),
            Some(Some(one)) if one.is_public() && member == "owners" => {
                ("public_owner", "public may stand in readers only")
            }
            Some(Some(one)) => {
                if seen.insert(one.clone()) {
                    read.push(one);
                }
                continue;
            }
        };
        let fault = Problem::at(format!("/{member}/{index}"), code, message);
        faults.push(match value.as_str() {
            Some(text) => fault.with_value(text),
            None => fault,
        });
    }
    (faults.len() == before).then_some(read)
}
