//! Kind text: any text without U+0000, kept as given, no normalisation. Encoded as itself: code point order is UTF-8's byte order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Pattern, attributes::Attributes};
use crate::{entity::Encoded, limits, problem::Problem};

/// Rules, shared by the kinds that are texts with a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// Fewest characters (code points).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<u64>,
    /// Most characters (code points).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u64>,
    /// What the text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<Pattern>,
}

impl Text {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let min_length = attributes.length("min_length");
        let max_length = attributes.length("max_length");
        attributes.bounds(
            ("min_length", min_length.as_ref()),
            ("max_length", max_length.as_ref()),
        );
        let pattern = attributes.pattern("pattern");
        Self {
            min_length,
            max_length,
            pattern,
        }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        if let Some(length) = self.min_length {
            map.insert("min_length".to_owned(), json!(length));
        }
        if let Some(length) = self.max_length {
            map.insert("max_length".to_owned(), json!(length));
        }
        if let Some(pattern) = &self.pattern {
            map.insert("pattern".to_owned(), json!(pattern.source()));
        }
    }

    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("string"));
        if let Some(length) = self.min_length {
            schema.insert("minLength".to_owned(), json!(length));
        }
        if let Some(length) = self.max_length {
            schema.insert("maxLength".to_owned(), json!(length));
        }
        if let Some(pattern) = &self.pattern {
            schema.insert("pattern".to_owned(), json!(pattern.source()));
        }
        schema
    }

    /// The text of a value that keeps the rules.
    pub(super) fn read<'a>(&self, value: &'a Value) -> Result<&'a str, Problem> {
        let text = plain(value)?;
        // Characters are never more than bytes: most texts need no counting.
        let bytes = text.len() as u64;
        if let Some(most) = self.max_length
            && bytes > most
            && text.chars().count() as u64 > most
        {
            let message = format!("must have at most {most} characters");
            return Err(Problem::at("", "too_long", message));
        }
        // A character has at most four bytes.
        if let Some(least) = self.min_length
            && bytes / 4 < least
            && (text.chars().count() as u64) < least
        {
            let message = format!("must have at least {least} characters");
            return Err(Problem::at("", "too_short", message));
        }
        if let Some(pattern) = &self.pattern
            && !pattern.matches(value)
        {
            let message = match pattern.source() {
                short if short.len() <= 200 => format!("must match the pattern {short}"),
                _ => "must match the field's pattern".to_owned(),
            };
            return Err(Problem::at("", "pattern", message));
        }
        Ok(text)
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        self.read(value).map(|text| Encoded(text.to_owned()))
    }
}

/// Any text that can be kept at all.
pub(super) fn plain(value: &Value) -> Result<&str, Problem> {
    let Value::String(text) = value else {
        return Err(Problem::at("", "type", "must be a text"));
    };
    if text.len() > limits::TEXT_BYTES {
        let message = format!("must have at most {} bytes", limits::TEXT_BYTES);
        return Err(Problem::at("", "too_long", message));
    }
    if text.contains('\0') {
        let message = "must not hold the character U+0000";
        return Err(Problem::at("", "nul_character", message));
    }
    Ok(text)
}
