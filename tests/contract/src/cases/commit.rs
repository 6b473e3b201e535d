//! What a change set does.

use registry_core::{
    Datum, Entity, Timestamp, Version, change::Operation, limits, port::CommitError,
};

use crate::{
    Harness,
    fixture::{
        Build as _, airport, airport_type, change_set, country, country_type, delete, encoded,
        entity, fail, id, integer, principal, text, texts, update,
    },
};

pub async fn an_entity_comes_back_whole(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let france = entity(&country, 1);
    let mut full = entity(&airport, 2)
        .with(airport::ICAO, text(""))
        .with(
            airport::NAME,
            text("\u{1}\u{7f} \\ \" ' % _ {} \u{e9} e\u{301} \u{fffd} \u{10ffff}\r\n\t "),
        )
        .with(airport::ELEVATION, integer(i64::MIN))
        .with(airport::TAGS, texts(&["b", "", "a", "b", "{\"a\":[1]}"]))
        .with(airport::STATUS, text("null"))
        // A field that the type does not have any more keeps its values.
        .with(4_000_000_000, text("removed"))
        .linked(airport::SERVES, &[france.id])
        .owned_by(&["user:zoe", "org:acme", "facility:\u{e9} 'x'"])
        .readable_by(&["public", "group:b", "group:a"]);
    full.created_at = Timestamp(-62_135_596_800_000_000);
    full.updated_at = Timestamp(253_402_300_799_999_999);
    full.created_by = principal("user:a\"b");
    let empty_list = entity(&airport, 3).with(airport::TAGS, Datum::Many(Vec::new()));
    let plain = entity(&airport, 4);
    let made = [france, full, empty_list, plain];
    subject.create(&[&country, &airport], made.clone()).await;
    assert_eq!(subject.contents().await.entities, made);
    for one in made {
        assert_eq!(subject.read(one.id).await, Some(one));
    }
}

pub async fn an_update_replaces_the_whole_entity(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let before = entity(&airport, 2)
        .with(airport::ICAO, text("EDDF"))
        .with(airport::TAGS, texts(&["a"]))
        .linked(airport::COUNTRY, &[id(1)])
        .readable_by(&["public"]);
    let [france, before] = subject
        .create(&[&country, &airport], [entity(&country, 1), before])
        .await;
    let after = before
        .next()
        .without(airport::ICAO)
        .with(airport::NAME, text("Frankfurt"))
        .with(airport::TAGS, texts(&["a", "b"]))
        .linked(airport::COUNTRY, &[])
        .linked(airport::SERVES, &[france.id])
        .owned_by(&["org:b"])
        .readable_by(&[]);
    let operations = vec![update(&before, &after)];
    subject.write(&[&airport], operations).await.unwrap();
    assert_eq!(subject.contents().await.entities, [france, after]);
    subject.assert_agreement().await;
}

pub async fn a_deleted_entity_is_gone(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let paris = entity(&airport, 2)
        .with(airport::ICAO, text("LFPG"))
        .linked(airport::COUNTRY, &[id(1)])
        .linked(airport::PARTNERS, &[id(2)]);
    let [france, paris] = subject
        .create(&[&country, &airport], [entity(&country, 1), paris])
        .await;
    subject
        .write(&[&airport], vec![delete(&paris)])
        .await
        .unwrap();
    let contents = subject.contents().await;
    assert_eq!((contents.entities, contents.links), (vec![france], vec![]));
}

pub async fn a_change_set_may_make_a_ring_of_entities(harness: impl Harness) {
    let subject = harness.open().await;
    let airport = airport_type();
    subject.define(&[&country_type(), &airport]).await;
    let ring = [
        entity(&airport, 1).linked(airport::PARTNERS, &[id(2)]),
        entity(&airport, 2).linked(airport::PARTNERS, &[id(1), id(2)]),
    ];
    subject.create(&[&airport], ring.clone()).await;
    subject.assert_agreement().await;
    // Each end goes with what leads to it.
    let operations = ring.iter().map(delete).collect();
    subject.write(&[&airport], operations).await.unwrap();
    assert_eq!(subject.contents().await.entities, []);
}

