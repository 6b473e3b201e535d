//! A slice as it is decided, in rounds: rows rely on later ones that may turn out to fail.

use std::collections::{BTreeSet, HashSet};

use crate::{
    EntityId, Problem,
    change::Operation,
    port::{Atomicity, LoadRow},
};

use super::{
    Resolution,
    backlog::Backlog,
    decide::{Turn, Verdict, decide},
    later::{Makers, Owed},
    overlay::Overlay,
    prepare::{Ground, Prepared},
};

/// Rounds after which no row of the slice may rely on a later one of it any more: each failed row may let another one in that fails a
/// third.
const ROUNDS: usize = 16;

/// The rows of a slice and all that is known about them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) rows: &'a [LoadRow],
    pub(super) prepared: &'a [Prepared],
    pub(super) resolution: &'a Resolution,
    /// Rows that others were always faster than.
    pub(super) beaten: &'a BTreeSet<usize>,
}

/// A slice as it was decided.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) operations: Vec<Operation>,
    /// The row behind each operation.
    pub(super) rows: Vec<usize>,
    pub(super) seen: Vec<EntityId>,
    /// Symmetric links given to entities that have not come.
    pub(super) owed: Owed,
}

impl Known<'_> {
    /// Decides the slice; again without those that were to make targets of others and failed, and without all that need them.
    pub(super) fn decide(self, ground: &Ground, backlog: &mut Backlog) -> Decided {
        let waiting = self.rows.iter().map(|row| backlog.row(row.line));
        let makers = Makers::new(waiting, |id| self.resolution.targets.contains_key(&id));
        // All rows are applied together, else those of a slice.
        let all = ground.plan.atomic == Atomicity::All;
        let (mut makers, mut ahead) = if all {
            (makers, backlog.take_coming())
        } else {
            let makers = makers.alone();
            let coming = makers.coming();
            (makers, coming)
        };
        let mut rounds = 0;
        let decided = loop {
            let decided = self.round(ground, backlog, &ahead);
            rounds += 1;
            let before = ahead.len();
            for row in decided.failed(self.rows) {
                for id in makers.fail(row) {
                    ahead.remove(&id);
                }
            }
            if ahead.len() == before {
                break decided;
            }
            if rounds >= ROUNDS {
                let own = self.rows.iter().filter_map(|row| row.id);
                own.for_each(|id| {
                    ahead.remove(&id);
                });
            }
        };
        if all {
            backlog.return_coming(ahead);
        }
        decided
    }

    fn round(self, ground: &Ground, backlog: &Backlog, ahead: &HashSet<EntityId>) -> Decided {
        let turn = Turn {
            ahead,
            late: backlog.late(),
        };
        let mut overlay = Overlay::new(&ground.plan, self.resolution, &backlog.owed);
        let mut verdicts = Vec::with_capacity(self.rows.len());
        for (index, row) in self.rows.iter().zip(self.prepared).enumerate() {
            verdicts.push(if self.beaten.contains(&index) {
                Verdict::Failed(vec![Problem::whole(
                    "conflict",
                    "others changed the same thing again and again",
                )])
            } else {
                decide(ground, self.resolution, &mut overlay, turn, index, row)
            });
        }
        let seen = overlay.about();
        let ((operations, rows), owed) = overlay.into_operations();
        Decided {
            verdicts,
            operations,
            rows,
            seen,
            owed,
        }
    }
}

impl Decided {
    /// The rows that failed or wait, but for those whose entity came by another row.
    fn failed(&self, rows: &[LoadRow]) -> Vec<usize> {
        let is_gone = |verdict: &Verdict| matches!(verdict, Verdict::Failed(_) | Verdict::Waits(_));
        let of = || rows.iter().zip(&self.verdicts).enumerate();
        let came: HashSet<EntityId> = of()
            .filter(|(_, (_, verdict))| !is_gone(verdict))
            .filter_map(|(_, (row, _))| row.id)
            .collect();
        of().filter(|(_, (_, verdict))| is_gone(verdict))
            .filter(|(_, (row, _))| row.id.is_some_and(|id| !came.contains(&id)))
            .map(|(index, _)| index)
            .collect()
    }
}
