//! `GET /openapi.json`: made from the route table and the live types.

use registry_core::{
    Catalog, EntityType,
    entity_type::{Cardinality, schema::json_schema},
};
use serde_json::{Map, Value, json};

use super::super::{
    call::Call,
    present::tagged,
    problem::Answer,
    route::{Route, Takes},
    routes,
};

pub(super) async fn answer(call: Call) -> Answer {
    let catalog = call.registry().catalog().await?;
    let tag = format!("\"{}-{}\"", env!("CARGO_PKG_VERSION"), catalog.version);
    tagged(&call, &tag, || document(&catalog).to_string())
}

/// The document.
fn document(catalog: &Catalog) -> Value {
    let mut paths = Map::new();
    for route in routes::all() {
        let methods = paths
            .entry(route.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(methods) = methods {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "registry",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A generic entity registry: types with fields and links, defined at run time, and their entities.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas(catalog)},
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route
        .parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut success = json!({"description": "done"});
    if !route.gives.is_empty() {
        success["content"] = content(route.gives);
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [tag(route)],
        "parameters": parameters,
        "responses": {
            (route.success.to_string()): success,
            "default": {
                "description": "a problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    if let Takes::Json(media_types) | Takes::File(media_types) = route.takes {
        operation["requestBody"] = json!({"required": true, "content": content(media_types)});
    }
    operation
}

fn content(media_types: &[&str]) -> Value {
    Value::Object(
        media_types
            .iter()
            .map(|media_type| ((*media_type).to_owned(), json!({})))
            .collect(),
    )
}

/// The part of the contract that an operation belongs to.
fn tag(route: &Route) -> &'static str {
    let path = route.path;
    match path.split('/').nth(1) {
        Some("entityType") => "entity types",
        Some("job") => "jobs",
        Some("entity") if path.ends_with("/upload") || path.ends_with("/download") => "files",
        Some("entity") if path.ends_with("/search") => "search",
        Some("entity") if path.contains("/links") || path.ends_with("/graph") => "links",
        Some("entity") => "entities",
        _ => "service",
    }
}

fn schemas(catalog: &Catalog) -> Map<String, Value> {
    let mut schemas = Map::new();
    schemas.insert(
        "Problem".to_owned(),
        json!({
            "type": "object",
            "description": "RFC 9457",
            "required": ["type", "title", "status", "code", "detail", "errors", "request_id"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "detail": {"type": "string"},
                "errors": {"type": "array", "items": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "pointer": {"type": "string"},
                        "parameter": {"type": "string"},
                        "line": {"type": "integer"},
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "value": {"type": "string"},
                    },
                }},
                "request_id": {"type": "string"},
            },
        }),
    );
    for entity_type in catalog.types() {
        schemas.insert(entity_type.name.clone(), entity(entity_type));
    }
    schemas
}

/// The document of an entity of a type.
fn entity(entity_type: &EntityType) -> Value {
    let text = || json!({"type": "string"});
    let id = || json!({"type": "string", "format": "uuid"});
    let time = || json!({"type": "string", "format": "date-time"});
    let principals = || json!({"type": "array", "items": {"type": "string"}});
    let links: Map<String, Value> = entity_type
        .live_links()
        .map(|link| {
            let schema = match link.cardinality {
                Cardinality::One => id(),
                Cardinality::Many => json!({"type": "array", "items": id()}),
            };
            (link.name.clone(), schema)
        })
        .collect();
    json!({
        "type": "object",
        "title": entity_type.title.as_deref().unwrap_or(&entity_type.name),
        "properties": {
            "id": id(),
            "type": {"const": entity_type.name},
            "version": {"type": "integer"},
            "fields": json_schema(entity_type),
            "links": {"type": "object", "properties": links, "additionalProperties": false},
            "owners": principals(),
            "readers": principals(),
            "created_at": time(),
            "created_by": text(),
            "updated_at": time(),
            "updated_by": text(),
        },
    })
}
