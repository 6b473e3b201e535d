//! What must hold of any input, one module per kind of input: nothing ends the process, and the properties that each tells.
//!
//! The targets in `fuzz_targets` hand bytes to these functions; `seeds/<target>` holds what they begin with. `./tests/run --long` runs each
//! for a minute. What is found becomes a test of `registry-core`.

pub mod csv;
pub mod cursor;
pub mod encoding;
mod file;
pub mod filter;
mod fixture;
pub mod json_body;
pub mod merge_patch;
pub mod ndjson;
pub mod type_definition;
