//! Writers that meet, over two registries on one store, as two servers are.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use registry_core::{
    EntityId,
    principal::Scope,
    service::{Registry, SearchRequest},
};
use serde_json::json;

use crate::support::{admin, country, create, id, pair, person, request};

/// Every link of every person is held by both ends, and none has two spouses.
async fn check_people(registry: &Registry) {
    let asked = SearchRequest {
        limit: Some("1000".to_owned()),
        ..request("person")
    };
    let page = registry.search().search(&admin(), &asked).await.unwrap();
    let links: BTreeMap<EntityId, _> = page
        .items
        .iter()
        .map(|entity| (entity.id, entity.links.clone()))
        .collect();
    for (holder, held) in &links {
        for (link, targets) in held {
            for target in targets {
                let back = links.get(target).and_then(|held| held.get(link));
                assert!(
                    back.is_some_and(|back| back.contains(holder)),
                    "{holder} {link} {target}"
                );
            }
        }
    }
    let entity_type = page.catalog.by_name("person").unwrap();
    let spouse = entity_type.link_named("spouse").unwrap().number;
    assert!(
        links
            .values()
            .all(|held| held.get(&spouse).is_none_or(|targets| targets.len() == 1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn symmetric_links_agree_whoever_writes_them() {
    let (one, two) = pair().await;
    for number in 1..=6 {
        person(&one, number).await;
    }
    let both = [&one, &two];
    let writes = (0..120_u128).map(|step| {
        let registry = both[usize::from(step % 2 == 0)];
        let (from, to) = (1 + step % 6, 1 + (step * 7 / 6) % 6);
        let link = if step % 3 == 0 { "spouse" } else { "friends" };
        async move {
            let caller = admin();
            let links = registry.links();
            // Refusals are fine: what is written must agree.
            let _ = if step % 5 == 4 {
                links
                    .delete(&caller, "person", id(from), link, id(to))
                    .await
            } else {
                links.put(&caller, "person", id(from), link, id(to)).await
            };
        }
    });
    join_all(writes).await;
    check_people(&one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_outlives_its_target() {
    for _ in 0..20 {
        let (one, two) = pair().await;
        country(&one, 1, "FR").await;
        for number in 10..14 {
            let body = json!({"fields": {"icao": format!("A{number}")}});
            create(&one, &admin(), "airport", number, body).await;
        }
        let linked = (10..14).map(|number| {
            let registry = &two;
            async move {
                let link = if number % 2 == 0 { "country" } else { "serves" };
                let put = registry
                    .links()
                    .put(&admin(), "airport", id(number), link, id(1))
                    .await;
                (number, put.is_ok())
            }
        });
        let caller = admin();
        let entities = one.entities();
        let (deleted, linked) = tokio::join!(
            entities.delete(&caller, "country", id(1), None),
            join_all(linked)
        );
        let held: BTreeSet<u128> = one
            .store()
            .holders(&[id(1)], 100)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.holder.0.as_u128())
            .collect();
        let left = one.store().entities(&[id(1)], &Scope::Everything).await;
        assert_eq!(left.unwrap().is_empty(), deleted.is_ok());
        let expected: BTreeSet<u128> = linked
            .into_iter()
            .filter(|(_, ok)| *ok && deleted.is_err())
            .map(|(number, _)| number)
            .collect();
        assert_eq!(held, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_the_same_spouse_one_wins() {
    let (one, two) = pair().await;
    for number in 1..=17 {
        person(&one, number).await;
    }
    let both = [&one, &two];
    let weddings = (2..=17_u128).map(|number| {
        let registry = both[usize::from(number % 2 == 0)];
        async move {
            let put = registry
                .links()
                .put(&admin(), "person", id(number), "spouse", id(1))
                .await;
            put.is_ok()
        }
    });
    let won = join_all(weddings).await.into_iter().filter(|won| *won);
    assert_eq!(won.count(), 1);
    check_people(&two).await;
}
