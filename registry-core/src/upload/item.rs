//! Items of NDJSON files and JSON arrays: `{"_id", "fields", "links", "owners", "readers"}`, nothing else.

use serde_json::Value;

use crate::{
    Catalog, EntityType, Problem, json,
    port::{LoadItem, LoadRow, RowFailure},
    problem::Place,
    write,
};

use super::{
    Options,
    columns::REASON,
    csv_records::shorten,
    references::by_json,
    source::{Record, utf8},
};

/// Reads an item; `naming` is where it names its entity.
pub(super) fn row(
    catalog: &Catalog,
    entity_type: &EntityType,
    options: &Options,
    naming: &[String],
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
    let id = match members.shift_remove("_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| text),
        Some(other) => Err(other.to_string()),
    };
    for principals in ["owners", "readers"] {
        if members.get(principals) == Some(&Value::Null) {
            members.shift_remove(principals);
        }
    }
    let target = |link: &_, value: &_| by_json(catalog, link, value);
    let mut patch = write::read(entity_type, &members, &target);
    let document = Value::Object(members);
    for fault in &mut patch.faults {
        if let (Place::Pointer(at), None) = (&fault.place, &fault.value)
            && at.starts_with("/fields/")
            && fault.code != "unknown_field"
        {
            fault.value = document.pointer(at).map(|value| shorten(&plain(value)));
        }
    }
    let id = id.unwrap_or_else(|text| {
        let problem = Problem::at("/_id", "invalid_id", "is not a UUID");
        patch.faults.insert(0, problem.with_value(shorten(&text)));
        None
    });
    let row = LoadRow {
        line: record.line,
        id,
        key: super::row_key(options, &patch),
        patch,
        raw,
    };
    super::item_of(row, naming)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
