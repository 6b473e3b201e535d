//! The change log.

use std::collections::{BTreeSet, HashMap};

use registry_core::{
    EntityId, Version,
    change::{Change, ChangeOperation},
    port::{ChangePage, ChangeRow, Position},
};

use crate::state::State;

impl State {
    /// The place of the last row; before the first one when there is none.
    pub(crate) fn head(&self) -> Position {
        place(self.log.len())
    }

    pub(crate) fn changes(&self, after: Option<Position>, limit: usize) -> ChangePage {
        let rows: Vec<ChangeRow> = self
            .rows()
            .filter(|row| after.is_none_or(|after| row.position > after))
            .take(limit)
            .collect();
        let next = rows.last().map(|row| row.position).or(after);
        ChangePage { rows, next }
    }

    pub(crate) fn history(
        &self,
        id: EntityId,
        before: Option<Version>,
        limit: usize,
    ) -> Vec<ChangeRow> {
        let mut rows: Vec<ChangeRow> = self
            .rows()
            .filter(|row| is_about(&row.change, id))
            .filter(|row| before.is_none_or(|before| row.change.version < before))
            .collect();
        rows.reverse();
        rows.truncate(limit);
        rows
    }

    pub(crate) fn last_version(&self, id: EntityId) -> Option<Version> {
        let about = self.log.iter().filter(|change| is_about(change, id));
        about.map(|change| change.version).max()
    }

    /// The highest version that each of these ids ever had.
    pub(crate) fn last_versions(&self, ids: &BTreeSet<EntityId>) -> HashMap<EntityId, Version> {
        let mut versions = HashMap::new();
        let about =
            |change: &&Change| ids.contains(&change.entity) && is_about(change, change.entity);
        for change in self.log.iter().filter(about) {
            let version = versions.entry(change.entity).or_default();
            *version = change.version.max(*version);
        }
        versions
    }

    fn rows(&self) -> impl Iterator<Item = ChangeRow> {
        self.log
            .iter()
            .enumerate()
            .map(|(index, change)| ChangeRow {
                position: place(index + 1),
                change: change.clone(),
            })
    }
}

/// Rows of types carry the type's id, which a client may have given to an entity too.
fn is_about(change: &Change, id: EntityId) -> bool {
    change.entity == id && change.operation != ChangeOperation::Type
}

fn place(count: usize) -> Position {
    Position {
        transaction: 0,
        sequence: count as u64,
    }
}
