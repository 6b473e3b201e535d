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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    StartsWith,
    In,
    Between,
}

pub enum Tested {
    Test(crate::query::Test),
    Never,
    WheneverPresent,
}

impl super::Kind {
    pub fn test(&self, comparison: Comparison, literals: &[Literal]) -> Result<Tested, String> {
        use crate::{Encoded, query::Test};
        let texts: Option<Vec<Encoded>> = literals
            .iter()
            .map(|one| match (self, one) {
                (super::Kind::Text(_), Literal::Text(text) | Literal::Bare(text)) => {
                    Some(Encoded(text.clone()))
                }
                (super::Kind::Integer(_), Literal::Number(text) | Literal::Bare(text)) => {
                    text.parse().ok().map(super::encode_integer)
                }
                _ => None,
            })
            .collect();
        let mut v = texts.ok_or("no")?;
        Ok(Tested::Test(match comparison {
            Comparison::Equal => Test::Equal(v.remove(0)),
            Comparison::NotEqual => Test::NotEqual(v.remove(0)),
            Comparison::Less => Test::Less(v.remove(0)),
            Comparison::AtMost => Test::AtMost(v.remove(0)),
            Comparison::Greater => Test::Greater(v.remove(0)),
            Comparison::AtLeast => Test::AtLeast(v.remove(0)),
            Comparison::Contains => Test::Contains(v.remove(0).0),
            Comparison::StartsWith => Test::StartsWith(v.remove(0).0),
            Comparison::In => Test::In(v),
            Comparison::Between => {
                let low = v.remove(0);
                Test::Between(low, v.remove(0))
            }
        }))
    }
}
