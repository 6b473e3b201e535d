//! 4.1: definitions of types.

use serde_json::{Value, json};

use crate::{Case, PLACE, check};

fn define(name: &str, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name, "POST", "/entityType").json(body)
}

/// A type with one field.
fn field(name: &str, field: &Value) -> Case {
    define(
        name,
        json!({"name": "made", "fields": {"f": field}}).to_string(),
    )
}

/// A type with one json field of this schema.
fn schema(name: &str, schema: &Value) -> Case {
    field(name, &json!({"type": "json", "schema": schema})).is(422, "schema", "")
}

/// A type with one link.
fn link(name: &str, link: &Value) -> Case {
    define(
        name,
        json!({"name": "made", "links": {"l": link}}).to_string(),
    )
}

fn documents() -> Vec<Case> {
    let named = |name: &str| define(&format!("name {name:?}"), json!({"name": name}).to_string());
    let many: serde_json::Map<String, Value> = (0..201)
        .map(|number| (format!("f{number}"), json!({"type": "text"})))
        .collect();
    let links: serde_json::Map<String, Value> = (0..51)
        .map(|number| {
            (
                format!("l{number}"),
                json!({"to": ["place"], "inverse": format!("i{number}")}),
            )
        })
        .collect();
    vec![
        define("empty body", "").is(400, "malformed_json", ""),
        define("array", "[]").is(400, "not_an_object", ""),
        define("scalar", "1").is(400, "not_an_object", ""),
        define("null", "null").is(400, "not_an_object", ""),
        define("empty object", "{}").is(422, "required", "/name"),
        define("duplicate member", r#"{"name":"a","name":"b"}"#).is(400, "duplicate_member", ""),
        define(
            "duplicate field",
            r#"{"name":"a","fields":{"f":{"type":"text"},"f":{"type":"text"}}}"#,
        )
        .is(400, "duplicate_member", ""),
        define("unknown member", r#"{"name":"made","what":1}"#).is(400, "unknown_member", "/what"),
        define("read only", r#"{"name":"made","version":1}"#).is(
            400,
            "read_only_field",
            "/version",
        ),
        define("fields is a list", r#"{"name":"made","fields":[]}"#).is(422, "type", "/fields"),
        named("").is(422, "invalid_name", "/name"),
        named("1a").is(422, "invalid_name", "/name"),
        named("a b").is(422, "invalid_name", "/name"),
        named("é").is(422, "invalid_name", "/name"),
        named("__proto__").is(422, "invalid_name", "/name"),
        named("_made").is(422, "invalid_name", "/name"),
        named(&"a".repeat(49)).is(422, "invalid_name", "/name"),
        named("search").is(422, "reserved_name", "/name"),
        named("PLACE").is(409, "type_exists", "/name"),
        named("place").is(409, "type_exists", "/name"),
        named("select").succeeds(201),
        define("NUL in the name", r#"{"name":"a\u0000"}"#).is(400, "nul_character", ""),
        define("name is a number", r#"{"name":1}"#).is(422, "type", "/name"),
        define(
            "field with a bad name",
            r#"{"name":"made","fields":{"a-b":{"type":"text"}}}"#,
        )
        .is(422, "invalid_name", "/fields/a-b"),
        define(
            "field named as a keyword",
            r#"{"name":"made","fields":{"Null":{"type":"text"}}}"#,
        )
        .is(422, "reserved_name", "/fields/Null"),
        define(
            "fields that differ by case",
            r#"{"name":"made","fields":{"a":{"type":"text"},"A":{"type":"text"}}}"#,
        )
        .is(409, "name_taken", "/fields/A"),
        define(
            "field and link of one name",
            r#"{"name":"made","fields":{"a":{"type":"text"}},"links":{"a":{"to":["place"]}}}"#,
        )
        .is(409, "name_taken", "/links/a"),
        define(
            "201 fields",
            json!({"name": "made", "fields": many}).to_string(),
        )
        .is(422, "too_many_fields", "/fields"),
        define(
            "51 links",
            json!({"name": "made", "links": links}).to_string(),
        )
        .is(422, "too_many_links", "/links"),
        define("label of no field", r#"{"name":"made","label":"x"}"#).is(
            422,
            "unknown_field",
            "/label",
        ),
        define("key of no field", r#"{"name":"made","keys":{"k":["x"]}}"#).is(
            422,
            "unknown_field",
            "/keys/k/0",
        ),
        define("key of nothing", r#"{"name":"made","keys":{"k":[]}}"#).is(422, "empty", "/keys/k"),
        define(
            "key with a part twice",
            r#"{"name":"made","fields":{"a":{"type":"text"}},"keys":{"k":["a","a"]}}"#,
        )
        .is(422, "duplicate", "/keys/k/1"),
        define(
            "definition of 2 MiB and a byte",
            vec![b' '; 2 * 1024 * 1024 + 1],
        )
        .is(413, "body_too_large", ""),
    ]
}

fn fields() -> Vec<Case> {
    let choices: Vec<String> = (0..10_001).map(|number| number.to_string()).collect();
    vec![
        field("no type", &json!({})).is(422, "required", "/fields/f/type"),
        field("unknown type", &json!({"type": "varchar"})).is(
            422,
            "unknown_kind",
            "/fields/f/type",
        ),
        field("unknown attribute", &json!({"type": "text", "what": 1})).is(
            400,
            "unknown_member",
            "/fields/f/what",
        ),
        field(
            "attribute of another kind",
            &json!({"type": "integer", "max_length": 1}),
        )
        .is(400, "unknown_member", "/fields/f/max_length"),
        field("field is a text", &json!("text")).is(422, "type", "/fields/f"),
        field("pattern (", &json!({"type": "text", "pattern": "("})).is(
            422,
            "pattern",
            "/fields/f/pattern",
        ),
        field(
            "pattern that explodes",
            &json!({"type": "text", "pattern": "(a{1000}){1000}"}),
        )
        .is(422, "pattern", "/fields/f/pattern"),
        field(
            "pattern (a+)+$",
            &json!({"type": "text", "pattern": "(a+)+$"}),
        )
        .succeeds(201),
        field(
            "pattern with a back reference",
            &json!({"type": "text", "pattern": "(a)\\1"}),
        )
        .is(422, "pattern", "/fields/f/pattern"),
        field(
            "pattern with look-ahead",
            &json!({"type": "text", "pattern": "(?=a)"}),
        )
        .is(422, "pattern", "/fields/f/pattern"),
        field(
            "pattern of 1 MB",
            &json!({"type": "text", "pattern": "a".repeat(1_000_000)}),
        )
        .is(422, "pattern", "/fields/f/pattern"),
        field(
            "shortest above longest",
            &json!({"type": "text", "min_length": 3, "max_length": 2}),
        )
        .is(422, "out_of_range", "/fields/f/min_length"),
        field(
            "least above most",
            &json!({"type": "integer", "min": 3, "max": 2}),
        )
        .is(422, "out_of_range", "/fields/f/min"),
        field(
            "half a character",
            &json!({"type": "text", "min_length": 1.5}),
        )
        .is(422, "type", "/fields/f/min_length"),
        field(
            "negative length",
            &json!({"type": "text", "max_length": -1}),
        )
        .is(422, "type", "/fields/f/max_length"),
        field("no choices", &json!({"type": "enum", "choices": []})).is(
            422,
            "too_few_items",
            "/fields/f/choices",
        ),
        field("choices left out", &json!({"type": "enum"})).is(
            422,
            "required",
            "/fields/f/choices",
        ),
        field(
            "choice twice",
            &json!({"type": "enum", "choices": ["a", "a"]}),
        )
        .is(422, "duplicate", "/fields/f/choices/1"),
        field(
            "10,001 choices",
            &json!({"type": "enum", "choices": choices}),
        )
        .is(422, "too_many_items", "/fields/f/choices"),
        field(
            "default of another type",
            &json!({"type": "integer", "default": "x"}),
        )
        .is(422, "type", "/fields/f/default"),
        field(
            "default out of range",
            &json!({"type": "integer", "max": 1, "default": 2}),
        )
        .is(422, "out_of_range", "/fields/f/default"),
        field(
            "default that is no choice",
            &json!({"type": "enum", "choices": ["a"], "default": "b"}),
        )
        .is(422, "not_a_choice", "/fields/f/default"),
        field("unique json", &json!({"type": "json", "unique": true})).is(
            422,
            "not_unique_kind",
            "/fields/f/unique",
        ),
        field(
            "unique list",
            &json!({"type": "text", "list": true, "unique": true}),
        )
        .is(422, "not_unique_kind", "/fields/f/unique"),
        field("indexed json", &json!({"type": "json", "indexed": true})).is(
            422,
            "not_indexable",
            "/fields/f/indexed",
        ),
        field(
            "searchable number",
            &json!({"type": "number", "searchable": true}),
        )
        .is(422, "not_searchable", "/fields/f/searchable"),
        field("items of no list", &json!({"type": "text", "max_items": 1})).is(
            422,
            "not_a_list",
            "/fields/f/max_items",
        ),
        field(
            "required is a text",
            &json!({"type": "text", "required": "yes"}),
        )
        .is(422, "type", "/fields/f/required"),
        field("number", &json!({"type": "text", "number": 1})).is(
            400,
            "read_only_field",
            "/fields/f/number",
        ),
    ]
}

fn schemas() -> Vec<Case> {
    let nested = |levels: usize| (0..levels).fold(json!({}), |inner, _| json!({"not": inner}));
    let chain: serde_json::Map<String, Value> = (0..33)
        .map(|number| {
            (
                format!("d{number}"),
                json!({"$ref": format!("#/$defs/d{}", number + 1)}),
            )
        })
        .collect();
    let doubling: serde_json::Map<String, Value> = (0..24)
        .map(|number| {
            let next = json!({"$ref": format!("#/$defs/d{}", number + 1)});
            (format!("d{number}"), json!({"anyOf": [next, next]}))
        })
        .chain([("d24".to_owned(), json!({"type": "text"}))])
        .collect();
    let refers = |name: &str, to: &str| schema(name, &json!({"$ref": to}));
    vec![
        refers("$ref http", "http://127.0.0.1:1/x"),
        refers("$ref https", "https://example.org/x"),
        refers("$ref file", "file:///etc/passwd"),
        refers("$ref relative", "other.json"),
        refers("$ref unknown", "#/$defs/none"),
        refers("$ref itself", "#"),
        schema(
            "$ref in a circle",
            &json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        ),
        schema(
            "$ref in a long chain",
            &json!({"$ref": "#/$defs/d0", "$defs": chain}),
        ),
        schema(
            "doubling",
            &json!({"$ref": "#/$defs/d0", "$defs": doubling}),
        ),
        schema("33 levels", &nested(33)),
        schema("unknown keyword", &json!({"minimal": 1})).is(
            400,
            "unknown_member",
            "/fields/f/schema/minimal",
        ),
        schema(
            "unknown $schema",
            &json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
        ),
        schema("$id", &json!({"$id": "https://example.org/x"})),
        schema("$dynamicRef", &json!({"$dynamicRef": "#x"})),
        schema("pattern (", &json!({"pattern": "("})),
        schema("pattern with look-behind", &json!({"pattern": "(?<=a)b"})),
        schema("minLength 1.5", &json!({"minLength": 1.5})),
        schema("negative minLength", &json!({"minLength": -1})),
        schema("unknown type", &json!({"type": "what"})),
        schema("a list", &json!([])).is(422, "type", "/fields/f/schema"),
        schema("64 KiB", &json!({"title": "x".repeat(64 * 1024)})).is(
            422,
            "too_long",
            "/fields/f/schema",
        ),
    ]
}

fn links() -> Vec<Case> {
    vec![
        link("to nothing", &json!({})).is(422, "required", "/links/l/to"),
        link("to no types", &json!({"to": []})).is(422, "empty", "/links/l/to"),
        link("to an unknown type", &json!({"to": ["none"]})).is(
            422,
            "unknown_type",
            "/links/l/to/0",
        ),
        link("to a type twice", &json!({"to": ["place", "place"]})).is(
            422,
            "duplicate",
            "/links/l/to/1",
        ),
        link("to any and more", &json!({"to": ["*", "place"]})).is(
            422,
            "any_and_more",
            "/links/l/to",
        ),
        link(
            "required, unlink",
            &json!({"to": ["place"], "required": true, "on_delete": "unlink"}),
        )
        .is(422, "required_unlink", "/links/l/on_delete"),
        link(
            "symmetric to another",
            &json!({"to": ["place"], "inverse": "l"}),
        )
        .is(422, "symmetric_to", "/links/l/to"),
        link(
            "unknown cardinality",
            &json!({"to": ["place"], "cardinality": "2"}),
        )
        .is(422, "not_a_choice", "/links/l/cardinality"),
        link(
            "an inverse that is taken",
            &json!({"to": ["place"], "inverse": "name"}),
        )
        .is(409, "name_taken", "/links/l/inverse"),
        link("unknown attribute", &json!({"to": ["place"], "what": 1})).is(
            400,
            "unknown_member",
            "/links/l/what",
        ),
    ]
}

fn changes() -> Vec<Case> {
    let patch = |name: &str, body: &Value| {
        Case::new(name, "PATCH", "/entityType/place").json(body.to_string())
    };
    let used = |number: u8, text: &str| {
        let body = json!({"fields": {"name": text}}).to_string();
        Case::new(
            text,
            "PUT",
            format!("/entity/place/{}{number}", &PLACE[..35]),
        )
        .json(body)
        .succeeds(201)
    };
    vec![
        used(1, "one"),
        used(2, "two"),
        patch(
            "a required field where there are entities",
            &json!({"fields": {"more": {"type": "text", "required": true}}}),
        )
        .is(409, "type_change_conflict", "/fields/more"),
        patch(
            "another kind",
            &json!({"fields": {"name": {"type": "integer"}}}),
        )
        .is(409, "type_change_conflict", "/fields/name"),
        patch(
            "a narrower field",
            &json!({"fields": {"name": {"max_length": 2}}}),
        )
        .is(409, "type_change_conflict", "/fields/name"),
        patch(
            "an unknown field to be changed",
            &json!({"fields": {"zip": null}}),
        )
        .is(422, "unknown_field", "/fields/zip"),
        patch(
            "renamed to a keyword",
            &json!({"fields": {"name": {"name": "and"}}}),
        )
        .is(422, "reserved_name", "/fields/name/name"),
        Case::new("PUT that drops", "PUT", "/entityType/place")
            .json(r#"{"name":"place"}"#)
            .is(409, "would_drop", "/fields/name"),
        Case::new("delete in use", "DELETE", "/entityType/place").is(409, "type_in_use", ""),
        Case::new("delete of none", "DELETE", "/entityType/none").is(404, "not_found", ""),
        Case::new("JSON Patch", "PATCH", "/entityType/place")
            .body("application/json-patch+json", "[]")
            .is(415, "unsupported_media_type", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_types() {
    let place = json!({"name": "place", "fields": {"name": {"type": "text"}}});
    let mut cases = [documents(), fields(), schemas(), links(), changes()].concat();
    // What is taken must not be in the way of the next.
    cases = cases
        .into_iter()
        .flat_map(|case| {
            let made = case.status == 201 && case.path == "/entityType";
            let name = if case.name.contains("select") {
                "select"
            } else {
                "made"
            };
            let away =
                Case::new("away with it", "DELETE", format!("/entityType/{name}")).succeeds(204);
            [Some(case), made.then_some(away)]
        })
        .flatten()
        .collect();
    check(&[place], Vec::new(), cases).await;
}
