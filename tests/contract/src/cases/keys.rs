//! Keys: unique within a type, looked up by value.

use registry_core::{
    Encoded, Entity, EntityId, EntityType, FieldNumber, KeyNumber, Scope, Version,
    entity_type::Key,
    key,
    port::{Conflict, TypeViolation},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, delete, encoded, entity, id,
        scope, text, update,
    },
    harness::conflict,
};

async fn holder(
    subject: &Subject,
    of: &EntityType,
    number: u32,
    value: &Encoded,
) -> Option<EntityId> {
    let everything = Scope::Everything;
    let found = subject
        .store
        .by_key(of.id, KeyNumber(number), value, &everything);
    found.await.unwrap().map(|entity| entity.id)
}

pub async fn an_entity_is_found_by_its_key(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let named = entity(&airport, 3)
        .with(airport::NAME, text("London, City"))
        .with(airport::STATUS, text("open"));
    let made = [
        entity(&country, 1).with(country::CODE, text("FR")),
        // The same value under a key of another type.
        entity(&airport, 2).with(airport::ICAO, text("FR")),
        named.clone(),
    ];
    let [france, fr, _] = subject.create(&[&country, &airport], made).await;
    let fr_value = encoded("FR");
    let found = holder(&subject, &country, country::CODE, &fr_value).await;
    assert_eq!(found, Some(france.id));
    let found = holder(&subject, &airport, airport::ICAO, &fr_value).await;
    assert_eq!(found, Some(fr.id));
    let parts = [&encoded("London, City"), &encoded("open")];
    let of_name = KeyNumber(airport::BY_NAME);
    let found = subject
        .store
        .by_key(airport.id, of_name, &key::join(&parts), &Scope::Everything)
        .await;
    assert_eq!(found.unwrap(), Some(named));
    let absent = holder(&subject, &country, airport::BY_NAME, &fr_value).await;
    assert_eq!(absent, None);
}

pub async fn an_entity_outside_the_scope_is_not_found_by_its_key(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let made = entity(&country, 1)
        .with(country::CODE, text("FR"))
        .owned_by(&["org:a"])
        .readable_by(&["org:b"]);
    let [made] = subject.create(&[&country], [made]).await;
    let code = KeyNumber(country::CODE);
    for (principals, expected) in [
        (["org:a", "public"], Some(made.clone())),
        (["org:b", "public"], Some(made.clone())),
        (["org:c", "public"], None),
    ] {
        let (scope, value) = (scope(&principals), encoded("FR"));
        let found = subject.store.by_key(country.id, code, &value, &scope);
        assert_eq!(found.await.unwrap(), expected, "{principals:?}");
    }
}

pub async fn key_values_differ_in_every_byte(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let codes = [
        "",
        " ",
        "a",
        "A",
        "a ",
        " a",
        "\u{e9}",
        "e\u{301}",
        "\u{c9}",
        "ss",
        "\u{df}",
        "0",
        "00",
        "%",
        "_",
        "\\",
        "'",
        "null",
        "\u{1}",
        "\u{1}\u{1}",
        "\u{10ffff}",
        "i",
        "\u{131}",
    ];
    let made: Vec<Entity> = (1..)
        .zip(codes)
        .map(|(number, code)| entity(&country, number).with(country::CODE, text(code)))
        .collect();
    let operations = made
        .iter()
        .cloned()
        .map(registry_core::change::Operation::Create);
    subject
        .write(&[&country], operations.collect())
        .await
        .unwrap();
    for (one, code) in made.iter().zip(codes) {
        let found = holder(&subject, &country, country::CODE, &encoded(code)).await;
        assert_eq!(found, Some(one.id), "{code:?}");
    }
}

pub async fn an_entity_that_lacks_a_part_takes_no_part_in_a_key(harness: impl Harness) {
    let subject = harness.open().await;
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let half = |number| entity(&airport, number).with(airport::NAME, text("London"));
    let [one, _] = subject.create(&[&airport], [half(1), half(2)]).await;
    let whole = one.next().with(airport::STATUS, text(""));
    let operations = vec![update(&one, &whole)];
    subject.write(&[&airport], operations).await.unwrap();
    let value = key::join(&[&encoded("London"), &encoded("")]);
    let found = holder(&subject, &airport, airport::BY_NAME, &value).await;
    assert_eq!(found, Some(one.id));
}

