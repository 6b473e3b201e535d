//! Kind email: an address (RFC 5321, with RFC 6531's characters), kept as given; no display name.

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::text::Text;
use crate::{entity::Encoded, problem::Problem};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Email {
    #[serde(flatten)]
    pub(super) text: Text,
}

impl Email {
    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut schema = self.text.schema();
        schema.insert("format".to_owned(), json!("idn-email"));
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let text = self.text.read(value)?;
        let options = Options::default().without_display_text();
        let control = text.contains(char::is_control);
        if !control && EmailAddress::parse_with_options(text, options).is_ok() {
            Ok(Encoded(text.to_owned()))
        } else {
            Err(Problem::at("", "format", "must be an e-mail address"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_given() {
        for text in [
            "Ann@Example.ORG",
            "a.b+c@example.co.uk",
            "root@localhost",
            "\"a b\"@example.org",
            "jörg@müller.de",
        ] {
            let encoded = Email::default().encode(&json!(text));
            assert_eq!(encoded, Ok(Encoded(text.to_owned())));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a@b@c",
            "ann @example.org",
            "ann@example.org\n",
            "ann\n@example.org",
            "Ann <ann@example.org>",
            ".ann@example.org",
            "ann@example..org",
            &long,
        ] {
            let refused = Email::default().encode(&json!(text));
            let problem = Problem::at("", "format", "must be an e-mail address");
            assert_eq!(refused, Err(problem), "{text}");
        }
    }
}
