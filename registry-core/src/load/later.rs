//! Rows that link to rows after them: which of them wait, and for whom.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::EntityId;

/// A row that waits until all rows have been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The entity that it would make, when the row names it: nobody else can wait for it.
    pub(super) id: Option<EntityId>,
    /// The targets that are not there yet.
    pub(super) missing: Vec<EntityId>,
    /// Whether nothing else is wrong with it.
    pub(super) clean: bool,
}

/// What becomes of a row whose target is not there, and might be made by another row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Late<'a> {
    /// It waits.
    Wait,
    /// It waits if all of its targets are among these.
    WaitFor(&'a HashSet<EntityId>),
    /// It fails.
    Refuse,
}

impl Late<'_> {
    pub(super) fn waits(self, missing: &[EntityId]) -> bool {
        match self {
            Self::Wait => true,
            Self::WaitFor(coming) => missing.iter().all(|id| coming.contains(id)),
            Self::Refuse => false,
        }
    }
}

/// The entities that the waiting rows make together: those whose targets are present or made by others of them, in rings too.
pub(super) fn coming<'a>(
    rows: impl Iterator<Item = &'a Waiting>,
    is_present: impl Fn(EntityId) -> bool,
) -> HashSet<EntityId> {
    let rows: Vec<&Waiting> = rows.filter(|row| row.clean).collect();
    let mut coming: HashSet<EntityId> = rows.iter().filter_map(|row| row.id).collect();
    let mut holders: BTreeMap<EntityId, Vec<Option<EntityId>>> = BTreeMap::new();
    for row in &rows {
        for target in row.missing.iter().filter(|id| !is_present(**id)) {
            holders.entry(*target).or_default().push(row.id);
        }
    }
    let mut absent: Vec<EntityId> = holders
        .keys()
        .filter(|id| !coming.contains(id))
        .copied()
        .collect();
    // Who waits for what never comes does not come either.
    while let Some(id) = absent.pop() {
        for holder in holders.remove(&id).into_iter().flatten().flatten() {
            if coming.remove(&holder) {
                absent.push(holder);
            }
        }
    }
    coming
}

/// Symmetric links that were given to entities before they came: by entity, the link and the other end.
pub(super) type Owed = HashMap<EntityId, Vec<(crate::LinkNumber, EntityId)>>;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> EntityId {
        EntityId(Uuid::from_u128(number))
    }

    fn row(own: u128, missing: &[u128]) -> Waiting {
        Waiting {
            id: Some(id(own)),
            missing: missing.iter().copied().map(id).collect(),
            clean: true,
        }
    }

    fn those(rows: &[Waiting], present: &[u128]) -> Vec<u128> {
        let is_present = |one: EntityId| present.iter().any(|number| id(*number) == one);
        let mut numbers: Vec<u128> = coming(rows.iter(), is_present)
            .into_iter()
            .map(|id| id.0.as_u128())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn rows_come_with_those_that_they_wait_for() {
        let chain = [row(1, &[2]), row(2, &[3]), row(3, &[4])];
        assert_eq!(those(&chain, &[4]), [1, 2, 3]);
        assert_eq!(those(&chain, &[]), [0_u128; 0]);
        let ring = [row(1, &[2]), row(2, &[1]), row(3, &[1, 9]), row(4, &[3])];
        assert_eq!(those(&ring, &[]), [1, 2]);
        let wrong = Waiting {
            clean: false,
            ..row(2, &[1])
        };
        assert_eq!(those(&[row(1, &[2]), wrong], &[]), [0_u128; 0]);
    }
}
