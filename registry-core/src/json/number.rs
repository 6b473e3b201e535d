//! Whether a number keeps its digits as binary64.

/// Decimal digits that any binary64 gives back (`DBL_DIG` of C).
const CERTAIN_DIGITS: usize = 15;

/// Whether a text has a run of digits and points too long to be kept for certain. Digits within a string count too: they only cost a look.
pub(super) fn has_long_numbers(text: &str) -> bool {
    let mut run = 0;
    text.bytes().any(|byte| {
        run = match byte {
            b'0'..=b'9' => run + 1,
            b'.' => run,
            _ => 0,
        };
        run > CERTAIN_DIGITS
    })
}

/// Decimal digits that tell any two binary64 apart (`DBL_DECIMAL_DIG` of C).
const TELLING_DIGITS: usize = 17;

/// Whether a number token keeps its value as binary64: it has at most 17 digits and no decimal of as many digits is nearer to its float,
/// however it is written; or it is an integer that the float is exactly. So whatever a float is printed as, shortest or in 17 digits, is kept.
pub(crate) fn survives(token: &str) -> bool {
    let Ok(float) = token.parse::<f64>() else {
        return false;
    };
    if format!("{float:.0}") == token {
        return true;
    }
    let Some((digits, power)) = decimal(token) else {
        return false;
    };
    let Some(after_first) = digits.len().checked_sub(1) else {
        return true;
    };
    if digits.len() > TELLING_DIGITS {
        return false;
    }
    if decimal(&format!("{float:.after_first$e}")) == Some((digits.clone(), power)) {
        return true;
    }
    // Of two decimals that are equally near, the even one is printed above; printers differ, and both are right.
    let Some((exact, exact_power)) = decimal(&format!("{float:.ALL_DIGITS$e}")) else {
        return false;
    };
    let halfway = exact.len() == digits.len() + 1 && exact_power + 1 == power;
    let below = exact
        .strip_suffix('5')
        .and_then(|below| below.parse::<u64>().ok());
    let (Some(below), Ok(given)) = (below, digits.parse::<u64>()) else {
        return false;
    };
    halfway && (given == below || given == below + 1)
}

/// No binary64 has more significant decimal digits.
const ALL_DIGITS: usize = 767;

/// The digits of a number without zeros at either end, and the power of ten of the last; (empty, 0) is zero.
fn decimal(token: &str) -> Option<(String, i64)> {
    let token = token.trim_start_matches('-');
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let trimmed = digits.trim_end_matches('0');
    let power =
        i64::try_from(digits.len() - trimmed.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    let significant = trimmed.trim_start_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    Some((significant.to_owned(), exponent.checked_add(power)?))
}

/// The number tokens of a well-formed JSON text, in order.
pub(super) fn number_tokens(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut quoted = false;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b'-' | b'0'..=b'9' if !quoted => {
                    let start = at;
                    while bytes.get(at).is_some_and(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    }) {
                        at += 1;
                    }
                    return text.get(start..at);
                }
                _ => {}
            }
            at += 1;
        }
        None
    })
}