pub async fn a_key_given_up_finds_nothing(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let coded = |number, code| entity(&country, number).with(country::CODE, text(code));
    let made = [coded(1, "A"), coded(2, "B"), coded(3, "C")];
    let [a, b, c] = subject.create(&[&country], made).await;
    let renamed = a.next().with(country::CODE, text("D"));
    let cleared = b.next().without(country::CODE);
    let operations = vec![update(&a, &renamed), update(&b, &cleared), delete(&c)];
    subject.write(&[&country], operations).await.unwrap();
    for (code, expected) in [("A", None), ("B", None), ("C", None), ("D", Some(id(1)))] {
        let found = holder(&subject, &country, country::CODE, &encoded(code)).await;
        assert_eq!(found, expected, "{code}");
    }
}

pub async fn a_key_added_to_a_filled_type_finds_its_entities(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let named = |number, name| entity(&country, number).with(country::NAME, text(name));
    let made = [named(1, "France"), named(2, "Spain"), entity(&country, 3)];
    let [france, ..] = subject.create(&[&country], made).await;
    let after = with_key_of_name(&country);
    let change = subject.type_change(Some(&country), Some(&after)).await;
    subject.change_type(change).await.unwrap();
    let spain = holder(&subject, &country, 4, &encoded("Spain")).await;
    assert_eq!(spain, Some(id(2)));
    subject.assert_agreement().await;
    // From now on it is enforced, and given up with the entity.
    let taken = Entity {
        type_version: after.version,
        ..named(4, "France")
    };
    let create = |one: &Entity| vec![registry_core::change::Operation::Create(one.clone())];
    assert_eq!(
        subject.refused(&[&after], create(&taken)).await,
        Conflict::KeyTaken {
            operation: 0,
            key: KeyNumber(4)
        }
    );
    subject
        .write(&[&after], vec![delete(&france)])
        .await
        .unwrap();
    subject.write(&[&after], create(&taken)).await.unwrap();
}

pub async fn a_key_with_repeated_values_is_not_added(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let named = |number, name| entity(&country, number).with(country::NAME, text(name));
    let made = [
        named(1, "France"),
        named(2, "Spain"),
        named(3, "Spain"),
        named(4, "Italy"),
        named(5, "France"),
        entity(&country, 6),
        entity(&country, 7),
        named(8, "France"),
        named(9, "france"),
    ];
    subject.create(&[&country], made).await;
    let before = subject.contents().await;
    let after = with_key_of_name(&country);
    let change = subject.type_change(Some(&country), Some(&after)).await;
    assert_eq!(
        conflict(subject.change_type(change).await),
        Conflict::Violation(TypeViolation {
            name: "by_name".to_owned(),
            code: "type_change_conflict",
            count: 5,
            samples: [1, 2, 3, 5, 8].map(id).to_vec(),
        })
    );
    assert_eq!(subject.contents().await, before);
}

pub async fn a_dropped_keys_values_are_free(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let coded = |number| entity(&country, number).with(country::CODE, text("FR"));
    subject.create(&[&country], [coded(1)]).await;
    let mut after = country.clone();
    after.version = Version(2);
    for field in &mut after.fields {
        field.unique = false;
    }
    let change = subject.type_change(Some(&country), Some(&after)).await;
    subject.change_type(change).await.unwrap();
    let found = holder(&subject, &country, country::CODE, &encoded("FR")).await;
    assert_eq!(found, None);
    subject.create(&[&after], [coded(2)]).await;
    assert_eq!(subject.contents().await.entities.len(), 2);
}

fn with_key_of_name(country: &EntityType) -> EntityType {
    EntityType {
        version: Version(2),
        keys: vec![Key {
            number: KeyNumber(4),
            name: "by_name".to_owned(),
            fields: vec![FieldNumber(country::NAME)],
        }],
        next_number: 5,
        ..country.clone()
    }
}
