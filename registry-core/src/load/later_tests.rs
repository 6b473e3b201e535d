//! Rows that link to later ones: what bounds the wait.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use serde_json::json;
use uuid::Uuid;

use super::{Applied, LoadArea, Lookup, Resolution, ResolvedTarget, Written, run};
use crate::{
    Caller, Catalog, EntityId, EntityType, LinkNumber, Timestamp, TypeId, Version,
    change::{ChangeSet, Operation},
    limits::{LATER_LINKS, LATER_READINGS, SLICE_ROWS},
    port::{
        Atomicity, Effect, EntityRef, JobCounts, LoadItem, LoadMark, LoadMode, LoadPlan, LoadRow,
        LoadSink, Position, RandomIds, Receipt, RowFailure, RowLink, RowPatch, RowTarget, Rows,
        StoreError,
    },
};

const NEXT: LinkNumber = LinkNumber(1);

fn entity_type() -> EntityType {
    let id = TypeId(Uuid::from_u128(1));
    serde_json::from_value(json!({
        "id": id, "name": "node", "version": 1, "tags": [], "fields": [],
        "links": [{"number": NEXT, "name": "next", "to": "Any", "cardinality": "one", "inverse": "previous",
            "on_delete": "restrict", "required": false, "removed": false}],
        "keys": [], "next_number": 2, "created_at": 0, "updated_at": 0,
    }))
    .unwrap()
}

fn id(number: usize) -> EntityId {
    EntityId(Uuid::from_u128(number as u128))
}

/// A row that makes the entity of its number.
fn node(line: usize, number: usize, next: Option<usize>) -> LoadItem {
    let target = |next| RowTarget {
        reference: EntityRef::Id(id(next)),
        shown: id(next).to_string(),
    };
    let links = next.map(|next| RowLink {
        link: NEXT,
        targets: vec![target(next)],
    });
    LoadItem::Row(Box::new(LoadRow {
        line: line as u64,
        id: Some(id(number)),
        key: None,
        patch: RowPatch {
            links: links.into_iter().collect(),
            ..RowPatch::default()
        },
        raw: String::new(),
    }))
}

/// Keeps what was written.
#[derive(Debug, Default)]
struct Shelf(Mutex<HashSet<EntityId>>);

impl Shelf {
    fn keep(&self, operations: &[Operation]) {
        let mut kept = self.0.lock().unwrap();
        for operation in operations {
            if let Operation::Create(entity) = operation {
                kept.insert(entity.id);
            }
        }
    }
}

#[async_trait]
impl LoadArea for Shelf {
    async fn resolve(&self, lookup: &Lookup) -> Result<Resolution, StoreError> {
        let kept = self.0.lock().unwrap();
        let targets = lookup.targets.iter().filter(|id| kept.contains(id));
        let target = |id: &EntityId| ResolvedTarget {
            id: *id,
            type_id: entity_id_type(),
            readable: true,
        };
        Ok(Resolution {
            targets: targets
                .map(|id| (*id, target(id)))
                .collect::<HashMap<_, _>>(),
            ..Resolution::default()
        })
    }

    async fn write(&self, set: ChangeSet, _: &[EntityId]) -> Result<Written, StoreError> {
        self.keep(&set.operations);
        Ok(Written::Applied(receipt()))
    }

    async fn stage(&self, operations: Vec<Operation>, _: &[EntityId]) -> Result<(), StoreError> {
        self.keep(&operations);
        Ok(())
    }

    async fn apply(&self) -> Result<Applied, StoreError> {
        Ok(Applied::Applied(receipt()))
    }

