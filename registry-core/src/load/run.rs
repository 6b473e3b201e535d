//! The algorithm around the decisions: slice by slice, then all at once or not at all.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
    pin::pin,
};

use futures::{
    StreamExt,
    future::{maybe_done, poll_fn},
};

use crate::{
    EntityId, Problem,
    change::{ChangeSet, Operation},
    limits::SLICE_TARGETS,
    port::{
        Atomicity, Conflict, Effect, JobCounts, LoadEnd, LoadMark, LoadPlan, LoadReport, LoadRow,
        LoadSink, Position, RowFailure, RowStream, Rows, StoreError,
    },
};

use super::{
    Applied, LoadArea, Lookup, Resolution, Written,
    backlog::Backlog,
    decide::Verdict,
    prepare::{Ground, Prepared, first_lookup, second_lookup},
    rounds::Known,
    slice::Slice,
};

/// How often a slice is decided anew when others change what it is about.
const ATTEMPTS: usize = 3;

/// Loads rows through an area: the whole of `Store::load` but for the area itself, which is discarded at the end, however that is.
///
/// # Errors
/// Those of the area, the sink and the stream. What was applied before stays (`Each`), or nothing was (`All`).
pub async fn run(
    area: &dyn LoadArea,
    plan: LoadPlan,
    rows: Rows<'_>,
    sink: &dyn LoadSink,
) -> Result<LoadReport, StoreError> {
    let report = Load::new(area, plan, sink).run(rows).await;
    // What was applied is applied, whatever becomes of the area: an error here would ask for the same rows again.
    if let Err(error) = area.discard().await {
        tracing::warn!(%error, "a load's area could not be cleared");
    }
    report
}

struct Load<'a> {
    area: &'a dyn LoadArea,
    sink: &'a dyn LoadSink,
    ground: Ground,
    counts: JobCounts,
    position: Option<Position>,
    staged: bool,
    /// One of the entities staged.
    mark: Option<LoadMark>,
    /// The type changed after slices were applied: what is left cannot be decided any more.
    type_changed: bool,
    backlog: Backlog,
}

/// Whether the load goes on after a slice.
enum Next {
    Slice,
    /// The type is no longer the one that the rows were read for.
    TypeChanged,
}

impl<'a> Load<'a> {
    fn new(area: &'a dyn LoadArea, plan: LoadPlan, sink: &'a dyn LoadSink) -> Self {
        Self {
            area,
            sink,
            backlog: Backlog::new(plan.atomic),
            ground: Ground::new(plan),
            counts: JobCounts::default(),
            position: None,
            staged: false,
            mark: None,
            type_changed: false,
        }
    }

    async fn run(mut self, rows: Rows<'_>) -> Result<LoadReport, StoreError> {
        let mut ended = self.pass(rows.open()).await?;
        while ended.is_none() && self.backlog.len() > 0 {
            let present = self.present().await?;
            self.backlog.read_again(&present);
            let waiting = self.backlog.of(rows.open());
            ended = self.pass(waiting).await?;
            if self.backlog.is_last_reading() && ended.is_none() && self.backlog.len() > 0 {
                return Err(StoreError::internal(
                    "load",
                    "the rows changed when read again",
                ));
            }
        }
        if let Some(end) = ended {
            return Ok(self.end(end));
        }
        if self.ground.plan.atomic == Atomicity::All && self.counts.failed > 0 {
            self.counts.leave_out();
        } else if self.at_once() && self.ground.plan.effect == Effect::Apply && self.staged {
            if let Some(mark) = self.mark.take() {
                let counts = self.counts;
                self.sink.writing(LoadMark { counts, ..mark }).await?;
            }
            match self.area.apply().await? {
                Applied::Applied(receipt) => self.position = Some(receipt.position),
                Applied::Stale => return Ok(self.end(LoadEnd::Stale)),
            }
        }
        Ok(self.end(LoadEnd::Complete))
    }

