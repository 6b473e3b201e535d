//! Merge patches over a type.

use serde_json::json;

use super::*;
use crate::{
    entity_type::change,
    problem::Refusal::{Invalid, Malformed},
};

fn changed(catalog: &Catalog, name: &str, patch: Value) -> TypeChange {
    let before = catalog.by_name(name).unwrap();
    change(before, &object(patch), catalog, NOW)
        .unwrap()
        .unwrap()
}

#[test]
fn renames_keep_numbers_and_swaps_work() {
    let catalog = catalog(&[country(), airport()]);
    let patch = json!({"name": "field", "fields": {"icao": {"name": "name"}, "name": {"name": "icao"}, "elevation": {"name": "height"}}, "links": {"country": {"name": "nation"}}});
    let change = changed(&catalog, "airport", patch);
    let shown = document_after(&catalog, &change);
    assert_eq!(
        numbers_of(&shown),
        numbered(&[
            ("name", 1),
            ("icao", 2),
            ("height", 3),
            ("status", 4),
            ("nation", 5)
        ])
    );
    // What refers to fields follows them.
    assert_eq!(shown["label"], "icao");
    assert_eq!(shown["keys"], json!({"by_name": ["icao", "status"]}));
    assert_eq!(shown["name"], "field");
    assert_eq!(shown["links"]["nation"]["inverse"], "airports");
    assert_eq!(shown["version"], 2);
    assert_eq!(shown["created_at"], "1970-01-01T00:00:01.000000Z");
    assert_eq!(shown["updated_at"], "1970-01-01T00:00:02.000000Z");
    assert!(!change.looks_at_entities());
}

#[test]
fn names_in_a_patch_are_those_before_it() {
    let catalog =
        catalog(&[json!({"name": "a", "fields": {"x": {"type": "text"}, "y": {"type": "text"}}})]);
    let patch = json!({"label": "x", "keys": {"k": ["y", "x"], "l": ["z"]}, "fields": {"x": {"name": "y"}, "y": {"name": "x"}, "z": {"type": "text"}}});
    let shown = document_after(&catalog, &changed(&catalog, "a", patch));
    assert_eq!(shown["label"], "y");
    assert_eq!(shown["keys"], json!({"k": ["x", "y"], "l": ["z"]}));
    // A name that only the change makes is read after it, also when the field that had it goes.
    let patch = json!({"label": "w", "keys": {"k": ["x"]}, "fields": {"x": null, "y": {"name": "x"}, "w": {"type": "text"}}});
    let shown = document_after(&catalog, &changed(&catalog, "a", patch));
    assert_eq!(shown["label"], "w");
    assert_eq!(shown["keys"], json!({"k": ["x"]}));
    assert_eq!(numbers_of(&shown), numbered(&[("x", 2), ("w", 3)]));
}

#[test]
fn numbers_are_never_used_again() {
    let first = catalog(&[country()]);
    let change = changed(&first, "country", json!({"fields": {"code": null}}));
    assert_eq!(change.must_be_unused.len(), 0);
    let second = applied(&first, &change);
    let change = changed(
        &second,
        "country",
        json!({"fields": {"code": {"type": "text"}}}),
    );
    let shown = document_after(&second, &change);
    assert_eq!(numbers_of(&shown), numbered(&[("name", 2), ("code", 3)]));
    let removed: Vec<(u32, bool)> = change
        .after
        .unwrap()
        .fields
        .iter()
        .map(|field| (field.number.0, field.removed))
        .collect();
    assert_eq!(removed, [(2, false), (3, false), (1, true)]);
}

#[test]
fn attributes_merge_and_null_resets() {
    let catalog = catalog(&[country(), airport()]);
    let patch = json!({
        "title": null, "description": "d", "tags": null, "metadata": {"icon": null, "map": {"x": 1}}, "label": null,
        "fields": {"icao": {"unique": null, "max_length": null, "title": "ICAO"}, "elevation": {"indexed": false}},
        "links": {"country": {"cardinality": null, "inverse": null}},
        "keys": {"by_name": null, "k": ["icao"]}
    });
    let shown = document_after(&catalog, &changed(&catalog, "airport", patch));
    assert_eq!(shown.get("title"), None);
    assert_eq!(shown["description"], "d");
    assert_eq!(shown["tags"], json!([]));
    assert_eq!(shown["metadata"], json!({"map": {"zoom": 3, "x": 1}}));
    assert_eq!(shown.get("label"), None);
    assert_eq!(
        shown["fields"]["icao"],
        json!({"number": 1, "type": "text", "list": false, "required": true, "unique": false, "indexed": false, "searchable": true, "title": "ICAO"})
    );
    assert_eq!(shown["fields"]["elevation"]["indexed"], false);
    assert_eq!(
        shown["links"]["country"],
        json!({"number": 5, "to": ["country"], "cardinality": "many", "inverse": "airport_country", "on_delete": "restrict", "required": false})
    );
    assert_eq!(shown["keys"], json!({"k": ["icao"]}));
}

