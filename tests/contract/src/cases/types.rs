//! Changes of types that are full of entities, and beside writers.

use std::collections::BTreeSet;

use registry_core::{
    Entity, EntityType, LinkTargets, Version,
    change::{Operation, TypeChange},
    entity_type::Cardinality,
    port::{CommitError, Conflict, TypeViolation},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, country, country_type, entity, id, integer, kind,
        link_of, text, update,
    },
    harness::conflict,
};

/// The next version of a type, changed.
fn changed(before: &EntityType, change: impl FnOnce(&mut EntityType)) -> EntityType {
    let mut after = EntityType {
        version: before.version.next(),
        ..before.clone()
    };
    change(&mut after);
    after
}

/// A change that must look at the entities.
async fn checked(subject: &Subject, before: &EntityType, after: &EntityType) -> TypeChange {
    TypeChange {
        check_entities: true,
        ..subject.type_change(Some(before), Some(after)).await
    }
}

/// Commits a change that must be refused for these entities, and checks that nothing became of it.
async fn refused(subject: &Subject, change: TypeChange, name: &str, of: &[u32]) {
    let before = subject.contents().await;
    assert_eq!(
        conflict(subject.change_type(change).await),
        Conflict::Violation(TypeViolation {
            name: name.to_owned(),
            code: "type_change_conflict",
            count: of.len() as u64,
            samples: of.iter().take(10).map(|number| id(*number)).collect(),
        })
    );
    assert_eq!(subject.contents().await, before);
}

fn field(of: &mut EntityType, number: u32) -> &mut registry_core::entity_type::Field {
    let mut fields = of.fields.iter_mut();
    fields.find(|one| one.number.0 == number).unwrap()
}

fn link(of: &mut EntityType, number: u32) -> &mut registry_core::entity_type::Link {
    let mut links = of.links.iter_mut();
    links.find(|one| one.number.0 == number).unwrap()
}

pub async fn a_field_becomes_required_when_every_entity_has_it(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let made: Vec<Entity> = (1..=30)
        .map(|number| match number % 2 {
            0 => entity(&of, number).with(country::NAME, text("x")),
            _ => entity(&of, number),
        })
        .collect();
    let operations = made.iter().cloned().map(Operation::Create);
    subject.write(&[&of], operations.collect()).await.unwrap();
    let after = changed(&of, |of| field(of, country::NAME).required = true);
    let odd: Vec<u32> = (1..=30).filter(|number| number % 2 == 1).collect();
    refused(&subject, checked(&subject, &of, &after).await, "name", &odd).await;
    let operations = made
        .iter()
        .filter(|one| one.data.is_empty())
        .map(|one| update(one, &one.next().with(country::NAME, text(""))));
    subject.write(&[&of], operations.collect()).await.unwrap();
    let change = checked(&subject, &of, &after).await;
    subject.change_type(change).await.unwrap();
    assert_eq!(subject.contents().await.types, [after]);
}

pub async fn the_rules_of_a_field_narrow_when_every_value_keeps_them(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let populated = |number, value| entity(&of, number).with(country::POPULATION, integer(value));
    let made = [
        populated(1, -1),
        populated(2, 0),
        entity(&of, 3),
        populated(4, -2),
    ];
    subject.create(&[&of], made).await;
    let least = |min: i64| {
        changed(&of, |of| {
            let rules = serde_json::json!({"kind": "integer", "min": min});
            field(of, country::POPULATION).kind = serde_json::from_value(rules).unwrap();
        })
    };
    let change = checked(&subject, &of, &least(0)).await;
    refused(&subject, change, "population", &[1, 4]).await;
    let change = checked(&subject, &of, &least(-2)).await;
    subject.change_type(change).await.unwrap();
}

pub async fn a_field_changes_its_kind_only_without_values(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let named = entity(&of, 1).with(country::NAME, text("x"));
    let [named, _] = subject.create(&[&of], [named, entity(&of, 2)]).await;
    let after = changed(&of, |of| field(of, country::NAME).kind = kind("integer"));
    let change = async || TypeChange {
        must_have_no_values: BTreeSet::from([country::NAME]),
        ..checked(&subject, &of, &after).await
    };
    refused(&subject, change().await, "name", &[1]).await;
    let cleared = named.next().without(country::NAME);
    let operations = vec![update(&named, &cleared)];
    subject.write(&[&of], operations).await.unwrap();
    subject.change_type(change().await).await.unwrap();
}

