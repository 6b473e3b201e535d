//! The service of entity types, over the reference store.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use registry_core::{
    Caller, EntityId, Error, Principal, Timestamp, Version,
    entity_type::document,
    port::{Clock, IdSource},
    principal::Role,
    problem::{Place, Refusal},
    service::{IfMatch, Outcome, Registry, TypeDelete, TypePage, WrittenType},
};
use registry_memory::MemoryStore;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Ticks a second at each look.
#[derive(Debug, Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let seconds = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp(i64::try_from(seconds).unwrap() * 1_000_000)
    }
}

/// Counts from a first one.
#[derive(Debug)]
struct TestIds(AtomicU64);

impl IdSource for TestIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

fn registry() -> Registry {
    over(&Arc::new(MemoryStore::new()), 1)
}

fn over(store: &Arc<MemoryStore>, first_id: u64) -> Registry {
    Registry::new(
        Arc::<MemoryStore>::clone(store),
        Arc::<MemoryStore>::clone(store),
    )
    .with_clock(Arc::new(TestClock::default()))
    .with_ids(Arc::new(TestIds(AtomicU64::new(first_id))))
}

fn admin() -> Caller {
    Caller::default_organisation()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

async fn define(registry: &Registry, document: Value) -> WrittenType {
    let types = registry.types();
    types.define(&admin(), &object(document)).await.unwrap()
}

async fn create(registry: &Registry, type_name: &str, body: Value) -> EntityId {
    let entities = registry.entities();
    let written = entities
        .create(&admin(), type_name, None, &object(body))
        .await;
    written.unwrap().entity.id
}

async fn exists(registry: &Registry, type_name: &str, id: EntityId) -> bool {
    match registry.entities().get(&admin(), type_name, id).await {
        Ok(_) => true,
        Err(Error::Refused(refused)) if refused.code == "not_found" => false,
        Err(error) => panic!("{error}"),
    }
}

async fn change(registry: &Registry, name: &str, patch: Value) -> Result<WrittenType, Error> {
    let types = registry.types();
    types.change(&admin(), name, &object(patch), None).await
}

async fn replace(
    registry: &Registry,
    name: &str,
    document: Value,
    drop: &[&str],
) -> Result<WrittenType, Error> {
    let drop: Vec<String> = drop.iter().map(|one| (*one).to_owned()).collect();
    let types = registry.types();
    types
        .replace(&admin(), name, &object(document), None, &drop)
        .await
}

/// A refusal whole: class, code, pointers with codes, further members.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (Refusal, &'static str, Value) {
    let Err(Error::Refused(refused)) = result else {
        panic!("not refused: {result:?}");
    };
    let problems: Vec<Value> = refused
        .problems
        .into_iter()
        .map(|problem| match problem.place {
            Place::Pointer(pointer) => json!([pointer, problem.code]),
            Place::Whole => json!(["", problem.code]),
            other => panic!("not a pointer: {other:?}"),
        })
        .collect();
    let mut shown = json!({ "problems": problems });
    for (name, value) in refused.extra {
        shown[name] = value;
    }
    if let Some(current) = refused.current {
        shown["current"] = json!(current);
    }
    (refused.class, refused.code, shown)
}

fn conflict(code: &'static str, pointer: &str, ids: &[EntityId]) -> (Refusal, &'static str, Value) {
    let shown = json!({"problems": [[pointer, code]], "count": ids.len(), "samples": ids});
    (Refusal::Conflict, code, shown)
}

fn country() -> Value {
    json!({"name": "country", "fields": {"code": {"type": "text", "unique": true}, "size": {"type": "integer"}}})
}

