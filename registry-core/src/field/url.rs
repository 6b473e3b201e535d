//! Kind url: absolute http or https with a host, kept as given. Internationalised ones (RFC 3987) are allowed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::text::Text;
use crate::{entity::Encoded, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Url {
    #[serde(flatten)]
    pub(super) text: Text,
}

impl Url {
    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut schema = self.text.schema();
        schema.insert("format".to_owned(), json!("iri"));
        let web = "^[Hh][Tt][Tt][Pp][Ss]?://";
        if self.text.pattern.is_some() {
            schema.insert("allOf".to_owned(), json!([{"pattern": web}]));
        } else {
            schema.insert("pattern".to_owned(), json!(web));
        }
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let text = self.text.read(value)?;
        if is_web_address(text) {
            Ok(Encoded(text.to_owned()))
        } else {
            let message = "must be an absolute http or https URL with a host";
            Err(Problem::at("", "format", message))
        }
    }
}

/// The `url` crate follows the WHATWG rules, which mend what is not a URL (`http:\\host`, `http:host`, line breaks); kept as given, such a
/// text would not be one for other readers, so it is refused before. A space within the path is what people do paste
/// (`…/wiki/Huambo_ Province` stands in published data) and every reader takes it for `%20`.
fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
        && !authority.is_empty()
        && !authority.contains(' ')
        && !text.ends_with(' ')
        && !text.contains(|letter: char| {
            letter.is_control()
                || (letter.is_whitespace() && letter != ' ')
                || matches!(letter, '\\' | '<' | '>' | '"')
        })
        && url::Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_given() {
        for text in [
            "http://example.org",
            "HTTPS://Example.ORG:8443/a?b=c#d",
            "https://en.wikipedia.org/wiki/Zürich",
            "https://例え.jp/パス",
            "http://[::1]/",
            "http://user:pw@host/",
            "https://example.org/a|b",
            "https://en.wikipedia.org/wiki/Huambo_ Province",
        ] {
            let encoded = Url::default().encode(&json!(text));
            assert_eq!(encoded, Ok(Encoded(text.to_owned())));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "example.org",
            "//example.org",
            "/a",
            "ftp://example.org",
            "javascript:alert(1)",
            "mailto:a@example.org",
            "http:example.org",
            "http:/example.org",
            "http://",
            "http:///example.org",
            "http://?a",
            "http:\\\\example.org",
            "http://exa mple.org",
            "http://us er@example.org",
            "http://example.org/a ",
            "http://example.org/a\u{a0}b",
            " http://example.org",
            "http://example.org\n",
            "http://example.org:99999",
            "http://[::1",
        ] {
            let refused = Url::default().encode(&json!(text));
            let message = "must be an absolute http or https URL with a host";
            assert_eq!(refused, Err(Problem::at("", "format", message)), "{text}");
        }
    }
}