/// France 1 and Spain 2; airports 11 to France, 12 to both, 13 to none.
async fn linked(subject: &Subject) -> (EntityType, EntityType) {
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [
        entity(&country, 1),
        entity(&country, 2),
        entity(&airport, 11).linked(airport::SERVES, &[id(1)]),
        entity(&airport, 12).linked(airport::SERVES, &[id(1), id(2)]),
        entity(&airport, 13),
    ];
    subject.create(&[&country, &airport], made).await;
    (country, airport)
}

pub async fn a_link_becomes_required_when_every_entity_has_it(harness: impl Harness) {
    let subject = harness.open().await;
    let (_, airport) = linked(&subject).await;
    let after = changed(&airport, |of| link(of, airport::SERVES).required = true);
    let change = checked(&subject, &airport, &after).await;
    refused(&subject, change, "serves", &[13]).await;
    let last = subject.read(id(13)).await.unwrap();
    let operations = vec![update(
        &last,
        &last.next().linked(airport::SERVES, &[id(2)]),
    )];
    subject.write(&[&airport], operations).await.unwrap();
    let change = checked(&subject, &airport, &after).await;
    subject.change_type(change).await.unwrap();
}

pub async fn a_link_to_many_becomes_one_to_one_when_none_has_more(harness: impl Harness) {
    let subject = harness.open().await;
    let (_, airport) = linked(&subject).await;
    let after = changed(&airport, |of| {
        link(of, airport::SERVES).cardinality = Cardinality::One;
    });
    let change = checked(&subject, &airport, &after).await;
    refused(&subject, change, "serves", &[12]).await;
}

pub async fn a_link_leads_to_fewer_types_when_no_target_is_of_another(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = linked(&subject).await;
    let mut note = crate::fixture::new_type(3, "note");
    note.links = vec![registry_core::entity_type::Link {
        to: LinkTargets::Any,
        ..link_of(1, "about", &country, "notes")
    }];
    subject.define(&[&note]).await;
    let made = [
        entity(&note, 21).linked(1, &[id(1), id(2)]),
        entity(&note, 22).linked(1, &[id(1), id(11), id(12)]),
        entity(&note, 23),
        entity(&note, 24).linked(1, &[id(24)]),
    ];
    subject.create(&[&note], made).await;
    let only = |types: Vec<_>| changed(&note, |of| link(of, 1).to = LinkTargets::Types(types));
    let change = checked(&subject, &note, &only(vec![country.id])).await;
    refused(&subject, change, "about", &[22, 24]).await;
    let change = checked(&subject, &note, &only(vec![country.id, airport.id])).await;
    refused(&subject, change, "about", &[24]).await;
    let all = only(vec![country.id, airport.id, note.id]);
    let change = checked(&subject, &note, &all).await;
    subject.change_type(change).await.unwrap();
}

pub async fn entities_keep_the_type_version_under_which_they_were_written(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let [old] = subject.create(&[&of], [entity(&of, 1)]).await;
    let after = changed(&of, |of| of.title = Some("Country".to_owned()));
    let change = subject.type_change(Some(&of), Some(&after)).await;
    subject.change_type(change).await.unwrap();
    let new = entity(&after, 2);
    assert_eq!(new.type_version, Version(2));
    let [new] = subject.create(&[&after], [new]).await;
    assert_eq!(subject.contents().await.entities, [old, new]);
}

/// Creates an entity for each number, re-reading the type when it has changed; how many it made.
async fn write_all(
    subject: Subject,
    numbers: std::ops::Range<u32>,
    make: impl Fn(&EntityType, u32) -> Entity,
) -> u32 {
    let mut count = 0;
    for number in numbers {
        for _ in 0..20 {
            let catalog = subject.store.catalog(None).await.unwrap().unwrap();
            let of = catalog.types.into_iter().next().unwrap();
            let operations = vec![Operation::Create(make(&of, number))];
            match subject.write(&[&of], operations).await {
                Ok(_) => {
                    count += 1;
                    break;
                }
                Err(CommitError::Conflict(Conflict::TypeChanged { .. })) => {}
                Err(CommitError::Conflict(Conflict::KeyTaken { .. })) => break,
                other => crate::fixture::fail(&format!("{other:?}")),
            }
        }
    }
    count
}

