//! What a commit writes into the change log.

use registry_core::{
    Entity, EntityId, FieldNumber, LinkNumber, Version,
    change::{Change, ChangeOperation, Earlier, Stamp},
};

use crate::{
    Harness,
    fixture::{
        AT, Build as _, LATER, airport, airport_type, country_type, delete, entity, id, principal,
        text, texts, update,
    },
};

fn field(number: u32) -> FieldNumber {
    FieldNumber(number)
}

fn link(number: u32, target: EntityId) -> (LinkNumber, EntityId) {
    (LinkNumber(number), target)
}

fn created(entity: &Entity) -> Change {
    Change {
        entity: entity.id,
        type_id: entity.type_id,
        version: Version(1),
        operation: ChangeOperation::Create,
        earlier: Earlier::default(),
        actor: principal("user:ann"),
        at: AT,
    }
}

/// A later row of the same entity, by Bob.
fn later(entity: &Entity, version: i64, operation: ChangeOperation, earlier: Earlier) -> Change {
    Change {
        version: Version(version),
        operation,
        earlier,
        actor: principal("user:bob"),
        at: LATER,
        ..created(entity)
    }
}

/// What Ann wrote.
fn anns() -> Stamp {
    Stamp {
        type_version: Version(1),
        at: AT,
        by: principal("user:ann"),
        created: None,
    }
}

/// That it was Ann's creation, kept by a deletion.
fn of_ann() -> (registry_core::Timestamp, registry_core::Principal) {
    (AT, principal("user:ann"))
}

/// The first and the last version of an airport: fields, links and rights changed, then all of it gone.
fn updated(first: &Entity, targets: [EntityId; 2]) -> [Change; 2] {
    let [france, spain] = targets;
    let served = vec![link(airport::SERVES, france), link(airport::SERVES, spain)];
    let changed = Earlier {
        fields: [
            (field(airport::ICAO), Some(text("LFPG"))),
            (field(airport::TAGS), None),
        ]
        .into(),
        links_added: served.clone(),
        links_removed: vec![link(airport::COUNTRY, france)],
        owners: Some(vec![principal("org:default")]),
        readers: None,
        stamp: Some(anns()),
    };
    let gone = Earlier {
        fields: [
            (field(airport::NAME), Some(text("Paris"))),
            (field(airport::TAGS), Some(texts(&["x"]))),
        ]
        .into(),
        links_added: Vec::new(),
        links_removed: served,
        owners: Some(vec![principal("org:b")]),
        readers: Some(vec![principal("public")]),
        stamp: Some(Stamp {
            type_version: Version(1),
            at: LATER,
            by: principal("user:bob"),
            created: Some(of_ann()),
        }),
    };
    [
        later(first, 2, ChangeOperation::Update, changed),
        later(first, 3, ChangeOperation::Delete, gone),
    ]
}

pub async fn it_must_write_the_change_log_rows_in_the_same_transaction(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let types = [&country, &airport];
    let first = entity(&airport, 2)
        .with(airport::ICAO, text("LFPG"))
        .with(airport::NAME, text("Paris"))
        .linked(airport::COUNTRY, &[id(1)])
        .readable_by(&["public"]);
    let made = [entity(&country, 1), first, entity(&country, 3)];
    let [france, first, spain] = subject.create(&types, made).await;
    let second = first
        .next()
        .without(airport::ICAO)
        .with(airport::TAGS, texts(&["x"]))
        .linked(airport::COUNTRY, &[])
        .linked(airport::SERVES, &[france.id, spain.id])
        .owned_by(&["org:b"]);
    let operations = vec![update(&first, &second)];
    let receipt = subject.write(&types, operations).await.unwrap();
    let operations = vec![delete(&second), delete(&france)];
    let last = subject.write(&types, operations).await.unwrap();

    let [second_row, third_row] = updated(&first, [france.id, spain.id]);
    let emptied = Earlier {
        owners: Some(vec![principal("org:default")]),
        readers: Some(Vec::new()),
        stamp: Some(Stamp {
            created: Some(of_ann()),
            ..anns()
        }),
        ..Earlier::default()
    };
    let expected = [
        created(&france),
        created(&first),
        created(&spain),
        second_row,
        third_row,
        later(&france, 2, ChangeOperation::Delete, emptied),
    ];
    let log = subject.log().await;
    // Two rows of types come first.
    let rows: Vec<Change> = log.iter().skip(2).map(|row| row.change.clone()).collect();
    assert_eq!(rows, expected);
    assert_eq!(log.get(5).map(|row| row.position), Some(receipt.position));
    assert_eq!(log.get(7).map(|row| row.position), Some(last.position));
}

pub async fn a_refused_change_set_writes_no_row(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [entity(&country, 1), entity(&airport, 2)];
    let [spain, first] = subject.create(&[&country, &airport], made).await;
    let second = first.next().linked(airport::SERVES, &[spain.id]);
    let before = subject.log().await;
    let operations = vec![update(&first, &second), delete(&spain)];
    let refused = subject.write(&[&country, &airport], operations).await;
    assert!(refused.is_err(), "a target went in the same change set");
    assert_eq!(subject.log().await, before);
}
