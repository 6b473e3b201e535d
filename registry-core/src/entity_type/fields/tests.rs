#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::hint::black_box;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    KeyNumber, Timestamp, TypeId, Version,
    entity_type::schema::json_schema,
    field::Kind,
    port::RowPatch,
    write::{self, Start},
};

/// Whether a field that is left out gets its default.
#[derive(Clone, Copy)]
enum Defaults {
    Fill,
    Leave,
}

/// The data of a new entity.
fn read_new(
    entity_type: &EntityType,
    fields: &Map<String, Value>,
    defaults: Defaults,
) -> Result<Data, Vec<Problem>> {
    let (fields, faults) = read_patch(entity_type, fields);
    let blank = match defaults {
        Defaults::Fill => std::collections::BTreeSet::new(),
        Defaults::Leave => entity_type.live_fields().map(|one| one.number).collect(),
    };
    let patch = RowPatch {
        fields,
        blank,
        faults,
        ..RowPatch::default()
    };
    write::data(entity_type, Start::New, &patch)
}

/// A type whose fields are given as definitions, numbered from 1.
fn entity_type(fields: Value) -> EntityType {
    let Value::Object(fields) = fields else {
        panic!("fields are an object");
    };
    let fields: Vec<Field> = (1..)
        .zip(fields)
        .map(|(number, (name, definition))| {
            let mut definition = definition.as_object().unwrap().clone();
            let type_name = definition.shift_remove("type").unwrap();
            let mut flag = |name: &str| definition.shift_remove(name) == Some(json!(true));
            let (list, required, unique, indexed, removed) = (
                flag("list"),
                flag("required"),
                flag("unique"),
                flag("indexed"),
                flag("removed"),
            );
            let default = definition.shift_remove("default");
            let mut count = |name: &str| {
                definition
                    .shift_remove(name)
                    .and_then(|value| value.as_u64())
            };
            let (min_items, max_items) = (count("min_items"), count("max_items"));
            let kind = Kind::from_definition(type_name.as_str().unwrap(), &definition, "").unwrap();
            Field {
                number: FieldNumber(number),
                name,
                kind,
                list,
                min_items,
                max_items,
                required,
                unique,
                indexed,
                searchable: false,
                default,
                title: None,
                description: None,
                input: None,
                removed,
            }
        })
        .collect();
    EntityType {
        id: TypeId(uuid::Uuid::from_u128(1)),
        name: "airport".to_owned(),
        version: Version::FIRST,
        title: None,
        description: None,
        tags: Vec::new(),
        metadata: None,
        label: None,
        next_number: 1 + u32::try_from(fields.len()).unwrap(),
        fields,
        links: Vec::new(),
        keys: Vec::new(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn airport() -> EntityType {
    entity_type(json!({
        "icao": {"type": "text", "required": true, "unique": true, "max_length": 4},
        "name": {"type": "text", "required": true},
        "elevation": {"type": "number", "indexed": true},
        "status": {"type": "enum", "choices": ["open", "closed"], "default": "open"},
        "tags": {"type": "text", "list": true, "max_items": 3, "min_items": 1, "max_length": 3},
        "old": {"type": "text", "removed": true},
        "opened": {"type": "date"},
        "fee": {"type": "decimal", "scale": 2},
        "doc": {"type": "json", "schema": {"$ref": "#/$defs/d", "$defs": {"d": {"properties": {"n": {"type": "integer"}}}}}}
    }))
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

fn one(text: &str) -> Datum {
    Datum::One(Encoded(text.to_owned()))
}

#[test]
fn fields_become_data_under_their_numbers_and_come_back_in_order() {
    let airport = airport();
    let fields = json!({
        "doc": {"n": 1, "a": 0.5}, "fee": "1.50", "opened": "1948-07-01", "tags": ["a", "\"b"],
        "elevation": 13, "name": "Kennedy", "icao": "KJFK"
    });
    let data = read_new(&airport, &map(fields), Defaults::Fill).unwrap();
    assert_eq!(
        serde_json::to_value(&data).unwrap(),
        json!({
            "1": "KJFK", "2": "Kennedy", "3": "c02a000000000000", "4": "open", "5": ["a", "\"b"],
            "7": "1948-07-01", "8": "15115", "9": "{\"n\":1,\"a\":0.5}"
        })
    );
    let text = r#"{"icao":"KJFK","name":"Kennedy","elevation":13.0,"status":"open","tags":["a","\"b"],"opened":"1948-07-01","fee":"1.5","doc":{"n":1,"a":0.5}}"#;
    assert_eq!(Value::Object(present(&airport, &data)).to_string(), text);
    let mut out = Vec::new();
    write_fields(&airport, &data, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), text);
    assert_eq!(check(&airport, &data), Ok(()));
    for field in airport.live_fields() {
        let datum = &data[&field.number];
        let read = parse_cell(field, &cell(field, datum)).unwrap();
        assert_eq!(read_field(field, &read), Ok(datum.clone()));
    }
}

#[test]
fn all_problems_at_once_each_with_its_place() {
    let fields = json!({
        "icao": "KJFKX", "elevation": "13", "status": "Open", "tags": ["a", 5, "long", null],
        "old": "x", "a/b": 1, "doc": {"n": "x"}, "fee": 1.5
    });
    let problems = read_new(&airport(), &map(fields), Defaults::Fill).unwrap_err();
    assert_eq!(
        problems,
        [
            Problem::at("/fields/icao", "too_long", "must have at most 4 characters"),
            Problem::at("/fields/name", "required", "must be given"),
            Problem::at("/fields/elevation", "type", "must be a number"),
            Problem::at(
                "/fields/status",
                "not_a_choice",
                "must be one of the choices"
            ),
            Problem::at(
                "/fields/tags",
                "too_many_items",
                "must have at most 3 items"
            ),
            Problem::at("/fields/tags/1", "type", "must be a text"),
            Problem::at(
                "/fields/tags/2",
                "too_long",
                "must have at most 3 characters"
            ),
            Problem::at("/fields/tags/3", "type", "must be a text"),
            Problem::at(
                "/fields/fee",
                "type",
                "must be a text, so that no digit is lost: \"12.5\""
            ),
            Problem::at("/fields/doc/n", "type", "has the wrong type"),
            Problem::at("/fields/old", "unknown_field", "the type has no such field"),
            Problem::at(
                "/fields/a~1b",
                "unknown_field",
                "the type has no such field"
            ),
        ]
    );
}

#[test]
fn defaults_fill_what_is_left_out_at_creation_alone() {
    let airport = airport();
    let status = |fields: Value, defaults| {
        let data = read_new(&airport, &map(fields), defaults).unwrap();
        data.get(&FieldNumber(4)).cloned()
    };
    let given = json!({"icao": "A", "name": "B"});
    let cleared = json!({"icao": "A", "name": "B", "status": null});
    assert_eq!(status(given.clone(), Defaults::Fill), Some(one("open")));
    assert_eq!(status(given, Defaults::Leave), None);
    assert_eq!(status(cleared, Defaults::Fill), None);
}

#[test]
fn null_is_absence_and_a_required_field_must_be_there() {
    let problems = read_new(
        &airport(),
        &map(json!({"icao": null, "name": "x"})),
        Defaults::Fill,
    );
    assert_eq!(
        problems,
        Err(vec![Problem::at(
            "/fields/icao",
            "required",
            "must be given"
        )])
    );
}

#[test]
fn lists_have_bounds_and_may_not_be_single_values() {
    let read = |tags: Value| {
        let fields = json!({"icao": "A", "name": "B", "tags": tags});
        read_new(&airport(), &map(fields), Defaults::Leave)
    };
    assert_eq!(
        read(json!([])),
        Err(vec![Problem::at(
            "/fields/tags",
            "too_few_items",
            "must have at least 1 items"
        )])
    );
    assert_eq!(
        read(json!("a")),
        Err(vec![Problem::at("/fields/tags", "type", "must be a list")])
    );
    let nested = read(json!([["a"]]));
    assert_eq!(
        nested,
        Err(vec![Problem::at(
            "/fields/tags/0",
            "type",
            "must be a text"
        )])
    );
}

#[test]
fn a_patch_changes_what_it_names() {
    let airport = airport();
    let mut before = read_new(
        &airport,
        &map(json!({"icao": "A", "name": "B", "tags": ["a", "b"], "elevation": 1})),
        Defaults::Fill,
    )
    .unwrap();
    before.insert(FieldNumber(6), one("kept"));
    let patch = read_patch(
        &airport,
        &map(json!({"tags": ["c"], "elevation": null, "name": "C"})),
    );
    let named = patch.0.clone();
    assert_eq!(
        patch,
        (
            Patch::from([
                (FieldNumber(2), Some(one("C"))),
                (FieldNumber(3), None),
                (
                    FieldNumber(5),
                    Some(Datum::Many(vec![Encoded("c".to_owned())]))
                ),
            ]),
            vec![]
        )
    );
    let after = apply_patch(&airport, before, &named).unwrap();
    assert_eq!(
        serde_json::to_value(&after).unwrap(),
        json!({"1": "A", "2": "C", "4": "open", "5": ["c"], "6": "kept"})
    );
    assert_eq!(
        read_patch(&airport, &map(json!({"name": null, "old": 1, "fee": "x"}))),
        (
            Patch::from([(FieldNumber(2), None)]),
            vec![
                Problem::at(
                    "/fields/fee",
                    "format",
                    "must be a decimal number such as \"-12.5\", without exponent"
                ),
                Problem::at("/fields/old", "unknown_field", "the type has no such field"),
            ]
        )
    );
    assert_eq!(
        apply_patch(&airport, Data::new(), &Patch::new()),
        Err(vec![
            Problem::at("/fields/icao", "required", "must be given"),
            Problem::at("/fields/name", "required", "must be given"),
        ])
    );
}

#[test]
fn a_replacement_keeps_values_of_removed_fields() {
    let before = Data::from([(FieldNumber(1), one("A")), (FieldNumber(6), one("kept"))]);
    assert_eq!(
        removed(&airport(), &before),
        Data::from([(FieldNumber(6), one("kept"))])
    );
}

#[test]
fn data_is_checked_against_a_changed_type() {
    let data = Data::from([
        (FieldNumber(1), one("LONGER")),
        (FieldNumber(3), one("not hex")),
        (FieldNumber(4), Datum::Many(vec![])),
        (FieldNumber(5), one("a")),
        (FieldNumber(99), one("of no field")),
    ]);
    assert_eq!(
        check(&airport(), &data),
        Err(vec![
            Problem::at("/fields/icao", "too_long", "must have at most 4 characters"),
            Problem::at("/fields/name", "required", "must be given"),
            Problem::at("/fields/elevation", "type", "is not a value of kind number"),
            Problem::at("/fields/status", "type", "must not be a list"),
            Problem::at("/fields/tags", "type", "must be a list"),
        ])
    );
}

#[test]
fn indexed_unique_and_key_values_are_bounded() {
    let mut keyed = entity_type(json!({
        "u": {"type": "text", "unique": true},
        "i": {"type": "text", "indexed": true, "list": true},
        "a": {"type": "text"},
        "b": {"type": "text"}
    }));
    keyed.keys.push(Key {
        number: KeyNumber(9),
        name: "both".to_owned(),
        fields: vec![FieldNumber(3), FieldNumber(4)],
    });
    let read = |fields: Value| read_new(&keyed, &map(fields), Defaults::Leave);
    let text = |length: usize| "x".repeat(length);
    let message = "an indexed or unique value must have at most 1024 bytes";
    assert_eq!(
        read(json!({"u": text(1025), "i": [text(1024), text(1025)], "a": text(2000)})),
        Err(vec![
            Problem::at("/fields/u", "too_long_to_index", message),
            Problem::at("/fields/i/1", "too_long_to_index", message),
        ])
    );
    assert_eq!(
        read(json!({"a": text(1000), "b": text(23)})),
        Err(vec![Problem::at("/fields/a", "too_long_to_index", message)])
    );
    assert!(read(json!({"a": text(1000), "b": text(22)})).is_ok());
    let (patch, _) = read_patch(&keyed, &map(json!({"b": text(23)})));
    let data = read(json!({"a": text(1000)})).unwrap();
    assert_eq!(
        apply_patch(&keyed, data, &patch),
        Err(vec![Problem::at("/fields/a", "too_long_to_index", message)])
    );
}

#[test]
fn a_default_keeps_its_own_rules() {
    let bad = entity_type(json!({
        "good": {"type": "text", "list": true, "default": ["a"]},
        "none": {"type": "text"},
        "item": {"type": "integer", "list": true, "default": [1, "a"]},
        "kind": {"type": "enum", "choices": ["a"], "default": "b"},
        "null": {"type": "text", "default": null}
    }));
    let checked: Vec<_> = bad.fields.iter().map(check_default).collect();
    assert_eq!(
        checked,
        [
            Ok(()),
            Ok(()),
            Err(Problem::at("/default/1", "type", "must be an integer")),
            Err(Problem::at(
                "/default",
                "not_a_choice",
                "must be one of the choices"
            )),
            Err(Problem::at("/default", "type", "must be a text")),
        ]
    );
}

#[test]
fn many_problems_end_with_a_word() {
    let many = entity_type(json!({"n": {"type": "integer", "list": true}}));
    let fields = map(json!({"n": vec!["x"; 5_000]}));
    let problems = read_new(&many, &fields, Defaults::Leave).unwrap_err();
    assert_eq!(problems.len(), 1_001);
    assert_eq!(
        problems.last(),
        Some(&Problem::at(
            "/fields/n",
            "more",
            "there may be more problems"
        ))
    );
    let unknown: Map<String, Value> = (0..5_000)
        .map(|number| (format!("f{number}"), json!(1)))
        .collect();
    let problems = read_new(&many, &unknown, Defaults::Leave).unwrap_err();
    assert_eq!(problems.len(), 1_001);
}

#[test]
fn the_schema_of_a_type() {
    let mut airport = airport();
    airport.title = Some("Airport".to_owned());
    airport.fields[0].description = Some("four letters".to_owned());
    assert_eq!(
        json_schema(&airport),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Airport",
            "type": "object",
            "properties": {
                "icao": {"type": "string", "maxLength": 4, "description": "four letters"},
                "name": {"type": "string"},
                "elevation": {"type": "number"},
                "status": {"type": "string", "enum": ["open", "closed"], "default": "open"},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1, "maxItems": 3},
                "opened": {"type": "string", "format": "date"},
                "fee": {"type": "string", "pattern": "^-?(0|[1-9][0-9]{0,37})(\\.[0-9]{1,2}0*)?$"},
                "doc": {
                    "$id": "urn:registry:00000000-0000-0000-0000-000000000001:field:9",
                    "$ref": "#/$defs/d",
                    "$defs": {"d": {"properties": {"n": {"type": "integer"}}}}
                }
            },
            "required": ["icao", "name"],
            "additionalProperties": false
        })
    );
}

