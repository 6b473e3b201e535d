//! Literals of filters, as they were written.

/// A literal: what kind it is of is decided by the field it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A quoted text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// An unquoted run, read by the field's kind.
    Bare(String),
}
