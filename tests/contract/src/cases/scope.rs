//! The caller's scope, in every read.

use registry_core::{
    Entity, EntityId, EntityType, Scope,
    query::{Count, Filter, Query},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, entity, exists, field, id, is,
        linked, linked_elsewhere, not, query, scope, text, to_holder, to_target, update,
    },
};

async fn four(subject: &Subject, of: &EntityType) -> [Entity; 4] {
    let made = [
        entity(of, 1).owned_by(&["org:a"]),
        entity(of, 2).owned_by(&["org:a", "org:b"]),
        entity(of, 3)
            .owned_by(&["org:c"])
            .readable_by(&["org:b", "user:x"]),
        entity(of, 4).owned_by(&["org:c"]).readable_by(&["public"]),
    ];
    subject.create(&[of], made).await
}

const SCOPES: [(&[&str], &[u32]); 7] = [
    (&["org:a"], &[1, 2]),
    (&["org:a", "public"], &[1, 2, 4]),
    (&["org:b"], &[2, 3]),
    (
        &["org:a", "org:b", "org:c", "user:x", "public"],
        &[1, 2, 3, 4],
    ),
    (&["user:x"], &[3]),
    (&["ORG:A", "org:A", "org"], &[]),
    (&[], &[]),
];

fn scope_of(principals: &[&str]) -> Scope {
    // Texts that are no principals are left out: what remains must not match by mistake.
    let valid = principals
        .iter()
        .copied()
        .filter(|text| registry_core::Principal::parse(text).is_some());
    scope(&valid.collect::<Vec<_>>())
}

pub async fn it_must_not_tell_an_entity_outside_the_scope_from_an_absent_one(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let made = four(&subject, &country).await;
    let wanted = [id(4), id(99), id(1), id(3), id(2), id(1)];
    for (principals, expected) in SCOPES {
        let scope = scope_of(principals);
        let found = subject.store.entities(&wanted, &scope).await.unwrap();
        let expected: Vec<Entity> = made
            .iter()
            .filter(|one| expected.iter().any(|number| id(*number) == one.id))
            .cloned()
            .collect();
        assert_eq!(found, expected, "{principals:?}");
    }
    let everything = subject.store.entities(&wanted, &Scope::Everything).await;
    assert_eq!(everything.unwrap(), made);
}

pub async fn a_query_finds_and_counts_inside_the_scope_alone(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    four(&subject, &country).await;
    for (principals, expected) in SCOPES {
        let found = subject
            .store
            .find(&Query {
                scope: scope_of(principals),
                count: Count::Exact,
                ..query(&[&country])
            })
            .await
            .unwrap();
        let ids: Vec<EntityId> = found.items.iter().map(|one| one.id).collect();
        let expected: Vec<EntityId> = expected.iter().map(|number| id(*number)).collect();
        assert_eq!(ids, expected, "{principals:?}");
        assert_eq!(found.total, Some(expected.len() as u64), "{principals:?}");
    }
}

pub async fn a_walk_inside_a_scope_gives_every_entity_once(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let of: [&[&str]; 3] = [&["org:a"], &["org:a", "org:b"], &["org:b"]];
    let made = (1..=60u32).zip(of.into_iter().cycle());
    let made = made.map(|(number, owners)| entity(&country, number).owned_by(owners));
    let operations = made.map(registry_core::change::Operation::Create);
    subject
        .write(&[&country], operations.collect())
        .await
        .unwrap();
    let walk = Query {
        scope: scope(&["org:a", "org:b", "public"]),
        limit: 7,
        ..query(&[&country])
    };
    let expected: Vec<EntityId> = (1..=60).map(id).collect();
    assert_eq!(super::pages::walk(&subject, walk).await, expected);
}

pub async fn the_scope_follows_changes_of_owners_and_readers(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let [first, ..] = four(&subject, &country).await;
    let second = first.next().owned_by(&["org:d"]).readable_by(&["user:x"]);
    let operations = vec![update(&first, &second)];
    subject.write(&[&country], operations).await.unwrap();
    for (principals, expected) in [
        (["org:a"], vec![id(2)]),
        (["org:d"], vec![id(1)]),
        (["user:x"], vec![id(1), id(3)]),
    ] {
        let query = Query {
            scope: scope(&principals),
            ..query(&[&country])
        };
        assert_eq!(subject.ids(&query).await, expected, "{principals:?}");
    }
}

pub async fn the_scope_holds_for_linked_entities_too(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let to = |number, country, owner| {
        entity(&airport, number)
            .linked(airport::COUNTRY, &[id(country)])
            .with(airport::STATUS, text("open"))
            .owned_by(&[owner])
    };
    let made = [
        entity(&country, 1)
            .owned_by(&["org:a"])
            .with(country::NAME, text("x")),
        entity(&country, 2)
            .owned_by(&["org:b"])
            .with(country::NAME, text("x")),
        to(11, 1, "org:a"),
        to(12, 2, "org:a"),
        to(13, 1, "org:b"),
    ];
    subject.create(&[&country, &airport], made).await;
    let outward = to_target(&airport, airport::COUNTRY);
    let inward = to_holder(&airport, airport::COUNTRY);
    let named = is(field(&country, country::NAME), "x");
    let open = is(field(&airport, airport::STATUS), "open");
    let any = Filter::And(Vec::new());
    let there_and_back = exists(inward.clone(), exists(outward.clone(), any.clone()));
    let cases: [(&EntityType, Filter, &str, &[u32]); 15] = [
        (
            &airport,
            exists(outward.clone(), named.clone()),
            "org:a",
            &[11],
        ),
        (
            &airport,
            exists(outward.clone(), any.clone()),
            "org:a",
            &[11],
        ),
        (
            &airport,
            not(exists(outward.clone(), named.clone())),
            "org:a",
            &[12],
        ),
        (&airport, exists(outward.clone(), not(named)), "org:a", &[]),
        // The holder shows the id of its target to whoever may read the holder.
        (&airport, linked(outward.clone(), None), "org:a", &[11, 12]),
        (&airport, linked(outward, Some(&[id(2)])), "org:a", &[12]),
        (
            &airport,
            linked_elsewhere(to_target(&airport, airport::COUNTRY), id(1)),
            "org:a",
            &[12],
        ),
        // From the other end nothing shows but what is readable.
        (&country, linked(inward.clone(), None), "org:b", &[]),
        (
            &country,
            linked(inward.clone(), Some(&[id(13)])),
            "org:a",
            &[],
        ),
        (
            &country,
            linked(inward.clone(), Some(&[id(11), id(13)])),
            "org:a",
            &[1],
        ),
        (
            &country,
            linked_elsewhere(inward.clone(), id(11)),
            "org:a",
            &[],
        ),
        (
            &country,
            linked_elsewhere(inward.clone(), id(12)),
            "org:a",
            &[1],
        ),
        (&country, exists(inward.clone(), open.clone()), "org:b", &[]),
        (&country, not(exists(inward, open)), "org:b", &[2]),
        (&country, there_and_back, "org:a", &[1]),
    ];
    for (of, filter, caller, expected) in cases {
        let query = Query {
            filter: filter.clone(),
            scope: scope(&[caller]),
            ..query(&[of])
        };
        let expected: Vec<EntityId> = expected.iter().map(|number| id(*number)).collect();
        assert_eq!(subject.ids(&query).await, expected, "{caller} {filter:?}");
    }
}