fn validator(entity_type: &EntityType) -> jsonschema::Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(&json_schema(entity_type))
        .unwrap()
}

fn some_fields() -> impl Strategy<Value = Map<String, Value>> {
    let values = proptest::sample::select(vec![
        json!("KJFK"),
        json!("KJFKX"),
        json!("open"),
        json!("2026-01-02"),
        json!("1.50"),
        json!(1.5),
        json!(["a"]),
        json!([]),
        json!(["a", "b", "c", "d"]),
        json!(["a", 1]),
        json!({"n": 1}),
        json!({"n": "x"}),
        json!(true),
    ]);
    let names = proptest::sample::select(vec![
        "name",
        "elevation",
        "status",
        "tags",
        "old",
        "opened",
        "fee",
        "doc",
        "none",
        "icao",
    ]);
    proptest::collection::vec((names, values), 0..4).prop_map(|members| {
        let mut fields = map(json!({"icao": "KJFK", "name": "Kennedy"}));
        for (name, value) in members {
            fields.insert(name.to_owned(), value);
        }
        fields
    })
}

#[test]
fn the_schema_accepts_what_reading_accepts() {
    let airport = airport();
    let validator = validator(&airport);
    proptest!(ProptestConfig::with_cases(2_000), |(fields in some_fields())| {
        let read = read_new(&airport, &fields, Defaults::Leave);
        let valid = validator.is_valid(&Value::Object(fields));
        match read {
            Ok(data) => {
                prop_assert!(valid);
                // What comes out is valid too.
                prop_assert!(validator.is_valid(&Value::Object(present(&airport, &data))));
            }
            Err(problems) => prop_assert!(
                !valid || problems.iter().all(|problem| problem.code == "format"),
                "{problems:?}"
            ),
        }
    });
}

