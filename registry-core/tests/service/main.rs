//! The services over the reference store: whole answers, with a fixed clock and fixed ids.
#![expect(clippy::unwrap_used, reason = "tests")]

mod deletes;
mod entities;
mod faults;
mod graphs;
mod indexing;
mod links;
mod one_write;
mod races;
mod rights;
mod searches;
mod support;
