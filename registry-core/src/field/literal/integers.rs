//! Integers compared with numbers of any size and fraction.

use super::{super::integer, Comparison, LiteralTest};
use crate::{entity::Encoded, query::Test};

/// Compares integers with any numbers, exactly: each literal is the largest integer not above it and whether it is that integer. `None`
/// when the number of values is not the operator's.
pub(super) fn test(operator: Comparison, values: &[(i128, bool)]) -> Option<LiteralTest> {
    let whole = |(floor, integral): (i128, bool)| {
        integral
            .then(|| i64::try_from(floor).ok())
            .flatten()
            .map(integer::encode)
    };
    if operator == Comparison::In {
        let known: Vec<Encoded> = values.iter().copied().filter_map(whole).collect();
        return match (values.is_empty(), known.is_empty()) {
            (true, _) => None,
            (false, true) => Some(LiteralTest::Never),
            (false, false) => Some(LiteralTest::Test(Test::In(known))),
        };
    }
    if values.len()
        != if operator == Comparison::Between {
            2
        } else {
            1
        }
    {
        return None;
    }
    let first = *values.first()?;
    let last = *values.last()?;
    // The smallest integer not below a literal.
    let ceiling = |(floor, integral): (i128, bool)| floor.saturating_add(i128::from(!integral));
    let beyond = |(floor, _): (i128, bool)| floor.saturating_add(1);
    let before = |value: (i128, bool)| ceiling(value).saturating_sub(1);
    Some(match operator {
        Comparison::Equal => match whole(first) {
            Some(value) => LiteralTest::Test(Test::Equal(value)),
            None => LiteralTest::Never,
        },
        Comparison::NotEqual => match whole(first) {
            Some(value) => LiteralTest::Test(Test::NotEqual(value)),
            None => LiteralTest::WheneverPresent,
        },
        Comparison::Less => at_most(before(first)),
        Comparison::AtMost => at_most(first.0),
        Comparison::Greater => at_least(beyond(first)),
        Comparison::AtLeast => at_least(ceiling(first)),
        Comparison::Between => {
            let low = ceiling(first).max(i128::from(i64::MIN));
            let high = last.0.min(i128::from(i64::MAX));
            match (i64::try_from(low), i64::try_from(high)) {
                (Ok(low), Ok(high)) if low <= high => {
                    LiteralTest::Test(Test::Between(integer::encode(low), integer::encode(high)))
                }
                _ => LiteralTest::Never,
            }
        }
        Comparison::In | Comparison::Contains | Comparison::StartsWith => return None,
    })
}

fn at_most(bound: i128) -> LiteralTest {
    match i64::try_from(bound) {
        Ok(bound) => LiteralTest::Test(Test::AtMost(integer::encode(bound))),
        Err(_) if bound < 0 => LiteralTest::Never,
        Err(_) => LiteralTest::WheneverPresent,
    }
}

fn at_least(bound: i128) -> LiteralTest {
    match i64::try_from(bound) {
        Ok(bound) => LiteralTest::Test(Test::AtLeast(integer::encode(bound))),
        Err(_) if bound > 0 => LiteralTest::Never,
        Err(_) => LiteralTest::WheneverPresent,
    }
}
