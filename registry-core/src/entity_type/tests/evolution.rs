//! What a change asks of the entities stored under the type.

use serde_json::json;

use super::*;
use crate::{
    Datum, Encoded, Entity, EntityId, FieldNumber, KeyNumber, LinkNumber, LinkTargets, Principal,
    entity_type::{RowsToDrop, change, replace},
};

/// 1 text, 2 integer, 3 list, 4 enum, 5 indexed, 6 unique, 7 link one, 8 link many, 9 key.
fn before() -> Catalog {
    catalog(&[
        country(),
        airport(),
        json!({"name": "a", "fields": {
            "text": {"type": "text", "min_length": 2, "max_length": 5},
            "whole": {"type": "integer", "min": 0, "max": 10},
            "list": {"type": "text", "list": true, "min_items": 1, "max_items": 3},
            "choice": {"type": "enum", "choices": ["x", "y"]},
            "indexed": {"type": "text", "indexed": true},
            "unique": {"type": "text", "unique": true}},
            "links": {"one": {"to": ["country", "airport"], "cardinality": "one"}, "many": {"to": ["*"]}},
            "keys": {"key": ["text", "whole"]}}),
    ])
}

fn changed(catalog: &Catalog, patch: Value) -> TypeChange {
    let before = catalog.by_name("a").unwrap();
    change(before, &object(patch), catalog, NOW)
        .unwrap()
        .unwrap()
}

fn entity(data: &[(u32, &str)], links: &[(u32, usize)]) -> Entity {
    let actor = Principal::parse("user:ann").unwrap();
    Entity {
        id: EntityId(Uuid::from_u128(77)),
        type_id: TypeId(Uuid::from_u128(3)),
        version: Version(1),
        type_version: Version(1),
        data: data
            .iter()
            .map(|(number, value)| {
                let value = Encoded((*value).to_owned());
                let datum = if *number == 3 {
                    Datum::Many(vec![value])
                } else {
                    Datum::One(value)
                };
                (FieldNumber(*number), datum)
            })
            .collect(),
        links: links
            .iter()
            .map(|(number, count)| {
                let targets = (0..*count).map(|index| EntityId(Uuid::from_u128(index as u128)));
                (LinkNumber(*number), targets.collect())
            })
            .collect(),
        owners: vec![actor.clone()],
        readers: Vec::new(),
        created_at: THEN,
        created_by: actor.clone(),
        updated_at: THEN,
        updated_by: actor,
    }
}

#[test]
fn loosening_is_free() {
    let catalog = before();
    for patch in [
        json!({"title": "A", "tags": ["t"], "metadata": {"x": 1}, "label": "text", "name": "b"}),
        json!({"fields": {"new": {"type": "text"}, "text": {"min_length": 1, "max_length": 6, "title": "T", "input": "area", "searchable": false, "default": "ab"}}}),
        json!({"fields": {"text": {"min_length": null, "max_length": null, "name": "words"}}}),
        json!({"fields": {"whole": {"min": -1, "max": 11}, "list": {"min_items": null, "max_items": 4}}}),
        json!({"fields": {"choice": {"choices": ["y", "z", "x"]}, "indexed": {"indexed": false}, "unique": {"unique": false}}}),
        json!({"fields": {"text": null}, "keys": {"key": null}}),
        json!({"links": {"one": {"cardinality": "many", "on_delete": "cascade", "to": ["airport", "country", "a"], "inverse": "x"}, "new": {"to": ["a"]}, "many": null}}),
    ] {
        assert!(
            !changed(&catalog, patch.clone()).looks_at_entities(),
            "{patch}"
        );
    }
}

#[test]
fn tightening_looks_at_every_entity() {
    let catalog = before();
    for patch in [
        json!({"fields": {"new": {"type": "text", "required": true}}}),
        json!({"fields": {"text": {"required": true}}}),
        json!({"fields": {"text": {"unique": true}}}),
        json!({"fields": {"text": {"indexed": true}}}),
        json!({"fields": {"text": {"min_length": 3}}}),
        json!({"fields": {"text": {"max_length": 4}}}),
        json!({"fields": {"text": {"pattern": "^a"}}}),
        json!({"fields": {"whole": {"min": 1}}}),
        json!({"fields": {"whole": {"max": 9}}}),
        json!({"fields": {"indexed": {"max_length": 9}}}),
        json!({"fields": {"list": {"min_items": 2}}}),
        json!({"fields": {"list": {"max_items": 2}}}),
        json!({"fields": {"choice": {"choices": ["x", "z"]}}}),
        json!({"fields": {"text": {"type": "email"}}}),
        json!({"links": {"new": {"to": ["a"], "required": true}}}),
        json!({"links": {"one": {"required": true, "on_delete": "restrict"}}}),
        json!({"links": {"many": {"cardinality": "one"}}}),
        json!({"links": {"one": {"to": ["country"]}}}),
        json!({"links": {"many": {"to": ["country", "airport", "a"]}}}),
        json!({"keys": {"more": ["whole"]}}),
    ] {
        assert!(changed(&catalog, patch.clone()).check_entities, "{patch}");
    }
}