fn airport() -> Value {
    json!({"name": "airport", "fields": {"name": {"type": "text"}},
        "links": {"country": {"to": ["country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict"}}})
}

#[tokio::test]
async fn a_type_is_defined_read_listed_and_described() {
    let registry = registry();
    let written = define(&registry, country()).await;
    assert_eq!(written.outcome, Outcome::Created);
    assert!(written.position.is_some());
    let mut tagged = airport();
    tagged["tags"] = json!(["geo"]);
    define(&registry, tagged).await;
    let (catalog, read) = registry.types().read("COUNTRY").await.unwrap();
    assert_eq!(
        document(&read, &catalog)["inverse_links"],
        json!({"airports": {"type": "airport", "link": "country"}})
    );
    let shown = |page: TypePage| {
        let names: Vec<String> = page.items.iter().map(|one| one.name.clone()).collect();
        json!([names, page.next, page.total])
    };
    for (tag, limit, after, expected) in [
        (None, 1, None, json!([["airport"], "airport", 2])),
        (None, 1, Some("Airport"), json!([["country"], null, 2])),
        (Some("geo"), 50, None, json!([["airport"], null, 1])),
        (Some("Geo"), 50, None, json!([[], null, 0])),
    ] {
        let page = registry.types().list(tag, limit, after).await.unwrap();
        assert_eq!(shown(page), expected);
    }
    let schema = registry.types().schema("country").await.unwrap();
    assert_eq!(schema["properties"]["size"]["type"], "integer");
    let absent = refusal(registry.types().schema("nope").await);
    let expected = (Refusal::NotFound, "not_found", json!({"problems": []}));
    assert_eq!(absent, expected);
}

#[tokio::test]
async fn only_admins_change_types() {
    let registry = registry();
    define(&registry, country()).await;
    let ann = Principal::parse("user:ann").unwrap();
    let writer = Caller {
        actor: ann.clone(),
        default_owners: vec![ann.clone()],
        principals: BTreeSet::from([ann]),
        role: Role::Writer,
    };
    let types = registry.types();
    let body = object(airport());
    let forbidden = (Refusal::Forbidden, "forbidden", json!({"problems": []}));
    assert_eq!(refusal(types.define(&writer, &body).await), forbidden);
    let replaced = types.replace(&writer, "airport", &body, None, &[]).await;
    assert_eq!(refusal(replaced), forbidden);
    let changed = types.change(&writer, "country", &body, None).await;
    assert_eq!(refusal(changed), forbidden);
    let deleted = types
        .delete(&writer, "country", None, TypeDelete::Empty)
        .await;
    assert_eq!(refusal(deleted), forbidden);
}

#[tokio::test]
async fn if_match_names_the_present_version() {
    let registry = registry();
    define(&registry, country()).await;
    let title = json!({"title": "Country"});
    change(&registry, "country", title).await.unwrap();
    let types = registry.types();
    let (admin, patch) = (admin(), object(json!({"title": "Land"})));
    let old = Some(IfMatch::OneOf(vec![Version(1)]));
    let shown = json!({"problems": [], "current": 2});
    let expected = (Refusal::VersionMismatch, "version_mismatch", shown);
    let changed = types.change(&admin, "country", &patch, old.as_ref()).await;
    assert_eq!(refusal(changed), expected);
    let replaced = types
        .replace(&admin, "country", &object(country()), old.as_ref(), &[])
        .await;
    assert_eq!(refusal(replaced), expected);
    let deleted = types
        .delete(&admin, "country", old.as_ref(), TypeDelete::Cascade)
        .await;
    assert_eq!(refusal(deleted), expected);
    let absent = types
        .replace(
            &admin,
            "airport",
            &object(airport()),
            Some(&IfMatch::Any),
            &[],
        )
        .await;
    let shown = json!({"problems": []});
    let expected = (Refusal::VersionMismatch, "version_mismatch", shown);
    assert_eq!(refusal(absent), expected);
    let present = Some(IfMatch::OneOf(vec![Version(7), Version(2)]));
    let changed = types
        .change(&admin, "country", &patch, present.as_ref())
        .await;
    assert_eq!(changed.unwrap().entity_type.version, Version(3));
}

#[tokio::test]
async fn put_defines_and_then_changes_nothing() {
    let registry = registry();
    let mut nameless = country();
    nameless.as_object_mut().unwrap().shift_remove("name");
    let first = replace(&registry, "country", nameless.clone(), &[])
        .await
        .unwrap();
    assert_eq!(first.outcome, Outcome::Created);
    let second = replace(&registry, "Country", nameless, &[]).await.unwrap();
    assert_eq!(
        (second.outcome, second.position),
        (Outcome::Unchanged, None)
    );
    assert_eq!(second.entity_type, first.entity_type);
    let read = Value::Object(document(&second.entity_type, &second.catalog));
    let third = replace(&registry, "country", read, &[]).await.unwrap();
    assert_eq!(third.outcome, Outcome::Unchanged);
    let mut renamed = country();
    renamed["name"] = json!("land");
    let fourth = replace(&registry, "country", renamed.clone(), &[])
        .await
        .unwrap();
    assert_eq!(fourth.outcome, Outcome::Updated);
    assert_eq!(fourth.entity_type.name, "land");
    // The type of the path is gone by now; it cannot be renamed once more.
    let again = replace(&registry, "country", renamed, &[]).await;
    let shown = json!({"problems": [["/name", "name_mismatch"]]});
    assert_eq!(refusal(again), (Refusal::Invalid, "invalid_type", shown));
}

#[tokio::test]
async fn two_registries_on_one_store_never_cross() {
    let store = Arc::new(MemoryStore::new());
    let (one, two) = (over(&store, 1), over(&store, 1_000));
    define(&one, country()).await;
    two.catalog().await.unwrap();
    let rename = json!({"fields": {"size": {"name": "area"}}});
    change(&one, "country", rename).await.unwrap();
    let index = json!({"fields": {"area": {"indexed": true}}});
    let written = change(&two, "country", index).await.unwrap();
    assert_eq!(written.entity_type.version, Version(3));
    let taken = two.types().define(&admin(), &object(country())).await;
    let shown = json!({"problems": [["/name", "type_exists"]]});
    assert_eq!(refusal(taken), (Refusal::Conflict, "type_exists", shown));
}

#[tokio::test]
async fn stored_entities_stand_in_the_way_and_are_counted() {
    let registry = registry();
    define(&registry, country()).await;
    let a = create(
        &registry,
        "country",
        json!({"fields": {"code": "FR", "size": 5}}),
    )
    .await;
    let b = create(
        &registry,
        "country",
        json!({"fields": {"code": "DE", "size": 5}}),
    )
    .await;
    let c = create(&registry, "country", json!({})).await;
    for (patch, pointer, ids) in [
        (
            json!({"fields": {"new": {"type": "text", "required": true}}}),
            "/fields/new",
            vec![a, b, c],
        ),
        (
            json!({"fields": {"code": {"required": true}}}),
            "/fields/code",
            vec![c],
        ),
        (
            json!({"fields": {"code": {"max_length": 1}}}),
            "/fields/code",
            vec![a, b],
        ),
        (
            json!({"fields": {"size": {"type": "text"}}}),
            "/fields/size",
            vec![a, b],
        ),
        (
            json!({"fields": {"size": {"list": true}}}),
            "/fields/size",
            vec![a, b],
        ),
        (
            json!({"fields": {"size": {"unique": true}}}),
            "/fields/size",
            vec![a, b],
        ),
        (
            json!({"keys": {"by_size": ["size"]}}),
            "/keys/by_size",
            vec![a, b],
        ),
        (
            json!({"links": {"up": {"to": ["country"], "required": true}}}),
            "/links/up",
            vec![a, b, c],
        ),
    ] {
        let shown = patch.to_string();
        let refused = refusal(change(&registry, "country", patch).await);
        assert_eq!(
            refused,
            conflict("type_change_conflict", pointer, &ids),
            "{shown}"
        );
    }
    let short = json!({"name": "country", "fields": {"code": {"type": "text", "unique": true}}});
    let refused = refusal(replace(&registry, "country", short.clone(), &[]).await);
    assert_eq!(refused, conflict("would_drop", "/fields/size", &[a, b]));
    let (_, unchanged) = registry.types().read("country").await.unwrap();
    assert_eq!(unchanged.version, Version(1));
    let dropped = replace(&registry, "country", short, &["size"])
        .await
        .unwrap();
    assert_eq!(dropped.entity_type.version, Version(2));
    // What was removed stays away: a new field of that name starts empty, so any kind will do.
    let again = json!({"fields": {"size": {"type": "text", "unique": true}}});
    let again = change(&registry, "country", again).await.unwrap();
    let number = again.entity_type.field_named("size").unwrap().number;
    assert_eq!(number.0, 3);
    let read = registry
        .entities()
        .get(&admin(), "country", a)
        .await
        .unwrap();
    assert!(!read.entity.data.contains_key(&number));
}

#[tokio::test]
async fn a_link_is_narrowed_when_its_targets_allow() {
    let registry = registry();
    define(&registry, country()).await;
    define(&registry, airport()).await;
    define(
        &registry,
        json!({"name": "note", "links": {"about": {"to": ["*"]}}}),
    )
    .await;
    let country = create(&registry, "country", json!({})).await;
    let airport = create(&registry, "airport", json!({})).await;
    let note = create(&registry, "note", json!({"links": {"about": [country]}})).await;
    let both = create(
        &registry,
        "note",
        json!({"links": {"about": [country, airport]}}),
    )
    .await;
    let narrow = json!({"links": {"about": {"to": ["country"]}}});
    let one = json!({"links": {"about": {"cardinality": "one", "required": true, "on_delete": "restrict"}}});
    for patch in [narrow.clone(), one.clone()] {
        let refused = refusal(change(&registry, "note", patch).await);
        assert_eq!(
            refused,
            conflict("type_change_conflict", "/links/about", &[both])
        );
    }
    let deleted = registry
        .entities()
        .delete(&admin(), "note", both, None)
        .await;
    deleted.unwrap();
    change(&registry, "note", narrow).await.unwrap();
    change(&registry, "note", one).await.unwrap();
    assert!(exists(&registry, "note", note).await);
}

#[tokio::test]
async fn a_type_in_use_is_not_deleted() {
    let registry = registry();
    define(&registry, country()).await;
    define(&registry, airport()).await;
    let delete = async |name: &str, mode| registry.types().delete(&admin(), name, None, mode).await;
    let shown = json!({"problems": [], "links": ["airport.country"]});
    let named = (Refusal::Conflict, "type_in_use", shown);
    assert_eq!(refusal(delete("country", TypeDelete::Empty).await), named);
    assert_eq!(refusal(delete("country", TypeDelete::Cascade).await), named);
    let country = create(&registry, "country", json!({})).await;
    let airport = create(&registry, "airport", json!({"links": {"country": country}})).await;
    let shown = json!({"problems": [], "count": 1, "samples": [airport]});
    let filled = (Refusal::Conflict, "type_in_use", shown);
    assert_eq!(refusal(delete("airport", TypeDelete::Empty).await), filled);
    delete("airport", TypeDelete::Cascade).await.unwrap();
    assert!(exists(&registry, "country", country).await);
    delete("country", TypeDelete::Cascade).await.unwrap();
    let gone = refusal(delete("country", TypeDelete::Empty).await);
    assert_eq!(gone.1, "not_found");
    assert_eq!(registry.catalog().await.unwrap().types().len(), 0);
}

#[tokio::test]
async fn a_cascade_honours_the_links_that_lead_to_the_type() {
    let registry = registry();
    define(&registry, country()).await;
    let note = json!({"name": "note", "links": {"about": {"to": ["*"], "on_delete": "restrict"}}});
    define(&registry, note).await;
    let country = create(&registry, "country", json!({})).await;
    let note = create(&registry, "note", json!({"links": {"about": [country]}})).await;
    let cascade = async || {
        let types = registry.types();
        types
            .delete(&admin(), "country", None, TypeDelete::Cascade)
            .await
    };
    assert_eq!(refusal(cascade().await).1, "restricted");
    assert!(exists(&registry, "country", country).await);
    let unlink = json!({"links": {"about": {"on_delete": "unlink"}}});
    change(&registry, "note", unlink).await.unwrap();
    cascade().await.unwrap();
    let note = registry
        .entities()
        .get(&admin(), "note", note)
        .await
        .unwrap();
    assert!(note.entity.links.is_empty());
}
