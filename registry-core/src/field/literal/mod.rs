//! Filter literals, read by the kind of the field they are compared with.

mod integers;
#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;

use super::{
    Kind, boolean, date, datetime, decimal,
    exact::{Exact, Notation},
    number, uuid,
};
use crate::{entity::Encoded, query::Test};

/// A value as a filter writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A quoted text, its escapes resolved.
    Text(String),
    /// A number, as written.
    Number(String),
    /// True or false.
    Boolean(bool),
    /// An unquoted run of `fields=`: whatever the kind reads it as.
    Bare(String),
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
    /// `IN`.
    In,
    /// `BETWEEN`, both ends included.
    Between,
    /// `~`.
    Contains,
    /// `STARTS WITH`.
    StartsWith,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "IN",
            Self::Between => "BETWEEN",
            Self::Contains => "~",
            Self::StartsWith => "STARTS WITH",
        })
    }
}

/// What a comparison comes to for the values of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiteralTest {
    /// A test of each value.
    Test(Test),
    /// No value passes: `x = 5.5` of an integer.
    Never,
    /// Every value passes: `x != 5.5` of an integer.
    WheneverPresent,
}

/// Why a literal cannot be compared with a field. The message is for the caller of the filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LiteralError {
    /// The kind does not have the operator.
    #[error("{operator} cannot be used with a field of kind {kind}")]
    Operator {
        /// The operator.
        operator: Comparison,
        /// The kind.
        kind: &'static str,
    },
    /// The literal is of another type.
    #[error("a field of kind {kind} is compared with {expected}")]
    Type {
        /// The kind.
        kind: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// The operator takes another number of literals: two for `BETWEEN`, at least one for `IN`, else one.
    #[error("{operator} takes another number of values")]
    Count {
        /// The operator.
        operator: Comparison,
    },
}

impl Kind {
    /// Whether filters may compare fields of the kind so.
    pub fn allows(&self, operator: Comparison) -> bool {
        use Comparison::{Contains, Equal, In, NotEqual, StartsWith};
        match self {
            Self::Text(_) | Self::Url(_) | Self::Email(_) => true,
            Self::Enum(_) | Self::Uuid(_) => matches!(operator, Equal | NotEqual | In),
            Self::Boolean(_) => matches!(operator, Equal | NotEqual),
            Self::Integer(_)
            | Self::Number(_)
            | Self::Decimal(_)
            | Self::Date(_)
            | Self::Datetime(_) => !matches!(operator, Contains | StartsWith),
            Self::Json(_) => false,
        }
    }

    /// The test that an operator and its literals are for values of the kind. `literals` are one; two for [`Comparison::Between`]; at least
    /// one for [`Comparison::In`].
    pub fn test(
        &self,
        operator: Comparison,
        literals: &[Literal],
    ) -> Result<LiteralTest, LiteralError> {
        if !self.allows(operator) {
            return Err(LiteralError::Operator {
                operator,
                kind: self.name(),
            });
        }
        if let Self::Integer(_) = self {
            let values = literals
                .iter()
                .map(|literal| self.integer_literal(literal))
                .collect::<Result<Vec<_>, _>>()?;
            return integers::test(operator, &values).ok_or(LiteralError::Count { operator });
        }
        let values = literals
            .iter()
            .map(|literal| self.literal(literal))
            .collect::<Result<Vec<_>, _>>()?;
        ordered_test(operator, values).ok_or(LiteralError::Count { operator })
    }

    fn wrong_type(&self, expected: &'static str) -> LiteralError {
        LiteralError::Type {
            kind: self.name(),
            expected,
        }
    }

    fn integer_literal(&self, literal: &Literal) -> Result<(i128, bool), LiteralError> {
        match literal {
            Literal::Number(text) | Literal::Bare(text) => {
                Exact::parse(text, Notation::Scientific).map(|exact| exact.floor())
            }
            Literal::Text(_) | Literal::Boolean(_) => None,
        }
        .ok_or_else(|| self.wrong_type("a number"))
    }

