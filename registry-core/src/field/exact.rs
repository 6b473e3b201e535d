//! Numbers as they are written, exactly: what decimals are made of and what filter literals are read into.

/// `sign 0.d₁d₂… × 10^exponent` with d₁ and the last digit not zero; zero has no digits, no sign and exponent 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) negative: bool,
    /// ASCII digits.
    pub(super) digits: String,
    /// Saturates far beyond every kind's range, so that `1e999999999` costs nothing.
    pub(super) exponent: i64,
}

/// Whether an exponent part may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// `-12.50`.
    Plain,
    /// `1.25e-3` too.
    Scientific,
}

impl Exact {
    /// Reads the grammar of JSON numbers (RFC 8259 section 6); `None` for anything else.
    pub(super) fn parse(text: &str, notation: Notation) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some(_) if notation == Notation::Plain => return None,
            Some((mantissa, power)) => (mantissa, read_power(power)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            negative,
            digits: digits.to_owned(),
            exponent: point.saturating_add(power),
        })
    }

    /// The largest integer not above it, saturating at the ends of i128, and whether it is that integer.
    pub(super) fn floor(&self) -> (i128, bool) {
        if self.digits.is_empty() {
            return (0, true);
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let integral = self.exponent >= length;
        let magnitude = if self.exponent > 38 {
            i128::MAX
        } else {
            let places = usize::try_from(self.exponent).unwrap_or(0);
            let whole = self.digits.bytes().chain(std::iter::repeat(b'0'));
            whole.take(places).fold(0_i128, |sum, digit| {
                sum.saturating_mul(10)
                    .saturating_add(i128::from(digit - b'0'))
            })
        };
        match (self.negative, integral) {
            (false, _) => (magnitude, integral),
            (true, true) => (-magnitude, true),
            (true, false) => ((-magnitude).saturating_sub(1), false),
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_power(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !is_digits(digits) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX / 4);
    let size = size.min(i64::MAX / 4);
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors() {
        for (text, floor) in [
            ("0", (0, true)),
            ("-0.0", (0, true)),
            ("5", (5, true)),
            ("5.0", (5, true)),
            ("5.5", (5, false)),
            ("-5.5", (-6, false)),
            ("-0.5", (-1, false)),
            ("0.001", (0, false)),
            ("1e3", (1000, true)),
            ("1200e-2", (12, true)),
            ("1250e-2", (12, false)),
            ("1e999999999999999999999", (i128::MAX, true)),
            ("1e-999999999999999999999", (0, false)),
            ("-1e-999999999999999999999", (-1, false)),
            ("9223372036854775808", (9_223_372_036_854_775_808, true)),
        ] {
            let exact = Exact::parse(text, Notation::Scientific);
            assert_eq!(exact.map(|exact| exact.floor()), Some(floor), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "1 ", "0x1", "1_000", "٣", "NaN",
            "1.2.3", "--1",
        ] {
            assert_eq!(Exact::parse(text, Notation::Scientific), None, "{text}");
        }
        assert_eq!(Exact::parse("1e3", Notation::Plain), None);
    }
}
