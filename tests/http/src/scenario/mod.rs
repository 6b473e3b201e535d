//! The scenarios, one file each.

pub mod connections;
pub mod conventions;
pub mod definitions;
pub mod downloads;
pub mod entities;
pub mod entity_types;
pub mod failures;
pub mod jobs;
pub mod limits;
pub mod links;
pub mod overload;
pub mod problems;
pub mod rights;
pub mod rows;
pub mod search;
pub mod service;
pub mod timeouts;
pub mod type_changes;
pub mod uploads;
pub mod values;

use serde_json::{Value, json};

use crate::Client;

/// A country with a unique code.
fn country() -> Value {
    json!({"name": "country", "fields": {
        "code": {"type": "text", "required": true, "unique": true, "max_length": 2},
        "name": {"type": "text", "required": true},
        "population": {"type": "integer", "indexed": true}
    }})
}

/// An airport in a country.
fn airport() -> Value {
    json!({"name": "airport", "title": "Airport", "tags": ["geo"], "fields": {
        "icao": {"type": "text", "required": true, "unique": true, "max_length": 4},
        "name": {"type": "text"},
        "elevation": {"type": "number", "indexed": true},
        "status": {"type": "enum", "choices": ["open", "closed"], "default": "open"}
    }, "links": {
        "country": {"to": ["country"], "cardinality": "one", "inverse": "airports", "on_delete": "restrict"},
        "near": {"to": ["airport"], "inverse": "near"}
    }, "keys": {"by_name": ["name", "status"]}})
}

/// Defines both types and creates France and Iceland; gives their ids.
async fn ground(client: &mut Client) -> (String, String) {
    client.json("POST", "/entityType", &country()).await;
    client.json("POST", "/entityType", &airport()).await;
    let france = json!({"fields": {"code": "FR", "name": "France", "population": 68}});
    let iceland = json!({"fields": {"code": "IS", "name": "Iceland"}});
    let france = client.json("POST", "/entity/country", &france).await;
    let iceland = client.json("POST", "/entity/country", &iceland).await;
    (france.text("/id"), iceland.text("/id"))
}