/// Writers leave the name out while they see it optional; a change makes it required.
pub async fn a_write_never_happens_under_a_stale_type<H: Harness>(_: H) {
    for round in 0..3u64 {
        let harness = H::default();
        let subject = harness.open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let make = |of: &EntityType, number| {
            let required = of.field_named("name").unwrap().required;
            let one = entity(of, number);
            if required {
                one.with(country::NAME, text("x"))
            } else {
                one
            }
        };
        let mut writers = Vec::new();
        for writer in 0..8u32 {
            let handle = harness.open().await;
            let numbers = 1_000 * (writer + 1)..1_000 * (writer + 1) + 40;
            writers.push(tokio::spawn(write_all(handle, numbers, make)));
        }
        let mut present = of;
        tokio::time::sleep(std::time::Duration::from_millis(2 * round)).await;
        // The change is refused while an entity without a name is there, and never applied over one.
        let after = changed(&present, |of| field(of, country::NAME).required = true);
        let change = checked(&subject, &present, &after).await;
        let outcome = subject.change_type(change).await;
        if outcome.is_ok() {
            present = after;
        }
        for writer in writers {
            assert_eq!(writer.await.unwrap(), 40);
        }
        let contents = subject.contents().await;
        assert_eq!(contents.types, [present.clone()]);
        assert_eq!(contents.entities.len(), 8 * 40);
        let required = present.field_named("name").unwrap().required;
        let nameless = contents.entities.iter().filter(|one| one.data.is_empty());
        assert!(!required || nameless.count() == 0, "round {round}");
    }
}

/// Writers repeat values while a key comes to be: afterwards no two entities share one.
pub async fn a_key_added_beside_writers_holds_for_every_entity<H: Harness>(_: H) {
    for round in 0..3u64 {
        let harness = H::default();
        let subject = harness.open().await;
        let of = changed(&country_type(), |of| {
            field(of, country::CODE).unique = false;
            of.version = Version(1);
        });
        subject.define(&[&of]).await;
        let make = |of: &EntityType, number: u32| {
            // Two writers make each value.
            let code = (number / 1_000 / 2 * 1_000 + number % 1_000).to_string();
            entity(of, number).with(country::CODE, text(&code))
        };
        let mut writers = Vec::new();
        for writer in 0..6u32 {
            let handle = harness.open().await;
            let numbers = 1_000 * (writer + 1)..1_000 * (writer + 1) + 40;
            writers.push(tokio::spawn(write_all(handle, numbers, make)));
        }
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        let after = changed(&of, |of| field(of, country::CODE).unique = true);
        let change = checked(&subject, &of, &after).await;
        let outcome = subject.change_type(change).await;
        for writer in writers {
            writer.await.unwrap();
        }
        match outcome {
            Ok(_) => {
                // Every key row is the only one of its value.
                subject.assert_agreement().await;
                let contents = subject.contents().await;
                assert_eq!(contents.keys.len(), contents.entities.len());
            }
            Err(CommitError::Conflict(Conflict::Violation(violation))) => {
                let TypeViolation { name, code, .. } = &violation;
                assert_eq!((name.as_str(), *code), ("code", "type_change_conflict"));
                assert_eq!(subject.contents().await.keys, []);
            }
            other => crate::fixture::fail(&format!("{other:?}")),
        }
    }
}

pub async fn of_two_type_changes_at_once_one_is_refused(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let mut tasks = Vec::new();
    for number in 0..8 {
        let handle = harness.open().await;
        let after = changed(&of, |of| of.title = Some(format!("title {number}")));
        let change = subject.type_change(Some(&of), Some(&after)).await;
        tasks.push(tokio::spawn(async move {
            handle.change_type(change).await.map(|_| after)
        }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(after) => winners.push(after),
            Err(CommitError::Conflict(Conflict::CatalogChanged | Conflict::TypeChanged { .. })) => {
            }
            other => crate::fixture::fail(&format!("{other:?}")),
        }
    }
    assert_eq!(winners.len(), 1);
    let contents = subject.contents().await;
    assert_eq!((contents.catalog, contents.types), (Version(2), winners));
    assert_eq!(contents.log.len(), 2);
}
