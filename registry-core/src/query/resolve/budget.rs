//! A bound on what one filter may cost: links to any type multiply.

use crate::{
    limits::{RESOLVED_NODES, TYPES},
    query::FilterError,
};

/// Types looked at, over all names of a filter.
const LOOKUPS: usize = 200 * TYPES;

/// What is left to spend.
pub(super) struct Budget {
    nodes: usize,
    lookups: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            nodes: RESOLVED_NODES,
            lookups: LOOKUPS,
        }
    }
}

impl Budget {
    /// Takes conditions and values of the resolved filter.
    pub(super) fn nodes(&mut self, count: usize, offset: usize) -> Result<(), FilterError> {
        spend(&mut self.nodes, count, offset)
    }

    /// Takes looks at types.
    pub(super) fn lookups(&mut self, count: usize, offset: usize) -> Result<(), FilterError> {
        spend(&mut self.lookups, count, offset)
    }
}

fn spend(left: &mut usize, count: usize, offset: usize) -> Result<(), FilterError> {
    match left.checked_sub(count) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(FilterError::new(
            offset,
            "too many types and links to look through; ask for fewer types, or a shorter path",
        )),
    }
}
