//! One list of cases that every store must pass.
