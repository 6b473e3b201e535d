//! Strict query strings: every parameter is known, readable and given once.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::problem::Failure;

/// Parameters that the contract names and this version does not know yet.
const LATER: [&str; 6] = ["q", "facets", "highlight", "wait_for", "version", "at"];

/// The decoded parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// Reads a query string that may hold these parameters, each once.
    pub(crate) fn parse(query: Option<&'a str>, known: &[&str]) -> Result<Self, Failure> {
        let mut found: Vec<(&str, Cow<'_, str>)> = Vec::new();
        for pair in query.unwrap_or_default().split('&') {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !known.contains(&name) {
                let shown = decode(name).unwrap_or(Cow::Borrowed("?"));
                return Err(if LATER.contains(&name) {
                    Failure::parameter(
                        name,
                        "not_supported_yet",
                        format!("this version does not know {name} yet"),
                    )
                } else {
                    Failure::parameter(
                        &shown,
                        "unknown_parameter",
                        format!("there is no parameter {shown} here"),
                    )
                });
            }
            if found.iter().any(|(other, _)| *other == name) {
                return Err(Failure::parameter(
                    name,
                    "invalid_parameter",
                    format!("{name} is given more than once"),
                ));
            }
            let value = decode(value).ok_or_else(|| {
                Failure::parameter(
                    name,
                    "invalid_encoding",
                    format!("{name} is not percent-encoded UTF-8"),
                )
            })?;
            found.push((name, value));
        }
        Ok(Self(found))
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The value of a parameter, owned.
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// `true` or `false`; `default` when it is not given.
    pub(crate) fn flag(&self, name: &str, default: Flag) -> Result<Flag, Failure> {
        match self.get(name) {
            None => Ok(default),
            Some("true") => Ok(Flag::On),
            Some("false") => Ok(Flag::Off),
            Some(_) => Err(Failure::parameter(
                name,
                code_of(name),
                format!("{name} is true or false"),
            )),
        }
    }

    /// A whole number from `low` to `high`; `default` when it is not given.
    pub(crate) fn number(
        &self,
        name: &str,
        default: u64,
        low: u64,
        high: u64,
    ) -> Result<u64, Failure> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (low..=high).contains(&number) => Ok(number),
            _ => Err(Failure::parameter(
                name,
                code_of(name),
                format!("{name} is a whole number from {low} to {high}"),
            )),
        }
    }
}

/// A parameter that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// `true`.
    On,
    /// `false`.
    Off,
}

/// The code for a value that a parameter cannot have.
pub(crate) fn code_of(name: &str) -> &'static str {
    match name {
        "limit" => "invalid_limit",
        "depth" => "invalid_depth",
        "count" => "invalid_count",
        "cascade" => "invalid_cascade",
        "type" => "invalid_types",
        _ => "invalid_parameter",
    }
}

/// Decodes a part of a query string; `None` when an escape is broken or the bytes are not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return decode_escapes(&spaced).map(|text| Cow::Owned(text.into_owned()));
    }
    decode_escapes(text)
}

/// Decodes percent-escapes alone, as in a path.
pub(crate) fn decode_escapes(text: &str) -> Option<Cow<'_, str>> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => {
                rest = rest.get(at + 3..).unwrap_or_default();
            }
            _ => return None,
        }
    }
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let parameters =
            Parameters::parse(Some("filter=a+%3D%201&limit=5&"), &["filter", "limit"]).unwrap();
        assert_eq!(parameters.get("filter"), Some("a = 1"));
        assert_eq!(parameters.number("limit", 50, 1, 1000).unwrap(), 5);
        assert_eq!(parameters.get("cursor"), None);
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["%", "%1", "%zz", "%ff", "a%2"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("%25%C3%A9").as_deref(), Some("%é"));
    }

    #[test]
    fn numbers_are_plain_and_bounded() {
        for text in [
            "0",
            "-1",
            "1001",
            "1e3",
            "abc",
            "18446744073709551616",
            "",
            "%2B5",
        ] {
            let query = format!("limit={text}");
            let parameters = Parameters::parse(Some(&query), &["limit"]).unwrap();
            assert!(parameters.number("limit", 50, 1, 1000).is_err(), "{text}");
        }
    }
}
