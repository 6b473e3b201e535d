use registry_core::{
    Version,
    service::{IfMatch, Outcome},
};
use serde_json::json;

use crate::support::{
    admin, country, create, id, links_of, object, pair, read_document, refusal, registry,
};

#[tokio::test]
async fn a_created_entity_is_read_back_whole() {
    let registry = registry().await;
    country(&registry, 1, "FR").await;
    country(&registry, 2, "DE").await;
    let body = json!({
        "fields": {"icao": "LFPG", "elevation": 392, "tags": ["hub", "hub"], "iata": null},
        "links": {"country": id(1), "serves": [id(2), id(1), id(2)]},
        "readers": ["public", "public"]});
    let written = create(&registry, &admin(), "AIRPORT", 3, body).await;
    assert_eq!(written.outcome, Outcome::Created);
    assert!(written.position.is_some());
    let read = registry
        .entities()
        .get(&admin(), "airport", id(3))
        .await
        .unwrap();
    assert_eq!(read.entity, written.entity);
    let at = "1970-01-01T00:00:00.000000Z";
    let expected = json!({
        "id": id(3), "type": "airport", "version": 1,
        "fields": {"icao": "LFPG", "elevation": 392.0, "status": "open", "tags": ["hub", "hub"]},
        "links": {"country": id(1), "serves": [id(1), id(2)]},
        "owners": ["org:default"], "readers": ["public"],
        "created_at": at, "created_by": "org:default", "updated_at": at, "updated_by": "org:default"});
    // Compared as text: the order of members counts.
    assert_eq!(read_document(&read).to_string(), expected.to_string());
}

#[tokio::test]
async fn everything_wrong_with_a_document_is_told_at_once() {
    let registry = registry().await;
    let cases = [
        (
            json!({"fields": {"icao": "A"}, "id": id(1), "colour": 1, "updated_by": "x"}),
            json!([
                "Malformed",
                "invalid_entity",
                [
                    ["/id", "read_only_field"],
                    ["/colour", "unknown_member"],
                    ["/updated_by", "read_only_field"]
                ]
            ]),
        ),
        (
            json!({"fields": {"elevation": "high", "wings": 2}, "links": {"country": 5, "serves": id(1), "moon": null},
                "owners": [], "readers": ["Nobody", 1]}),
            json!([
                "Invalid",
                "invalid_entity",
                [
                    ["/fields/icao", "required"],
                    ["/fields/elevation", "type"],
                    ["/fields/wings", "unknown_field"],
                    ["/links/country", "type"],
                    ["/links/serves", "type"],
                    ["/links/moon", "unknown_link"],
                    ["/readers/0", "invalid_principal"],
                    ["/readers/1", "type"],
                    ["/owners", "owners_empty"]
                ]
            ]),
        ),
        (
            json!({"fields": [], "links": 1, "owners": "user:ann", "readers": null}),
            json!([
                "Invalid",
                "invalid_entity",
                [
                    ["/fields/icao", "required"],
                    ["/fields", "type"],
                    ["/links", "type"],
                    ["/owners", "type"],
                    ["/readers", "type"]
                ]
            ]),
        ),
        (
            json!({"fields": {"icao": "A"}, "links": {"serves": ["x", id(1)]}, "owners": ["public"]}),
            json!([
                "Invalid",
                "invalid_entity",
                [
                    ["/links/serves/0", "invalid_id"],
                    ["/owners/0", "public_owner"]
                ]
            ]),
        ),
    ];
    for (body, expected) in cases {
        let created = registry
            .entities()
            .create(&admin(), "airport", None, &object(&body))
            .await;
        assert_eq!(refusal(created), expected, "{body}");
    }
    let runway = registry
        .entities()
        .create(
            &admin(),
            "runway",
            None,
            &object(&json!({"fields": {"ident": "1"}})),
        )
        .await;
    assert_eq!(
        refusal(runway),
        json!([
            "Invalid",
            "required_link",
            [["/links/airport", "required_link"]]
        ])
    );
}

#[tokio::test]
async fn a_thousand_targets_and_no_more() {
    let registry = registry().await;
    let body = |count: u128| {
        let ids: Vec<_> = (1..=count).map(id).collect();
        object(&json!({"fields": {"icao": "A"}, "links": {"serves": ids}}))
    };
    let entities = registry.entities();
    let thousand = entities
        .create(&admin(), "airport", None, &body(1_000))
        .await;
    let each: Vec<serde_json::Value> = (0..1_000)
        .map(|index| json!([format!("/links/serves/{index}"), "link_target_not_found"]))
        .collect();
    assert_eq!(
        refusal(thousand),
        json!(["NotFound", "link_target_not_found", each])
    );
    let more = entities
        .create(&admin(), "airport", None, &body(1_001))
        .await;
    assert_eq!(
        refusal(more),
        json!([
            "Conflict",
            "too_many_links",
            [["/links/serves", "too_many_links"]]
        ])
    );
}

