//! A filter as it was written: names and literals with their places, nothing looked up yet.
//!
//! Displayed, a tree is text that parses to the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::field::Literal;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All hold; at least two.
    And(Vec<Expr>),
    /// One holds; at least two.
    Or(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// `path op value` and its kin.
    Compare {
        /// What is compared.
        path: Path,
        /// How.
        condition: Condition,
    },
    /// `path(expr)`: one entity at the end of the path satisfies the whole.
    Group {
        /// Leads to other entities.
        path: Path,
        /// What one of them must satisfy.
        expr: Box<Expr>,
    },
}

/// Names separated by dots; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<Name>);

/// A name and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it begins, in bytes.
    pub offset: usize,
}

/// A literal and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The literal.
    pub literal: Literal,
    /// Where it begins, in bytes.
    pub offset: usize,
}

/// What is asked of the values at the end of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `op value`.
    Operator {
        /// The operator.
        operator: Operator,
        /// Where it stands, in bytes.
        offset: usize,
        /// The other side.
        value: Value,
    },
    /// `IN (value, …)`: at least one value.
    In(Vec<Value>),
    /// `NOT IN (value, …)`: at least one value.
    NotIn(Vec<Value>),
    /// `BETWEEN low AND high`.
    Between(Value, Value),
    /// `STARTS WITH text`.
    StartsWith(Value),
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
}

/// The operators that are written with signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `~`
    Contains,
}

impl Operator {
    /// The operator of these signs.
    pub(super) fn of(signs: &str) -> Option<Self> {
        Some(match signs {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            "~" => Self::Contains,
            _ => return None,
        })
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Contains => "~",
        })
    }
}

impl Expr {
    /// Joined by `joiner`, with parentheses around those that `guarded` picks.
    fn join(
        f: &mut Formatter<'_>,
        exprs: &[Self],
        joiner: &str,
        guarded: fn(&Self) -> bool,
    ) -> fmt::Result {
        for (index, expr) in exprs.iter().enumerate() {
            if index > 0 {
                f.write_str(joiner)?;
            }
            expr.guard(f, guarded)?;
        }
        Ok(())
    }

    fn guard(&self, f: &mut Formatter<'_>, guarded: fn(&Self) -> bool) -> fmt::Result {
        if guarded(self) {
            write!(f, "({self})")
        } else {
            self.fmt(f)
        }
    }

    fn is_joined(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(exprs) => Self::join(f, exprs, " AND ", Self::is_joined),
            Self::Or(exprs) => Self::join(f, exprs, " OR ", |one| matches!(one, Self::Or(_))),
            Self::Not(expr) => {
                f.write_str("NOT ")?;
                expr.guard(f, Self::is_joined)
            }
            Self::Compare { path, condition } => write!(f, "{path} {condition}"),
            Self::Group { path, expr } => write!(f, "{path}({expr})"),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            f.write_str(&name.text)?;
        }
        Ok(())
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator {
                operator, value, ..
            } => write!(f, "{operator} {value}"),
            Self::In(values) => list(f, "IN (", values),
            Self::NotIn(values) => list(f, "NOT IN (", values),
            Self::Between(low, high) => write!(f, "BETWEEN {low} AND {high}"),
            Self::StartsWith(text) => write!(f, "STARTS WITH {text}"),
            Self::IsNull => f.write_str("IS NULL"),
            Self::IsNotNull => f.write_str("IS NOT NULL"),
        }
    }
}

fn list(f: &mut Formatter<'_>, open: &str, values: &[Value]) -> fmt::Result {
    f.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        value.fmt(f)?;
    }
    f.write_char(')')
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.literal {
            Literal::Text(text) | Literal::Bare(text) => {
                f.write_char('"')?;
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(c)?;
                }
                f.write_char('"')
            }
            Literal::Number(text) => f.write_str(text),
            Literal::Boolean(value) => value.fmt(f),
        }
    }
}
