//! Field kinds: what a value of each may be, how it is written, compared and described. One file per kind.

mod boolean;
mod date;
mod datetime;
mod decimal;
mod email;
mod r#enum;
mod integer;
mod json;
mod literal;
mod number;
mod text;
mod url;
mod uuid;

use serde::{Deserialize, Serialize};

pub use self::{
    datetime::Datetime,
    integer::Integer,
    json::Json,
    literal::{Comparison, Literal, LiteralError, LiteralTest},
    text::Text,
};

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
