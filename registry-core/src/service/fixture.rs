//! Types and entities for the tests of pure decisions.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Caller, Catalog, Data, Entity, EntityId, EntityType, Links, Timestamp, TypeId, Version,
    entity_type,
};

/// The id of a number.
pub(crate) fn id(number: u128) -> EntityId {
    EntityId(Uuid::from_u128(number))
}

/// Countries; airports of countries (restrict) that serve others (unlink); runways of airports (cascade); people with spouses and friends.
pub(crate) fn catalog() -> Catalog {
    let documents = [
        json!({"name": "country", "fields": {"code": {"type": "text"}}}),
        json!({"name": "airport", "fields": {"icao": {"type": "text"}},
            "links": {
                "country": {"to": ["country"], "cardinality": "one", "on_delete": "restrict"},
                "serves": {"to": ["country"]}}}),
        json!({"name": "runway",
            "links": {"airport": {"to": ["airport"], "cardinality": "one", "on_delete": "cascade"}}}),
        json!({"name": "person",
            "links": {
                "spouse": {"to": ["person"], "cardinality": "one", "inverse": "spouse"},
                "friends": {"to": ["person"], "inverse": "friends"}}}),
    ];
    let mut types: Vec<Arc<EntityType>> = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        let known = Catalog::new(Version::FIRST, types.clone());
        let type_id = TypeId(Uuid::from_u128(number as u128 + 1));
        let document: &Value = document;
        let change =
            entity_type::define(document.as_object().unwrap(), &known, type_id, Timestamp(0));
        types.push(change.unwrap().after.unwrap());
    }
    Catalog::new(Version::FIRST, types)
}

/// An entity of a type, with these outgoing links.
pub(crate) fn entity(
    catalog: &Catalog,
    type_name: &str,
    number: u128,
    links: &[(&str, &[u128])],
) -> Entity {
    let entity_type = catalog.by_name(type_name).unwrap();
    let org = Caller::default_organisation().actor;
    Entity {
        id: id(number),
        type_id: entity_type.id,
        version: Version::FIRST,
        type_version: entity_type.version,
        data: Data::new(),
        links: self::links(catalog, type_name, links),
        owners: vec![org.clone()],
        readers: Vec::new(),
        created_at: Timestamp(0),
        created_by: org.clone(),
        updated_at: Timestamp(0),
        updated_by: org,
    }
}

/// Outgoing links by name.
pub(crate) fn links(catalog: &Catalog, type_name: &str, links: &[(&str, &[u128])]) -> Links {
    let entity_type = catalog.by_name(type_name).unwrap();
    links
        .iter()
        .map(|(name, targets)| {
            let number = entity_type.link_named(name).unwrap().number;
            (number, targets.iter().copied().map(id).collect())
        })
        .collect()
}
