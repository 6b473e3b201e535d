use registry_core::{principal::Role, service::LinkSummary};
use serde_json::{Value, json};

use crate::support::{
    admin, caller, country, create, id, links_of, object, person, refusal, registry,
};

fn conflict(code: &str, link: &str) -> Value {
    json!(["Conflict", code, [[format!("/links/{link}"), code]]])
}

#[tokio::test]
async fn a_link_is_made_and_taken_off_from_either_end() {
    let registry = registry().await;
    let links = registry.links();
    country(&registry, 1, "FR").await;
    country(&registry, 2, "DE").await;
    create(
        &registry,
        &admin(),
        "airport",
        3,
        json!({"fields": {"icao": "A"}}),
    )
    .await;

    let put = |type_name, from, link, to| {
        links.put(
            Box::leak(Box::new(admin())),
            type_name,
            id(from),
            link,
            id(to),
        )
    };
    let delete = |type_name, from, link, to| {
        links.delete(
            Box::leak(Box::new(admin())),
            type_name,
            id(from),
            link,
            id(to),
        )
    };
    assert!(put("airport", 3, "country", 1).await.unwrap().is_some());
    assert!(put("airport", 3, "country", 1).await.unwrap().is_none());
    assert!(put("country", 1, "airports", 3).await.unwrap().is_none());
    assert_eq!(
        links_of(&registry, "airport", 3).await,
        (json!({"country": id(1)}), 2)
    );
    // From the holder it is replaced, from the other end it is not.
    assert_eq!(
        refusal(put("country", 2, "airports", 3).await),
        conflict("link_cardinality", "country")
    );
    assert!(put("airport", 3, "country", 2).await.unwrap().is_some());
    assert!(put("country", 1, "served_by", 3).await.unwrap().is_some());
    assert!(put("airport", 3, "serves", 2).await.unwrap().is_some());
    assert_eq!(
        links_of(&registry, "airport", 3).await,
        (json!({"country": id(2), "serves": [id(1), id(2)]}), 5)
    );
    let summary = |name: &str, direction: &str, types: Value, count: u64| json!({"name": name, "direction": direction, "types": types, "count": count});
    let listed = |all: Vec<LinkSummary>| serde_json::to_value(all).unwrap();
    assert_eq!(
        listed(links.list(&admin(), "airport", id(3)).await.unwrap()),
        json!([
            summary("country", "out", json!(["country"]), 1),
            summary("serves", "out", json!(["country"]), 2),
            summary("runways", "in", json!(["runway"]), 0),
            summary("tours", "in", json!(["tour"]), 0)
        ])
    );
    assert_eq!(
        listed(links.list(&admin(), "country", id(2)).await.unwrap()),
        json!([
            summary("airports", "in", json!(["airport"]), 1),
            summary("served_by", "in", json!(["airport"]), 1),
            summary("tours", "in", json!(["tour"]), 0)
        ])
    );
    assert!(
        delete("country", 1, "served_by", 3)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        delete("country", 1, "served_by", 3)
            .await
            .unwrap()
            .is_none()
    );
    assert!(delete("airport", 3, "serves", 9).await.unwrap().is_none());
    // A link to another target is not taken off.
    assert!(delete("airport", 3, "country", 1).await.unwrap().is_none());
    assert_eq!(
        links_of(&registry, "airport", 3).await,
        (json!({"country": id(2), "serves": [id(2)]}), 6)
    );
}

