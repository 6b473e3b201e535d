//! Linked entities shown inside an answer.

use crate::Entity;

/// What stands at the other end of one link of one entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Expanded {
    /// A cardinality-one link: `None` when there is no target, or it is not readable.
    One(Option<Entity>),
    /// A many link, or an inverse: the first 50, and a cursor of the link's own list for the rest.
    Many {
        /// The entities.
        items: Vec<Entity>,
        /// Where `GET /entity/{type}/{id}/links/{link}` goes on.
        next_cursor: Option<String>,
    },
}
