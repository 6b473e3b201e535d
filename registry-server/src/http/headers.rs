//! Request headers that several operations read: preconditions, preferences, media types.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use registry_core::{Version, service::IfMatch};

use super::problem::Failure;

/// The opaque tag of a representation, made of the versions that it depends on.
pub(crate) fn etag(version: Version, basis: Version) -> String {
    format!("\"{version}-{basis}\"")
}

/// The version in a tag made by [`etag`], without its quotes.
pub(crate) fn etag_version(tag: &str) -> Option<Version> {
    let (version, basis) = tag.split_once('-')?;
    let ours = digits(version) && digits(basis);
    ours.then(|| version.parse().ok().map(Version))?
}

/// Reads `If-Match`: one strong tag of ours, whose version `version_of` knows. Weak tags, lists, `*` and anything else cannot be meant
/// here.
pub(crate) fn if_match(
    headers: &HeaderMap,
    version_of: fn(&str) -> Option<Version>,
) -> Result<Option<IfMatch>, Failure> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let version = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix('"')?.strip_suffix('"'))
        .and_then(version_of);
    match (version, values.next()) {
        (Some(version), None) => Ok(Some(IfMatch::OneOf(vec![version]))),
        _ => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "invalid_if_match",
            "If-Match takes one ETag as this server gave it, neither weak nor a list nor *",
        )),
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `If-None-Match` names this tag (RFC 9110 section 13.1.2: weak comparison, lists, `*`).
pub(crate) fn none_match_hits(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What `Prefer: return=` asks for (RFC 7240).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    /// Nothing was said.
    Unsaid,
    /// No body.
    Minimal,
    /// The whole document.
    Representation,
}

impl Return {
    /// The `Preference-Applied` that answers it.
    pub(crate) fn applied(self) -> Option<HeaderValue> {
        match self {
            Self::Unsaid => None,
            Self::Minimal => Some(HeaderValue::from_static("return=minimal")),
            Self::Representation => Some(HeaderValue::from_static("return=representation")),
        }
    }
}

/// Reads `Prefer`. Unknown preferences are passed over, as RFC 7240 wants it; `respond-async` is one that this version cannot follow.
pub(crate) fn prefer(headers: &HeaderMap) -> Result<Return, Failure> {
    let mut asked = Return::Unsaid;
    for value in headers.get_all("prefer") {
        for one in value.to_str().unwrap_or_default().split(',') {
            let one = one.split(';').next().unwrap_or_default().trim();
            if one.eq_ignore_ascii_case("respond-async") {
                return Err(not_supported_yet("Prefer: respond-async"));
            }
            let Some((name, value)) = one.split_once('=') else {
                continue;
            };
            if asked == Return::Unsaid && name.trim().eq_ignore_ascii_case("return") {
                asked = match value.trim().trim_matches('"') {
                    "minimal" => Return::Minimal,
                    "representation" => Return::Representation,
                    _ => Return::Unsaid,
                };
            }
        }
    }
    Ok(asked)
}

/// 400 for something that the contract names and this version does not do.
pub(crate) fn not_supported_yet(what: &str) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "not_supported_yet",
        format!("this version does not support {what} yet"),
    )
}

/// Checks `Content-Type` against the media types that an operation takes and gives the one it is. A charset must be UTF-8.
pub(crate) fn content_type(
    headers: &HeaderMap,
    accepted: &[&'static str],
) -> Result<&'static str, Failure> {
    let refuse = || {
        Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("Content-Type must be {}, in UTF-8", accepted.join(" or ")),
        )
    };
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(refuse)?;
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let media_type = accepted
        .iter()
        .find(|one| one.eq_ignore_ascii_case(essence))
        .ok_or_else(refuse)?;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let charset = name.trim().eq_ignore_ascii_case("charset");
        if charset && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") {
            return Err(refuse());
        }
    }
    Ok(media_type)
}

/// Refuses any `Content-Encoding` but `identity`.
pub(crate) fn no_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "only uploads may be compressed, and with gzip alone",
        )),
    }
}

