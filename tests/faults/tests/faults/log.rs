//! The change log, read while sixteen writers commit in an order that is not that of their rows.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use registry_contract::{
    Subject,
    fixture::{Build as _, country, country_type, entity, integer, update},
};
use registry_core::{EntityId, Version, change::ChangeOperation, port::ChangeRow};
use registry_fault_tests::{Site, rounds};
use registry_postgres::PostgresConfig;
use sqlx::{Connection as _, PgConnection};

const WRITERS: u32 = 16;

async fn open(site: &Site) -> Subject {
    let config = PostgresConfig {
        connections: 8,
        ..PostgresConfig::url(site.store())
    };
    Subject::of(&Arc::new(registry_postgres::open(config).await.unwrap()))
}

/// Follows the log until it has so many rows.
async fn follow(subject: Subject, limit: usize, wanted: usize) -> Vec<ChangeRow> {
    let mut rows: Vec<ChangeRow> = Vec::new();
    let mut after = None;
    let started = Instant::now();
    while rows.len() < wanted {
        let page = subject.store.changes(after, limit).await.unwrap();
        if page.rows.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rows.extend(page.rows);
        after = page.next;
        assert!(
            started.elapsed() < Duration::from_mins(2),
            "a reader of {limit} saw {} rows of {wanted}: some were skipped",
            rows.len()
        );
    }
    rows
}

/// How often a row could be seen before one of a lower number.
async fn gaps(store: String, stop: Arc<AtomicBool>) -> u32 {
    let mut connection = PgConnection::connect(&store).await.unwrap();
    let mut seen = 0;
    while !stop.load(Ordering::Relaxed) {
        let gap: bool = sqlx::query_scalar("SELECT count(*) < max(sequence) FROM change")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        seen += u32::from(gap);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    seen
}

/// Every transaction that wrote a change is held open for a time of its own before it commits, so that rows with a lower number come later.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_however_writers_commit() {
    let versions = i64::from(rounds(200));
    let site = Site::postgres().await;
    let subject = open(&site).await;
    let of = country_type();
    subject.define(&[&of]).await;
    site.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(random() * random() * 0.05); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON change INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();",
    )
    .await;
    let mut writers = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..WRITERS / 4 {
        handles.push(open(&site).await);
    }
    for (number, handle) in (1..=WRITERS).zip(handles.iter().cycle().cloned()) {
        let of = of.clone();
        writers.push(tokio::spawn(async move {
            let [mut present] = handle.create(&[&of], [entity(&of, number)]).await;
            for version in 2..=versions {
                let after = present.next().with(country::POPULATION, integer(version));
                let written = handle.write(&[&of], vec![update(&present, &after)]).await;
                written.unwrap();
                present = after;
            }
        }));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn(gaps(site.store().to_owned(), Arc::clone(&stop)));
    let wanted = usize::try_from(i64::from(WRITERS) * versions).unwrap() + 1;
    let readers = [1, 7, 1_000].map(|limit| tokio::spawn(follow(subject.clone(), limit, wanted)));
    for writer in writers {
        writer.await.unwrap();
    }
    let whole = subject.log().await;
    assert_eq!(whole.len(), wanted);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), whole, "the order is not stable");
    }
    stop.store(true, Ordering::Relaxed);
    let late = watcher.await.unwrap();
    assert!(
        late > 0,
        "no row came after one of a higher number: it proves nothing"
    );
    let mut seen: BTreeMap<EntityId, Vec<Version>> = BTreeMap::new();
    for row in whole {
        if row.change.operation != ChangeOperation::Type {
            let of_one = seen.entry(row.change.entity).or_default();
            of_one.push(row.change.version);
        }
    }
    let all: Vec<Version> = (1..=versions).map(Version).collect();
    assert_eq!(seen.len(), WRITERS as usize);
    for (id, of_one) in seen {
        assert_eq!(of_one, all, "{id:?}");
    }
}
