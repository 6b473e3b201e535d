//! Every fault of a definition, and what defaults it gets.

use serde_json::json;

use super::*;
use crate::problem::Refusal::{Conflict, Invalid, Malformed};

#[test]
fn each_fault_has_its_place_and_code() {
    let catalog = catalog(&[country()]);
    let long = "x".repeat(48);
    let cases: Vec<Fault<Value>> = vec![
        (json!({}), Invalid, "invalid_type", &[("/name", "required")]),
        (
            json!({"name": null}),
            Invalid,
            "invalid_type",
            &[("/name", "required")],
        ),
        (
            json!({"name": 5}),
            Invalid,
            "invalid_type",
            &[("/name", "type")],
        ),
        (
            json!({"name": ""}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"name": "1a"}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"name": "__proto__"}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"name": "a-b"}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"name": "x".repeat(49)}),
            Invalid,
            "invalid_type",
            &[("/name", "invalid_name")],
        ),
        (
            json!({"name": "Search"}),
            Invalid,
            "invalid_type",
            &[("/name", "reserved_name")],
        ),
        (
            json!({"name": "batch"}),
            Invalid,
            "invalid_type",
            &[("/name", "reserved_name")],
        ),
        (
            json!({"name": "COUNTRY"}),
            Conflict,
            "type_exists",
            &[("/name", "type_exists")],
        ),
        (
            json!({"name": "a", "id": "x", "version": 1, "created_at": "", "updated_at": "", "inverse_links": {}}),
            Malformed,
            "read_only_field",
            &[
                ("/id", "read_only_field"),
                ("/version", "read_only_field"),
                ("/created_at", "read_only_field"),
                ("/updated_at", "read_only_field"),
                ("/inverse_links", "read_only_field"),
            ],
        ),
        (
            json!({"name": "a", "append_only": false, "require_if_match": true, "history": "all"}),
            Malformed,
            "not_supported_yet",
            &[
                ("/append_only", "not_supported_yet"),
                ("/require_if_match", "not_supported_yet"),
                ("/history", "not_supported_yet"),
            ],
        ),
        (
            json!({"name": "a", "x/y": 1}),
            Malformed,
            "unknown_member",
            &[("/x~1y", "unknown_member")],
        ),
        (
            json!({"name": "a", "metadata": {"x": ["\u{0}"]}}),
            Malformed,
            "nul_character",
            &[("/metadata/x/0", "nul_character")],
        ),
        (
            json!({"name": "a", "title": 1, "description": [], "tags": ["x", "", "x", 1], "metadata": [], "fields": [], "links": 1, "keys": "k"}),
            Invalid,
            "invalid_type",
            &[
                ("/title", "type"),
                ("/description", "type"),
                ("/tags/3", "type"),
                ("/metadata", "type"),
                ("/fields", "type"),
                ("/links", "type"),
                ("/keys", "type"),
            ],
        ),
        (
            json!({"name": "a", "tags": ["x", "", "x"]}),
            Invalid,
            "invalid_type",
            &[("/tags/1", "empty"), ("/tags/2", "duplicate")],
        ),
        // Fields.
        (
            json!({"name": "a", "fields": {"f": null, "g": "text", "h": {}, "i": {"type": 1}, "j": {"type": "string"}}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/f", "type"),
                ("/fields/g", "type"),
                ("/fields/h/type", "required"),
                ("/fields/i/type", "type"),
                ("/fields/j/type", "unknown_kind"),
            ],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text", "number": 1, "indexed": true, "index_state": "ready"}}}),
            Malformed,
            "read_only_field",
            &[
                ("/fields/f/number", "read_only_field"),
                ("/fields/f/index_state", "read_only_field"),
            ],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text", "name": "g", "minimum": 1, "id": 1}}}),
            Malformed,
            "unknown_member",
            &[
                ("/fields/f/name", "unknown_member"),
                ("/fields/f/minimum", "unknown_member"),
                ("/fields/f/id", "unknown_member"),
            ],
        ),
        (
            json!({"name": "a", "fields": {"": {"type": "text"}, "_id": {"type": "text"}, "AND": {"type": "text"}, "true": {"type": "text"}, "ok": {"type": "text"}}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/", "invalid_name"),
                ("/fields/_id", "invalid_name"),
                ("/fields/AND", "reserved_name"),
                ("/fields/true", "reserved_name"),
            ],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text", "list": 1, "required": "yes", "unique": 0, "indexed": "", "searchable": [], "title": 1, "description": 1, "input": 1}}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/f/list", "type"),
                ("/fields/f/required", "type"),
                ("/fields/f/unique", "type"),
                ("/fields/f/indexed", "type"),
                ("/fields/f/searchable", "type"),
                ("/fields/f/title", "type"),
                ("/fields/f/description", "type"),
                ("/fields/f/input", "type"),
            ],
        ),
        (
            json!({"name": "a", "fields": {
                "f": {"type": "text", "min_items": 1},
                "g": {"type": "text", "list": true, "min_items": 3, "max_items": 2},
                "h": {"type": "text", "list": true, "min_items": -1, "max_items": 1.5}}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/f/min_items", "not_a_list"),
                ("/fields/g/min_items", "out_of_range"),
                ("/fields/h/min_items", "type"),
                ("/fields/h/max_items", "type"),
            ],
        ),
        (
            json!({"name": "a", "fields": {
                "f": {"type": "text", "list": true, "unique": true},
                "g": {"type": "json", "unique": true, "indexed": true},
                "h": {"type": "number", "unique": true},
                "i": {"type": "integer", "searchable": true}}}),
            Invalid,
            "invalid_type",
            &[
                ("/fields/f/unique", "not_unique_kind"),
                ("/fields/g/unique", "not_unique_kind"),
                ("/fields/g/indexed", "not_indexable"),
                ("/fields/h/unique", "not_unique_kind"),
                ("/fields/i/searchable", "not_searchable"),
            ],
        ),
        // Links.
        (
            json!({"name": "a", "links": {"l": {}, "m": {"to": "country"}, "n": {"to": []}, "o": {"to": ["nowhere", "country", "COUNTRY"]}, "p": {"to": ["*", "country"]}, "q": {"to": [1]}}}),
            Invalid,
            "invalid_type",
            &[
                ("/links/l/to", "required"),
                ("/links/m/to", "type"),
                ("/links/n/to", "empty"),
                ("/links/o/to/0", "unknown_type"),
                ("/links/o/to/2", "duplicate"),
                ("/links/p/to", "any_and_more"),
                ("/links/q/to/0", "type"),
            ],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["country"], "cardinality": "two", "on_delete": "explode", "required": 1, "inverse": 1, "min": 1}}}),
            Malformed,
            "invalid_type",
            &[
                ("/links/l/min", "unknown_member"),
                ("/links/l/required", "type"),
                ("/links/l/inverse", "type"),
                ("/links/l/cardinality", "not_a_choice"),
                ("/links/l/on_delete", "not_a_choice"),
            ],
        ),
        (
            json!({"name": "a", "links": {
                "l": {"to": ["country"], "required": true, "on_delete": "unlink"},
                "m": {"to": ["country"], "inverse": "m"},
                "n": {"to": ["a"], "inverse": "n", "on_delete": "cascade"},
                "o": {"to": ["A"], "inverse": "o", "required": true},
                "p": {"to": ["*"], "inverse": "p"},
                "q": {"to": ["country"], "inverse": "in"}}}),
            Invalid,
            "invalid_type",
            &[
                ("/links/l/on_delete", "required_unlink"),
                ("/links/m/to", "symmetric_to"),
                ("/links/n/on_delete", "symmetric_on_delete"),
                ("/links/o/on_delete", "symmetric_on_delete"),
                ("/links/p/to", "symmetric_to"),
                ("/links/q/inverse", "reserved_name"),
            ],
        ),
        (
            json!({"name": long, "links": {"l": {"to": ["country"]}}}),
            Invalid,
            "invalid_type",
            &[("/links/l/inverse", "inverse_too_long")],
        ),
        // Label and keys.
        (
            json!({"name": "a", "label": "nope", "fields": {"f": {"type": "text"}, "n": {"type": "number"}},
                "keys": {"k": [], "l": ["f", "f"], "m": ["nope"], "n": ["n"], "or": ["f"], "p": "f", "q": [1]}}),
            Invalid,
            "invalid_type",
            &[
                ("/keys/p", "type"),
                ("/keys/q/0", "type"),
                ("/label", "unknown_field"),
                ("/keys/k", "empty"),
                ("/keys/l/1", "duplicate"),
                ("/keys/m/0", "unknown_field"),
                ("/keys/n/0", "not_key_kind"),
                ("/keys/or", "reserved_name"),
            ],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text", "unique": true}}, "keys": {"F": ["f"]}}),
            Conflict,
            "name_taken",
            &[("/keys/F", "name_taken")],
        ),
        // One fault of each class: the first class is that of the whole.
        (
            json!({"name": "country", "title": 1, "nope": 1}),
            Malformed,
            "invalid_type",
            &[
                ("/nope", "unknown_member"),
                ("/title", "type"),
                ("/name", "type_exists"),
            ],
        ),
    ];
    for (document, class, code, problems) in cases {
        let shown = document.to_string();
        assert_eq!(
            refused_definition(document, &catalog),
            (class, code, listed(problems)),
            "{shown}"
        );
    }
}

