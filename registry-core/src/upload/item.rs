//! Items of NDJSON files and JSON arrays: `{"_id", "fields", "links", "owners", "readers"}`, nothing else.

use serde_json::{Map, Value};

use crate::{
    Catalog, EntityType, Principal, Problem,
    entity_type::{Cardinality, Link, fields},
    json,
    port::{LoadItem, LoadRow, RowFailure, RowLink, RowPatch, RowTarget},
    problem::pointer_token,
};

use super::{
    Options,
    columns::REASON,
    csv_records::shorten,
    references::by_json,
    source::{Record, utf8},
};

/// Reads an item.
pub(super) fn row(
    catalog: &Catalog,
    entity_type: &EntityType,
    options: &Options,
    record: &Record,
) -> LoadItem {
    let failed = |raw: String, errors| {
        LoadItem::Rejected(RowFailure {
            line: record.line,
            raw,
            errors,
        })
    };
    let text = match utf8(record) {
        Ok(text) => text,
        Err(problem) => {
            let lossy = String::from_utf8_lossy(&record.bytes);
            return failed(lossy.into_owned(), vec![problem]);
        }
    };
    let mut members = match json::read(text.as_bytes()) {
        Ok(Value::Object(members)) => members,
        Ok(_) => {
            let problem = Problem::whole("type", "an item is a JSON object");
            return failed(text.to_owned(), vec![problem]);
        }
        Err(fault) => return failed(text.to_owned(), vec![fault.problem]),
    };
    // A file of rejected rows that was mended: this member is ours.
    let raw = match members.shift_remove(REASON) {
        Some(_) => serde_json::to_string(&members).unwrap_or_else(|_| text.to_owned()),
        None => text.to_owned(),
    };
    let mut row = LoadRow {
        line: record.line,
        id: None,
        key: None,
        patch: RowPatch::default(),
        raw,
    };
    let mut problems = Vec::new();
    for (name, value) in &members {
        match (name.as_str(), value) {
            ("_id" | "owners" | "readers", Value::Null) => {}
            ("_id", Value::String(id)) if id.parse::<crate::EntityId>().is_ok() => {
                row.id = id.parse().ok();
            }
            ("_id", other) => problems.push(
                Problem::at("/_id", "invalid_id", "an id is a UUID")
                    .with_value(shorten(&plain(other))),
            ),
            ("fields", Value::Object(fields)) => {
                read_fields(entity_type, fields, &mut row.patch, &mut problems);
            }
            ("links", Value::Object(links)) => {
                read_links(catalog, entity_type, links, &mut row.patch, &mut problems);
            }
            ("fields" | "links", _) => problems.push(Problem::at(
                format!("/{name}"),
                "type",
                format!("`{name}` is an object"),
            )),
            ("owners", value) => row.patch.owners = principals("/owners", value, &mut problems),
            ("readers", value) => row.patch.readers = principals("/readers", value, &mut problems),
            _ => problems.push(Problem::at(
                format!("/{}", pointer_token(name)),
                "unknown_member",
                "an item has `_id`, `fields`, `links`, `owners` and `readers`",
            )),
        }
    }
    if problems.is_empty() {
        row.key = super::row_key(options, &row.patch);
        LoadItem::Row(Box::new(row))
    } else {
        failed(row.raw, problems)
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_fields(
    entity_type: &EntityType,
    given: &Map<String, Value>,
    patch: &mut RowPatch,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in given {
        let place = format!("/fields/{}", pointer_token(name));
        let Some(field) = entity_type.field_named(name) else {
            problems.push(Problem::at(
                place,
                "unknown_field",
                "the type has no such field",
            ));
            continue;
        };
        if value.is_null() {
            patch.fields.insert(field.number, None);
            continue;
        }
        match fields::read_field(field, value) {
            Ok(datum) => {
                patch.fields.insert(field.number, Some(datum));
            }
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| {
                let problem = problem.under(&place);
                match problem.value {
                    Some(_) => problem,
                    None => problem.with_value(shorten(&plain(value))),
                }
            })),
        }
    }
}

fn read_links(
    catalog: &Catalog,
    entity_type: &EntityType,
    links: &Map<String, Value>,
    patch: &mut RowPatch,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in links {
        let place = format!("/links/{}", pointer_token(name));
        let Some(link) = entity_type.link_named(name) else {
            problems.push(Problem::at(place, "unknown_link", "no such link"));
            continue;
        };
        let before = problems.len();
        let targets = link_targets(catalog, link, value, &place, problems);
        if problems.len() == before {
            patch.links.push(RowLink {
                link: link.number,
                targets,
            });
        }
    }
}

fn link_targets(
    catalog: &Catalog,
    link: &Link,
    value: &Value,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Vec<RowTarget> {
    match (link.cardinality, value) {
        (_, Value::Null) => Vec::new(),
        (Cardinality::One, value) => match by_json(catalog, link, value) {
            Ok(target) => vec![target],
            Err(problem) => {
                problems.push(problem.under(place));
                Vec::new()
            }
        },
        (Cardinality::Many, Value::Array(values)) => {
            let mut targets = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                match by_json(catalog, link, value) {
                    Ok(target) => targets.push(target),
                    Err(problem) => problems.push(problem.under(&format!("{place}/{index}"))),
                }
            }
            targets
        }
        (Cardinality::Many, _) => {
            problems.push(Problem::at(place, "type", "the link takes a list"));
            Vec::new()
        }
    }
}

/// Reads a list of principals.
pub(super) fn principals(
    place: &str,
    value: &Value,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Principal>> {
    let Value::Array(values) = value else {
        problems.push(Problem::at(place, "type", "a list of principals"));
        return None;
    };
    let mut principals = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match value.as_str().and_then(Principal::parse) {
            Some(principal) => principals.push(principal),
            None => problems.push(
                Problem::at(
                    format!("{place}/{index}"),
                    "invalid_principal",
                    "a principal is `kind:value`",
                )
                .with_value(shorten(&plain(value))),
            ),
        }
    }
    Some(principals)
}
