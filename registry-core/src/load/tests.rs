//! The algorithm over a store that is always a step ahead.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use serde_json::json;
use uuid::Uuid;

use super::{Applied, LoadArea, Lookup, Resolution, Written, run};
use crate::{
    Caller, Catalog, Datum, Encoded, EntityType, FieldNumber, Timestamp, TypeId, Version,
    change::{ChangeSet, Operation},
    port::{
        Atomicity, Conflict, Effect, JobCounts, LoadEnd, LoadItem, LoadMode, LoadPlan, LoadReport,
        LoadRow, LoadSink, Position, RandomIds, Receipt, RowFailure, RowPatch, Rows, StoreError,
    },
};

const NAME: FieldNumber = FieldNumber(1);

fn entity_type() -> EntityType {
    serde_json::from_value(json!({
        "id": TypeId(Uuid::from_u128(1)), "name": "thing", "version": 1, "tags": [],
        "fields": [{"number": NAME, "name": "name", "kind": {"kind": "text"}, "list": false, "required": false,
            "unique": false, "indexed": false, "searchable": false, "removed": false}],
        "links": [], "keys": [], "next_number": 2, "created_at": 0, "updated_at": 0,
    }))
    .unwrap()
}

fn plan(atomic: Atomicity) -> LoadPlan {
    let entity_type = Arc::new(entity_type());
    LoadPlan {
        catalog: Arc::new(Catalog::new(Version::FIRST, vec![Arc::clone(&entity_type)])),
        entity_type,
        mode: LoadMode::Create,
        key: None,
        atomic,
        effect: Effect::Apply,
        caller: Caller::default_organisation(),
        ids: Arc::new(RandomIds),
        at: Timestamp(0),
        job: None,
    }
}

fn row(line: u64, name: &str) -> LoadItem {
    LoadItem::Row(Box::new(LoadRow {
        line,
        id: None,
        key: None,
        patch: RowPatch {
            fields: BTreeMap::from([(NAME, Some(Datum::One(Encoded(name.to_owned()))))]),
            ..RowPatch::default()
        },
        raw: name.to_owned(),
    }))
}

/// Refuses every write that holds one of these names, and answers a change of the type after so many writes.
#[derive(Debug, Default)]
struct Contended {
    names: Vec<&'static str>,
    type_changes_after: Option<usize>,
    stale: bool,
    log: Mutex<Log>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Log {
    writes: usize,
    applied: Vec<String>,
    staged: usize,
    discards: usize,
}

fn name(operation: &Operation) -> String {
    match operation {
        Operation::Create(entity) => entity.data.get(&NAME).unwrap().values()[0].0.clone(),
        other => format!("{other:?}"),
    }
}

#[async_trait]
impl LoadArea for Contended {
    async fn resolve(&self, _lookup: &Lookup) -> Result<Resolution, StoreError> {
        Ok(Resolution::default())
    }

    async fn write(
        &self,
        set: ChangeSet,
        _seen: &[crate::EntityId],
    ) -> Result<Written, StoreError> {
        let mut log = self.log.lock().unwrap();
        log.writes += 1;
        if self
            .type_changes_after
            .is_some_and(|after| log.writes > after)
        {
            let type_id = entity_type().id;
            return Ok(Written::Refused(vec![Conflict::TypeChanged { type_id }]));
        }
        let names: Vec<String> = set.operations.iter().map(name).collect();
        let first = names
            .iter()
            .position(|name| self.names.contains(&name.as_str()));
        if let Some(operation) = first {
            return Ok(Written::Refused(vec![Conflict::EntityExists { operation }]));
        }
        log.applied.extend(names);
        Ok(Written::Applied(receipt(log.writes)))
    }

    async fn stage(
        &self,
        operations: Vec<Operation>,
        _seen: &[crate::EntityId],
    ) -> Result<(), StoreError> {
        self.log.lock().unwrap().staged += operations.len();
        Ok(())
    }

    async fn apply(&self) -> Result<Applied, StoreError> {
        Ok(if self.stale {
            Applied::Stale
        } else {
            Applied::Applied(receipt(99))
        })
    }

    async fn discard(&self) -> Result<(), StoreError> {
        self.log.lock().unwrap().discards += 1;
        Ok(())
    }
}

fn receipt(sequence: usize) -> Receipt {
    Receipt {
        position: Position {
            transaction: 0,
            sequence: sequence as u64,
        },
    }
}

/// Keeps lines and codes of failures, and stops after so many slices.
#[derive(Debug, Default)]
struct Listener {
    failures: Mutex<Vec<(u64, &'static str)>>,
    stops: bool,
}

#[async_trait]
impl LoadSink for Listener {
    async fn failed(&self, failures: Vec<RowFailure>) -> Result<(), StoreError> {
        let mut kept = self.failures.lock().unwrap();
        for failure in failures {
            kept.extend(failure.errors.iter().map(|one| (failure.line, one.code)));
        }
        Ok(())
    }

