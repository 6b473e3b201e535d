//! adapters/sql
