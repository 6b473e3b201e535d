//! The rows of a load that wait, from reading to reading.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, future};

use crate::{
    EntityId,
    limits::{LATER_LINKS, LATER_READINGS},
    port::{Atomicity, LoadItem, RowStream},
};

use super::later::{Late, Makers, Owed, Waiting};

/// How often the rows have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// For the first time: rows wait.
    First,
    /// For those that waited, who may wait again for each other.
    Again,
    /// For those that still wait: nobody waits any more.
    Last,
}

/// Rows that wait. Of each, only its line and ids are kept.
#[derive(Debug)]
pub(super) struct Backlog {
    atomic: Atomicity,
    reading: Reading,
    /// Readings after the first.
    readings: usize,
    /// By line.
    rows: BTreeMap<u64, Waiting>,
    /// How many waited when the rows were opened last.
    before: usize,
    /// Targets that waiting rows named when they were read first.
    links: usize,
    /// The entities that the waiting rows make together.
    coming: HashSet<EntityId>,
    /// Symmetric links given by slices before to entities that have not come.
    pub(super) owed: Owed,
}

impl Backlog {
    pub(super) fn new(atomic: Atomicity) -> Self {
        Self {
            atomic,
            reading: Reading::First,
            readings: 0,
            rows: BTreeMap::new(),
            before: usize::MAX,
            links: 0,
            coming: HashSet::new(),
            owed: Owed::new(),
        }
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row that waits.
    pub(super) fn row(&self, line: u64) -> Option<&Waiting> {
        self.rows.get(&line)
    }

    /// Takes a row that waits, or waits again.
    pub(super) fn put(&mut self, line: u64, row: Waiting) {
        if self.reading == Reading::First {
            self.links += row.missing.len();
        }
        self.rows.insert(line, row);
    }

    /// Lets a row go that was decided.
    pub(super) fn remove(&mut self, line: u64) {
        self.rows.remove(&line);
    }

    /// The targets that are waited for, in order.
    pub(super) fn targets(&self) -> Vec<EntityId> {
        let targets = self.rows.values().flat_map(|row| row.missing.iter());
        let mut targets: Vec<EntityId> = targets.copied().collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// Begins to read the rows again, given the targets that are there by now. All rows at once need no order. One by one, those go first
    /// that wait for nobody, slice by slice, while that helps and not too often.
    pub(super) fn read_again(&mut self, present: &HashSet<EntityId>) {
        let rows = self.rows.values().map(Some);
        let makers = Makers::new(rows, |id| present.contains(&id)).alone();
        self.coming = makers.coming();
        self.readings += 1;
        let stuck = self.coming.is_empty() || self.rows.len() == self.before;
        let all = self.atomic == Atomicity::All;
        self.reading = if all || stuck || self.readings >= LATER_READINGS {
            Reading::Last
        } else {
            Reading::Again
        };
        self.before = self.rows.len();
    }

    /// Whether nobody waits any more.
    pub(super) fn is_last_reading(&self) -> bool {
        self.reading == Reading::Last
    }

    /// Those of the rows that wait.
    pub(super) fn of<'a>(&self, rows: RowStream<'a>) -> RowStream<'a> {
        let lines: Vec<u64> = self.rows.keys().copied().collect();
        let last = lines.last().copied();
        // In line order: what comes after the last is not read.
        let rows = rows.take_while(move |item| {
            let beyond = matches!(item, Ok(LoadItem::Row(row)) if Some(row.line) > last);
            future::ready(!beyond)
        });
        rows.filter(move |item| {
            future::ready(match item {
                Ok(LoadItem::Row(row)) => lines.binary_search(&row.line).is_ok(),
                Ok(LoadItem::Rejected(_)) => false,
                Err(_) => true,
            })
        })
        .boxed()
    }

    /// What becomes of rows of the next slice whose targets are not there.
    pub(super) fn late(&self) -> Late<'_> {
        match self.reading {
            Reading::First if self.links < LATER_LINKS => Late::Wait,
            Reading::First => Late::Full,
            Reading::Again => Late::WaitFor(&self.coming),
            Reading::Last => Late::Refuse(&self.coming),
        }
    }

    /// The entities that the waiting rows make together, to be given back by [`Self::return_coming`].
    pub(super) fn take_coming(&mut self) -> HashSet<EntityId> {
        std::mem::take(&mut self.coming)
    }

    /// Those of them that still come.
    pub(super) fn return_coming(&mut self, coming: HashSet<EntityId>) {
        self.coming = coming;
    }
}
