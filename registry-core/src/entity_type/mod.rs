//! Entity types: the definition that users make at run time, and everything decided from it alone.
//!
//! A request becomes a draft (a document of its own, or a merge patch over the present one), the draft becomes a type with its numbers,
//! and the difference to the type before says what the store must look at. [`fields`] reads entities under a type, [`schema`] describes
//! them.

mod build;
mod decide;
mod document;
mod draft;
mod evolution;
mod field_entry;
pub mod fields;
mod key_entries;
mod link_entry;
mod members;
mod model;
mod names;
mod numbers;
mod patch;
mod problems;
pub mod schema;
mod tag;
#[cfg(test)]
mod tests;

pub use decide::{change, define, remove, replace};
pub use document::document;
pub use evolution::RowsToDrop;
pub use model::{Cardinality, EntityType, Field, Key, Link, LinkTargets, OnDelete};
pub use names::is_name;
pub use tag::{tag, tag_version};
