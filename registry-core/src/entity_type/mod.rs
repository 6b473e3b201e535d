//! Entity types: the definition that users make at run time, and everything decided from it alone.

pub mod fields;
mod model;
pub mod schema;

pub use self::model::{Cardinality, EntityType, Field, Key, Link, LinkTargets, OnDelete};
