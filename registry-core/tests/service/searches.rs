use registry_core::{
    principal::Role,
    service::{Expanded, Registry, SearchRequest},
};
use serde_json::json;

use crate::support::{admin, caller, country, create, id, numbers, refusal, registry, request};

/// Countries 1 and 2; airports 11 to 15, elevation 100 to 500, the odd ones in country 1, the even ones in country 2, all serving both.
async fn airports() -> Registry {
    let registry = registry().await;
    country(&registry, 1, "FR").await;
    country(&registry, 2, "DE").await;
    for number in 11..=15_u128 {
        let country = if number % 2 == 1 { 1 } else { 2 };
        let body = json!({
            "fields": {"icao": format!("A{number}"), "elevation": u64::try_from(number - 10).unwrap() * 100},
            "links": {"country": id(country), "serves": [id(1), id(2)]}});
        create(&registry, &admin(), "airport", number, body).await;
    }
    registry
}

#[tokio::test]
async fn conditions_are_combined() {
    let registry = airports().await;
    let one = id(1).to_string();
    let cases: [(SearchRequest, &[u128]); 6] = [
        (request("airport"), &[11, 12, 13, 14, 15]),
        (
            SearchRequest {
                filter: Some("elevation > 200 OR icao = \"A11\"".to_owned()),
                fields: Some("elevation<500".to_owned()),
                ..request("airport")
            },
            &[11, 13, 14],
        ),
        (
            SearchRequest {
                links: Some(format!("country:{one}")),
                sort: Some("-elevation".to_owned()),
                ..request("airport")
            },
            &[15, 13, 11],
        ),
        (
            SearchRequest {
                uuids: Some(format!("{},{},{}", id(13), id(1), id(99))),
                ..SearchRequest::default()
            },
            &[1, 13],
        ),
        (
            SearchRequest {
                filter: Some("airports(elevation > 450)".to_owned()),
                ..request("country")
            },
            &[1],
        ),
        (
            SearchRequest {
                filter: Some("country.code = \"DE\"".to_owned()),
                ..request("airport")
            },
            &[12, 14],
        ),
    ];
    for (asked, expected) in cases {
        let page = registry.search().search(&admin(), &asked).await.unwrap();
        assert_eq!(numbers(&page), expected, "{asked:?}");
        assert_eq!(page.next_cursor, None);
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_are_counted() {
    let registry = airports().await;
    let mut asked = SearchRequest {
        sort: Some("status,-elevation".to_owned()),
        limit: Some("2".to_owned()),
        count: Some("exact".to_owned()),
        ..request("airport")
    };
    let mut seen = Vec::new();
    loop {
        let page = registry.search().search(&admin(), &asked).await.unwrap();
        assert_eq!(page.total, Some(5));
        seen.push(numbers(&page));
        match page.next_cursor {
            Some(cursor) => asked.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, [vec![15, 14], vec![13, 12], vec![11]]);
    let other = SearchRequest {
        filter: Some("elevation > 0".to_owned()),
        ..asked.clone()
    };
    let refused = registry.search().search(&admin(), &other).await;
    let invalid = json!([
        "Malformed",
        "invalid_cursor",
        [["?cursor", "invalid_cursor"]]
    ]);
    assert_eq!(refusal(refused), invalid);
    let bob = caller("bob", Role::Writer);
    let refused = registry.search().search(&bob, &asked).await;
    assert_eq!(refusal(refused), invalid);
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let registry = airports().await;
    let some = |text: &str| Some(text.to_owned());
    let blank = || request("airport");
    let cases = [
        (
            SearchRequest {
                limit: some("1001"),
                ..blank()
            },
            json!(["Malformed", "invalid_limit", [["?limit", "invalid_limit"]]]),
        ),
        (
            SearchRequest {
                count: some("about"),
                ..blank()
            },
            json!(["Malformed", "invalid_count", [["?count", "invalid_count"]]]),
        ),
        (
            SearchRequest {
                select: some("icao,wings"),
                ..blank()
            },
            json!(["Invalid", "unknown_field", [["?select", "unknown_field"]]]),
        ),
        (
            SearchRequest {
                expand: some("moon"),
                ..blank()
            },
            json!(["Invalid", "unknown_link", [["?expand", "unknown_link"]]]),
        ),
        (
            SearchRequest {
                expand: some("a,b,c,d,e,f"),
                ..blank()
            },
            json!([
                "Malformed",
                "invalid_expand",
                [["?expand", "invalid_expand"]]
            ]),
        ),
        (
            SearchRequest {
                filter: some("wings = 2"),
                ..blank()
            },
            json!([
                "Malformed",
                "invalid_filter",
                [["?filter", "invalid_filter"]]
            ]),
        ),
        (
            SearchRequest {
                fields: some("wings=2"),
                ..blank()
            },
            json!([
                "Malformed",
                "invalid_filter",
                [["?fields", "invalid_filter"]]
            ]),
        ),
        (
            SearchRequest {
                cursor: some("x"),
                ..blank()
            },
            json!([
                "Malformed",
                "invalid_cursor",
                [["?cursor", "invalid_cursor"]]
            ]),
        ),
        (request("moon"), json!(["NotFound", "not_found", []])),
    ];
    for (asked, expected) in cases {
        let refused = registry.search().search(&admin(), &asked).await;
        assert_eq!(refusal(refused), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn the_entities_at_the_other_end_are_listed() {
    let registry = airports().await;
    let search = registry.search();
    let plain = SearchRequest::default();
    for (type_name, number, link, expected) in [
        ("country", 1, "airports", vec![11, 13, 15]),
        ("country", 2, "served_by", vec![11, 12, 13, 14, 15]),
        ("airport", 12, "country", vec![2]),
        ("airport", 12, "serves", vec![1, 2]),
        ("airport", 12, "runways", vec![]),
    ] {
        let page = search
            .linked(&admin(), type_name, id(number), link, &plain)
            .await;
        assert_eq!(numbers(&page.unwrap()), expected, "{link}");
    }
    let filtered = SearchRequest {
        filter: Some("elevation >= 300".to_owned()),
        limit: Some("1".to_owned()),
        count: Some("exact".to_owned()),
        ..SearchRequest::default()
    };
    let page = search
        .linked(&admin(), "country", id(1), "airports", &filtered)
        .await
        .unwrap();
    assert_eq!((numbers(&page), page.total), (vec![13], Some(2)));
    let next = SearchRequest {
        cursor: page.next_cursor,
        ..filtered
    };
    let page = search
        .linked(&admin(), "country", id(1), "airports", &next)
        .await
        .unwrap();
    assert_eq!((numbers(&page), page.next_cursor), (vec![15], None));
    // A cursor belongs to its entity and link.
    let refused = search
        .linked(&admin(), "country", id(2), "airports", &next)
        .await;
    assert_eq!(
        refusal(refused),
        json!([
            "Malformed",
            "invalid_cursor",
            [["?cursor", "invalid_cursor"]]
        ])
    );
    let unknown = search
        .linked(&admin(), "country", id(2), "moon", &plain)
        .await;
    assert_eq!(refusal(unknown), json!(["Invalid", "unknown_link", []]));
}

#[tokio::test]
async fn linked_entities_are_expanded_as_far_as_they_are_readable() {
    let registry = airports().await;
    let page = registry
        .search()
        .search(
            &admin(),
            &SearchRequest {
                expand: Some("country,serves,runways".to_owned()),
                limit: Some("2".to_owned()),
                ..request("airport")
            },
        )
        .await
        .unwrap();
    let shown: Vec<_> = page
        .expanded
        .iter()
        .map(|item| item.iter().map(shape).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            [
                ["country", 1],
                ["serves", [1, 2], false],
                ["runways", [], false]
            ],
            [
                ["country", 2],
                ["serves", [1, 2], false],
                ["runways", [], false]
            ]
        ])
    );
    let ann = caller("ann", Role::Writer);
    let body = json!({"fields": {"icao": "B"}, "links": {"country": id(1), "serves": [id(1)]}, "owners": ["user:ann"]});
    let own = create(&registry, &admin(), "airport", 20, body).await;
    let expanded = registry
        .search()
        .expand(&ann, &own.entity, "serves,country")
        .await
        .unwrap();
    assert_eq!(
        json!(expanded.iter().map(shape).collect::<Vec<_>>()),
        json!([["serves", [], false], ["country", null]])
    );
}

#[tokio::test]
async fn an_expanded_list_shows_fifty_and_goes_on_where_the_link_does() {
    let registry = registry().await;
    for number in 1..=3 {
        country(&registry, number, &format!("C{number}")).await;
    }
    let ann = caller("ann", Role::Writer);
    for number in 1_000..1_120_u128 {
        let owner = if number % 2 == 0 {
            "user:ann"
        } else {
            "user:bob"
        };
        let body = json!({"fields": {"icao": format!("A{number}")}, "links": {"country": id(1), "serves": [id(2)]},
            "owners": [owner]});
        create(&registry, &admin(), "airport", number, body).await;
    }
    let all: Vec<_> = (1_000..1_120).map(id).collect();
    let tour = json!({"links": {"stops": all}, "owners": ["user:ann"]});
    let tour = create(&registry, &admin(), "tour", 5_000, tour).await;
    let expected: Vec<u128> = (1_000..1_120).step_by(2).collect();

    // Outgoing: some targets are not readable and are made up for.
    let stops = registry.search().expand(&ann, &tour.entity, "stops").await;
    let [(_, Expanded::Many { items, next_cursor })] = &stops.unwrap()[..] else {
        unreachable!("a list")
    };
    let shown: Vec<u128> = items.iter().map(|entity| entity.id.0.as_u128()).collect();
    assert_eq!(shown, expected[..50]);
    let next = SearchRequest {
        cursor: next_cursor.clone(),
        ..SearchRequest::default()
    };
    let rest = registry
        .search()
        .linked(&ann, "tour", id(5_000), "stops", &next)
        .await
        .unwrap();
    assert_eq!(
        (numbers(&rest), rest.next_cursor),
        (expected[50..].to_vec(), None)
    );

    // Incoming, one entity and several at once.
    for limit in ["1", "3"] {
        let asked = SearchRequest {
            expand: Some("airports,served_by".to_owned()),
            limit: Some(limit.to_owned()),
            ..request("country")
        };
        let page = registry.search().search(&admin(), &asked).await.unwrap();
        let first = &page.expanded[0];
        let [
            (_, Expanded::Many { items, next_cursor }),
            (_, Expanded::Many { items: none, .. }),
        ] = &first[..]
        else {
            unreachable!("two lists")
        };
        assert_eq!((items.len(), none.len()), (50, 0));
        let next = SearchRequest {
            cursor: next_cursor.clone(),
            limit: Some("1000".to_owned()),
            ..SearchRequest::default()
        };
        let rest = registry
            .search()
            .linked(&admin(), "country", id(1), "airports", &next)
            .await
            .unwrap();
        assert_eq!(numbers(&rest), (1_050..1_120).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_registry_without_types_has_no_entities() {
    let store = std::sync::Arc::new(registry_memory::MemoryStore::new());
    let registry = Registry::new(store.clone(), store);
    let asked = SearchRequest {
        count: Some("exact".to_owned()),
        ..SearchRequest::default()
    };
    let page = registry.search().search(&admin(), &asked).await.unwrap();
    assert_eq!((numbers(&page), page.total), (vec![], Some(0)));
}

/// A name with the number of the one shown, or the numbers of those shown and whether there is a cursor.
fn shape((name, shown): &(String, Expanded)) -> serde_json::Value {
    let number = |entity: &registry_core::Entity| u64::try_from(entity.id.0.as_u128()).unwrap();
    match shown {
        Expanded::One(one) => json!([name, one.as_ref().map(number)]),
        Expanded::Many { items, next_cursor } => {
            let items: Vec<u64> = items.iter().map(number).collect();
            json!([name, items, next_cursor.is_some()])
        }
    }
}