    async fn writing(&self, _: crate::port::LoadMark) -> Result<(), StoreError> {
        Ok(())
    }

    async fn progress(&self, _counts: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        Ok(if self.stops {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}

async fn load(
    area: &Contended,
    atomic: Atomicity,
    rows: Vec<LoadItem>,
    sink: &Listener,
) -> LoadReport {
    let open = || stream::iter(rows.iter().cloned().map(Ok)).boxed();
    run(area, plan(atomic), Rows::new(open), sink)
        .await
        .unwrap()
}

#[tokio::test]
async fn rows_that_others_always_beat_fail_alone_and_the_rest_of_the_slice_goes_in() {
    let area = Contended {
        names: vec!["b", "d"],
        ..Contended::default()
    };
    let sink = Listener::default();
    let rows = ["a", "b", "c", "d"]
        .iter()
        .zip(2..)
        .map(|(name, line)| row(line, name))
        .collect();
    let report = load(&area, Atomicity::Each, rows, &sink).await;
    let counts = JobCounts {
        read: 4,
        created: 2,
        failed: 2,
        ..JobCounts::default()
    };
    assert_eq!(
        report,
        LoadReport {
            counts,
            position: Some(receipt(5).position),
            end: LoadEnd::Complete,
        }
    );
    assert_eq!(
        *sink.failures.lock().unwrap(),
        [(3, "conflict"), (5, "conflict")]
    );
    let log = Log {
        writes: 5,
        applied: vec!["a".to_owned(), "c".to_owned()],
        staged: 0,
        discards: 1,
    };
    assert_eq!(*area.log.lock().unwrap(), log);
}

#[tokio::test]
async fn a_type_change_is_stale_before_the_first_write_and_a_failure_of_the_rest_after_it() {
    let rows = || (0..5_001).map(|line| row(line, "x")).collect::<Vec<_>>();
    let area = Contended {
        type_changes_after: Some(0),
        ..Contended::default()
    };
    let sink = Listener::default();
    let report = load(&area, Atomicity::Each, rows(), &sink).await;
    assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
    assert_eq!(*sink.failures.lock().unwrap(), []);

    let area = Contended {
        type_changes_after: Some(1),
        ..Contended::default()
    };
    let report = load(&area, Atomicity::Each, rows(), &sink).await;
    let counts = JobCounts {
        read: 5_001,
        created: 5_000,
        failed: 1,
        ..JobCounts::default()
    };
    assert_eq!((report.end, report.counts), (LoadEnd::Complete, counts));
    assert_eq!(*sink.failures.lock().unwrap(), [(5_000, "conflict")]);
}

#[tokio::test]
async fn what_was_staged_and_cannot_be_applied_any_more_is_stale() {
    let area = Contended {
        stale: true,
        ..Contended::default()
    };
    let sink = Listener::default();
    let report = load(&area, Atomicity::All, vec![row(2, "a")], &sink).await;
    assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
    let log = Log {
        staged: 1,
        discards: 1,
        ..Log::default()
    };
    assert_eq!(*area.log.lock().unwrap(), log);
}

#[tokio::test]
async fn a_stopped_load_leaves_out_what_is_not_applied() {
    let sink = Listener {
        stops: true,
        ..Listener::default()
    };
    for (atomic, created, not_applied) in [(Atomicity::All, 0, 5_000), (Atomicity::Each, 5_000, 0)]
    {
        let area = Contended::default();
        let rows = (0..6_000).map(|line| row(line, "x")).collect();
        let report = load(&area, atomic, rows, &sink).await;
        let counts = JobCounts {
            read: 5_000,
            created,
            not_applied,
            ..JobCounts::default()
        };
        assert_eq!((report.end, report.counts), (LoadEnd::Stopped, counts));
        assert_eq!(area.log.lock().unwrap().discards, 1);
    }
}

#[tokio::test]
async fn a_broken_stream_applies_nothing_more_and_the_area_is_discarded() {
    let area = Contended::default();
    let sink = Listener::default();
    let broken = || Err(StoreError::internal("read", "gone"));
    let rows = Rows::new(|| stream::iter([Ok(row(2, "a")), broken()]).boxed());
    let report = run(&area, plan(Atomicity::Each), rows, &sink).await;
    assert_eq!(report.unwrap_err().to_string(), "read: Internal");
    let log = Log {
        discards: 1,
        ..Log::default()
    };
    assert_eq!(*area.log.lock().unwrap(), log);
}
