//! adapters/postgres
