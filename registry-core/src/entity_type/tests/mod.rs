//! Documents in, whole answers out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "tests, with tables of cases"
)]

mod change;
mod define;
mod documents;
mod evolution;
mod namespaces;
mod numbers;
mod replace;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{EntityType, define, document};
use crate::{
    Catalog, Error, Timestamp, TypeId, Version,
    change::TypeChange,
    problem::{Place, Refusal},
};

/// A document, and the class, code and problems that it is refused with.
type Fault<D> = (
    D,
    Refusal,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Time of the first definitions.
const THEN: Timestamp = Timestamp(1_000_000);
/// Time of the changes.
const NOW: Timestamp = Timestamp(2_000_000);

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// A catalog with these types, defined one after the other; ids count from 1.
fn catalog(documents: &[Value]) -> Catalog {
    let mut catalog = Catalog::new(Version(1), Vec::new());
    for document in documents {
        let id = TypeId(Uuid::from_u128(catalog.types().len() as u128 + 1));
        let change = define(&object(document.clone()), &catalog, id, THEN).unwrap();
        let mut types = catalog.types().to_vec();
        types.extend(change.after);
        catalog = Catalog::new(catalog.version.next(), types);
    }
    catalog
}

/// The catalog with a change applied.
fn applied(catalog: &Catalog, change: &TypeChange) -> Catalog {
    let gone = change.before.as_ref().map(|before| before.id);
    let mut types: Vec<Arc<EntityType>> = catalog
        .types()
        .iter()
        .filter(|one| Some(one.id) != gone)
        .cloned()
        .collect();
    types.extend(change.after.clone());
    Catalog::new(catalog.version.next(), types)
}

/// A refusal as its class, its code, and pointer and code of each problem.
fn refusal<T: std::fmt::Debug>(
    result: Result<T, Error>,
) -> (Refusal, &'static str, Vec<(String, &'static str)>) {
    let Err(Error::Refused(refused)) = result else {
        panic!("not refused: {result:?}");
    };
    let problems = refused.problems.into_iter().map(|problem| {
        let place = match problem.place {
            Place::Pointer(pointer) => pointer,
            Place::Parameter(name) => format!("?{name}"),
            Place::Whole => String::new(),
            other => panic!("a type document has no {other:?}"),
        };
        (place, problem.code)
    });
    (refused.class, refused.code, problems.collect())
}

/// Pointers and codes as [`refusal`] gives them.
fn listed(problems: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    problems
        .iter()
        .map(|(pointer, code)| ((*pointer).to_owned(), *code))
        .collect()
}

/// What a new definition is refused with.
fn refused_definition(
    document: Value,
    catalog: &Catalog,
) -> (Refusal, &'static str, Vec<(String, &'static str)>) {
    let id = TypeId(Uuid::from_u128(99));
    refusal(define(&object(document), catalog, id, NOW))
}

/// The document of a type after a change.
fn document_after(catalog: &Catalog, change: &TypeChange) -> Value {
    let after = applied(catalog, change);
    Value::Object(document(change.after.as_ref().unwrap(), &after))
}

/// Name and number of each field and link in a document.
fn numbers_of(document: &Value) -> Vec<(String, u64)> {
    ["fields", "links"]
        .iter()
        .flat_map(|section| document[section].as_object().unwrap())
        .map(|(name, entry)| (name.clone(), entry["number"].as_u64().unwrap()))
        .collect()
}

fn numbered(names: &[(&str, u64)]) -> Vec<(String, u64)> {
    names
        .iter()
        .map(|(name, number)| ((*name).to_owned(), *number))
        .collect()
}

fn country() -> Value {
    json!({"name": "country", "fields": {"code": {"type": "text", "unique": true}, "name": {"type": "text", "required": true}}})
}

fn airport() -> Value {
    json!({
        "name": "airport", "title": "Airport", "tags": ["geo"], "metadata": {"icon": "plane", "map": {"zoom": 3}}, "label": "name",
        "fields": {
            "icao": {"type": "text", "required": true, "unique": true, "max_length": 4},
            "name": {"type": "text", "required": true},
            "elevation": {"type": "number", "indexed": true},
            "status": {"type": "enum", "choices": ["open", "closed"], "default": "open"}
        },
        "links": {"country": {"to": ["Country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict"}},
        "keys": {"by_name": ["name", "status"]}
    })
}
