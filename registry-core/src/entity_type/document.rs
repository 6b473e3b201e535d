//! The document of a type, as it goes out. What goes out is accepted by PUT again and changes nothing.

use serde_json::{Map, Value, json};

use super::{Cardinality, EntityType, Field, Link, LinkTargets, OnDelete};
use crate::{Catalog, field::Kind};

/// The member of an indexed field that tells whether its index is in use.
pub(super) const INDEX_STATE: &str = "index_state";
/// What it says.
pub(super) const INDEX_STATES: [&str; 2] = ["building", "ready"];

/// The whole document: what was sent, with the defaults filled in, and the members that the server makes. `title`, `description`,
/// `metadata` and `label` are there when they were given, everything else always. `inverse_links` holds, by inverse name, the links
/// that lead here: `{"airports": {"type": "airport", "link": "country"}}`. An indexed field has `index_state`: `building` while queries
/// have to do without its index, then `ready`.
pub fn document(entity_type: &EntityType, catalog: &Catalog) -> Map<String, Value> {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    put("id", json!(entity_type.id));
    put("name", json!(entity_type.name));
    put("version", json!(entity_type.version));
    if let Some(title) = &entity_type.title {
        put("title", json!(title));
    }
    if let Some(description) = &entity_type.description {
        put("description", json!(description));
    }
    put("tags", json!(entity_type.tags));
    if let Some(metadata) = &entity_type.metadata {
        put("metadata", Value::Object(metadata.clone()));
    }
    let label = entity_type
        .label
        .and_then(|number| entity_type.field(number));
    if let Some(label) = label {
        put("label", json!(label.name));
    }
    let fields = entity_type.live_fields().map(|field| {
        let mut attributes = field_attributes(field);
        if field.indexed {
            let ready = catalog.index_ready(entity_type.id, field);
            let [building, in_use] = INDEX_STATES;
            let state = if ready { in_use } else { building };
            attributes.insert(INDEX_STATE.to_owned(), json!(state));
        }
        numbered(&field.name, field.number.0, attributes)
    });
    put("fields", Value::Object(fields.collect()));
    let links = entity_type
        .live_links()
        .map(|link| numbered(&link.name, link.number.0, link_attributes(link, catalog)));
    put("links", Value::Object(links.collect()));
    put("keys", Value::Object(keys(entity_type)));
    let inverse_links = catalog.incoming(entity_type.id).map(|incoming| {
        let link = json!({"type": incoming.holder.name, "link": incoming.link.name});
        (incoming.link.inverse.clone(), link)
    });
    put("inverse_links", Value::Object(inverse_links.collect()));
    put("created_at", json!(entity_type.created_at.to_string()));
    put("updated_at", json!(entity_type.updated_at.to_string()));
    document
}

fn numbered(name: &str, number: u32, attributes: Map<String, Value>) -> (String, Value) {
    let mut members = Map::new();
    members.insert("number".to_owned(), json!(number));
    members.extend(attributes);
    (name.to_owned(), Value::Object(members))
}

/// The attributes of a field as a definition gives them.
pub(super) fn field_attributes(field: &Field) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut put = |name: &str, value: Value| {
        attributes.insert(name.to_owned(), value);
    };
    put("type", json!(field.kind.name()));
    put("list", json!(field.list));
    put("required", json!(field.required));
    put("unique", json!(field.unique));
    put("indexed", json!(field.indexed));
    if matches!(field.kind, Kind::Text(_)) {
        put("searchable", json!(field.searchable));
    }
    for (name, value) in field.kind.attributes() {
        put(&name, value);
    }
    let rest = [
        ("min_items", field.min_items.map(Value::from)),
        ("max_items", field.max_items.map(Value::from)),
        ("default", field.default.clone()),
        ("title", field.title.clone().map(Value::from)),
        ("description", field.description.clone().map(Value::from)),
        ("input", field.input.clone().map(Value::from)),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            put(name, value);
        }
    }
    attributes
}

/// The attributes of a link as a definition gives them.
pub(super) fn link_attributes(link: &Link, catalog: &Catalog) -> Map<String, Value> {
    let to: Vec<&str> = match &link.to {
        LinkTargets::Any => vec!["*"],
        LinkTargets::Types(ids) => ids
            .iter()
            .filter_map(|id| catalog.by_id(*id))
            .map(|target| target.name.as_str())
            .collect(),
    };
    let cardinality = match link.cardinality {
        Cardinality::One => "one",
        Cardinality::Many => "many",
    };
    let on_delete = match link.on_delete {
        OnDelete::Restrict => "restrict",
        OnDelete::Unlink => "unlink",
        OnDelete::Cascade => "cascade",
    };
    let members = [
        ("to", json!(to)),
        ("cardinality", json!(cardinality)),
        ("inverse", json!(link.inverse)),
        ("on_delete", json!(on_delete)),
        ("required", json!(link.required)),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn keys(entity_type: &EntityType) -> Map<String, Value> {
    let keys = entity_type.keys.iter().map(|key| {
        let parts: Vec<&str> = key
            .fields
            .iter()
            .filter_map(|number| entity_type.field(*number))
            .map(|field| field.name.as_str())
            .collect();
        (key.name.clone(), json!(parts))
    });
    keys.collect()
}
