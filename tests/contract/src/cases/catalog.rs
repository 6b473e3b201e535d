//! Types as a store keeps them.

use std::collections::BTreeSet;

use registry_core::{
    EntityId, EntityType, FieldNumber, LinkTargets, Timestamp, Version,
    change::{Change, ChangeOperation, Earlier},
    entity_type::{Cardinality, Field, Link, OnDelete},
    port::{Conflict, TypeViolation},
};
use serde_json::json;

use crate::{
    Harness,
    fixture::{
        AT, Build as _, LATER, airport_type, change_set, country, country_type, entity, field_of,
        id, kind, link_of, new_type, principal, text,
    },
    harness::conflict,
};

pub async fn an_empty_store_has_an_empty_catalog(harness: impl Harness) {
    let subject = harness.open().await;
    let catalog = subject.store.catalog(None).await.unwrap().unwrap();
    assert_eq!((catalog.version, catalog.types), (Version(0), Vec::new()));
}

pub async fn a_catalog_that_is_still_known_is_not_sent_again(harness: impl Harness) {
    let subject = harness.open().await;
    subject.define(&[&country_type()]).await;
    let known = Some(subject.catalog_version().await);
    assert!(subject.store.catalog(known).await.unwrap().is_none());
    subject.define(&[&airport_type()]).await;
    let catalog = subject.store.catalog(known).await.unwrap().unwrap();
    assert_eq!(catalog.version, Version(2));
}

pub async fn a_type_comes_back_whole(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    let full = EntityType {
        title: Some("Airport \u{2708} \"quoted\"".to_owned()),
        description: Some(String::new()),
        tags: vec!["geo".to_owned(), "a b".to_owned()],
        metadata: json!({"z": 1, "a": [null, 1.5, "\u{e9}"], "m": {}})
            .as_object()
            .cloned(),
        label: Some(FieldNumber(1)),
        fields: vec![
            Field {
                list: true,
                min_items: Some(1),
                max_items: Some(u64::from(u32::MAX)),
                required: true,
                indexed: true,
                searchable: true,
                default: Some(json!(["x", "y"])),
                title: Some("T".to_owned()),
                description: Some("D".to_owned()),
                input: Some("area".to_owned()),
                ..field_of(7, "notes", kind("text"))
            },
            Field {
                removed: true,
                ..field_of(1, "gone", kind("integer"))
            },
        ],
        links: vec![
            Link {
                to: LinkTargets::Any,
                cardinality: Cardinality::One,
                on_delete: OnDelete::Cascade,
                required: true,
                ..link_of(3, "about", &country, "remarks")
            },
            Link {
                removed: true,
                on_delete: OnDelete::Restrict,
                ..link_of(2, "old", &country, "olds")
            },
        ],
        next_number: 12,
        updated_at: LATER,
        created_at: Timestamp(-1),
        ..airport_type()
    };
    subject.define(&[&full, &country]).await;
    assert_eq!(subject.contents().await.types, [country, full]);
}

pub async fn a_type_change_must_be_seen_by_the_next_call_on_any_handle_of_the_same_store(
    harness: impl Harness,
) {
    let one = harness.open().await;
    let other = harness.open().await;
    for number in 1..=5 {
        let added = new_type(number, &format!("type{number}"));
        let before = other.catalog_version().await;
        one.define(&[&added]).await;
        let seen = other.store.catalog(Some(before)).await.unwrap().unwrap();
        assert_eq!(seen.version, before.next());
        assert!(seen.types.contains(&added), "type {number} is not seen");
    }
}

pub async fn a_changed_type_takes_the_place_of_the_earlier_one(harness: impl Harness) {
    let subject = harness.open().await;
    let before = country_type();
    subject.define(&[&before, &airport_type()]).await;
    let after = EntityType {
        name: "land".to_owned(),
        version: before.version.next(),
        updated_at: LATER,
        ..before.clone()
    };
    let change = subject.type_change(Some(&before), Some(&after)).await;
    subject.change_type(change).await.unwrap();
    let contents = subject.contents().await;
    assert_eq!(contents.catalog, Version(3));
    assert_eq!(contents.types, [after, airport_type()]);
}

