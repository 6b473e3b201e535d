//! Links: rows that are read from both ends, and the holders' copies of them.

use registry_core::{
    Entity, EntityId, EntityType, LinkNumber, Scope, Version,
    change::{LinkRow, Operation},
    limits,
    port::LinkCount,
};

use crate::{
    Harness,
    fixture::{
        Build as _, airport, airport_type, country, country_type, delete, entity, id, scope, text,
        update,
    },
};

fn row(holder: &Entity, link: u32, target: EntityId) -> LinkRow {
    LinkRow {
        holder: holder.id,
        holder_type: holder.type_id,
        link: LinkNumber(link),
        target,
    }
}

fn count(of: &EntityType, link: u32, count: u64) -> LinkCount {
    LinkCount {
        holder_type: of.id,
        link: LinkNumber(link),
        count,
    }
}

pub async fn link_rows_and_the_holders_copies_agree_through_every_change(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let types = [&country, &airport];
    let [_, _, one, two] = subject
        .create(
            &types,
            [
                entity(&country, 1),
                entity(&country, 2),
                entity(&airport, 3).linked(airport::COUNTRY, &[id(1)]),
                entity(&airport, 4).linked(airport::SERVES, &[id(1), id(2)]),
            ],
        )
        .await;
    subject.assert_agreement().await;
    let one_next = one
        .next()
        .linked(airport::COUNTRY, &[id(2)])
        .linked(airport::PARTNERS, &[two.id]);
    let two_next = two
        .next()
        .linked(airport::SERVES, &[id(2)])
        .linked(airport::PARTNERS, &[one.id]);
    let operations = vec![update(&one, &one_next), update(&two, &two_next)];
    subject.write(&types, operations).await.unwrap();
    subject.assert_agreement().await;
    let expected = [
        row(&one, airport::COUNTRY, id(2)),
        row(&two, airport::SERVES, id(2)),
        row(&two, airport::PARTNERS, one.id),
        row(&one, airport::PARTNERS, two.id),
    ];
    assert_eq!(subject.contents().await.links, expected);
    let alone = two_next.next().linked(airport::PARTNERS, &[]);
    let operations = vec![delete(&one_next), update(&two_next, &alone)];
    subject.write(&types, operations).await.unwrap();
    subject.assert_agreement().await;
    let expected = [row(&two, airport::SERVES, id(2))];
    assert_eq!(subject.contents().await.links, expected);
}

pub async fn holders_come_in_order_of_target_holder_and_link(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let both = |number, target| {
        entity(&airport, number)
            .linked(airport::SERVES, &[target])
            .linked(airport::COUNTRY, &[target])
    };
    let made = [
        entity(&country, 1),
        entity(&country, 2),
        entity(&country, 3),
        both(12, id(1)),
        both(11, id(2)),
        both(10, id(1)),
        both(13, id(3)),
    ];
    let made = subject.create(&[&country, &airport], made).await;
    let [_, _, _, twelve, eleven, ten, _] = &made;
    let expected = [
        row(ten, airport::COUNTRY, id(1)),
        row(ten, airport::SERVES, id(1)),
        row(twelve, airport::COUNTRY, id(1)),
        row(twelve, airport::SERVES, id(1)),
        row(eleven, airport::COUNTRY, id(2)),
        row(eleven, airport::SERVES, id(2)),
    ];
    let wanted = [id(2), id(1), id(2), id(99)];
    for limit in [1, 2, 3, 5, 6, 100] {
        let found = subject.store.holders(&wanted, limit).await.unwrap();
        let expected: Vec<_> = expected.iter().take(limit).cloned().collect();
        assert_eq!(found, expected, "at most {limit}");
    }
    assert_eq!(subject.store.holders(&[], 10).await.unwrap(), []);
}

pub async fn it_must_return_holders_outside_every_scope_too(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let secret = entity(&airport, 2)
        .owned_by(&["user:nobody"])
        .linked(airport::COUNTRY, &[id(1)]);
    let [_, secret] = subject
        .create(&[&country, &airport], [entity(&country, 1), secret])
        .await;
    let found = subject.store.holders(&[id(1)], 10).await.unwrap();
    assert_eq!(found, [row(&secret, airport::COUNTRY, id(1))]);
}

