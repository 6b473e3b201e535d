//! A writer that waits for a step of the building of an index: on PostgreSQL its statement sees the tables as they were before it waited.

use std::{sync::Arc, time::Duration};

use registry_contract::{
    Subject,
    fixture::{Build as _, entity, field_of, is, kind, new_type, query, text, update},
};
use registry_core::{
    EntityType, FieldNumber,
    entity_type::Field,
    port::BuildStep,
    query::{Operand, Query},
};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{Connection as _, PgConnection};

fn plain() -> EntityType {
    EntityType {
        fields: vec![field_of(1, "value", kind("text"))],
        next_number: 2,
        ..new_type(1, "thing")
    }
}

/// The same with an index.
fn indexed() -> EntityType {
    EntityType {
        version: registry_core::Version(2),
        fields: vec![Field {
            indexed: true,
            ..field_of(1, "value", kind("text"))
        }],
        ..plain()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_for_a_step_takes_away_what_the_step_put_in() {
    let database = Database::default();
    let url = database.url().await;
    let store = registry_postgres::open(PostgresConfig::url(url.clone())).await;
    let subject = Subject::of(&Arc::new(store.expect("the store opens")));
    let (plain, of) = (plain(), indexed());
    subject.define(&[&plain]).await;
    let [made] = subject
        .create(&[&plain], [entity(&plain, 1).with(1, text("old"))])
        .await;
    let change = subject.type_change(Some(&plain), Some(&of)).await;
    subject.change_type(change).await.expect("it is applied");

    // A step, by hand, so that it can be held up before its end.
    let mut step = PgConnection::connect(&url).await.expect("it connects");
    let mut step = step.begin().await.expect("it begins");
    for statement in [
        "SELECT id FROM entity FOR NO KEY UPDATE",
        "INSERT INTO field_value (type, field, value, entity) SELECT type, 1, 'old', id FROM entity",
    ] {
        sqlx::query(statement)
            .execute(&mut *step)
            .await
            .expect("the step works");
    }
    let writer = tokio::spawn({
        let (subject, of) = (subject.clone(), of.clone());
        async move {
            let after = made.next().with(1, text("new"));
            subject.write(&[&of], vec![update(&made, &after)]).await
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writer.is_finished(), "the writer waits for the step");
    step.commit().await.expect("the step ends");
    let written = writer.await.expect("the writer ends");
    written.expect("it is applied");
    let field = FieldNumber(1);
    let last = subject.store.build_index(of.id, field, 10).await;
    assert_eq!(last.expect("it works"), BuildStep::Done);

    let find = async |value| {
        let operand = Operand::Field {
            type_id: of.id,
            field,
            list: false,
            indexed: true,
        };
        let filter = is(operand, value);
        let asked = Query {
            filter,
            ..query(&[&of])
        };
        subject.ids(&asked).await.len()
    };
    assert_eq!((find("old").await, find("new").await), (0, 1));
}
