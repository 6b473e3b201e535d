//! adapters/sqlite