#[test]
fn one_entity_shows_all_that_stands_in_the_way() {
    let catalog = before();
    let patch = json!({
        "fields": {"text": {"type": "integer", "min_length": null}, "list": {"list": false, "min_items": null, "max_items": null},
            "whole": {"min": 5}, "choice": {"choices": ["y"]}, "new": {"type": "text", "required": true}},
        "links": {"one": {"required": true, "on_delete": "restrict"}, "many": {"cardinality": "one"}}});
    let change = changed(&catalog, patch);
    assert_eq!(change.must_have_no_values, [1, 3].into());
    let zero = crate::field::encode_integer(0).0;
    let bad = entity(&[(1, "abc"), (2, &zero), (3, "x"), (4, "x")], &[(8, 2)]);
    let conflict = |names: &[&str]| -> Vec<(String, &str)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), "type_change_conflict"))
            .collect()
    };
    assert_eq!(
        change.violations(&bad),
        conflict(&["choice", "list", "many", "new", "one", "text", "whole"])
    );
    let five = crate::field::encode_integer(5).0;
    let mut good = entity(&[(2, &five), (4, "y")], &[(7, 1), (8, 1)]);
    assert_eq!(change.violations(&good), conflict(&["new"]));
    good.data
        .insert(FieldNumber(10), Datum::One(Encoded("n".to_owned())));
    assert_eq!(change.violations(&good), conflict(&[]));
}

#[test]
fn dropped_data_is_named_as_it_was() {
    let catalog = before();
    let one = catalog.by_name("a").unwrap();
    let mut short = document(one, &catalog);
    short["fields"]
        .as_object_mut()
        .unwrap()
        .shift_remove("choice");
    short["links"].as_object_mut().unwrap().shift_remove("many");
    let change = replace(one, &short, &[], &catalog, NOW).unwrap().unwrap();
    let would_drop = |names: &[&str]| -> Vec<(String, &str)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), "would_drop"))
            .collect()
    };
    assert_eq!(
        change.violations(&entity(&[(1, "abc")], &[])),
        would_drop(&[])
    );
    assert_eq!(
        change.violations(&entity(&[(4, "x")], &[(8, 1)])),
        would_drop(&["choice", "many"])
    );
}

#[test]
fn rows_go_and_come_by_number() {
    let catalog = before();
    let change = changed(
        &catalog,
        json!({
            "fields": {"unique": null, "indexed": {"indexed": false}, "text": {"unique": true, "indexed": true}},
            "links": {"one": null, "many": {"to": ["country"]}},
            "keys": {"key": ["whole", "text"]}
        }),
    );
    assert_eq!(
        change.rows_to_drop(),
        RowsToDrop {
            keys: vec![KeyNumber(6), KeyNumber(9)],
            values: vec![FieldNumber(5)],
            links: vec![LinkNumber(7)],
        }
    );
    let wanted = change.keys_to_build();
    let keys: Vec<u32> = wanted.iter().map(|key| key.number.0).collect();
    assert_eq!(keys, [1, 10]);
    assert_eq!(change.indexes_to_build(), [FieldNumber(1)]);
    let keys = change.keys_of(&entity(&[(1, "abc"), (2, "n"), (5, "e")], &[]));
    let keys: Vec<(u32, String)> = keys
        .into_iter()
        .map(|row| (row.key.0, row.value.0))
        .collect();
    assert_eq!(
        keys,
        [(1, "abc".to_owned()), (10, "n\u{1}\u{1}abc".to_owned())]
    );
    let country = catalog.by_name("country").unwrap().id;
    assert_eq!(
        change.narrowed_links(),
        [(LinkNumber(8), LinkTargets::Types(vec![country]))]
    );
}

#[test]
fn entities_stand_in_the_way_of_the_removal_of_their_type() {
    let catalog = before();
    let change = crate::entity_type::remove(catalog.by_name("a").unwrap(), &catalog).unwrap();
    assert_eq!(
        change.violations(&entity(&[], &[])),
        [(String::new(), "type_in_use")]
    );
}