/// Not a test of time but a way to see it: `cargo test --release -p registry-core costs -- --ignored --nocapture`.
#[test]
#[ignore = "prints a measurement"]
fn costs() {
    let ten = entity_type(json!({
        "icao": {"type": "text", "required": true, "unique": true, "max_length": 4, "pattern": "^[A-Z0-9]+$"},
        "iata": {"type": "text", "max_length": 3},
        "name": {"type": "text", "required": true},
        "city": {"type": "text"},
        "status": {"type": "enum", "choices": ["open", "closed"]},
        "elevation": {"type": "number", "indexed": true},
        "lat": {"type": "number", "min": -90, "max": 90},
        "runways": {"type": "integer", "min": 0},
        "tags": {"type": "text", "list": true},
        "opened": {"type": "date"}
    }));
    let body = br#"{"icao":"KJFK","iata":"JFK","name":"John F Kennedy International Airport","city":"New York","status":"open","elevation":13,"lat":40.639801,"runways":4,"tags":["hub","coast"],"opened":"1948-07-01"}"#;
    let value = crate::json::read(body).unwrap();
    let fields = value.as_object().unwrap();
    let data = read_new(&ten, fields, Defaults::Fill).unwrap();
    let validator = validator(&ten);
    let measure = |name: &str, run: &mut dyn FnMut()| {
        let rounds = 20_000_u32;
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            run();
        }
        println!("{name}: {:?}", started.elapsed() / rounds);
    };
    measure("serde_json", &mut || {
        black_box(serde_json::from_slice::<Value>(black_box(body)).unwrap());
    });
    measure("json::read", &mut || {
        black_box(crate::json::read(black_box(body)).unwrap());
    });
    measure("read_new", &mut || {
        black_box(read_new(&ten, black_box(fields), Defaults::Fill).unwrap());
    });
    measure("jsonschema is_valid", &mut || {
        assert!(validator.is_valid(black_box(&value)));
    });
    measure("check", &mut || {
        check(&ten, black_box(&data)).unwrap();
    });
    let mut out = Vec::new();
    measure("write_fields", &mut || {
        out.clear();
        write_fields(&ten, black_box(&data), &mut out);
    });
    let attributes = map(json!({"pattern": "^[A-Z]{2}[0-9]{1,8}$"}));
    measure("define a pattern", &mut || {
        black_box(Kind::from_definition("text", &attributes, "").unwrap());
    });
}