pub async fn an_id_goes_on_counting_after_a_deletion(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let first = entity(&country, 1).with(country::CODE, text("FR"));
    assert_eq!(subject.store.last_version(first.id).await.unwrap(), None);
    let [first] = subject.create(&[&country], [first]).await;
    let last = subject.store.last_version(first.id).await.unwrap();
    assert_eq!(last, Some(Version(1)));
    subject
        .write(&[&country], vec![delete(&first)])
        .await
        .unwrap();
    let last = subject.store.last_version(first.id).await.unwrap();
    assert_eq!(last, Some(Version(2)));
    let second = Entity {
        version: Version(3),
        ..first
    };
    let [second] = subject.create(&[&country], [second]).await;
    assert_eq!(subject.read(second.id).await, Some(second.clone()));
    let last = subject.store.last_version(second.id).await.unwrap();
    assert_eq!(last, Some(Version(3)));
}

pub async fn as_many_operations_as_are_allowed_are_applied_at_once(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let count = u32::try_from(limits::OPERATIONS).unwrap();
    let made: Vec<Entity> = (1..=count)
        .map(|number| entity(&country, number).with(country::CODE, text(&number.to_string())))
        .collect();
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&country], operations).await.unwrap();
    let ids: Vec<_> = made.iter().map(|one| one.id).collect();
    let everything = registry_core::Scope::Everything;
    let read = subject.store.entities(&ids, &everything).await.unwrap();
    assert!(read == made, "ten thousand entities do not come back alike");
    let log = subject.log().await;
    let logged: Vec<_> = log.iter().skip(1).map(|row| row.change.entity).collect();
    assert!(logged == ids, "the change log is not in order");
}

pub async fn more_operations_than_allowed_are_refused(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let count = u32::try_from(limits::OPERATIONS).unwrap() + 1;
    let operations = (1..=count).map(|number| Operation::Create(entity(&country, number)));
    let outcome = subject.write(&[&country], operations.collect()).await;
    assert!(matches!(outcome, Err(CommitError::Store(_))), "{outcome:?}");
    assert_eq!(subject.contents().await.entities, []);
}

pub async fn a_change_set_that_is_none_is_refused_and_not_applied_in_part(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let before = subject.contents().await;
    let [one, two] = [entity(&country, 1), entity(&airport, 2)];
    let untyped = vec![Operation::Create(one.clone()), Operation::Create(two)];
    let twice = vec![Operation::Create(one.clone()), Operation::Create(one)];
    for operations in [untyped, twice] {
        match subject
            .store
            .commit(change_set(&[&country], operations))
            .await
        {
            Err(CommitError::Store(error)) => assert!(!error.may_have_applied()),
            other => fail(&format!("a defect was expected, not {other:?}")),
        }
        assert_eq!(subject.contents().await, before);
    }
}

pub async fn keys_can_be_swapped(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let [a, b, c] = [(1, "A"), (2, "B"), (3, "C")]
        .map(|(number, code)| entity(&country, number).with(country::CODE, text(code)));
    let [a, b, c] = subject.create(&[&country], [a, b, c]).await;
    let moved = [
        a.next().with(country::CODE, text("B")),
        b.next().with(country::CODE, text("C")),
        c.next().with(country::CODE, text("A")),
    ];
    let befores = [a, b, c];
    let operations = befores.iter().zip(&moved).map(|(b, a)| update(b, a));
    subject
        .write(&[&country], operations.collect())
        .await
        .unwrap();
    assert_eq!(subject.contents().await.entities, moved);
    subject.assert_agreement().await;
}

pub async fn a_key_given_up_can_be_claimed_in_the_same_change_set(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let [one, two] = [(1, "A"), (2, "B")]
        .map(|(number, code)| entity(&country, number).with(country::CODE, text(code)));
    let [one, two] = subject.create(&[&country], [one, two]).await;
    let heir = entity(&country, 3).with(country::CODE, text("A"));
    let cleared = two.next().without(country::CODE);
    let other = entity(&country, 4).with(country::CODE, text("B"));
    // The claim stands before what frees the key.
    let operations = vec![
        Operation::Create(heir.clone()),
        delete(&one),
        Operation::Create(other.clone()),
        update(&two, &cleared),
    ];
    subject.write(&[&country], operations).await.unwrap();
    assert_eq!(subject.contents().await.entities, [cleared, heir, other]);
    subject.assert_agreement().await;
    let of_code = registry_core::KeyNumber(country::CODE);
    let (value, scope) = (encoded("A"), registry_core::Scope::Everything);
    let found = subject.store.by_key(country.id, of_code, &value, &scope);
    assert_eq!(found.await.unwrap().map(|one| one.id), Some(id(3)));
}
