//! One name means one thing on each type.

use serde_json::json;

use super::*;
use crate::{entity_type::change, problem::Refusal::Conflict};

#[test]
fn a_name_is_given_once_on_each_type_that_it_reaches() {
    let catalog = catalog(&[
        country(),
        airport(),
        json!({"name": "note", "links": {"about": {"to": ["*"], "inverse": "notes"}}}),
    ]);
    let cases: Vec<(Value, &[&str])> = vec![
        // Within the document, by case only.
        (
            json!({"name": "a", "fields": {"f": {"type": "text"}, "F": {"type": "text"}}}),
            &["/fields/F"],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text"}}, "links": {"F": {"to": ["country"]}}}),
            &["/links/F"],
        ),
        (
            json!({"name": "a", "fields": {"f": {"type": "text"}}, "links": {"l": {"to": ["a"], "inverse": "F"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["a"], "inverse": "L"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["a"], "inverse": "x"}, "m": {"to": ["a"], "inverse": "X"}}}),
            &["/links/m/inverse"],
        ),
        // With fields, links and inverses of a target.
        (
            json!({"name": "a", "links": {"l": {"to": ["country"], "inverse": "Code"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["airport"], "inverse": "COUNTRY"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["country"], "inverse": "AIRPORTS"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["country"], "inverse": "x"}, "m": {"to": ["country"], "inverse": "X"}}}),
            &["/links/m/inverse"],
        ),
        // With a link to any type, before and after.
        (
            json!({"name": "a", "fields": {"Notes": {"type": "text"}}}),
            &["/fields/Notes"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["airport"], "inverse": "notes"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "links": {"l": {"to": ["*"], "inverse": "airports"}}}),
            &["/links/l/inverse"],
        ),
        (
            json!({"name": "a", "fields": {"x": {"type": "text"}}, "links": {"l": {"to": ["*"], "inverse": "x"}}}),
            &["/links/l/inverse"],
        ),
        // Everything at once.
        (
            json!({"name": "a", "fields": {"f": {"type": "text"}, "F": {"type": "text"}, "notes": {"type": "text"}}, "links": {"l": {"to": ["country"], "inverse": "code"}}}),
            &["/fields/F", "/fields/notes", "/links/l/inverse"],
        ),
    ];
    for (document, pointers) in cases {
        let shown = document.to_string();
        let problems: Vec<(String, &str)> = pointers
            .iter()
            .map(|pointer| ((*pointer).to_owned(), "name_taken"))
            .collect();
        assert_eq!(
            refused_definition(document, &catalog),
            (Conflict, "name_taken", problems),
            "{shown}"
        );
    }
}

#[test]
fn names_that_do_not_meet_are_free() {
    let catalog = catalog(&[country(), airport()]);
    let id = TypeId(Uuid::from_u128(9));
    for document in [
        // The inverse is a name at the target alone.
        json!({"name": "a", "fields": {"x": {"type": "text"}}, "links": {"l": {"to": ["country"], "inverse": "x"}}}),
        // Two links to different types may share an inverse.
        json!({"name": "a", "links": {"l": {"to": ["country"], "inverse": "x"}, "m": {"to": ["airport"], "inverse": "x"}}}),
        // A name may be that of a type.
        json!({"name": "a", "fields": {"country": {"type": "text"}, "a": {"type": "text"}}}),
        // A key may be named like a field that is not unique.
        json!({"name": "a", "fields": {"x": {"type": "text"}, "y": {"type": "text"}}, "keys": {"x": ["x", "y"]}}),
    ] {
        let result = define(&object(document.clone()), &catalog, id, NOW);
        assert!(result.is_ok(), "{document}: {result:?}");
    }
}

#[test]
fn changes_meet_names_too_at_the_place_where_the_patch_speaks() {
    let catalog = catalog(&[country(), airport()]);
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            "country",
            json!({"fields": {"code": {"name": "airports"}}}),
            "/fields/code/name",
        ),
        (
            "country",
            json!({"fields": {"Airports": {"type": "text"}}}),
            "/fields/Airports",
        ),
        (
            "country",
            json!({"fields": {"code": {"name": "NAME"}}}),
            "/fields/name",
        ),
        (
            "airport",
            json!({"links": {"country": {"name": "icao"}}}),
            "/links/country/name",
        ),
        (
            "airport",
            json!({"links": {"country": {"inverse": "code"}}}),
            "/links/country/inverse",
        ),
        (
            "airport",
            json!({"links": {"country": {"name": "nation", "inverse": "code"}}}),
            "/links/country/inverse",
        ),
    ];
    for (name, patch, pointer) in cases {
        let before = catalog.by_name(name).unwrap();
        assert_eq!(
            refusal(change(before, &object(patch.clone()), &catalog, NOW)),
            (Conflict, "name_taken", listed(&[(pointer, "name_taken")])),
            "{patch}"
        );
    }
    let before = catalog.by_name("airport").unwrap();
    assert_eq!(
        refusal(change(
            before,
            &object(json!({"name": "Country"})),
            &catalog,
            NOW
        )),
        (Conflict, "type_exists", listed(&[("/name", "type_exists")]))
    );
}
