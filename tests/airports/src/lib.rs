//! See `tests/airports.rs`.
