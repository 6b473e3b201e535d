//! Field kinds: what a value of each may be, how it is written, compared and described. One file per kind.
//!
//! Codes of problems with a value: `type`, `format`, `out_of_range`, `too_short`, `too_long`, `pattern`, `not_a_choice`, `precision`,
//! `scale`, `nul_character`, and for json fields also `too_deep`, `required`, `unknown_member`, `too_few_items`, `too_many_items`, `schema`. With a
//! definition: `unknown_kind`, `unknown_member`, `required`, `duplicate` and those above.

mod attributes;
mod boolean;
mod date;
mod datetime;
mod decimal;
mod email;
mod r#enum;
mod exact;
mod integer;
mod json;
mod literal;
mod number;
mod own_schema;
mod pattern;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod uuid;

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::attributes::Attributes;
pub use self::{
    boolean::Boolean,
    date::Date,
    datetime::Datetime,
    decimal::Decimal,
    email::Email,
    r#enum::Enum,
    integer::{Integer, decode as decode_integer, encode as encode_integer},
    json::Json,
    literal::{Comparison, Literal, LiteralError, LiteralTest},
    number::Number,
    pattern::Pattern,
    text::Text,
    url::Url,
    uuid::Uuid,
};
use crate::{entity::Encoded, limits, problem::Problem};

/// The kind of a field, with the rules that a definition may add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text(Text),
    /// Absolute http or https URL.
    Url(Url),
    /// E-mail address.
    Email(Email),
    /// One of the choices.
    Enum(Enum),
    /// Signed 64-bit integer.
    Integer(Integer),
    /// Finite binary64.
    Number(Number),
    /// Exact decimal of at most 38 digits.
    Decimal(Decimal),
    /// True or false.
    Boolean(Boolean),
    /// Calendar date.
    Date(Date),
    /// Instant, to the microsecond.
    Datetime(Datetime),
    /// UUID.
    Uuid(Uuid),
    /// Any JSON, under an own JSON Schema.
    Json(Json),
}

impl Kind {
    /// The names of all kinds.
    pub const NAMES: [&'static str; 12] = [
        "text", "url", "email", "enum", "integer", "number", "decimal", "boolean", "date",
        "datetime", "uuid", "json",
    ];

    /// Reads a kind from a definition: `type_name` is the field's `type`, `attributes` those of its members that belong to a kind (`min`
    /// `max` `min_length` `max_length` `pattern` `choices` `precision` `scale` `schema`), `pointer` the place of the field's object.
    /// Gives all problems at once.
    pub fn from_definition(
        type_name: &str,
        attributes: &Map<String, Value>,
        pointer: &str,
    ) -> Result<Self, Vec<Problem>> {
        let mut from = Attributes::new(attributes, pointer);
        let kind = match type_name {
            "text" => Self::Text(Text::define(&mut from)),
            "url" => Self::Url(Url {
                text: Text::define(&mut from),
            }),
            "email" => Self::Email(Email {
                text: Text::define(&mut from),
            }),
            "enum" => Self::Enum(Enum::define(&mut from)),
            "integer" => Self::Integer(Integer::define(&mut from)),
            "number" => Self::Number(Number::define(&mut from)),
            "decimal" => Self::Decimal(Decimal::define(&mut from)),
            "boolean" => Self::Boolean(Boolean {}),
            "date" => Self::Date(Date::define(&mut from)),
            "datetime" => Self::Datetime(Datetime::define(&mut from)),
            "uuid" => Self::Uuid(Uuid {}),
            "json" => Self::Json(Json::define(&mut from)),
            _ => {
                let message = format!("must be one of {}", Self::NAMES.join(", "));
                let pointer = format!("{pointer}/type");
                return Err(vec![Problem::at(pointer, "unknown_kind", message)]);
            }
        };
        from.finish(kind.name(), kind)
    }

