//! Queries: text to tree ([`parse`]), names to numbers ([`resolve`]), and the resolved tree that stores answer ([`ast`]).

mod ast;

pub use ast::{
    After, Compare, Count, Direction, Filter, LinkEnd, LinkStep, Operand, Query, SortTerm,
    SystemField, Test,
};
