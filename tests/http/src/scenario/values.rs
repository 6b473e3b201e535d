//! Values and links of entities that break the rules of their type: a code each, and all of one class at once.

use serde_json::{Value, json};

use crate::Client;

/// A type with every rule that a value can break.
pub(super) fn strict() -> Value {
    json!({"name": "strict", "fields": {
        "key": {"type": "text", "unique": true},
        "text": {"type": "text", "min_length": 2, "max_length": 3, "pattern": "^a"},
        "indexed": {"type": "text", "indexed": true},
        "integer": {"type": "integer", "min": 1, "max": 9},
        "number": {"type": "number"},
        "decimal": {"type": "decimal", "precision": 4, "scale": 2},
        "boolean": {"type": "boolean"},
        "choice": {"type": "enum", "choices": ["a", "b"]},
        "date": {"type": "date"},
        "uuid": {"type": "uuid"},
        "url": {"type": "url"},
        "email": {"type": "email"},
        "list": {"type": "text", "list": true, "min_items": 1, "max_items": 2},
        "json": {"type": "json", "schema": {"type": "object", "additionalProperties": {"type": "integer"}}}
    }, "links": {
        "one": {"to": ["strict"], "cardinality": "one"},
        "many": {"to": ["strict"]},
        "partner": {"to": ["strict"], "cardinality": "one", "inverse": "partner"}
    }})
}

pub async fn run(client: &mut Client) {
    client.json("POST", "/entityType", &strict()).await;
    client
        .json("POST", "/entityType", &json!({"name": "other"}))
        .await;
    let other = client.json("POST", "/entity/other", &json!({})).await;
    let other = other.text("/id");
    let faults = [
        json!({"text": "a", "indexed": "x".repeat(1_025), "integer": 10, "number": "1", "decimal": "1.234",
            "boolean": 1, "choice": "c", "date": "2026-13-01", "uuid": "x", "url": "ftp://a", "email": "a",
            "list": [], "json": {"a": "b"}}),
        json!({"text": "bbbb", "integer": 0, "decimal": "12345", "date": 1, "list": ["a", "b", "c"]}),
        json!({"text": "bb", "none": 1}),
    ];
    for fields in &faults {
        client
            .json("POST", "/entity/strict", &json!({"fields": fields}))
            .await;
    }
    // A list of problems has an end.
    let many: serde_json::Map<String, Value> = (0..101)
        .map(|number| (format!("m{number}"), json!("x")))
        .collect();
    client
        .json("POST", "/entity/strict", &json!({"fields": {"json": many}}))
        .await;
    // Alone, a code is that of the answer.
    let alone = [
        json!({"text": "a"}),
        json!({"text": "aaaa"}),
        json!({"text": "bb"}),
        json!({"integer": 10}),
        json!({"decimal": "1.234"}),
        json!({"decimal": "12345"}),
        json!({"choice": "c"}),
        json!({"url": "x"}),
        json!({"list": []}),
        json!({"list": ["a", "b", "c"]}),
        json!({"json": {"a": "b"}}),
    ];
    for fields in &alone {
        client
            .json("POST", "/entity/strict", &json!({"fields": fields}))
            .await;
    }
    // What cannot be read comes first, all of it.
    client
        .json(
            "POST",
            "/entity/strict",
            &json!({"id": other, "what": 1, "fields": {"text": "bb"}}),
        )
        .await;
    let documents = [
        json!({"fields": 1, "links": []}),
        json!({"owners": [], "readers": ["x", 1]}),
        json!({"owners": ["public"]}),
        json!({"links": {"none": other, "one": "x", "many": "x"}}),
        // Every target at fault is named, of whatever link.
        json!({"links": {"one": "01890000-0000-7000-8000-00000000000f", "many": [
            other, "01890000-0000-7000-8000-00000000000a", "01890000-0000-7000-8000-00000000000b"]}}),
        json!({"links": {"one": other}}),
        json!({"links": {"many": [other, other]}}),
    ];
    for document in &documents {
        client.json("POST", "/entity/strict", document).await;
    }
    let mut made = Vec::new();
    for key in ["a", "b", "c"] {
        let body = json!({"fields": {"key": key}});
        let answer = client.json("POST", "/entity/strict", &body).await;
        made.push(answer.text("/id"));
    }
    // Both ends of a symmetric link have one.
    let pair = json!({"links": {"partner": made[1]}});
    client
        .json("PATCH", &format!("/entity/strict/{}", made[0]), &pair)
        .await;
    client
        .json("PATCH", &format!("/entity/strict/{}", made[2]), &pair)
        .await;
    // Keys and places that cannot be read.
    for path in [
        "/entity/strict/by/key/a",
        "/entity/strict/by/key/none",
        "/entity/strict/by/key/",
        "/entity/strict/by/key",
        "/entity/strict/by/none/a",
        "/entity/strict/by/key/a,b",
        "/entity/strict/by/key/%ff",
    ] {
        client.get(path).await;
    }
    // Names of fields and links in parameters.
    for query in [
        "select=none",
        "select=",
        "sort=none",
        "sort=",
        "sort=list",
        "expand=none",
        "expand=",
        "expand=one,one,one,one,one,one",
        "links=none:01890000-0000-7000-8000-00000000000f",
        "links=x",
        "fields=none=1",
        "fields=integer=x",
        "filter=none = 1",
        "filter=one.none = 1",
        "select=none,text&sort=none&limit=0&count=x",
    ] {
        client
            .get(&format!("/entity/strict?{}", query.replace(' ', "%20")))
            .await;
    }
    client
        .json(
            "POST",
            "/entity/strict/search",
            &json!({"select": "none", "sort": "none"}),
        )
        .await;
    client
        .json("POST", "/entity/strict/search", &json!({"limit": "x"}))
        .await;
}
