//! The building of indexes. There are none here, since an index changes no answer; what is kept is how far their building came.

use std::collections::BTreeMap;

use registry_core::{
    EntityId, FieldNumber, TypeId, change::TypeChange, limits::INDEX_SLICE, port::BuildStep,
};

use crate::state::State;

/// The indexed fields whose index is not ready, each with the last entity that was looked at.
pub(crate) type PendingIndexes = BTreeMap<(TypeId, FieldNumber), Option<EntityId>>;

impl State {
    /// Notes the indexes that a change of a type gives up or asks for.
    pub(crate) fn note_indexes(&mut self, change: &TypeChange) {
        let Some(before) = &change.before else {
            return;
        };
        let given_up = change.rows_to_drop().values;
        self.indexes.retain(|(type_id, field), _| {
            *type_id != before.id || (change.after.is_some() && !given_up.contains(field))
        });
        if self.of_type(before.id).next().is_some() {
            let wanted = change.indexes_to_build().into_iter();
            self.indexes
                .extend(wanted.map(|field| ((before.id, field), None)));
        }
    }

    /// One step of the building of an index.
    pub(crate) fn build_index(
        &mut self,
        type_id: TypeId,
        field: FieldNumber,
        limit: usize,
    ) -> BuildStep {
        let Some(built_to) = self.indexes.get(&(type_id, field)).copied() else {
            return BuildStep::Done;
        };
        let limit = limit.clamp(1, INDEX_SLICE);
        let rest = self
            .of_type(type_id)
            .map(|entity| entity.id)
            .filter(|id| built_to.is_none_or(|built_to| *id > built_to));
        match rest.take(limit).enumerate().last() {
            Some((index, last)) if index + 1 == limit => {
                self.indexes.insert((type_id, field), Some(last));
                BuildStep::More
            }
            _ => {
                self.indexes.remove(&(type_id, field));
                self.catalog = self.catalog.next();
                BuildStep::Done
            }
        }
    }
}