#[test]
fn a_default_keeps_the_rules_of_its_field() {
    let document = json!({"name": "a", "fields": {
        "f": {"type": "integer", "min": 5, "default": 4},
        "g": {"type": "text", "default": 4},
        "h": {"type": "enum", "choices": ["x"], "default": "y"},
        "i": {"type": "text", "list": true, "default": "x"},
        "j": {"type": "integer", "min": 5, "default": 5}}});
    let (class, code, problems) = refused_definition(document, &catalog(&[]));
    let pointers: Vec<&str> = problems
        .iter()
        .map(|(pointer, _)| pointer.as_str())
        .collect();
    assert_eq!((class, code), (Invalid, "invalid_type"));
    assert_eq!(
        pointers,
        [
            "/fields/f/default",
            "/fields/g/default",
            "/fields/h/default",
            "/fields/i/default"
        ]
    );
}

#[test]
fn problems_of_a_kind_stand_at_their_attribute() {
    let document = json!({"name": "a", "fields": {
        "f": {"type": "text", "pattern": "(", "min_length": 3, "max_length": 2},
        "g": {"type": "enum"},
        "h": {"type": "boolean", "min": 1},
        "i": {"type": "integer", "min": "1"}}});
    let (class, code, problems) = refused_definition(document, &catalog(&[]));
    assert_eq!((class, code), (Malformed, "invalid_type"));
    assert_eq!(
        problems,
        listed(&[
            ("/fields/f/min_length", "out_of_range"),
            ("/fields/f/pattern", "pattern"),
            ("/fields/g/choices", "required"),
            ("/fields/h/min", "unknown_member"),
            ("/fields/i/min", "type"),
        ])
    );
}