/// The first of the offered media types with the best weight in `Accept`, or 406 (RFC 9110 section 12.5.1).
pub(crate) fn negotiate(
    headers: &HeaderMap,
    offered: &[&'static str],
) -> Result<&'static str, Failure> {
    let first = offered.first().copied().unwrap_or("application/json");
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(first);
    }
    let mut ranges = Vec::new();
    for value in values {
        match value.as_bytes() {
            b"*/*" | b"" => return Ok(first),
            bytes => ranges.extend(String::from_utf8_lossy(bytes).split(',').map(range)),
        }
    }
    let weight = |offer: &str| {
        // The most specific range decides: exact, then type/*, then */*.
        ranges
            .iter()
            .filter_map(|(range, q)| Some((specificity(range, offer)?, *q)))
            .max_by_key(|(specificity, _)| *specificity)
            .map_or(0, |(_, q)| q)
    };
    let mut best: Option<(&'static str, u16)> = None;
    for offer in offered {
        let q = weight(offer);
        if q > 0 && best.is_none_or(|(_, other)| q > other) {
            best = Some((offer, q));
        }
    }
    best.map(|(offer, _)| offer).ok_or_else(|| {
        Failure::new(
            StatusCode::NOT_ACCEPTABLE,
            "not_acceptable",
            format!("this answers with {}", offered.join(" or ")),
        )
    })
}

/// A media range with its weight in thousandths.
fn range(text: &str) -> (String, u16) {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let q = parts
        .filter_map(|parameter| parameter.trim().strip_prefix("q="))
        .find_map(|q| q.trim().parse::<f32>().ok())
        .unwrap_or(1.0);
    // Clamped to 0..=1000, so that the conversion is exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let thousandths = (q.clamp(0.0, 1.0) * 1000.0) as u16;
    (essence, thousandths)
}

fn specificity(range: &str, offer: &str) -> Option<u8> {
    if range == offer {
        return Some(2);
    }
    let kind = range.strip_suffix("/*")?;
    match kind {
        "*" => Some(0),
        _ => offer
            .split('/')
            .next()
            .filter(|one| *one == kind)
            .map(|_| 1),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn if_match_takes_our_own_tags_alone() {
        let ours = etag(Version(3), Version(7));
        assert_eq!(ours, "\"3-7\"");
        assert_eq!(
            if_match(&headers("if-match", &ours), etag_version).unwrap(),
            Some(IfMatch::OneOf(vec![Version(3)]))
        );
        for text in [
            "*",
            "W/\"3-7\"",
            "\"3-7\", \"4-7\"",
            "3-7",
            "\"x\"",
            "",
            "\"3\"",
            "\"-3-7\"",
        ] {
            assert!(
                if_match(&headers("if-match", text), etag_version).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for text in ["*", "\"3-7\"", "W/\"3-7\"", "\"1-1\", \"3-7\""] {
            assert!(
                none_match_hits(&headers("if-none-match", text), "\"3-7\""),
                "{text}"
            );
        }
        assert!(!none_match_hits(
            &headers("if-none-match", "\"3-8\""),
            "\"3-7\""
        ));
    }

    #[test]
    fn preferences() {
        let asked = |text: &str| prefer(&headers("prefer", text));
        assert_eq!(asked("return=minimal").unwrap(), Return::Minimal);
        assert_eq!(
            asked("foo; x=1, return=\"representation\"").unwrap(),
            Return::Representation
        );
        assert_eq!(asked("junk=,;;,=").unwrap(), Return::Unsaid);
        assert!(asked("wait=10, respond-async").is_err());
    }

    #[test]
    fn content_types() {
        let check =
            |text: &str| content_type(&headers("content-type", text), &["application/json"]);
        for text in ["application/json", "Application/JSON; charset=\"UTF-8\""] {
            assert_eq!(check(text).unwrap(), "application/json");
        }
        for text in [
            "text/plain",
            "application/json; charset=utf-16",
            "",
            "application/json2",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn accept() {
        let offered = ["application/x-ndjson", "text/csv"];
        let chosen = |text: &str| negotiate(&headers("accept", text), &offered).ok();
        assert_eq!(chosen("*/*"), Some("application/x-ndjson"));
        assert_eq!(chosen("text/csv"), Some("text/csv"));
        assert_eq!(
            chosen("text/*;q=0.5, application/x-ndjson;q=0.1"),
            Some("text/csv")
        );
        assert_eq!(
            chosen("text/csv;q=0, */*;q=0.1"),
            Some("application/x-ndjson")
        );
        assert_eq!(chosen("image/png"), None);
    }
}
