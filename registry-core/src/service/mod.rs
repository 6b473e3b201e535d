//! The use cases: read, decide in pure code, commit.