    async fn discard(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn entity_id_type() -> TypeId {
    TypeId(Uuid::from_u128(1))
}

fn receipt() -> Receipt {
    Receipt {
        position: Position {
            transaction: 0,
            sequence: 1,
        },
    }
}

/// Counts failures by code and message.
#[derive(Debug, Default)]
struct Tally(Mutex<BTreeMap<String, u64>>);

#[async_trait]
impl LoadSink for Tally {
    async fn failed(&self, failures: Vec<RowFailure>) -> Result<(), StoreError> {
        let mut tally = self.0.lock().unwrap();
        for problem in failures.iter().flat_map(|failure| &failure.errors) {
            let told = format!("{}: {}", problem.code, problem.message);
            *tally.entry(told).or_default() += 1;
        }
        Ok(())
    }

    async fn writing(&self, _: LoadMark) -> Result<(), StoreError> {
        Ok(())
    }

    async fn progress(&self, _: &JobCounts) -> Result<ControlFlow<()>, StoreError> {
        Ok(ControlFlow::Continue(()))
    }
}

/// What became of the rows: created, failed, failures by what was said, how often the rows were read.
async fn load(atomic: Atomicity, rows: Vec<LoadItem>) -> (u64, u64, BTreeMap<String, u64>, usize) {
    let entity_type = Arc::new(entity_type());
    let plan = LoadPlan {
        catalog: Arc::new(Catalog::new(Version::FIRST, vec![Arc::clone(&entity_type)])),
        entity_type,
        mode: LoadMode::Create,
        key: None,
        atomic,
        effect: Effect::Apply,
        caller: Caller::default_organisation(),
        ids: Arc::new(RandomIds),
        job: None,
        at: Timestamp(0),
    };
    let opened = AtomicUsize::new(0);
    let open = || {
        opened.fetch_add(1, Ordering::Relaxed);
        stream::iter(rows.iter().cloned().map(Ok)).boxed()
    };
    let sink = Tally::default();
    let shelf = Shelf::default();
    let counts = run(&shelf, plan, Rows::new(open), &sink)
        .await
        .unwrap()
        .counts;
    let told = sink.0.into_inner().unwrap();
    (counts.created, counts.failed, told, opened.into_inner())
}

#[tokio::test]
async fn a_chain_to_and_fro_between_slices_is_not_read_for_ever() {
    // Every other entity of the chain stands in the second half of the file.
    let half = SLICE_ROWS / 2 + LATER_READINGS + 20;
    let chain = |place: usize| {
        if place.is_multiple_of(2) {
            place / 2
        } else {
            half + place / 2
        }
    };
    let mut rows: Vec<(usize, usize)> = (0..2 * half).map(|place| (chain(place), place)).collect();
    rows.sort_unstable();
    let rows = rows.into_iter().map(|(line, place)| {
        let next = (place + 1 < 2 * half).then_some(place + 1);
        node(line, place, next)
    });
    let rows: Vec<LoadItem> = rows.collect();
    let all = 2 * half as u64;
    let once = load(Atomicity::All, rows.clone()).await;
    assert_eq!(once, (all, 0, BTreeMap::new(), 2));

    let (created, failed, told, opened) = load(Atomicity::Each, rows).await;
    assert_eq!(opened, 1 + LATER_READINGS);
    assert_eq!(created + failed, all);
    let far = "link_target_not_found: the row that makes the link target is too far from this one: put rows after those that they link to, \
               or upload with atomic=true";
    assert_eq!(told, BTreeMap::from([(far.to_owned(), failed)]));
    assert_eq!(created, 2 * LATER_READINGS as u64 + 1);
}

#[tokio::test]
async fn so_many_rows_wait_and_not_more() {
    let last = LATER_LINKS + SLICE_ROWS;
    let mut rows: Vec<LoadItem> = (0..last).map(|line| node(line, line, Some(last))).collect();
    rows.push(node(last, last, None));
    let (created, failed, told, opened) = load(Atomicity::Each, rows).await;
    assert_eq!(
        (created, failed, opened),
        (LATER_LINKS as u64 + 1, SLICE_ROWS as u64, 2)
    );
    let full = "link_target_not_found: no such link target so far, and the file has more than 100000 links to later rows: put rows after those \
                that they link to";
    assert_eq!(told, BTreeMap::from([(full.to_owned(), SLICE_ROWS as u64)]));
}
