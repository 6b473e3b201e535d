//! Definitions of types: what is taken is shown as a document that is taken again, and says the same.

use std::sync::Arc;

use registry_core::{
    Catalog, EntityType, TypeId, Version,
    entity_type::{change, define, document, replace, schema::json_schema},
    json,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::fixture::{AT, airport, catalog};

fn with(entity_type: &Arc<EntityType>) -> Catalog {
    let mut types: Vec<Arc<EntityType>> = catalog()
        .types()
        .iter()
        .filter(|one| one.id != entity_type.id)
        .cloned()
        .collect();
    types.push(Arc::clone(entity_type));
    Catalog::new(Version::FIRST, types)
}

/// Reads the bytes as a definition, a change and a replacement.
pub fn check(bytes: &[u8]) {
    let Ok(Value::Object(given)) = json::read(bytes) else {
        return;
    };
    let id = TypeId(Uuid::from_u128(9));
    if let Ok(made) = define(&given, catalog(), id, AT) {
        settled(&made.after.expect("a definition makes a type"));
    }
    for changed in [
        change(airport(), &given, catalog(), AT),
        replace(airport(), &given, &[], catalog(), AT),
    ] {
        if let Ok(Some(changed)) = changed {
            settled(&changed.after.expect("a change leaves a type"));
        }
    }
}

/// The type's document changes nothing when it is sent back.
fn settled(entity_type: &Arc<EntityType>) {
    let catalog = with(entity_type);
    let shown: Map<String, Value> = document(entity_type, &catalog);
    let again = replace(entity_type, &shown, &[], &catalog, AT);
    assert!(matches!(again, Ok(None)), "{shown:?}: {again:?}");
    let _ = json_schema(entity_type);
}
