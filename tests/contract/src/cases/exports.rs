//! Exports beside writers, and exports that nobody reads to their end.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use registry_core::{Entity, EntityType, Version, change::Operation};

use crate::{
    Harness, Subject,
    fixture::{Build as _, country_type, entity, field_of, kind, query, update},
};

/// Longer than anything here takes that waits for nobody.
const SOON: Duration = Duration::from_secs(10);

/// More entities than a store reads ahead.
async fn world(subject: &Subject) -> (EntityType, Vec<Entity>) {
    let of = country_type();
    subject.define(&[&of]).await;
    let made: Vec<Entity> = (1..=2_500).map(|number| entity(&of, number)).collect();
    let operations = made.iter().cloned().map(Operation::Create).collect();
    subject.write(&[&of], operations).await.unwrap();
    (of, made)
}

pub async fn an_export_must_not_keep_writers_waiting(harness: impl Harness) {
    let (subject, other) = (harness.open().await, harness.open().await);
    let (of, made) = world(&subject).await;
    let mut stream = subject.store.export(&query(&[&of])).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    // Nobody reads on while entities change, and then their type.
    let changed = EntityType {
        version: Version(2),
        fields: [
            of.fields.clone(),
            vec![field_of(4, "capital", kind("text"))],
        ]
        .concat(),
        next_number: 5,
        ..of.clone()
    };
    let writes = async {
        for (writer, one) in [&subject, &other].into_iter().zip(&made) {
            let operations = vec![update(one, &one.next())];
            writer.write(&[&of], operations).await.unwrap();
        }
        let change = other.type_change(Some(&of), Some(&changed)).await;
        other.change_type(change).await.unwrap();
    };
    let written = tokio::time::timeout(SOON, writes).await;
    written.expect("writers wait for the export");
    let mut found = vec![first];
    found.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    assert!(found == made, "{} entities were exported", found.len());
}

pub async fn dropping_the_stream_must_end_the_read(harness: impl Harness) {
    let subject = harness.open().await;
    let (of, made) = world(&subject).await;
    // More of them than a store lets run at once.
    for read in 0..10 {
        let mut dropped = subject.store.export(&query(&[&of])).await.unwrap();
        for _ in 0..read {
            dropped.next().await.unwrap().unwrap();
        }
    }
    let whole = async {
        let stream = subject.store.export(&query(&[&of])).await.unwrap();
        stream.try_collect::<Vec<_>>().await.unwrap()
    };
    let found = tokio::time::timeout(SOON, whole).await;
    let found = found.expect("exports that were dropped are in the way");
    assert!(found == made, "{} entities were exported", found.len());
}
