//! A registry of airports and people, callers, and answers as JSON.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use registry_core::{
    Caller, EntityId, Error, Principal, Timestamp,
    port::{Clock, IdSource},
    principal::Role,
    problem::Place,
    service::{Read, Registry, SearchPage, SearchRequest, Select, Written, entity_json},
};
use registry_memory::MemoryStore;
use serde_json::{Map, Value, json};
use uuid::Uuid;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// 1, 2, 3, …
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl IdSource for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

/// The id of a number.
pub(crate) fn id(number: u128) -> EntityId {
    EntityId(Uuid::from_u128(number))
}

/// A caller with `user:<name>` as its only owner, and `org:acme`.
pub(crate) fn caller(name: &str, role: Role) -> Caller {
    let user = Principal::parse(&format!("user:{name}")).unwrap();
    let org = Principal::parse("org:acme").unwrap();
    Caller {
        actor: user.clone(),
        default_owners: vec![user.clone()],
        principals: BTreeSet::from([user, org]),
        role,
    }
}

pub(crate) fn admin() -> Caller {
    Caller::default_organisation()
}

pub(crate) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Two handles on one store, as two servers are.
pub(crate) async fn pair() -> (Registry, Registry) {
    let store = Arc::new(MemoryStore::new());
    let one = over(&store);
    for document in types() {
        one.types()
            .define(&admin(), &object(&document))
            .await
            .unwrap();
    }
    (one, over(&store))
}

fn over(store: &Arc<MemoryStore>) -> Registry {
    Registry::new(store.clone(), store.clone())
        .with_clock(Arc::new(Still))
        .with_ids(Arc::new(Counted(AtomicU64::new(0xf000))))
}

pub(crate) async fn registry() -> Registry {
    pair().await.0
}

fn types() -> [Value; 5] {
    [
        json!({"name": "country", "label": "name",
            "fields": {
                "code": {"type": "text", "required": true, "unique": true, "max_length": 2},
                "name": {"type": "text"}}}),
        json!({"name": "airport",
            "fields": {
                "icao": {"type": "text", "required": true, "unique": true},
                "elevation": {"type": "number"},
                "status": {"type": "enum", "choices": ["open", "closed"], "default": "open"},
                "tags": {"type": "text", "list": true},
                "iata": {"type": "text"},
                "zone": {"type": "integer"}},
            "links": {
                "country": {"to": ["country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict"},
                "serves": {"to": ["country"], "inverse": "served_by"}},
            "keys": {"by_code": ["iata", "zone"]}}),
        json!({"name": "runway",
            "fields": {"ident": {"type": "text", "required": true}},
            "links": {"airport": {"to": ["airport"], "cardinality": "one", "inverse": "runways", "on_delete": "cascade",
                "required": true}}}),
        json!({"name": "person",
            "fields": {"name": {"type": "text", "required": true}},
            "links": {
                "spouse": {"to": ["person"], "cardinality": "one", "inverse": "spouse"},
                "friends": {"to": ["person"], "inverse": "friends"}}}),
        json!({"name": "tour",
            "fields": {"title": {"type": "text"}},
            "links": {
                "stops": {"to": ["*"], "inverse": "tours"},
                "guide": {"to": ["person"], "cardinality": "one", "inverse": "guided"}}}),
    ]
}

/// Creates an entity under a number.
pub(crate) async fn create(
    registry: &Registry,
    caller: &Caller,
    type_name: &str,
    number: u128,
    body: Value,
) -> Written {
    let body = object(&body);
    registry
        .entities()
        .create(caller, type_name, Some(id(number)), &body)
        .await
        .unwrap()
}

pub(crate) async fn country(registry: &Registry, number: u128, code: &str) -> Written {
    let body = json!({"fields": {"code": code, "name": format!("Country {code}")}});
    create(registry, &admin(), "country", number, body).await
}

pub(crate) async fn person(registry: &Registry, number: u128) -> Written {
    let body = json!({"fields": {"name": format!("P{number}")}});
    create(registry, &admin(), "person", number, body).await
}

/// The links of an entity, as its document has them, and its version.
pub(crate) async fn links_of(registry: &Registry, type_name: &str, number: u128) -> (Value, i64) {
    let read = registry
        .entities()
        .get(&admin(), type_name, id(number))
        .await
        .unwrap();
    let version = read.entity.version.0;
    (read_document(&read)["links"].clone(), version)
}

pub(crate) fn read_document(read: &Read) -> Value {
    let text = entity_json(
        &read.catalog,
        &read.entity_type,
        &read.entity,
        &Select::ALL,
        &[],
    );
    serde_json::from_str(&text).unwrap()
}

/// Code, and place and code of every problem.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Value {
    match result.unwrap_err() {
        Error::Refused(refused) => {
            let problems: Vec<Value> = refused
                .problems
                .iter()
                .map(|problem| {
                    let place = match &problem.place {
                        Place::Pointer(pointer) => pointer.clone(),
                        Place::Parameter(name) => format!("?{name}"),
                        Place::Whole | Place::Line(_) | Place::Column(_) => String::new(),
                    };
                    json!([place, problem.code])
                })
                .collect();
            json!([format!("{:?}", refused.class), refused.code, problems])
        }
        other => json!(format!("{other:?}")),
    }
}

/// The numbers of the ids of a page.
pub(crate) fn numbers(page: &SearchPage) -> Vec<u128> {
    page.items
        .iter()
        .map(|entity| entity.id.0.as_u128())
        .collect()
}

pub(crate) fn request(type_name: &str) -> SearchRequest {
    SearchRequest {
        type_names: vec![type_name.to_owned()],
        ..SearchRequest::default()
    }
}
