//! Queries: text to tree ([`parse_filter`], [`parse_fields`]), names to numbers ([`resolve`]), and the resolved tree that stores answer
//! ([`Filter`]). Pages go on by authenticated [`cursor`]s.

mod ast;
pub mod cursor;
mod error;
mod lex;
mod params;
mod parse;
mod resolve;
pub mod tree;

pub use ast::{
    After, Compare, Count, Direction, Filter, LinkEnd, LinkStep, Operand, Query, SortTerm,
    SystemField, Test,
};
pub use error::FilterError;
pub use params::{LinkedTo, SortName, parse_links, parse_names, parse_sort, parse_uuids};
pub use parse::{parse_fields, parse_filter};
pub use resolve::{NamedLink, linked_query, named_link, resolve, resolve_links, resolve_sort};
