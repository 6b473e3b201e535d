//! tests/http