pub async fn incoming_links_are_counted_inside_the_scope(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [
        entity(&country, 1).owned_by(&["user:nobody"]),
        entity(&airport, 2)
            .owned_by(&["org:a"])
            .linked(airport::COUNTRY, &[id(1)])
            .linked(airport::SERVES, &[id(1)]),
        entity(&airport, 3)
            .owned_by(&["org:a", "org:b"])
            .readable_by(&["org:c"])
            .linked(airport::COUNTRY, &[id(1)]),
        entity(&airport, 4)
            .owned_by(&["org:b"])
            .readable_by(&["public"])
            .linked(airport::COUNTRY, &[id(1)]),
    ];
    subject.create(&[&country, &airport], made).await;
    let (of_country, of_serves) = (airport::COUNTRY, airport::SERVES);
    let expectations = [
        (
            Scope::Everything,
            vec![
                count(&airport, of_country, 3),
                count(&airport, of_serves, 1),
            ],
        ),
        // An entity met by two principals of the caller counts once.
        (
            scope(&["org:a", "org:b", "org:c", "public"]),
            vec![
                count(&airport, of_country, 3),
                count(&airport, of_serves, 1),
            ],
        ),
        (scope(&["org:b"]), vec![count(&airport, of_country, 2)]),
        (scope(&["org:c"]), vec![count(&airport, of_country, 1)]),
        (scope(&["user:nobody"]), vec![]),
    ];
    for (scope, expected) in expectations {
        let mut counts = subject.store.incoming(id(1), &scope).await.unwrap();
        counts.sort_by_key(|one| (one.holder_type, one.link));
        assert_eq!(counts, expected, "{scope:?}");
    }
    let none = subject.store.incoming(id(4), &Scope::Everything).await;
    assert_eq!(none.unwrap(), []);
}

pub async fn an_entity_may_link_to_itself(harness: impl Harness) {
    let subject = harness.open().await;
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let own = entity(&airport, 1).linked(airport::PARTNERS, &[id(1)]);
    let [own] = subject.create(&[&airport], [own]).await;
    subject.assert_agreement().await;
    let counts = subject.store.incoming(own.id, &Scope::Everything).await;
    assert_eq!(counts.unwrap(), [count(&airport, airport::PARTNERS, 1)]);
    subject
        .write(&[&airport], vec![delete(&own)])
        .await
        .unwrap();
    assert_eq!(subject.contents().await.links, []);
}

pub async fn a_link_holds_as_many_targets_as_are_allowed(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let count_of = u32::try_from(limits::LINK_TARGETS).unwrap();
    let targets: Vec<Entity> = (1..=count_of).map(|n| entity(&country, n)).collect();
    let ids: Vec<EntityId> = targets.iter().map(|one| one.id).collect();
    let holder = entity(&airport, 5_000).linked(airport::SERVES, &ids);
    let mut operations = vec![Operation::Create(holder.clone())];
    operations.extend(targets.into_iter().map(Operation::Create));
    let types = [&country, &airport];
    subject.write(&types, operations).await.unwrap();
    assert_eq!(subject.read(holder.id).await, Some(holder.clone()));
    let rows = subject.store.holders(&ids, 2_000).await.unwrap();
    assert_eq!(rows.len(), ids.len());
    let after = holder.next().linked(airport::SERVES, &[id(500)]);
    let operations = vec![update(&holder, &after)];
    subject.write(&types, operations).await.unwrap();
    let rows = subject.store.holders(&ids, 2_000).await.unwrap();
    assert_eq!(rows, [row(&holder, airport::SERVES, id(500))]);
}

pub async fn a_removed_links_rows_go_and_the_copies_stay(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let types = [&country, &airport];
    let holder = entity(&airport, 2)
        .linked(airport::COUNTRY, &[id(1)])
        .linked(airport::SERVES, &[id(1)]);
    let made = [entity(&country, 1).with(country::CODE, text("FR")), holder];
    let [france, holder] = subject.create(&types, made).await;
    let mut changed = airport.clone();
    changed.version = Version(2);
    for link in &mut changed.links {
        link.removed = link.number.0 == airport::COUNTRY;
    }
    let change = subject.type_change(Some(&airport), Some(&changed)).await;
    subject.change_type(change).await.unwrap();
    let contents = subject.contents().await;
    assert_eq!(contents.entities, [france.clone(), holder.clone()]);
    let expected = [row(&holder, airport::SERVES, france.id)];
    assert_eq!(contents.links, expected);
    subject.assert_agreement().await;
    // Nothing but the live link stands in the way of a deletion.
    let after = Entity {
        type_version: Version(2),
        ..holder.next().linked(airport::SERVES, &[])
    };
    let operations = vec![update(&holder, &after), delete(&france)];
    let types = [&country, &changed];
    subject.write(&types, operations).await.unwrap();
    assert_eq!(subject.contents().await.entities, [after]);
}
