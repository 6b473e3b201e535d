//! The JSON Schema 2020-12 of the `fields` of a type's entities, as it is served and as clients may check with it.
//!
//! The kinds themselves decide ([`super::fields`]): they must read every value anyway to encode it, and they know what a schema cannot say
//! (the calendar, bytes, the order of decimals). The tests prove that both accept the same.

use serde_json::{Map, Value, json};

use super::{EntityType, Field};

/// The schema of the entities' `fields`: every live field in the type's order, nothing else allowed.
pub fn json_schema(entity_type: &EntityType) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in entity_type.live_fields() {
        properties.insert(field.name.clone(), property(entity_type, field).into());
        if field.required {
            required.push(field.name.as_str());
        }
    }
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    annotate(
        &mut schema,
        entity_type.title.as_deref().or(Some(&entity_type.name)),
        entity_type.description.as_deref(),
    );
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.into()
}

fn property(entity_type: &EntityType, field: &Field) -> Map<String, Value> {
    let identifier = format!("urn:registry:{}:field:{}", entity_type.id, field.number);
    let mut value = field.kind.json_schema(&identifier);
    let mut schema = if field.list {
        let mut list = Map::new();
        list.insert("type".to_owned(), json!("array"));
        list.insert("items".to_owned(), value.into());
        if let Some(least) = field.min_items {
            list.insert("minItems".to_owned(), json!(least));
        }
        if let Some(most) = field.max_items {
            list.insert("maxItems".to_owned(), json!(most));
        }
        list
    } else {
        // What is filled in is the field's default, not one that its own schema suggests.
        value.shift_remove("default");
        value
    };
    annotate(
        &mut schema,
        field.title.as_deref(),
        field.description.as_deref(),
    );
    if let Some(default) = &field.default {
        schema.insert("default".to_owned(), default.clone());
    }
    schema
}

fn annotate(schema: &mut Map<String, Value>, title: Option<&str>, description: Option<&str>) {
    if let Some(title) = title {
        schema.insert("title".to_owned(), json!(title));
    }
    if let Some(description) = description {
        schema.insert("description".to_owned(), json!(description));
    }
}