    /// Decides and writes rows slice by slice; tells how the load ended when it did.
    async fn pass(&mut self, rows: RowStream<'_>) -> Result<Option<LoadEnd>, StoreError> {
        // The last slice is not always full: the end is asked for twice.
        let mut rows = rows.fuse().boxed();
        let mut next = Slice::read(&mut rows).await;
        while let Some(slice) = next? {
            // The next slice is read while the store works on this one; nobody waits for it meanwhile.
            let mut ahead = pin!(maybe_done(Slice::read(&mut rows)));
            let done = {
                let mut work = pin!(async {
                    if self.type_changed {
                        let refused = self.refuse_rows(slice.rows, slice.rejected).await;
                        refused.map(|()| Next::Slice)
                    } else {
                        self.slice(slice).await
                    }
                });
                poll_fn(|context| {
                    let _ = ahead.as_mut().poll(context);
                    work.as_mut().poll(context)
                })
                .await
            };
            if let Next::TypeChanged = done? {
                if self.position.is_none() {
                    return Ok(Some(LoadEnd::Stale));
                }
                self.type_changed = true;
            }
            if let ControlFlow::Break(()) = self.sink.progress(&self.counts).await? {
                if self.at_once() {
                    self.counts.leave_out();
                }
                let waiting = self.backlog.len() as u64;
                self.counts.read += waiting;
                self.counts.not_applied += waiting;
                return Ok(Some(LoadEnd::Stopped));
            }
            ahead.as_mut().await;
            next = ahead.as_mut().take_output().unwrap_or(Ok(None));
        }
        Ok(None)
    }

    /// Those of the targets waited for that are there by now.
    async fn present(&self) -> Result<HashSet<EntityId>, StoreError> {
        let mut present = HashSet::new();
        for slice in self.backlog.targets().chunks(SLICE_TARGETS) {
            let lookup = Lookup {
                targets: slice.iter().copied().collect(),
                ..Lookup::default()
            };
            present.extend(self.area.resolve(&lookup).await?.targets.into_keys());
        }
        Ok(present)
    }

    /// Whether slices are staged, to be applied at the end or never.
    fn at_once(&self) -> bool {
        self.ground.plan.atomic == Atomicity::All || self.ground.plan.effect == Effect::DryRun
    }

    fn end(self, end: LoadEnd) -> LoadReport {
        LoadReport {
            counts: self.counts,
            position: self.position,
            end,
        }
    }

    /// Decides and writes one slice, again when others were faster.
    async fn slice(&mut self, slice: Slice) -> Result<Next, StoreError> {
        let Slice { rows, rejected, .. } = slice;
        let mut beaten: BTreeSet<usize> = BTreeSet::new();
        let mut attempt = 1;
        loop {
            let (known, prepared) = self.resolve(&rows).await?;
            let known = Known {
                rows: &rows,
                prepared: &prepared,
                resolution: &known,
                beaten: &beaten,
            };
            let decided = known.decide(&self.ground, &mut self.backlog);
            let owed = decided.owed;
            if self.at_once() {
                if !decided.operations.is_empty() || !decided.seen.is_empty() {
                    self.staged |= !decided.operations.is_empty();
                    self.mark = self.mark.take().or_else(|| {
                        let first = decided.operations.first();
                        first.and_then(|first| self.mark_of(first, self.counts))
                    });
                    self.area.stage(decided.operations, &decided.seen).await?;
                }
                for (id, links) in owed {
                    self.backlog.owed.entry(id).or_default().extend(links);
                }
                self.tell(&rows, rejected, &decided.verdicts).await?;
                return Ok(Next::Slice);
            }
            if decided.operations.is_empty() {
                if !decided.seen.is_empty() {
                    self.area.stage(Vec::new(), &decided.seen).await?;
                }
                self.tell(&rows, rejected, &decided.verdicts).await?;
                return Ok(Next::Slice);
            }
            if let Some(first) = decided.operations.first() {
                let counts = self.counts_with(&rejected, &decided.verdicts);
                if let Some(mark) = self.mark_of(first, counts) {
                    self.sink.writing(mark).await?;
                }
            }
            let set = self.change_set(decided.operations);
            match self.area.write(set, &decided.seen).await? {
                Written::Applied(receipt) => {
                    self.position = Some(receipt.position);
                    self.tell(&rows, rejected, &decided.verdicts).await?;
                    return Ok(Next::Slice);
                }
                Written::Refused(conflicts) => {
                    let type_changed = conflicts.iter().any(|conflict| {
                        matches!(
                            conflict,
                            Conflict::TypeChanged { .. } | Conflict::CatalogChanged
                        )
                    });
                    if type_changed {
                        if self.position.is_some() {
                            self.refuse_rows(rows, rejected).await?;
                        }
                        return Ok(Next::TypeChanged);
                    }
                    if attempt >= ATTEMPTS {
                        let rows_of = &decided.rows;
                        let named = conflicts.iter().filter_map(operation);
                        let before = beaten.len();
                        beaten.extend(named.filter_map(|index| rows_of.get(index).copied()));
                        if beaten.len() == before {
                            return Err(StoreError::internal(
                                "load",
                                "a conflict names no operation of its slice",
                            ));
                        }
                    }
                    attempt += 1;
                }
            }
        }
    }

