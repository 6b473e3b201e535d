//! Strict JSON: RFC 8259 with duplicate members, deep nesting, NUL and numbers that do not survive refused.
