use registry_core::{Error, principal::Role, service::Registry};
use serde_json::{Value, json};

use crate::support::{admin, caller, country, create, id, links_of, person, refusal, registry};

async fn airport(registry: &Registry, number: u128, links: Value) {
    let body = json!({"fields": {"icao": format!("A{number}")}, "links": links});
    create(registry, &admin(), "airport", number, body).await;
}

async fn runway(registry: &Registry, number: u128, airport: u128) {
    let body = json!({"fields": {"ident": "1"}, "links": {"airport": id(airport)}});
    create(registry, &admin(), "runway", number, body).await;
}

async fn exists(registry: &Registry, type_name: &str, number: u128) -> bool {
    let read = registry
        .entities()
        .get(&admin(), type_name, id(number))
        .await;
    read.is_ok()
}

#[tokio::test]
async fn links_restrict_unlink_and_cascade() {
    let registry = registry().await;
    let entities = registry.entities();
    country(&registry, 1, "FR").await;
    country(&registry, 2, "DE").await;
    airport(
        &registry,
        3,
        json!({"country": id(1), "serves": [id(1), id(2)]}),
    )
    .await;
    runway(&registry, 4, 3).await;
    create(
        &registry,
        &admin(),
        "tour",
        5,
        json!({"links": {"stops": [id(2), id(3), id(4)]}}),
    )
    .await;

    let restricted = entities.delete(&admin(), "country", id(1), None).await;
    let Err(Error::Refused(refused)) = restricted else {
        unreachable!("restricted")
    };
    assert_eq!(refused.code, "restricted");
    assert_eq!(
        refused.extra,
        vec![
            ("link", json!("country")),
            ("holder_type", json!("airport")),
            ("count", json!(1))
        ]
    );
    entities
        .delete(&admin(), "country", id(2), None)
        .await
        .unwrap();
    assert_eq!(
        links_of(&registry, "airport", 3).await,
        (json!({"country": id(1), "serves": [id(1)]}), 2)
    );
    // The runway goes with the airport, the tour loses both at once.
    entities
        .delete(&admin(), "airport", id(3), None)
        .await
        .unwrap();
    assert!(!exists(&registry, "airport", 3).await);
    assert!(!exists(&registry, "runway", 4).await);
    assert_eq!(links_of(&registry, "tour", 5).await, (json!({}), 3));
    // Deleting a holder only takes the link off.
    entities
        .delete(&admin(), "tour", id(5), None)
        .await
        .unwrap();
    entities
        .delete(&admin(), "country", id(1), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_other_end_of_a_symmetric_link_is_freed() {
    let registry = registry().await;
    let links = registry.links();
    person(&registry, 1).await;
    person(&registry, 2).await;
    for link in ["spouse", "friends"] {
        links
            .put(&admin(), "person", id(1), link, id(2))
            .await
            .unwrap();
        links
            .put(&admin(), "person", id(2), "friends", id(2))
            .await
            .unwrap();
    }
    registry
        .entities()
        .delete(&admin(), "person", id(2), None)
        .await
        .unwrap();
    assert_eq!(links_of(&registry, "person", 1).await, (json!({}), 4));
}

#[tokio::test]
async fn a_cascade_needs_the_right_to_write_each() {
    let registry = registry().await;
    let ann = caller("ann", Role::Writer);
    let body = json!({"fields": {"icao": "A"}, "readers": ["public"]});
    create(&registry, &ann, "airport", 1, body).await;
    runway(&registry, 2, 1).await;
    let deleted = registry
        .entities()
        .delete(&ann, "airport", id(1), None)
        .await;
    assert_eq!(refusal(deleted), json!(["Forbidden", "forbidden", []]));
    assert!(exists(&registry, "airport", 1).await);
    // What only loses a link may be another's.
    create(
        &registry,
        &ann,
        "country",
        3,
        json!({"fields": {"code": "FR"}, "readers": ["public"]}),
    )
    .await;
    airport(&registry, 4, json!({"serves": [id(3)]})).await;
    registry
        .entities()
        .delete(&ann, "country", id(3), None)
        .await
        .unwrap();
    assert_eq!(links_of(&registry, "airport", 4).await, (json!({}), 2));
}

#[tokio::test]
async fn entities_deleted_together_do_not_restrict_each_other() {
    let registry = registry().await;
    country(&registry, 1, "FR").await;
    airport(&registry, 2, json!({"country": id(1)})).await;
    let entities = registry.entities();
    let both = [id(1), id(2), id(9)];
    assert!(
        entities
            .delete_many(&admin(), &both)
            .await
            .unwrap()
            .is_some()
    );
    assert!(!exists(&registry, "country", 1).await);
    assert!(!exists(&registry, "airport", 2).await);
    assert_eq!(entities.delete_many(&admin(), &both).await.unwrap(), None);
}

#[tokio::test]
async fn ten_thousand_entities_and_no_more() {
    let registry = registry().await;
    airport(&registry, 1, json!({})).await;
    for number in 2..=10_000 {
        runway(&registry, number, 1).await;
    }
    runway(&registry, 10_001, 1).await;
    let entities = registry.entities();
    let deleted = entities.delete(&admin(), "airport", id(1), None).await;
    let Err(Error::Refused(refused)) = deleted else {
        unreachable!("too many")
    };
    assert_eq!(
        (refused.code, refused.extra),
        ("too_many_affected", vec![("count", json!(10_001))])
    );
    entities
        .delete(&admin(), "runway", id(10_001), None)
        .await
        .unwrap();
    entities
        .delete(&admin(), "airport", id(1), None)
        .await
        .unwrap();
    assert!(!exists(&registry, "runway", 10_000).await);
}