    async fn resolve(&self, rows: &[LoadRow]) -> Result<(Resolution, Vec<Prepared>), StoreError> {
        let lookup = first_lookup(&self.ground, rows);
        let mut known = Resolution::default();
        if !lookup.is_empty() {
            known = self.area.resolve(&lookup).await?;
        }
        let prepared: Vec<Prepared> = rows
            .iter()
            .map(|row| Prepared::of(&self.ground, &known, row))
            .collect();
        let lookup = second_lookup(&self.ground, &known, rows, &prepared);
        if !lookup.is_empty() {
            known.merge(self.area.resolve(&lookup).await?);
        }
        Ok((known, prepared))
    }

    fn change_set(&self, operations: Vec<Operation>) -> ChangeSet {
        let plan = &self.ground.plan;
        ChangeSet {
            actor: plan.caller.actor.clone(),
            at: plan.at,
            scope: plan.caller.scope(),
            types: vec![plan.entity_type.clone()],
            operations,
            type_change: None,
        }
    }

    /// The counts once a slice is done.
    fn counts_with(&self, rejected: &[RowFailure], verdicts: &[Verdict]) -> JobCounts {
        let mut counts = self.counts;
        for verdict in verdicts {
            match verdict {
                Verdict::Created => counts.created += 1,
                Verdict::Updated => counts.updated += 1,
                Verdict::Unchanged => counts.unchanged += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::Waits(_) => continue,
            }
            counts.read += 1;
        }
        counts.failed += rejected.len() as u64;
        counts.read += rejected.len() as u64;
        counts
    }

    /// How the write that an operation is part of will be known.
    fn mark_of(&self, operation: &Operation, counts: JobCounts) -> Option<LoadMark> {
        let entity = match operation {
            Operation::Create(entity) | Operation::Update { after: entity, .. } => entity,
            Operation::Delete(_) => return None,
        };
        Some(LoadMark {
            counts,
            entity: entity.id,
            version: entity.version,
            at: self.ground.plan.at,
        })
    }

    /// Counts a slice and hands its failures on.
    async fn tell(
        &mut self,
        rows: &[LoadRow],
        rejected: Vec<RowFailure>,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        self.counts = self.counts_with(&rejected, verdicts);
        let mut failures = rejected;
        for (row, verdict) in rows.iter().zip(verdicts) {
            match verdict {
                Verdict::Waits(waiting) => {
                    self.backlog.put(row.line, waiting.clone());
                    continue;
                }
                Verdict::Failed(problems) => failures.push(RowFailure {
                    line: row.line,
                    raw: row.raw.clone(),
                    errors: problems.clone(),
                }),
                Verdict::Created | Verdict::Updated | Verdict::Unchanged => {}
            }
            self.backlog.remove(row.line);
        }
        failures.sort_by_key(|failure| failure.line);
        if failures.is_empty() {
            Ok(())
        } else {
            self.sink.failed(failures).await
        }
    }

    async fn refuse_rows(
        &mut self,
        rows: Vec<LoadRow>,
        rejected: Vec<RowFailure>,
    ) -> Result<(), StoreError> {
        let verdicts = vec![
            Verdict::Failed(vec![Problem::whole(
                "conflict",
                "the type was changed during the upload",
            )]);
            rows.len()
        ];
        self.tell(&rows, rejected, &verdicts).await
    }
}

/// The operation that a conflict is about.
fn operation(conflict: &Conflict) -> Option<usize> {
    match conflict {
        Conflict::EntityExists { operation }
        | Conflict::Stale { operation, .. }
        | Conflict::TargetMissing { operation, .. }
        | Conflict::TargetType { operation, .. }
        | Conflict::KeyTaken { operation, .. }
        | Conflict::StillLinked { operation } => Some(*operation),
        Conflict::TypeChanged { .. } | Conflict::CatalogChanged | Conflict::Violation(_) => None,
    }
}
