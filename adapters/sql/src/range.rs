//! Keyset paging: the stretches, in order, that together follow a place under an order.

use registry_core::{
    Encoded, EntityId,
    query::{After, Operand, SortTerm},
};

/// What one stretch asks of one sort term.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Nothing.
    Any,
    /// Some value.
    Present,
    /// No value.
    Missing,
    /// This value.
    Equal(Encoded),
    /// A value that comes later in the term's direction.
    Past(Encoded),
}

/// A stretch: a bound for each sort term, and the id to begin after.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    /// One per term.
    pub(crate) bounds: Vec<Bound>,
    /// The id of the place, in the stretch that continues at its very values.
    pub(crate) past_id: Option<EntityId>,
}

/// The stretches that follow `after` in order; all of them from the beginning when it is `None`.
///
/// Rows with a value and rows without one are stretches of their own, so that each is one run over an index and none needs an OR.
pub(crate) fn ranges(sort: &[SortTerm], after: Option<&After>) -> Vec<Range> {
    let any = |count: usize| std::iter::repeat_n(Bound::Any, count);
    let Some(after) = after else {
        let Some(first) = sort.first() else {
            return vec![Range {
                bounds: Vec::new(),
                past_id: None,
            }];
        };
        let firsts = if can_be_missing(first) {
            vec![Bound::Present, Bound::Missing]
        } else {
            vec![Bound::Any]
        };
        return firsts
            .into_iter()
            .map(|bound| Range {
                bounds: std::iter::once(bound).chain(any(sort.len() - 1)).collect(),
                past_id: None,
            })
            .collect();
    };
    let at = |value: &Option<Encoded>| value.clone().map_or(Bound::Missing, Bound::Equal);
    let mut ranges = vec![Range {
        bounds: after.values.iter().map(at).collect(),
        past_id: Some(after.id),
    }];
    for (level, term) in sort.iter().enumerate().rev() {
        let Some(Some(value)) = after.values.get(level) else {
            continue;
        };
        let mut nexts = vec![Bound::Past(value.clone())];
        if can_be_missing(term) {
            nexts.push(Bound::Missing);
        }
        for next in nexts {
            let before = after.values.iter().take(level).map(at);
            ranges.push(Range {
                bounds: before
                    .chain([next])
                    .chain(any(sort.len() - level - 1))
                    .collect(),
                past_id: None,
            });
        }
    }
    ranges
}

fn can_be_missing(term: &SortTerm) -> bool {
    matches!(term.by, Operand::Field { .. })
}
