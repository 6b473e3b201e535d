//! Link rows, in the order of either end.

use std::collections::BTreeSet;

use registry_core::{EntityId, LinkNumber, TypeId, change::LinkRow};

/// The rows, twice: by holder and by target.
#[derive(Debug, Default)]
pub(crate) struct LinkTable {
    by_holder: BTreeSet<(EntityId, LinkNumber, EntityId, TypeId)>,
    by_target: BTreeSet<(EntityId, EntityId, LinkNumber, TypeId)>,
}

impl LinkTable {
    pub(crate) fn insert(&mut self, row: &LinkRow) {
        self.by_holder
            .insert((row.holder, row.link, row.target, row.holder_type));
        self.by_target
            .insert((row.target, row.holder, row.link, row.holder_type));
    }

    pub(crate) fn remove(&mut self, row: &LinkRow) {
        self.by_holder
            .remove(&(row.holder, row.link, row.target, row.holder_type));
        self.by_target
            .remove(&(row.target, row.holder, row.link, row.holder_type));
    }

    /// All rows, by holder.
    pub(crate) fn rows(&self) -> impl Iterator<Item = LinkRow> {
        self.by_holder
            .iter()
            .map(|(holder, link, target, holder_type)| LinkRow {
                holder: *holder,
                holder_type: *holder_type,
                link: *link,
                target: *target,
            })
    }

    /// The targets of one link of one holder.
    pub(crate) fn targets(
        &self,
        holder: EntityId,
        link: LinkNumber,
    ) -> impl Iterator<Item = EntityId> {
        self.by_holder
            .range((holder, link, EntityId(uuid::Uuid::nil()), LOWEST)..)
            .take_while(move |row| (row.0, row.1) == (holder, link))
            .map(|row| row.2)
    }

    /// The rows that lead to a target, in order of holder and link.
    pub(crate) fn leading_to(&self, target: EntityId) -> impl Iterator<Item = LinkRow> {
        self.by_target
            .range((target, EntityId(uuid::Uuid::nil()), LinkNumber(0), LOWEST)..)
            .take_while(move |row| row.0 == target)
            .map(|(target, holder, link, holder_type)| LinkRow {
                holder: *holder,
                holder_type: *holder_type,
                link: *link,
                target: *target,
            })
    }
}

const LOWEST: TypeId = TypeId(uuid::Uuid::nil());