    fn literal(&self, literal: &Literal) -> Result<Encoded, LiteralError> {
        use Literal::{Bare, Boolean, Number, Text};
        let (read, expected) = match (self, literal) {
            (
                Self::Text(_) | Self::Url(_) | Self::Email(_) | Self::Enum(_),
                Text(text) | Bare(text),
            ) => {
                let whole = !text.contains('\0');
                (
                    whole.then(|| Encoded(text.clone())),
                    "a text without U+0000",
                )
            }
            (Self::Text(_) | Self::Url(_) | Self::Email(_) | Self::Enum(_), _) => {
                (None, "a quoted text")
            }
            (Self::Number(_), Number(text) | Bare(text)) => {
                (number::parse_literal(text).map(number::encode), "a number")
            }
            (Self::Integer(_) | Self::Number(_), _) => (None, "a number"),
            (Self::Decimal(_), Number(text) | Text(text) | Bare(text)) => {
                let exact = Exact::parse(text, Notation::Scientific);
                (
                    exact.map(|exact| decimal::encode(&exact)),
                    "a number, quoted or not",
                )
            }
            (Self::Decimal(_), Boolean(_)) => (None, "a number, quoted or not"),
            (Self::Boolean(_), Boolean(value)) => (Some(boolean::encode(*value)), "true or false"),
            (Self::Boolean(_), Bare(text)) => {
                let value = boolean::parse_text(text);
                (
                    value.and_then(|value| boolean::read(&value)).ok(),
                    "true or false",
                )
            }
            (Self::Boolean(_), Text(_) | Number(_)) => (None, "true or false"),
            (Self::Date(_), Text(text) | Bare(text)) => {
                (date::parse(text), "a date such as \"2026-01-02\"")
            }
            (Self::Date(_), _) => (None, "a date such as \"2026-01-02\""),
            (Self::Datetime(_), Text(text) | Bare(text)) => (
                datetime::parse(text),
                "a time with an offset such as \"2026-01-02T03:04:05Z\"",
            ),
            (Self::Datetime(_), _) => (
                None,
                "a time with an offset such as \"2026-01-02T03:04:05Z\"",
            ),
            (Self::Uuid(_), Text(text) | Bare(text)) => (uuid::parse(text), "a quoted UUID"),
            (Self::Uuid(_), _) => (None, "a quoted UUID"),
            (Self::Json(_), _) => (None, "nothing"),
        };
        read.ok_or_else(|| self.wrong_type(expected))
    }
}

/// `None` when the number of values is not the operator's.
fn ordered_test(operator: Comparison, values: Vec<Encoded>) -> Option<LiteralTest> {
    if operator == Comparison::In {
        return (!values.is_empty()).then_some(LiteralTest::Test(Test::In(values)));
    }
    let mut values = values.into_iter();
    let first = values.next()?;
    let second = values.next();
    if values.next().is_some() || second.is_some() != (operator == Comparison::Between) {
        return None;
    }
    Some(LiteralTest::Test(match (operator, second) {
        (Comparison::Equal, _) => Test::Equal(first),
        (Comparison::NotEqual, _) => Test::NotEqual(first),
        (Comparison::Less, _) => Test::Less(first),
        (Comparison::AtMost, _) => Test::AtMost(first),
        (Comparison::Greater, _) => Test::Greater(first),
        (Comparison::AtLeast, _) => Test::AtLeast(first),
        // Every text holds and begins with the empty one; engines differ about it.
        (Comparison::Contains | Comparison::StartsWith, _) if first.0.is_empty() => {
            return Some(LiteralTest::WheneverPresent);
        }
        (Comparison::Contains, _) => Test::Contains(first.0),
        (Comparison::StartsWith, _) => Test::StartsWith(first.0),
        (Comparison::Between, Some(second)) => Test::Between(first, second),
        (Comparison::Between | Comparison::In, _) => return None,
    }))
}
