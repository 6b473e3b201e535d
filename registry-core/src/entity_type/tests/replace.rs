//! Bringing a type to exactly a document.

use serde_json::json;

use super::*;
use crate::{
    entity_type::{change, remove, replace},
    problem::Refusal::{Conflict, Invalid, Malformed},
};

fn shown(catalog: &Catalog, name: &str) -> Map<String, Value> {
    document(catalog.by_name(name).unwrap(), catalog)
}

#[test]
fn what_was_read_can_be_put_back() {
    let catalog = catalog(&[
        country(),
        airport(),
        json!({"name": "all", "description": "every kind", "fields": {
            "t": {"type": "text", "min_length": 1, "max_length": 9, "pattern": "^[a-z]+$", "searchable": false, "indexed": true},
            "u": {"type": "url"}, "e": {"type": "email"}, "c": {"type": "enum", "choices": ["a"]},
            "i": {"type": "integer", "min": -5, "max": 5}, "n": {"type": "number", "min": 0.5}, "d": {"type": "decimal", "precision": 5, "scale": 2},
            "b": {"type": "boolean", "default": false}, "day": {"type": "date"}, "at": {"type": "datetime"}, "id": {"type": "uuid"},
            "j": {"type": "json", "schema": {"type": "object"}, "default": {"x": 1}},
            "l": {"type": "integer", "list": true, "min_items": 1, "max_items": 4, "default": [1], "title": "L", "description": "D", "input": "slider"}},
            "links": {"friend": {"to": ["all"], "inverse": "friend"}, "any": {"to": ["*"]}}}),
    ]);
    for one in catalog.types() {
        let document = document(one, &catalog);
        let change = replace(one, &document, &[], &catalog, NOW).unwrap();
        assert!(change.is_none(), "{}: {change:?}", one.name);
        // Nor does keeping it change anything.
        let stored = serde_json::to_string(one.as_ref()).unwrap();
        assert_eq!(serde_json::from_str::<EntityType>(&stored).unwrap(), **one);
    }
    // Whatever became of the indexes since.
    let mut all = document(catalog.by_name("all").unwrap(), &catalog);
    all["fields"]["t"]["index_state"] = json!("building");
    all["fields"]["u"]["index_state"] = json!("ready");
    let unchanged = replace(catalog.by_name("all").unwrap(), &all, &[], &catalog, NOW);
    assert!(unchanged.unwrap().is_none());
    // Without what the server made, and in place of an earlier version.
    let before = catalog.by_name("airport").unwrap();
    assert!(
        replace(before, &object(airport()), &[], &catalog, NOW)
            .unwrap()
            .is_none()
    );
    let read = document(before, &catalog);
    let patch = object(json!({"title": "Aerodrome"}));
    let changed = change(before, &patch, &catalog, NOW).unwrap().unwrap();
    let later = applied(&catalog, &changed);
    let back = replace(changed.after.as_ref().unwrap(), &read, &[], &later, NOW)
        .unwrap()
        .unwrap();
    assert_eq!(back.after.unwrap().title.as_deref(), Some("Airport"));
}

