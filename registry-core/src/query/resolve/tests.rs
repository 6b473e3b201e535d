#![expect(clippy::unwrap_used, reason = "tests")]

mod catalog;
mod errors;
mod links;
mod operators;
mod trees;
