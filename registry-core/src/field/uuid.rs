//! Kind uuid: RFC 9562's hyphenated form, either case in, lower case out. Encoded as itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{EntityId, entity::Encoded, problem::Problem};

/// Rules: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uuid {}

pub(super) fn schema() -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("format".to_owned(), json!("uuid"));
    schema
}

pub(super) fn read(value: &Value) -> Result<Encoded, Problem> {
    let Value::String(text) = value else {
        return Err(Problem::at("", "type", "must be a UUID in a text"));
    };
    parse(text).ok_or_else(|| Problem::at("", "format", "must be a UUID with hyphens"))
}

/// Reads the hyphenated form.
pub(super) fn parse(text: &str) -> Option<Encoded> {
    let id: EntityId = text.parse().ok()?;
    Some(Encoded(id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_read() {
        let lower = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
        assert_eq!(parse(lower), Some(Encoded(lower.to_owned())));
        assert_eq!(
            parse(&lower.to_uppercase()),
            Some(Encoded(lower.to_owned()))
        );
        for text in [
            "",
            "0190aaaabbbb7ccc8dddeeeeffff0000",
            "{0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000}",
            "urn:uuid:0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
            "0190aaaa-bbbb-7ccc-8ddd-eeeeffff000g",
            "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000 ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
