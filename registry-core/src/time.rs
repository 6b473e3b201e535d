//! Points in time, to the microsecond, in UTC.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Microseconds since 1970-01-01T00:00:00Z; years 0001 to 9999.
///
/// Displayed as RFC 3339 in UTC with six decimals and `Z`, so that text order is time order.
///
/// ```
/// use registry_core::Timestamp;
/// assert_eq!(Timestamp(1_500_000).to_string(), "1970-01-01T00:00:01.500000Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads an RFC 3339 date-time; an offset is required, digits past the sixth decimal must be zero.
    /// `None` when the text is anything else or falls outside the years 0001 to 9999 in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        // `time` accepts a space or any separator leniently in places; RFC 3339 as the contract has it wants `T`.
        if text.len() < 20 || text.as_bytes().get(10) != Some(&b'T') {
            return None;
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        // A leap second is read as the last representable instant before it; it is not the instant that was written.
        if text.get(17..19) == Some("60") || parsed.nanosecond() % 1_000 != 0 {
            return None;
        }
        let utc = parsed.checked_to_offset(time::UtcOffset::UTC)?;
        if !(1..=9999).contains(&utc.year()) {
            return None;
        }
        i64::try_from(utc.unix_timestamp_nanos() / 1_000)
            .ok()
            .map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000;
        let at =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.microsecond()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_utc_and_decimals_are_kept() {
        let at = Timestamp::parse("2026-01-02T03:04:05.678901+02:00").map(|at| at.to_string());
        assert_eq!(at.as_deref(), Some("2026-01-02T01:04:05.678901Z"));
    }

    #[test]
    fn what_is_not_an_instant_is_refused() {
        for text in [
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-02-30T00:00:00Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:04:05+25:00",
            "2016-12-31T23:59:60Z",
            "2026-01-02 03:04:05Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "2026-01-02T03:04:05.1234567Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
