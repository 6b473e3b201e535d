//! Entity types: the definition that users make at run time, and everything decided from it alone.

mod model;

pub use model::{Cardinality, EntityType, Field, Key, Link, LinkTargets, OnDelete};