    /// The name, as in `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Url(_) => "url",
            Self::Email(_) => "email",
            Self::Enum(_) => "enum",
            Self::Integer(_) => "integer",
            Self::Number(_) => "number",
            Self::Decimal(_) => "decimal",
            Self::Boolean(_) => "boolean",
            Self::Date(_) => "date",
            Self::Datetime(_) => "datetime",
            Self::Uuid(_) => "uuid",
            Self::Json(_) => "json",
        }
    }

    /// The attributes that [`Kind::from_definition`] reads back.
    pub fn attributes(&self) -> Map<String, Value> {
        let mut map = Map::new();
        match self {
            Self::Text(kind) => kind.attributes(&mut map),
            Self::Url(kind) => kind.text.attributes(&mut map),
            Self::Email(kind) => kind.text.attributes(&mut map),
            Self::Enum(kind) => kind.attributes(&mut map),
            Self::Integer(kind) => kind.attributes(&mut map),
            Self::Number(kind) => kind.attributes(&mut map),
            Self::Decimal(kind) => kind.attributes(&mut map),
            Self::Boolean(_) | Self::Uuid(_) => {}
            Self::Date(kind) => kind.attributes(&mut map),
            Self::Datetime(kind) => kind.attributes(&mut map),
            Self::Json(kind) => kind.attributes(&mut map),
        }
        map
    }

    /// Whether values have an order that filters and sorts may use: all but json.
    pub fn comparable(&self) -> bool {
        !matches!(self, Self::Json(_))
    }

    /// Whether a field may be `unique` or part of a key: all but json and number. (A list may not either.)
    pub fn can_be_unique(&self) -> bool {
        !matches!(self, Self::Json(_) | Self::Number(_))
    }

    /// Whether full text search may look at a field: text alone.
    pub fn can_be_searchable(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether the encoded form is the value's own text, so that it may be searched for a part.
    pub fn encoded_as_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Url(_) | Self::Email(_))
    }

    /// Encodes a value that keeps the rules; nothing is coerced. The pointers of the problems are relative to the value; only a json field
    /// has more than one.
    pub fn encode_all(&self, value: &Value) -> Result<Encoded, Vec<Problem>> {
        match self {
            Self::Text(kind) => kind.encode(value),
            Self::Url(kind) => kind.encode(value),
            Self::Email(kind) => kind.encode(value),
            Self::Enum(kind) => kind.encode(value),
            Self::Integer(kind) => kind.encode(value),
            Self::Number(kind) => kind.encode(value),
            Self::Decimal(kind) => kind.encode(value),
            Self::Boolean(_) => boolean::read(value),
            Self::Date(kind) => kind.encode(value),
            Self::Datetime(kind) => kind.encode(value),
            Self::Uuid(_) => uuid::read(value),
            Self::Json(kind) => return kind.encode(value),
        }
        .map_err(|problem| vec![problem])
    }

    /// The same with the first problem alone.
    pub fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        self.encode_all(value).map_err(|problems| {
            let first = problems.into_iter().next();
            first.unwrap_or_else(|| Problem::at("", "type", "is not a value of this kind"))
        })
    }

    /// The value of an encoded form; `None` for a text that is not an encoded form of the kind.
    pub fn try_decode(&self, encoded: &str) -> Option<Value> {
        Some(match self {
            Self::Text(_)
            | Self::Url(_)
            | Self::Email(_)
            | Self::Enum(_)
            | Self::Date(_)
            | Self::Datetime(_)
            | Self::Uuid(_) => Value::String(encoded.to_owned()),
            Self::Integer(_) => integer::decode(encoded)?.into(),
            Self::Number(_) => serde_json::Number::from_f64(number::decode(encoded)?)?.into(),
            Self::Decimal(_) => Value::String(decimal::decode(encoded)?),
            Self::Boolean(_) => match encoded {
                "0" => Value::Bool(false),
                "1" => Value::Bool(true),
                _ => return None,
            },
            Self::Json(_) => serde_json::from_str(encoded).ok()?,
        })
    }

    /// The value of an encoded form that [`Kind::encode`] made; null for any other text.
    pub fn decode(&self, encoded: &str) -> Value {
        self.try_decode(encoded).unwrap_or(Value::Null)
    }

    /// Writes the value as JSON, without building it.
    pub fn write_json(&self, encoded: &str, out: &mut Vec<u8>) {
        // Writing into a vector does not fail.
        let _ = match self {
            Self::Text(_) | Self::Url(_) | Self::Email(_) | Self::Enum(_) => {
                serde_json::to_writer(out, encoded).map_err(Into::into)
            }
            Self::Date(_) | Self::Datetime(_) | Self::Uuid(_) => write!(out, "\"{encoded}\""),
            Self::Integer(_) => match integer::decode(encoded) {
                Some(integer) => write!(out, "{integer}"),
                None => out.write_all(b"null"),
            },
            Self::Number(_) => {
                serde_json::to_writer(out, &number::decode(encoded)).map_err(Into::into)
            }
            Self::Decimal(_) => match decimal::decode(encoded) {
                Some(text) => write!(out, "\"{text}\""),
                None => out.write_all(b"null"),
            },
            Self::Boolean(_) => out.write_all(if encoded == "1" { b"true" } else { b"false" }),
            Self::Json(_) => out.write_all(encoded.as_bytes()),
        };
    }

    /// Reads a cell of a CSV file, or an unquoted value, into the JSON value that [`Kind::encode`] then takes. Nothing is trimmed. Texts
    /// come back as they are, whatever the rules say of them.
    pub fn parse_text(&self, text: &str) -> Result<Value, Problem> {
        match self {
            Self::Text(_)
            | Self::Url(_)
            | Self::Email(_)
            | Self::Enum(_)
            | Self::Decimal(_)
            | Self::Date(_)
            | Self::Datetime(_)
            | Self::Uuid(_) => Ok(Value::String(text.to_owned())),
            Self::Integer(_) => integer::parse_text(text),
            Self::Number(_) => number::parse_text(text),
            Self::Boolean(_) => boolean::parse_text(text),
            Self::Json(_) => {
                crate::json::read_with_depth(text.as_bytes(), limits::JSON_VALUE_DEPTH)
                    .map_err(|fault| fault.problem)
            }
        }
    }

    /// The cell of a CSV file that [`Kind::parse_text`] reads back.
    pub fn cell(&self, encoded: &Encoded) -> String {
        match self {
            Self::Json(_) => encoded.0.clone(),
            _ => match self.decode(encoded.as_str()) {
                Value::String(text) => text,
                other => other.to_string(),
            },
        }
    }

    /// The JSON Schema 2020-12 of one value. `identifier` is the URI that an own schema with references stands under.
    pub fn json_schema(&self, identifier: &str) -> Map<String, Value> {
        match self {
            Self::Text(kind) => kind.schema(),
            Self::Url(kind) => kind.schema(),
            Self::Email(kind) => kind.schema(),
            Self::Enum(kind) => kind.schema(),
            Self::Integer(kind) => kind.schema(),
            Self::Number(kind) => kind.schema(),
            Self::Decimal(kind) => kind.schema(),
            Self::Boolean(_) => boolean::schema(),
            Self::Date(_) => date::schema(),
            Self::Datetime(_) => datetime::schema(),
            Self::Uuid(_) => uuid::schema(),
            Self::Json(kind) => kind.schema(identifier),
        }
    }
}
