//! Two types, with a field of every kind, lists, keys and links.

use std::sync::{Arc, OnceLock};

use registry_core::{Catalog, EntityType, Timestamp, TypeId, Version, entity_type::define};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const AT: Timestamp = Timestamp(1_767_323_045_000_000);

/// All types: `country`, and `airport` that leads there and to itself.
pub(crate) fn catalog() -> &'static Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let country = json!({
            "name": "country",
            "fields": {
                "code": {"type": "text", "unique": true, "required": true},
                "people": {"type": "integer", "indexed": true}
            }
        });
        let airport = json!({
            "name": "airport",
            "fields": {
                "code": {"type": "text", "unique": true, "max_length": 8},
                "name": {"type": "text"},
                "site": {"type": "url"},
                "mail": {"type": "email"},
                "state": {"type": "enum", "choices": ["open", "closed"], "default": "open"},
                "runways": {"type": "integer", "min": 0},
                "height": {"type": "number", "indexed": true},
                "fee": {"type": "decimal", "precision": 10, "scale": 2},
                "busy": {"type": "boolean"},
                "opened": {"type": "date"},
                "seen": {"type": "datetime"},
                "other": {"type": "uuid"},
                "extra": {"type": "json"},
                "tags": {"type": "text", "list": true, "max_items": 4},
                "heights": {"type": "number", "list": true}
            },
            "keys": {"pair": ["state", "opened"]},
            "links": {
                "country": {"to": ["country"], "cardinality": "one", "inverse": "airports"},
                "near": {"to": ["airport"], "inverse": "near"},
                "any": {"to": ["*"]}
            }
        });
        let mut types: Vec<Arc<EntityType>> = Vec::new();
        for (number, document) in [country, airport].iter().enumerate() {
            let catalog = Catalog::new(Version::FIRST, types.clone());
            let id = TypeId(Uuid::from_u128(number as u128 + 1));
            let document = object(document).expect("an object");
            let change = define(document, &catalog, id, AT).expect("a good definition");
            types.push(change.after.expect("a type"));
        }
        Arc::new(Catalog::new(Version::FIRST, types))
    })
}

pub(crate) fn airport() -> &'static Arc<EntityType> {
    catalog().by_name("airport").expect("it is there")
}

pub(crate) fn object(value: &Value) -> Option<&serde_json::Map<String, Value>> {
    value.as_object()
}