pub async fn a_removed_type_is_gone_and_its_name_is_free(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let change = subject.type_change(Some(&country), None).await;
    subject.change_type(change).await.unwrap();
    assert_eq!(subject.contents().await.types, []);
    let again = EntityType {
        name: country.name.clone(),
        ..new_type(77, "")
    };
    subject.define(&[&again]).await;
    let contents = subject.contents().await;
    assert_eq!(
        (contents.catalog, contents.types),
        (Version(3), vec![again])
    );
}

pub async fn a_type_with_entities_is_not_removed(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let twelve = (1..=12).map(|number| entity(&country, number));
    let operations = twelve.map(registry_core::change::Operation::Create);
    subject
        .write(&[&country], operations.collect())
        .await
        .unwrap();
    let before = subject.contents().await;
    let change = subject.type_change(Some(&country), None).await;
    assert_eq!(
        conflict(subject.change_type(change).await),
        Conflict::Violation(TypeViolation {
            name: String::new(),
            code: "type_in_use",
            count: 12,
            samples: (1..=10).map(id).collect(),
        })
    );
    assert_eq!(subject.contents().await, before);
}

pub async fn a_type_change_decided_under_an_older_catalog_is_refused(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    let late = subject.type_change(None, Some(&airport_type())).await;
    subject.define(&[&country]).await;
    let before = subject.contents().await;
    let refusal = conflict(subject.change_type(late).await);
    assert_eq!(refusal, Conflict::CatalogChanged);
    assert_eq!(subject.contents().await, before);
}

pub async fn a_type_change_must_write_its_change_log_row_in_the_same_transaction(
    harness: impl Harness,
) {
    let subject = harness.open().await;
    let first = country_type();
    let second = EntityType {
        version: first.version.next(),
        ..first.clone()
    };
    let mut receipts = Vec::new();
    for (before, after) in [
        (None, Some(&first)),
        (Some(&first), Some(&second)),
        (Some(&second), None),
    ] {
        let change = subject.type_change(before, after).await;
        receipts.push(subject.change_type(change).await.unwrap().position);
    }
    let log = subject.log().await;
    let places: Vec<_> = log.iter().map(|row| row.position).collect();
    assert_eq!(places, receipts);
    let row = |version| Change {
        entity: EntityId(first.id.0),
        type_id: first.id,
        version: Version(version),
        operation: ChangeOperation::Type,
        earlier: Earlier::default(),
        actor: principal("user:ann"),
        at: AT,
    };
    let rows: Vec<_> = log.into_iter().map(|row| row.change).collect();
    assert_eq!(rows, [row(1), row(2), row(3)]);
}

pub async fn a_dropped_field_with_values_is_refused_when_it_must_be_unused(harness: impl Harness) {
    let subject = harness.open().await;
    let country = country_type();
    subject.define(&[&country]).await;
    let plain = entity(&country, 1);
    let named = entity(&country, 2).with(country::NAME, text("France"));
    subject.create(&[&country], [plain, named]).await;
    let mut after = country.clone();
    after.version = after.version.next();
    for field in &mut after.fields {
        field.removed = field.number.0 != country::CODE;
    }
    let mut change = subject.type_change(Some(&country), Some(&after)).await;
    change.must_be_unused = BTreeSet::from([country::NAME, country::POPULATION]);
    let before = subject.contents().await;
    assert_eq!(
        conflict(subject.change_type(change.clone()).await),
        Conflict::Violation(TypeViolation {
            name: "name".to_owned(),
            code: "would_drop",
            count: 1,
            samples: vec![id(2)],
        })
    );
    assert_eq!(subject.contents().await, before);
    change.must_be_unused = BTreeSet::from([country::POPULATION]);
    subject.change_type(change).await.unwrap();
    // Removed fields keep what they hold.
    assert_eq!(subject.contents().await.entities, before.entities);
}

pub async fn a_change_set_of_nothing_is_applied(harness: impl Harness) {
    let subject = harness.open().await;
    subject.define(&[&country_type()]).await;
    let before = subject.contents().await;
    let set = change_set(&[&country_type()], Vec::new());
    subject.store.commit(set).await.unwrap();
    assert_eq!(subject.contents().await, before);
}
