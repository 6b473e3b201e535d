use registry_core::principal::Role;
use serde_json::{Value, json};

use crate::support::{admin, caller, create, id, object, refusal, registry};

fn absent() -> Value {
    json!(["NotFound", "not_found", []])
}

fn forbidden() -> Value {
    json!(["Forbidden", "forbidden", []])
}

#[tokio::test]
async fn owners_write_readers_read_and_others_see_nothing() {
    let registry = registry().await;
    let entities = registry.entities();
    let (ann, bob) = (caller("ann", Role::Writer), caller("bob", Role::Writer));
    let body = json!({"fields": {"code": "FR"}, "readers": ["user:bob"]});
    create(&registry, &ann, "country", 1, body).await;
    create(
        &registry,
        &ann,
        "country",
        2,
        json!({"fields": {"code": "DE"}}),
    )
    .await;
    let change = object(&json!({"fields": {"code": "XX"}}));

    assert!(entities.get(&bob, "country", id(1)).await.is_ok());
    assert!(entities.by_key(&bob, "country", "code", "FR").await.is_ok());
    for (number, expected) in [(1, forbidden()), (2, absent()), (3, absent())] {
        let patched = entities
            .patch(&bob, "country", id(number), &change, None)
            .await;
        assert_eq!(refusal(patched), expected);
        let deleted = entities.delete(&bob, "country", id(number), None).await;
        assert_eq!(refusal(deleted), expected);
    }
    let put = entities.put(&bob, "country", id(1), &change, None).await;
    assert_eq!(refusal(put), forbidden());
    let put = entities.put(&bob, "country", id(2), &change, None).await;
    assert_eq!(refusal(put), json!(["Conflict", "entity_exists", []]));
    assert_eq!(
        refusal(entities.get(&bob, "country", id(2)).await),
        absent()
    );
    assert_eq!(
        refusal(entities.by_key(&bob, "country", "code", "DE").await),
        absent()
    );

    let reader = caller("ann", Role::Reader);
    assert!(entities.get(&reader, "country", id(1)).await.is_ok());
    let create = entities.create(&reader, "country", None, &change).await;
    assert_eq!(refusal(create), forbidden());
    let delete = entities.delete(&reader, "country", id(1), None).await;
    assert_eq!(refusal(delete), forbidden());
    let link = registry
        .links()
        .put(&reader, "airport", id(1), "country", id(2))
        .await;
    assert_eq!(refusal(link), forbidden());
}

#[tokio::test]
async fn ownership_is_given_to_nobody_else_and_never_given_up() {
    let registry = registry().await;
    let entities = registry.entities();
    let ann = caller("ann", Role::Writer);
    let with = |owners: Value| object(&json!({"fields": {"code": "FR"}, "owners": owners}));
    for (owners, expected) in [
        (
            json!(["user:ann", "user:bob"]),
            json!([["/owners/1", "forbidden"]]),
        ),
        (
            json!(["user:bob"]),
            json!([["/owners/0", "forbidden"], ["/owners", "forbidden"]]),
        ),
    ] {
        let created = entities.create(&ann, "country", None, &with(owners)).await;
        assert_eq!(
            refusal(created),
            json!(["Forbidden", "forbidden", expected])
        );
    }
    create(
        &registry,
        &admin(),
        "country",
        1,
        json!({"fields": {"code": "DE"}, "owners": ["user:bob", "org:acme"]}),
    )
    .await;
    // Another's ownership may stay, come or go; the caller's own must remain.
    let patch = |owners: Value| {
        let body = object(&json!({"owners": owners}));
        let ann = &ann;
        async move { entities.patch(ann, "country", id(1), &body, None).await }
    };
    let kept = patch(json!(["user:bob", "user:ann"])).await.unwrap();
    assert_eq!(kept.entity.version.0, 2);
    assert_eq!(
        refusal(patch(json!(["user:bob"])).await),
        json!(["Forbidden", "forbidden", [["/owners", "forbidden"]]])
    );
    assert!(patch(json!(["user:ann"])).await.is_ok());
    assert_eq!(
        refusal(patch(json!(["user:ann", "user:bob"])).await),
        json!(["Forbidden", "forbidden", [["/owners/1", "forbidden"]]])
    );
}

#[tokio::test]
async fn an_invisible_target_is_as_if_absent() {
    let registry = registry().await;
    let (ann, bob) = (caller("ann", Role::Writer), caller("bob", Role::Writer));
    create(
        &registry,
        &ann,
        "country",
        1,
        json!({"fields": {"code": "FR"}}),
    )
    .await;
    create(
        &registry,
        &bob,
        "airport",
        2,
        json!({"fields": {"icao": "A"}}),
    )
    .await;
    let unseen = |pointer: &str| {
        json!([
            "NotFound",
            "link_target_not_found",
            [[pointer, "link_target_not_found"]]
        ])
    };
    let entities = registry.entities();
    for number in [1, 9] {
        let body = object(&json!({"links": {"country": id(number)}}));
        let patched = entities.patch(&bob, "airport", id(2), &body, None).await;
        assert_eq!(refusal(patched), unseen("/links/country"));
        let linked = registry
            .links()
            .put(&bob, "airport", id(2), "country", id(number))
            .await;
        assert_eq!(refusal(linked), unseen("/links/country"));
    }
    // From the other end: the holder is what cannot be seen.
    let linked = registry
        .links()
        .put(&ann, "country", id(1), "airports", id(2))
        .await;
    assert_eq!(refusal(linked), unseen("/links/country"));
    let unlinked = registry
        .links()
        .delete(&ann, "country", id(1), "airports", id(2))
        .await;
    assert_eq!(unlinked.unwrap(), None);
}
