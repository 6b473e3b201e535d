//! Rows that link to rows after them: which of them wait, and for whom.

use std::collections::{HashMap, HashSet};

use crate::{EntityId, Problem, limits::LATER_LINKS};

/// A row that waits until all rows have been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The entity that it would make, when the row names it: nobody else can wait for it.
    pub(super) id: Option<EntityId>,
    /// The targets that are not there yet.
    pub(super) missing: Box<[EntityId]>,
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
    /// It fails: nobody waits any more, not for these either that rows of the file would make.
    Refuse(&'a HashSet<EntityId>),
    /// It fails: too many wait.
    Full,
}

impl Late<'_> {
    pub(super) fn waits(self, missing: &[EntityId]) -> bool {
        match self {
            Self::Wait => true,
            Self::WaitFor(coming) => missing.iter().all(|id| coming.contains(id)),
            Self::Refuse(_) | Self::Full => false,
        }
    }

    /// Says of targets that are not there why they were not waited for, where a later row may make them.
    pub(super) fn explain(self, problems: &mut [Problem]) {
        for problem in problems {
            let value = problem.value.as_deref();
            let id = value.and_then(|value| value.parse::<EntityId>().ok());
            let Some(id) = id.filter(|_| problem.code == "link_target_not_found") else {
                continue;
            };
            match self {
                Self::Refuse(coming) if coming.contains(&id) => problem.message = FAR.into(),
                Self::Full => problem.message = full(),
                Self::Wait | Self::WaitFor(_) | Self::Refuse(_) => {}
            }
        }
    }
}

const FAR: &str = "the row that makes the link target is too far from this one: put rows after those that they link to, or upload with atomic=true";

fn full() -> String {
    format!(
        "no such link target so far, and the file has more than {LATER_LINKS} links to later rows: put rows after those that they link to"
    )
}

/// Which entities rows make together, when each may make one and needs others that are not there.
#[derive(Debug)]
pub(super) struct Makers {
    /// The entity that each row makes; none when it makes none, or none any more.
    own: Vec<Option<EntityId>>,
    /// How many rows are left that make an entity.
    left: HashMap<EntityId, usize>,
    /// What is needed and by which row, in order.
    needs: Vec<(EntityId, usize)>,
}

impl Makers {
    /// Of rows that wait; those of which more is wrong, and those that do not wait, make nothing.
    pub(super) fn new<'a>(
        rows: impl Iterator<Item = Option<&'a Waiting>>,
        is_present: impl Fn(EntityId) -> bool,
    ) -> Self {
        let mut makers = Self {
            own: Vec::new(),
            left: HashMap::new(),
            needs: Vec::new(),
        };
        for (index, row) in rows.enumerate() {
            let row = row.filter(|row| row.clean && row.id.is_some());
            makers.own.push(row.and_then(|row| row.id));
            let Some(row) = row else { continue };
            if let Some(id) = row.id {
                *makers.left.entry(id).or_default() += 1;
            }
            let needed = row.missing.iter().filter(|id| !is_present(**id));
            makers.needs.extend(needed.map(|id| (*id, index)));
        }
        makers.needs.sort_unstable();
        makers
    }

    /// Takes a row out, with all that need what nobody makes any more; those entities.
    pub(super) fn fail(&mut self, row: usize) -> Vec<EntityId> {
        let mut never = Vec::new();
        let mut rows = vec![row];
        while let Some(row) = rows.pop() {
            let Some(id) = self.own.get_mut(row).and_then(Option::take) else {
                continue;
            };
            if let Some(left) = self.left.get_mut(&id) {
                *left -= 1;
                if *left > 0 {
                    continue;
                }
            }
            self.left.remove(&id);
            never.push(id);
            let first = self.needs.partition_point(|(needed, _)| *needed < id);
            let needing = self.needs.iter().skip(first);
            rows.extend(
                needing
                    .take_while(|(needed, _)| *needed == id)
                    .map(|(_, row)| *row),
            );
        }
        never
    }

    /// The entities that come without help: those whose needs are made by others of the rows, in rings too.
    pub(super) fn alone(mut self) -> Self {
        let absent = self
            .needs
            .iter()
            .filter(|(id, _)| !self.left.contains_key(id));
        let rows: Vec<usize> = absent.map(|(_, row)| *row).collect();
        for row in rows {
            self.fail(row);
        }
        self
    }

    /// The entities that are made.
    pub(super) fn coming(&self) -> HashSet<EntityId> {
        self.left.keys().copied().collect()
    }
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

    fn numbers(ids: impl IntoIterator<Item = EntityId>) -> Vec<u128> {
        let mut numbers: Vec<u128> = ids.into_iter().map(|id| id.0.as_u128()).collect();
        numbers.sort_unstable();
        numbers
    }

    fn those(rows: &[Waiting], present: &[u128]) -> Vec<u128> {
        let is_present = |one: EntityId| present.iter().any(|number| id(*number) == one);
        numbers(
            Makers::new(rows.iter().map(Some), is_present)
                .alone()
                .coming(),
        )
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

    #[test]
    fn a_row_that_fails_takes_those_along_that_need_it_at_once() {
        let rows = [
            row(1, &[2]),
            row(2, &[3]),
            row(3, &[4]),
            row(5, &[]),
            row(6, &[5, 1]),
        ];
        let mut makers = Makers::new(rows.iter().map(Some), |_| false);
        assert_eq!(numbers(makers.fail(2)), [1, 2, 3, 6]);
        assert_eq!(numbers(makers.coming()), [5]);
        assert_eq!(makers.fail(2), []);
    }

    #[test]
    fn an_entity_comes_as_long_as_one_row_makes_it() {
        let rows = [row(1, &[2]), row(2, &[9]), row(2, &[8])];
        let mut makers = Makers::new(rows.iter().map(Some), |_| false);
        assert_eq!(makers.fail(1), []);
        assert_eq!(numbers(makers.fail(2)), [1, 2]);
    }
}