#[tokio::test]
async fn put_replaces_and_patch_merges() {
    let registry = registry().await;
    country(&registry, 1, "FR").await;
    let body = json!({"fields": {"icao": "A", "elevation": 1, "status": "closed"}, "links": {"country": id(1)},
        "readers": ["public"]});
    create(&registry, &admin(), "airport", 2, body).await;
    let entities = registry.entities();
    let patch = |body| async move {
        let written = entities
            .patch(&admin(), "airport", id(2), &object(&body), None)
            .await;
        written.unwrap()
    };
    let put = |body| async move {
        let written = entities
            .put(&admin(), "airport", id(2), &object(&body), None)
            .await;
        written.unwrap()
    };
    let shown = || async {
        let read = entities.get(&admin(), "airport", id(2)).await.unwrap();
        let document = read_document(&read);
        json!([
            document["version"],
            document["fields"],
            document["links"],
            document["readers"]
        ])
    };
    let unchanged = patch(json!({"fields": {"elevation": 1.0}, "links": {"country": id(1)}})).await;
    assert_eq!(
        (unchanged.outcome, unchanged.position),
        (Outcome::Unchanged, None)
    );
    let changed = patch(json!({"fields": {"elevation": null, "tags": ["x"]}})).await;
    assert_eq!(changed.outcome, Outcome::Updated);
    assert_eq!(
        shown().await,
        json!([2, {"icao": "A", "status": "closed", "tags": ["x"]}, {"country": id(1)}, ["public"]])
    );
    // Defaults are filled in only at creation; readers stay.
    put(json!({"fields": {"icao": "B"}})).await;
    assert_eq!(shown().await, json!([3, {"icao": "B"}, {}, ["public"]]));
    patch(json!({"links": {"serves": [id(1)]}, "readers": []})).await;
    assert_eq!(
        shown().await,
        json!([4, {"icao": "B"}, {"serves": [id(1)]}, []])
    );
    patch(json!({"links": {"serves": null}})).await;
    assert_eq!(shown().await, json!([5, {"icao": "B"}, {}, []]));
    let same = put(json!({"fields": {"icao": "B"}})).await;
    assert_eq!(same.outcome, Outcome::Unchanged);
    let cleared = entities
        .patch(
            &admin(),
            "airport",
            id(2),
            &object(&json!({"fields": {"icao": null}})),
            None,
        )
        .await;
    assert_eq!(
        refusal(cleared),
        json!(["Invalid", "required", [["/fields/icao", "required"]]])
    );
}

#[tokio::test]
async fn an_id_belongs_to_one_entity_of_one_type_and_goes_on_counting() {
    let registry = registry().await;
    let entities = registry.entities();
    country(&registry, 1, "FR").await;
    let body = object(&json!({"fields": {"code": "DE"}}));
    let airport = object(&json!({"fields": {"icao": "A"}}));
    let exists = json!(["Conflict", "entity_exists", []]);
    let created = entities
        .create(&admin(), "country", Some(id(1)), &body)
        .await;
    assert_eq!(refusal(created), exists);
    let created = entities
        .create(&admin(), "airport", Some(id(1)), &airport)
        .await;
    assert_eq!(refusal(created), exists);
    let put = entities
        .put(&admin(), "airport", id(1), &airport, None)
        .await;
    assert_eq!(refusal(put), exists);
    let absent = json!(["NotFound", "not_found", []]);
    let read = entities.get(&admin(), "airport", id(1)).await;
    assert_eq!(refusal(read), absent);
    let patched = entities
        .patch(&admin(), "airport", id(1), &airport, None)
        .await;
    assert_eq!(refusal(patched), absent);
    let deleted = entities.delete(&admin(), "airport", id(1), None).await;
    assert_eq!(refusal(deleted), absent);

    entities
        .delete(&admin(), "country", id(1), None)
        .await
        .unwrap();
    // The deletion was version 2.
    let again = entities
        .put(&admin(), "airport", id(1), &airport, None)
        .await
        .unwrap();
    assert_eq!(
        (again.outcome, again.entity.version),
        (Outcome::Created, Version(3))
    );
}

