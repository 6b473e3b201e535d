//! Documents of types that break rules: a code each.

use serde_json::{Value, json};

use crate::Client;

/// A type of one field.
fn with_field(field: &Value) -> Value {
    json!({"name": "thing", "fields": {"f": field}})
}

/// A type of one link.
fn with_link(link: &Value) -> Value {
    json!({"name": "thing", "links": {"l": link}})
}

pub async fn run(client: &mut Client) {
    let fields = [
        json!({"type": "what"}),
        json!({}),
        json!({"type": 1}),
        json!({"type": "text", "min_items": 1}),
        json!({"type": "json", "indexed": true}),
        json!({"type": "integer", "searchable": true}),
        json!({"type": "json", "unique": true}),
        json!({"type": "text", "unique": true, "list": true}),
        json!({"type": "number", "unique": true}),
        json!({"type": "enum", "choices": ["a", "a"]}),
        json!({"type": "enum", "choices": []}),
        json!({"type": "text", "pattern": "("}),
        json!({"type": "text", "default": 1}),
        json!({"type": "text", "min_length": 3, "max_length": 2}),
        json!({"type": "text", "number": 9}),
        json!({"type": "json", "schema": {"type": "what"}}),
        json!({"type": "text", "what": 1}),
    ];
    for field in &fields {
        client.json("POST", "/entityType", &with_field(field)).await;
    }
    let links = [
        json!({"to": ["*", "thing"]}),
        json!({"to": []}),
        json!({"to": ["none"]}),
        json!({"to": ["thing", "thing"]}),
        json!({"to": ["thing"], "required": true, "on_delete": "unlink"}),
        json!({"to": ["thing"], "inverse": "l", "on_delete": "cascade"}),
        json!({"to": ["*"], "inverse": "l"}),
        json!({"to": ["thing"], "cardinality": "few"}),
    ];
    for link in &links {
        client.json("POST", "/entityType", &with_link(link)).await;
    }
    let documents = [
        json!({}),
        json!({"name": "_x"}),
        json!({"name": "search"}),
        json!({"name": "thing", "fields": {"and": {"type": "text"}}}),
        json!({"name": "thing", "tags": ["", "a", "a"]}),
        json!({"name": "thing", "title": "a\u{0}b"}),
        json!({"name": "thing", "id": "x", "what": 1}),
        json!({"name": "thing", "append_only": true}),
        json!({"name": "thing", "fields": {"a": {"type": "text"}, "A": {"type": "text"}}}),
        json!({"name": "thing", "keys": {"k": ["none"], "e": []}}),
        json!({"name": "thing", "fields": {"f": {"type": "json"}}, "keys": {"k": ["f", "f"]}}),
        json!({"name": "x".repeat(40), "links": {"a_link_with_a_name": {"to": ["*"]}}}),
        json!({"name": "thing", "fields": numbered("f", 201, &json!({"type": "text"}))}),
        json!({"name": "thing", "links": numbered("l", 51, &json!({"to": ["thing"]}))}),
    ];
    for document in &documents {
        client.json("POST", "/entityType", document).await;
    }
    let good = with_field(&json!({"type": "text"}));
    client.json("POST", "/entityType", &good).await;
    // Changes.
    let twice = json!({"name": "thing", "fields": {
        "f": {"type": "text", "number": 1}, "g": {"type": "text", "number": 1}
    }});
    client.json("PUT", "/entityType/thing", &twice).await;
    let unknown = json!({"name": "thing", "fields": {"f": {"type": "text", "number": 99}}});
    client.json("PUT", "/entityType/thing", &unknown).await;
    let other = json!({"name": "other"});
    client.json("PUT", "/entityType/absent", &other).await;
    // Several conflicts at once.
    let taken = json!({"name": "thing", "fields": {"a": {"type": "text"}, "A": {"type": "text"}}});
    client.json("POST", "/entityType", &taken).await;
    let changes = [
        json!({"fields": {"none": null}}),
        json!({"links": {"none": null}}),
        json!({"keys": {"none": null}}),
        json!({"fields": {"g": {"type": "text", "number": 7}}}),
    ];
    for change in &changes {
        client.json("PATCH", "/entityType/thing", change).await;
    }
}

fn numbered(prefix: &str, count: usize, each: &Value) -> Value {
    let members = (0..count).map(|number| (format!("{prefix}{number}"), each.clone()));
    Value::Object(members.collect())
}