#[test]
fn counts_are_bounded() {
    let many = |count: usize, entry: Value| -> Value {
        let entries = (0..count).map(|index| (format!("n{index}"), entry.clone()));
        Value::Object(entries.collect())
    };
    let none = catalog(&[]);
    let id = TypeId(Uuid::from_u128(1));
    let most = json!({"name": "a", "fields": many(200, json!({"type": "text"}))});
    assert!(define(&object(most), &none, id, NOW).is_ok());
    let document = json!({"name": "a", "fields": many(201, json!({"type": "text"}))});
    assert_eq!(
        refused_definition(document, &none),
        (
            Invalid,
            "invalid_type",
            listed(&[("/fields", "too_many_fields")])
        )
    );
    let document = json!({"name": "a", "links": many(51, json!({"to": ["a"]}))});
    assert_eq!(
        refused_definition(document, &none),
        (
            Invalid,
            "invalid_type",
            listed(&[("/links", "too_many_links")])
        )
    );
    let template = catalog(&[json!({"name": "a"})]).types()[0].clone();
    let types = (0..1_000_u128).map(|index| {
        Arc::new(EntityType {
            id: TypeId(Uuid::from_u128(index)),
            name: format!("t{index}"),
            ..template.as_ref().clone()
        })
    });
    let full = Catalog::new(Version(1), types.collect());
    assert_eq!(
        refused_definition(json!({"name": "a"}), &full),
        (Invalid, "invalid_type", listed(&[("", "too_many_types")]))
    );
}

#[test]
fn names_of_48_letters_are_taken_as_they_are() {
    let name = "N".repeat(48);
    let catalog = catalog(&[json!({"name": name, "fields": {name.clone(): {"type": "text"}}})]);
    assert_eq!(catalog.types()[0].name, name);
    assert!(catalog.by_name(&name.to_lowercase()).is_some());
}