#[tokio::test]
async fn wrong_links_are_refused() {
    let registry = registry().await;
    let links = registry.links();
    country(&registry, 1, "FR").await;
    create(
        &registry,
        &admin(),
        "airport",
        2,
        json!({"fields": {"icao": "A"}}),
    )
    .await;
    create(
        &registry,
        &admin(),
        "runway",
        3,
        json!({"fields": {"ident": "1"}, "links": {"airport": id(2)}}),
    )
    .await;
    let invalid =
        |code: &str, link: &str| json!(["Invalid", code, [[format!("/links/{link}"), code]]]);
    let unknown = json!(["Invalid", "unknown_link", []]);
    for (type_name, from, link, to, expected) in [
        ("airport", 2, "moon", 1, unknown.clone()),
        ("airport", 2, "airports", 1, unknown),
        (
            "airport",
            9,
            "moon",
            1,
            json!(["NotFound", "not_found", []]),
        ),
        (
            "country",
            2,
            "airports",
            1,
            json!(["NotFound", "not_found", []]),
        ),
        (
            "airport",
            2,
            "country",
            2,
            invalid("link_target_type", "country"),
        ),
        (
            "country",
            1,
            "airports",
            1,
            invalid("link_target_type", "country"),
        ),
        (
            "airport",
            2,
            "country",
            9,
            json!([
                "NotFound",
                "link_target_not_found",
                [["/links/country", "link_target_not_found"]]
            ]),
        ),
    ] {
        let linked = links.put(&admin(), type_name, id(from), link, id(to)).await;
        assert_eq!(refusal(linked), expected, "{type_name} {link}");
    }
    for (type_name, from, link, to) in [("runway", 3, "airport", 2), ("airport", 2, "runways", 3)] {
        let unlinked = links
            .delete(&admin(), type_name, id(from), link, id(to))
            .await;
        assert_eq!(refusal(unlinked), invalid("required_link", "airport"));
    }
    // In a document, the type of a target is refused the same way.
    let body = object(&json!({"links": {"country": id(3)}}));
    let patched = registry
        .entities()
        .patch(&admin(), "airport", id(2), &body, None)
        .await;
    assert_eq!(refusal(patched), invalid("link_target_type", "country"));
}

#[tokio::test]
async fn a_link_to_any_type_leads_to_every_type() {
    let registry = registry().await;
    country(&registry, 1, "FR").await;
    person(&registry, 2).await;
    create(
        &registry,
        &admin(),
        "tour",
        3,
        json!({"links": {"stops": [id(1), id(2)]}}),
    )
    .await;
    let links = registry.links();
    assert!(
        links
            .put(&admin(), "tour", id(3), "stops", id(3))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        links
            .put(&admin(), "person", id(2), "tours", id(3))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        links_of(&registry, "tour", 3).await,
        (json!({"stops": [id(1), id(2), id(3)]}), 2)
    );
}

#[tokio::test]
async fn a_symmetric_link_shows_on_both_ends_and_both_grow() {
    let registry = registry().await;
    let links = registry.links();
    for number in 1..=4 {
        person(&registry, number).await;
    }
    links
        .put(&admin(), "person", id(1), "friends", id(2))
        .await
        .unwrap();
    links
        .put(&admin(), "person", id(1), "friends", id(1))
        .await
        .unwrap();
    assert_eq!(
        links_of(&registry, "person", 1).await,
        (json!({"friends": [id(1), id(2)]}), 3)
    );
    assert_eq!(
        links_of(&registry, "person", 2).await,
        (json!({"friends": [id(1)]}), 2)
    );
    // By a document: 2 loses 1 and wins 3 and 4.
    let body = object(&json!({"links": {"friends": [id(3), id(4)]}}));
    registry
        .entities()
        .patch(&admin(), "person", id(2), &body, None)
        .await
        .unwrap();
    for (number, expected) in [
        (1, (json!({"friends": [id(1)]}), 4)),
        (2, (json!({"friends": [id(3), id(4)]}), 3)),
        (3, (json!({"friends": [id(2)]}), 2)),
        (4, (json!({"friends": [id(2)]}), 2)),
    ] {
        assert_eq!(links_of(&registry, "person", number).await, expected);
    }
    // From the other end, and by creation.
    links
        .delete(&admin(), "person", id(3), "friends", id(2))
        .await
        .unwrap();
    create(
        &registry,
        &admin(),
        "person",
        5,
        json!({"fields": {"name": "P5"}, "links": {"friends": [id(3)]}}),
    )
    .await;
    for (number, expected) in [
        (2, (json!({"friends": [id(4)]}), 4)),
        (3, (json!({"friends": [id(5)]}), 4)),
        (5, (json!({"friends": [id(3)]}), 1)),
    ] {
        assert_eq!(links_of(&registry, "person", number).await, expected);
    }
}

