//! The document that goes out, and the tag made of it.

use serde_json::json;

use super::*;
use crate::entity_type::{tag, tag_version};

#[test]
fn the_document_has_the_defaults_and_the_members_of_the_server() {
    let catalog = catalog(&[
        country(),
        airport(),
        json!({"name": "person", "fields": {"tags": {"type": "text", "list": true, "max_items": 3, "searchable": false}},
            "links": {"friend": {"to": ["person"], "inverse": "friend"}, "boss": {"to": ["person"], "required": true, "cardinality": "one"}, "about": {"to": ["*"]}}}),
    ]);
    let shown = |name: &str| Value::Object(document(catalog.by_name(name).unwrap(), &catalog));
    let flags = |kind: &str, number: u32| json!({"number": number, "type": kind, "list": false, "required": false, "unique": false, "indexed": false});
    let with = |base: Value, more: Value| {
        let mut base = object(base);
        base.extend(object(more));
        Value::Object(base)
    };
    let times = json!({"created_at": "1970-01-01T00:00:01.000000Z", "updated_at": "1970-01-01T00:00:01.000000Z"});
    let about = json!({"type": "person", "link": "about"});
    assert_eq!(
        shown("airport"),
        with(
            json!({
                "id": "00000000-0000-0000-0000-000000000002", "name": "airport", "version": 1, "title": "Airport", "tags": ["geo"],
                "metadata": {"icon": "plane", "map": {"zoom": 3}}, "label": "name",
                "fields": {
                    "icao": with(flags("text", 1), json!({"required": true, "unique": true, "searchable": true, "max_length": 4})),
                    "name": with(flags("text", 2), json!({"required": true, "searchable": true})),
                    "elevation": with(flags("number", 3), json!({"indexed": true, "index_state": "ready"})),
                    "status": with(flags("enum", 4), json!({"choices": ["open", "closed"], "default": "open"})),
                },
                "links": {"country": {"number": 5, "to": ["country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict", "required": false}},
                "keys": {"by_name": ["name", "status"]},
                "inverse_links": {"person_about": about},
            }),
            times.clone()
        )
    );
    assert_eq!(
        shown("country")["inverse_links"],
        json!({"airports": {"type": "airport", "link": "country"}, "person_about": about})
    );
    assert_eq!(
        shown("person"),
        with(
            json!({
                "id": "00000000-0000-0000-0000-000000000003", "name": "person", "version": 1, "tags": [],
                "fields": {"tags": with(flags("text", 1), json!({"list": true, "searchable": false, "max_items": 3}))},
                "links": {
                    "friend": {"number": 2, "to": ["person"], "cardinality": "many", "inverse": "friend", "on_delete": "unlink", "required": false},
                    "boss": {"number": 3, "to": ["person"], "cardinality": "one", "inverse": "person_boss", "on_delete": "restrict", "required": true},
                    "about": {"number": 4, "to": ["*"], "cardinality": "many", "inverse": "person_about", "on_delete": "unlink", "required": false},
                },
                "keys": {},
                "inverse_links": {"person_boss": {"type": "person", "link": "boss"}, "person_about": about},
            }),
            times
        )
    );
}

#[test]
fn fields_keep_their_order() {
    let catalog = catalog(&[
        json!({"name": "a", "fields": {"z": {"type": "text"}, "a": {"type": "text"}, "m": {"type": "text"}}}),
    ]);
    let shown = Value::Object(document(&catalog.types()[0], &catalog));
    assert_eq!(
        numbers_of(&shown),
        numbered(&[("z", 1), ("a", 2), ("m", 3)])
    );
}

#[test]
fn an_indexed_field_tells_whether_its_index_is_in_use() {
    let ready = catalog(&[country(), airport()]);
    let of = Arc::clone(ready.by_name("airport").unwrap());
    let elevation = of.field_named("elevation").unwrap();
    let building = ready
        .clone()
        .with_building([(of.id, elevation.number)].into());
    let state = |catalog: &Catalog, name: &str| {
        let shown = Value::Object(document(&of, catalog));
        shown["fields"][name].get("index_state").cloned()
    };
    assert_eq!(state(&ready, "elevation"), Some(json!("ready")));
    assert_eq!(state(&building, "elevation"), Some(json!("building")));
    assert_eq!(state(&building, "name"), None);
    // It is not part of the definition, but of what is shown.
    assert_eq!(tag_version(&tag(&of, &building)), Some(of.version));
    assert_ne!(tag(&of, &building), tag(&of, &ready));
}

#[test]
fn the_tag_changes_with_links_of_other_types() {
    let before = catalog(&[country()]);
    let after = catalog(&[country(), airport()]);
    let tag_in = |catalog: &Catalog| tag(catalog.by_name("country").unwrap(), catalog);
    assert_ne!(tag_in(&before), tag_in(&after));
    assert_eq!(tag_in(&after), tag_in(&catalog(&[country(), airport()])));
    assert_eq!(tag_version(&tag_in(&after)), Some(Version(1)));
    for text in [
        "",
        "1",
        "1-",
        "x-0123456789abcdef",
        "1-0123456789abcdeF",
        "-1-0123456789abcdef",
        "-0123456789abcdef",
        "1-0123456789abcde",
    ] {
        assert_eq!(tag_version(text), None, "{text}");
    }
}