#[test]
fn another_kind_leaves_the_rules_of_the_old_one() {
    let catalog = catalog(&[country(), airport()]);
    let change = changed(
        &catalog,
        "airport",
        json!({"fields": {"icao": {"type": "integer", "min": 3}}}),
    );
    let shown = document_after(&catalog, &change);
    assert_eq!(
        shown["fields"]["icao"],
        json!({"number": 1, "type": "integer", "list": false, "required": true, "unique": true, "indexed": false, "min": 3})
    );
    assert_eq!(change.must_have_no_values, [1].into());
}

#[test]
fn a_symmetric_link_stays_symmetric_when_renamed() {
    let catalog =
        catalog(&[json!({"name": "a", "links": {"friend": {"to": ["a"], "inverse": "friend"}}})]);
    let change = changed(&catalog, "a", json!({"links": {"friend": {"name": "pal"}}}));
    let shown = document_after(&catalog, &change);
    assert_eq!(shown["links"]["pal"]["inverse"], "pal");
    assert!(!change.looks_at_entities());
}

#[test]
fn a_patch_that_changes_nothing_is_no_change() {
    let catalog = catalog(&[country(), airport()]);
    let before = catalog.by_name("airport").unwrap();
    for patch in [
        json!({}),
        json!({"title": "Airport", "description": null}),
        json!({"name": "airport", "label": "name", "fields": {"icao": {"type": "text", "name": "icao", "max_length": 4}}}),
        json!({"links": {"country": {"to": ["COUNTRY"]}}, "keys": {"by_name": ["name", "status"]}, "metadata": {}}),
    ] {
        let change = change(before, &object(patch.clone()), &catalog, NOW).unwrap();
        assert!(change.is_none(), "{patch}");
    }
}

#[test]
fn each_fault_of_a_patch_has_its_place_and_code() {
    let catalog = catalog(&[country(), airport()]);
    let before = catalog.by_name("airport").unwrap();
    let cases: Vec<Fault<Value>> = vec![
        (
            json!({"name": null}),
            Invalid,
            "invalid_type",
            &[("/name", "required")],
        ),
        (
            json!({"name": "a b"}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"id": "x", "version": 1, "nope": 1, "history": 10}),
            Malformed,
            "invalid_type",
            &[
                ("/id", "read_only_field"),
                ("/version", "read_only_field"),
                ("/nope", "unknown_member"),
                ("/history", "not_supported_yet"),
            ],
        ),
        (
            json!({"fields": null, "links": []}),
            Invalid,
            "invalid_type",
            &[("/fields", "type"), ("/links", "type")],
        ),
        (
            json!({"fields": {"nope": null, "icao": 5, "x": 1, "y": {"name": "z", "type": "text"}}, "links": {"nope": null}, "keys": {"nope": null}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/icao", "type"),
                ("/fields/nope", "unknown_field"),
                ("/fields/x", "type"),
                ("/fields/y", "unknown_field"),
                ("/links/nope", "unknown_link"),
                ("/keys/nope", "unknown_key"),
            ],
        ),
        (
            json!({"fields": {"icao": {"number": 1, "index_state": "ready"}, "x": {"type": "text", "number": 9, "index_state": null}}, "links": {"country": {"number": 5}}}),
            Malformed,
            "read_only_field",
            &[
                ("/fields/icao/number", "read_only_field"),
                ("/fields/icao/index_state", "read_only_field"),
                ("/fields/x/number", "read_only_field"),
                ("/fields/x/index_state", "read_only_field"),
                ("/links/country/number", "read_only_field"),
            ],
        ),
        (
            json!({"fields": {"icao": {"name": 1}}}),
            Invalid,
            "invalid_type",
            &[("/fields/icao/name", "type")],
        ),
        (
            json!({"fields": {"icao": {"name": "not"}}}),
            Invalid,
            "invalid_type",
            &[("/fields/icao/name", "reserved_name")],
        ),
        (
            json!({"fields": {"icao": {"type": null}}}),
            Invalid,
            "invalid_type",
            &[("/fields/icao/type", "required")],
        ),
        // What still refers to a field that goes.
        (
            json!({"fields": {"name": null}}),
            Invalid,
            "invalid_type",
            &[
                ("/label", "unknown_field"),
                ("/keys/by_name/0", "unknown_field"),
            ],
        ),
        (
            json!({"fields": {"status": {"list": true, "default": null}}}),
            Invalid,
            "invalid_type",
            &[("/keys/by_name/1", "not_key_kind")],
        ),
        (
            json!({"links": {"country": {"required": true, "on_delete": "unlink"}}}),
            Invalid,
            "invalid_type",
            &[("/links/country/on_delete", "required_unlink")],
        ),
    ];
    for (patch, class, code, problems) in cases {
        assert_eq!(
            refusal(change(before, &object(patch.clone()), &catalog, NOW)),
            (class, code, listed(problems)),
            "{patch}"
        );
    }
}