#[tokio::test]
async fn keys_are_unique_and_found_by_their_values() {
    let registry = registry().await;
    let entities = registry.entities();
    let body = |icao: &str, iata: &str, zone: i64| json!({"fields": {"icao": icao, "iata": iata, "zone": zone}});
    create(&registry, &admin(), "airport", 1, body("A,B/C", "x,y", -5)).await;
    create(&registry, &admin(), "airport", 2, body("D", "x", -5)).await;
    let taken = entities
        .create(&admin(), "airport", None, &object(&body("D", "z", 1)))
        .await;
    assert_eq!(
        refusal(taken),
        json!(["Conflict", "key_taken", [["/fields/icao", "key_taken"]]])
    );
    let taken = entities
        .put(
            &admin(),
            "airport",
            id(2),
            &object(&body("D", "x,y", -5)),
            None,
        )
        .await;
    assert_eq!(
        refusal(taken),
        json!(["Conflict", "key_taken", [["/fields/iata", "key_taken"]]])
    );
    for (key, value, number) in [
        ("icao", "A%2CB%2fC", 1),
        ("icao", "A,B%2FC", 1),
        ("by_code", "x%2Cy,-5", 1),
        ("by_code", "x,-5", 2),
    ] {
        let read = entities.by_key(&admin(), "airport", key, value).await;
        assert_eq!(read.unwrap().entity.id, id(number), "{key} {value}");
    }
    let absent = json!(["NotFound", "not_found", []]);
    let malformed = json!(["Malformed", "invalid_key_value", []]);
    for (type_name, key, value, expected) in [
        ("airport", "icao", "nowhere", &absent),
        ("airport", "elevation", "1", &absent),
        ("country", "code", "too long for a code", &absent),
        ("airport", "by_code", "x", &malformed),
        ("airport", "by_code", "x,y,-5", &malformed),
        ("airport", "by_code", "x,five", &malformed),
        ("airport", "icao", "%00", &malformed),
        ("airport", "icao", "%f", &malformed),
    ] {
        let read = entities.by_key(&admin(), type_name, key, value).await;
        assert_eq!(refusal(read), *expected, "{key} {value}");
    }
}

#[tokio::test]
async fn if_match_names_the_version_that_the_writer_saw() {
    let registry = registry().await;
    let entities = registry.entities();
    country(&registry, 1, "FR").await;
    let body = object(&json!({"fields": {"code": "DE"}}));
    let mismatch = json!(["VersionMismatch", "version_mismatch", []]);
    for wrong in [
        IfMatch::OneOf(vec![]),
        IfMatch::OneOf(vec![Version(2), Version(7)]),
    ] {
        let put = entities
            .put(&admin(), "country", id(1), &body, Some(wrong.clone()))
            .await;
        assert_eq!(refusal(put), mismatch);
        let patch = entities
            .patch(&admin(), "country", id(1), &body, Some(wrong.clone()))
            .await;
        assert_eq!(refusal(patch), mismatch);
        let delete = entities
            .delete(&admin(), "country", id(1), Some(wrong))
            .await;
        assert_eq!(refusal(delete), mismatch);
    }
    let absent = entities
        .put(&admin(), "country", id(9), &body, Some(IfMatch::Any))
        .await;
    assert_eq!(refusal(absent), mismatch);
    let seen = IfMatch::OneOf(vec![Version(1)]);
    let put = entities
        .put(&admin(), "country", id(1), &body, Some(seen))
        .await;
    assert_eq!(put.unwrap().entity.version, Version(2));
    entities
        .delete(&admin(), "country", id(1), Some(IfMatch::Any))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_entity_all_succeed() {
    let (one, two) = pair().await;
    country(&one, 1, "FR").await;
    let entities = [&one, &two];
    let writes = (0..64_usize).map(|number| {
        let registry = entities[number % 2];
        async move {
            let body = object(&json!({"fields": {"name": format!("Name {number}")}}));
            let written = registry
                .entities()
                .patch(&admin(), "country", id(1), &body, None)
                .await;
            written.unwrap().outcome
        }
    });
    let outcomes = futures::future::join_all(writes).await;
    assert_eq!(outcomes, vec![Outcome::Updated; 64]);
    assert_eq!(links_of(&one, "country", 1).await.1, 65);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creations_with_one_key_or_one_id_one_succeeds() {
    let (one, two) = pair().await;
    let both = [&one, &two];
    let writes = (0..32_u128).map(|number| {
        let registry = both[usize::from(number % 2 == 0)];
        async move {
            let body = object(&json!({"fields": {"code": "FR"}}));
            let same_id = (number < 16).then(|| id(1));
            registry
                .entities()
                .create(&admin(), "country", same_id, &body)
                .await
                .is_ok()
        }
    });
    let results = futures::future::join_all(writes).await;
    assert_eq!(results.into_iter().filter(|created| *created).count(), 1);
}
