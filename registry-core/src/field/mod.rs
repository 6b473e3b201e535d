//! Field kinds: what a value of each may be, how it is written, compared and described. One file per kind.

mod boolean;
mod date;
mod datetime;
mod decimal;
mod email;
mod r#enum;
mod integer;
mod json;
pub mod literal;
mod number;
mod text;
mod url;
mod uuid;

use serde::{Deserialize, Serialize};

/// The kind of a field, with the rules that a definition may add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text(text::Text),
    /// Absolute http or https URL.
    Url(url::Url),
    /// E-mail address.
    Email(email::Email),
    /// One of the choices.
    Enum(r#enum::Enum),
    /// Signed 64-bit integer.
    Integer(integer::Integer),
    /// Finite binary64.
    Number(number::Number),
    /// Exact decimal of at most 38 digits.
    Decimal(decimal::Decimal),
    /// True or false.
    Boolean(boolean::Boolean),
    /// Calendar date.
    Date(date::Date),
    /// Instant, to the microsecond.
    Datetime(datetime::Datetime),
    /// UUID.
    Uuid(uuid::Uuid),
    /// Any JSON, under an own JSON Schema.
    Json(json::Json),
}

/// Encodes an integer: 16 hex digits of its bits with the sign bit turned, so that text order is number order.
pub fn encode_integer(value: i64) -> crate::Encoded {
    crate::Encoded(format!("{:016x}", value.cast_unsigned() ^ (1 << 63)))
}

impl Kind {
    /// PLACEHOLDER
    pub fn from_definition(
        type_name: &str,
        attributes: &serde_json::Map<String, serde_json::Value>,
        pointer: &str,
    ) -> Result<Self, Vec<crate::Problem>> {
        if let Some((name, _)) = attributes.iter().next() {
            return Err(vec![crate::Problem::at(
                format!("{pointer}/{name}"),
                "unknown_member",
                format!("unknown member {name}"),
            )]);
        }
        serde_json::from_value(serde_json::json!({"kind": type_name})).map_err(|_| {
            vec![crate::Problem::at(
                format!("{pointer}/type"),
                "unknown_kind",
                format!("no kind {type_name}"),
            )]
        })
    }

    /// PLACEHOLDER
    pub fn attributes(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::new()
    }

    /// PLACEHOLDER
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Text(_) => "text",
            Kind::Url(_) => "url",
            Kind::Email(_) => "email",
            Kind::Enum(_) => "enum",
            Kind::Integer(_) => "integer",
            Kind::Number(_) => "number",
            Kind::Decimal(_) => "decimal",
            Kind::Boolean(_) => "boolean",
            Kind::Date(_) => "date",
            Kind::Datetime(_) => "datetime",
            Kind::Uuid(_) => "uuid",
            Kind::Json(_) => "json",
        }
    }
}

/// PLACEHOLDER
pub fn check_default(_: &crate::entity_type::Field) -> Result<(), crate::Problem> {
    Ok(())
}

/// PLACEHOLDER
pub fn violated_fields(after: &crate::EntityType, data: &crate::Data) -> Vec<crate::FieldNumber> {
    let missing = after
        .live_fields()
        .filter(|field| field.required && !data.contains_key(&field.number));
    missing.map(|field| field.number).collect()
}