#[test]
fn a_known_number_under_another_name_is_a_rename() {
    let catalog = catalog(&[country(), airport()]);
    let before = catalog.by_name("airport").unwrap();
    let document = json!({"name": "aerodrome", "fields": {
        "name": {"type": "text", "number": 1, "required": true, "unique": true, "max_length": 4},
        "icao": {"type": "text"},
        "status": {"type": "enum", "choices": ["open", "closed"], "default": "open"},
        "elevation": {"number": 3, "type": "number", "indexed": true}},
        "links": {"nation": {"number": 5, "to": ["country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict"}}});
    let change = replace(before, &object(document), &[], &catalog, NOW)
        .unwrap()
        .unwrap();
    // 1 is `name` now; `icao`, whose number is taken by it, is a new field; the old `name` (2) went.
    assert_eq!(
        numbers_of(&document_after(&catalog, &change)),
        numbered(&[
            ("name", 1),
            ("icao", 7),
            ("status", 4),
            ("elevation", 3),
            ("nation", 5)
        ])
    );
    assert_eq!(change.must_be_unused, [2].into());
    assert!(!change.check_entities);
    assert_eq!(change.after.unwrap().name, "aerodrome");
}

#[test]
fn what_is_left_out_must_be_unused_unless_dropped() {
    let catalog = catalog(&[country(), airport()]);
    let before = catalog.by_name("airport").unwrap();
    let document = object(
        json!({"name": "airport", "fields": {"icao": {"type": "text", "required": true, "unique": true, "max_length": 4}}}),
    );
    let removal = |drop: &[&str]| {
        let drop: Vec<String> = drop.iter().map(|name| (*name).to_owned()).collect();
        replace(before, &document, &drop, &catalog, NOW)
    };
    let change = removal(&[]).unwrap().unwrap();
    assert_eq!(change.must_be_unused, [2, 3, 4, 5].into());
    assert_eq!(change.after.as_ref().unwrap().keys, []);
    let change = removal(&["name", "country"]).unwrap().unwrap();
    assert_eq!(change.must_be_unused, [3, 4].into());
    assert_eq!(
        refusal(removal(&["nope"])),
        (
            Invalid,
            "invalid_type",
            listed(&[("?drop", "unknown_field")])
        )
    );
    // Again, when they are gone already.
    let gone = applied(&catalog, &change);
    let drop = ["name".to_owned(), "country".to_owned()];
    let again = replace(change.after.as_ref().unwrap(), &document, &drop, &gone, NOW);
    assert!(again.unwrap().is_none());
}

#[test]
fn order_is_part_of_the_document() {
    let catalog = catalog(&[country()]);
    let before = catalog.by_name("country").unwrap();
    let mut document = shown(&catalog, "country");
    let fields = object(document["fields"].clone());
    document["fields"] = Value::Object(fields.into_iter().rev().collect());
    let change = replace(before, &document, &[], &catalog, NOW)
        .unwrap()
        .unwrap();
    assert_eq!(
        numbers_of(&document_after(&catalog, &change)),
        numbered(&[("name", 2), ("code", 1)])
    );
    assert!(!change.looks_at_entities());
}

#[test]
fn keys_keep_their_number_with_their_parts() {
    let catalog = catalog(&[
        json!({"name": "a", "fields": {"x": {"type": "text"}, "y": {"type": "text"}}, "keys": {"k": ["x"], "l": ["y"]}}),
    ]);
    let before = catalog.by_name("a").unwrap();
    let mut document = shown(&catalog, "a");
    document["keys"] = json!({"l": ["x"], "k": ["x", "y"], "m": ["y"]});
    let change = replace(before, &document, &[], &catalog, NOW)
        .unwrap()
        .unwrap();
    let keys: Vec<(String, u32)> = change
        .after
        .as_ref()
        .unwrap()
        .keys
        .iter()
        .map(|key| (key.name.clone(), key.number.0))
        .collect();
    assert_eq!(
        keys,
        [
            ("l".to_owned(), 3),
            ("k".to_owned(), 5),
            ("m".to_owned(), 4)
        ]
    );
    assert_eq!(change.keys_to_build().len(), 1);
    assert_eq!(change.rows_to_drop().keys, []);
}

#[test]
fn each_fault_of_a_replacement_has_its_place_and_code() {
    let catalog = catalog(&[country(), airport()]);
    let before = catalog.by_name("country").unwrap();
    let with = |section: &str, value: Value| {
        let mut document = shown(&catalog, "country");
        document.insert(section.to_owned(), value);
        document
    };
    let cases: Vec<Fault<Map<String, Value>>> = vec![
        (
            with("id", json!("x")),
            Malformed,
            "read_only_field",
            &[("/id", "read_only_field")],
        ),
        (
            with("version", json!(2)),
            Malformed,
            "read_only_field",
            &[("/version", "read_only_field")],
        ),
        (
            with("version", json!("1")),
            Malformed,
            "read_only_field",
            &[("/version", "read_only_field")],
        ),
        (
            with("created_at", json!("2026-01-01T00:00:00Z")),
            Malformed,
            "read_only_field",
            &[("/created_at", "read_only_field")],
        ),
        (
            with("updated_at", json!("2026-01-01T00:00:00Z")),
            Malformed,
            "read_only_field",
            &[("/updated_at", "read_only_field")],
        ),
        (
            with("inverse_links", json!([])),
            Malformed,
            "read_only_field",
            &[("/inverse_links", "read_only_field")],
        ),
        (
            with(
                "fields",
                json!({"a": {"type": "text", "number": 1}, "b": {"type": "text", "number": 1}, "c": {"type": "text", "number": 7}, "d": {"type": "text", "number": "1"}, "e": {"type": "text", "number": -1}}),
            ),
            Invalid,
            "invalid_type",
            &[
                ("/fields/d/number", "unknown_number"),
                ("/fields/e/number", "unknown_number"),
                ("/fields/b/number", "duplicate_number"),
                ("/fields/c/number", "unknown_number"),
            ],
        ),
        (
            with(
                "fields",
                json!({"a": {"type": "text", "index_state": "none"}, "b": {"type": "text", "index_state": true}}),
            ),
            Malformed,
            "read_only_field",
            &[
                ("/fields/a/index_state", "read_only_field"),
                ("/fields/b/index_state", "read_only_field"),
            ],
        ),
        (
            with("links", json!({"l": {"to": ["country"], "number": 1}})),
            Invalid,
            "invalid_type",
            &[("/links/l/number", "unknown_number")],
        ),
    ];
    for (document, class, code, problems) in cases {
        let shown = Value::Object(document.clone()).to_string();
        assert_eq!(
            refusal(replace(before, &document, &[], &catalog, NOW)),
            (class, code, listed(problems)),
            "{shown}"
        );
    }
}

#[test]
fn a_type_that_others_name_stays() {
    let catalog = catalog(&[
        country(),
        airport(),
        json!({"name": "note", "links": {"about": {"to": ["*"]}, "parent": {"to": ["note"]}}}),
    ]);
    let removed = |name: &str| remove(catalog.by_name(name).unwrap(), &catalog);
    assert_eq!(
        refusal(removed("country")),
        (Conflict, "type_in_use", vec![])
    );
    for name in ["airport", "note"] {
        let change = removed(name).unwrap();
        assert!(
            change.after.is_none() && change.looks_at_entities(),
            "{name}"
        );
    }
}
