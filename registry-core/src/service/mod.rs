//! The use cases: read, decide in pure code, commit.
//!
//! [`Registry`] is the library's front door. It hands out thin services that borrow it: [`Entities`], [`LinkService`] and
//! [`Search`]; each method is one operation of the HTTP contract.

mod delete;
mod entities;
mod expand;
mod graph;
mod links;
mod locks;
mod registry;
mod search;
mod types;
mod view;

pub use self::{
    entities::{Entities, IfMatch, Outcome, Read, Written},
    expand::Expanded,
    graph::{Edge, Graph, Node},
    links::{LinkDirection, LinkService, LinkSummary},
    registry::Registry,
    search::{Search, SearchPage, SearchRequest},
    types::{TypeDelete, TypePage, Types, WrittenType},
    view::{Select, entity_json, label},
};