#[tokio::test]
async fn a_symmetric_link_of_cardinality_one_frees_the_old_partner_and_takes_nobodys() {
    let registry = registry().await;
    let links = registry.links();
    for number in 1..=4 {
        person(&registry, number).await;
    }
    links
        .put(&admin(), "person", id(1), "spouse", id(2))
        .await
        .unwrap();
    links
        .put(&admin(), "person", id(3), "spouse", id(4))
        .await
        .unwrap();
    let taken = links.put(&admin(), "person", id(1), "spouse", id(3)).await;
    assert_eq!(refusal(taken), conflict("link_cardinality", "spouse"));
    let body = object(&json!({"links": {"spouse": id(3)}}));
    let taken = registry
        .entities()
        .patch(&admin(), "person", id(1), &body, None)
        .await;
    assert_eq!(refusal(taken), conflict("link_cardinality", "spouse"));
    links
        .delete(&admin(), "person", id(4), "spouse", id(3))
        .await
        .unwrap();
    links
        .put(&admin(), "person", id(1), "spouse", id(3))
        .await
        .unwrap();
    for (number, expected) in [
        (1, (json!({"spouse": id(3)}), 3)),
        (2, (json!({}), 3)),
        (3, (json!({"spouse": id(1)}), 4)),
        (4, (json!({}), 3)),
    ] {
        assert_eq!(links_of(&registry, "person", number).await, expected);
    }
}

#[tokio::test]
async fn a_symmetric_link_needs_the_right_to_write_both_ends() {
    let registry = registry().await;
    let links = registry.links();
    let (ann, bob) = (caller("ann", Role::Writer), caller("bob", Role::Writer));
    let named = |readers: Value| json!({"fields": {"name": "P"}, "readers": readers});
    create(&registry, &ann, "person", 1, named(json!([]))).await;
    create(&registry, &bob, "person", 2, named(json!(["public"]))).await;
    create(&registry, &bob, "person", 3, named(json!([]))).await;
    let linked = links.put(&ann, "person", id(1), "friends", id(2)).await;
    let locked = json!(["Forbidden", "forbidden", [["/links/friends", "forbidden"]]]);
    assert_eq!(refusal(linked), locked);
    let linked = links.put(&ann, "person", id(1), "friends", id(3)).await;
    assert_eq!(
        refusal(linked),
        json!([
            "NotFound",
            "link_target_not_found",
            [["/links/friends", "link_target_not_found"]]
        ])
    );
    let body = object(&json!({"fields": {"name": "Q"}, "links": {"friends": [id(2)]}}));
    let created = registry
        .entities()
        .create(&ann, "person", None, &body)
        .await;
    assert_eq!(refusal(created), locked);
}

#[tokio::test]
async fn the_thousand_and_first_link_is_refused_from_either_end() {
    let registry = registry().await;
    let all: Vec<_> = (1..=1_001).map(id).collect();
    for number in 1..=1_001 {
        person(&registry, number).await;
    }
    create(
        &registry,
        &admin(),
        "tour",
        2_000,
        json!({"links": {"stops": all[..1_000]}}),
    )
    .await;
    let links = registry.links();
    let expected = conflict("too_many_links", "stops");
    let linked = links
        .put(&admin(), "tour", id(2_000), "stops", id(1_001))
        .await;
    assert_eq!(refusal(linked), expected);
    let linked = links
        .put(&admin(), "person", id(1_001), "tours", id(2_000))
        .await;
    assert_eq!(refusal(linked), expected);
    // The other end of a symmetric link is counted too.
    create(
        &registry,
        &admin(),
        "person",
        1_002,
        json!({"fields": {"name": "P"}, "links": {"friends": all[..1_000]}}),
    )
    .await;
    let linked = links
        .put(&admin(), "person", id(1_001), "friends", id(1_002))
        .await;
    assert_eq!(refusal(linked), conflict("too_many_links", "friends"));
}
