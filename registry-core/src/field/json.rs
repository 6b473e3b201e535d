//! Kind json: any JSON value but null, under an own JSON Schema when one is given. Encoded as its compact text, member order kept.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jsonschema::{
    Validator,
    error::{ValidationError, ValidationErrorKind},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{attributes::Attributes, own_schema};
use crate::{entity::Encoded, limits, problem::Problem};

/// Problems told of one value; a last one says that there are more.
const PROBLEMS: usize = 100;

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Json {
    /// What the value must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<OwnSchema>,
}

/// A JSON Schema 2020-12, compiled once and shared by clones.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
struct OwnSchema {
    document: Value,
    compiled: Arc<OnceLock<Option<Validator>>>,
}

impl From<Value> for OwnSchema {
    fn from(document: Value) -> Self {
        Self {
            document,
            compiled: Arc::default(),
        }
    }
}

impl From<OwnSchema> for Value {
    fn from(schema: OwnSchema) -> Self {
        schema.document
    }
}

impl PartialEq for OwnSchema {
    /// As texts: a change of member order is a change of the document.
    fn eq(&self, other: &Self) -> bool {
        let text = |schema: &Self| schema.document.to_string();
        text(self) == text(other)
    }
}

impl fmt::Debug for OwnSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnSchema").field(&self.document).finish()
    }
}

impl OwnSchema {
    fn validator(&self) -> Option<&Validator> {
        self.compiled
            .get_or_init(|| own_schema::compile(&self.document).ok())
            .as_ref()
    }
}

impl Json {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let Some(document) = attributes.take("schema") else {
            return Self::default();
        };
        let problems = own_schema::check(document);
        if !problems.is_empty() {
            attributes.problems("schema", problems);
            return Self::default();
        }
        let schema = OwnSchema::from(document.clone());
        match own_schema::compile(document) {
            Ok(validator) => {
                // A fresh cell is always empty.
                let _ = schema.compiled.set(Some(validator));
            }
            Err(problem) => attributes.problems("schema", vec![problem]),
        }
        Self {
            schema: Some(schema),
        }
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        if let Some(schema) = &self.schema {
            map.insert("schema".to_owned(), schema.document.clone());
        }
    }

    /// The own schema. Its references are relative to itself, so it gets an identifier to stand under within a larger one.
    pub(super) fn schema(&self, identifier: &str) -> Map<String, Value> {
        let Some(Value::Object(own)) = self.schema.as_ref().map(|schema| &schema.document) else {
            return Map::new();
        };
        let mut schema = Map::new();
        if own_schema::has_reference(own) {
            schema.insert("$id".to_owned(), json!(identifier));
        }
        let rest = own.iter().filter(|(name, _)| *name != "$schema");
        schema.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Vec<Problem>> {
        if value.is_null() {
            return Err(vec![Problem::at("", "type", "must not be null")]);
        }
        if own_schema::deeper_than(value, limits::JSON_VALUE_DEPTH) {
            let message = format!("is nested more than {} deep", limits::JSON_VALUE_DEPTH);
            return Err(vec![Problem::at("", "too_deep", message)]);
        }
        let text = value.to_string();
        if text.len() > limits::TEXT_BYTES {
            let message = format!("must have at most {} bytes", limits::TEXT_BYTES);
            return Err(vec![Problem::at("", "too_long", message)]);
        }
        // An escaped backslash before `u0000` looks the same: only then is the value searched.
        if text.contains("\\u0000") && holds_nul(value) {
            let message = "must not hold the character U+0000";
            return Err(vec![Problem::at("", "nul_character", message)]);
        }
        let Some(schema) = &self.schema else {
            return Ok(Encoded(text));
        };
        let Some(validator) = schema.validator() else {
            let message = "the field's JSON Schema can no longer be compiled";
            return Err(vec![Problem::at("", "schema", message)]);
        };
        if validator.is_valid(value) {
            return Ok(Encoded(text));
        }
        let mut errors = validator.iter_errors(value);
        let mut problems: Vec<Problem> = errors
            .by_ref()
            .take(PROBLEMS)
            .map(|error| problem(&error))
            .collect();
        if errors.next().is_some() {
            problems.push(Problem::at("", "more", "there are more problems"));
        }
        Err(problems)
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The problem that an error of the validator is: its place in the value, a stable code, a message without the value.
fn problem(error: &ValidationError<'_>) -> Problem {
    use ValidationErrorKind as Kind;
    let (code, message) = match error.kind() {
        Kind::Type { .. } => ("type", "has the wrong type".to_owned()),
        Kind::Required { property } => ("required", format!("lacks the member {property}")),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: String = unexpected.join(", ").chars().take(200).collect();
            let message = format!("has members that are not allowed: {names}");
            ("unknown_member", message)
        }
        Kind::MinLength { limit } => (
            "too_short",
            format!("must have at least {limit} characters"),
        ),
        Kind::MaxLength { limit } => ("too_long", format!("must have at most {limit} characters")),
        Kind::Minimum { limit } => ("out_of_range", format!("must be at least {limit}")),
        Kind::Maximum { limit } => ("out_of_range", format!("must be at most {limit}")),
        Kind::ExclusiveMinimum { limit } => ("out_of_range", format!("must be above {limit}")),
        Kind::ExclusiveMaximum { limit } => ("out_of_range", format!("must be below {limit}")),
        Kind::MinItems { limit } => ("too_few_items", format!("must have at least {limit} items")),
        Kind::MaxItems { limit } => ("too_many_items", format!("must have at most {limit} items")),
        Kind::Pattern { pattern } => ("pattern", format!("must match the pattern {pattern}")),
        Kind::Format { format } => ("format", format!("must have the format {format}")),
        Kind::Enum { .. } | Kind::Constant { .. } => (
            "not_a_choice",
            "must be one of the values allowed".to_owned(),
        ),
        other => {
            let message = format!("breaks `{}` of the field's JSON Schema", other.keyword());
            ("schema", message)
        }
    };
    Problem::at(error.instance_path().as_str(), code, message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn with_schema(schema: &Value) -> Result<Json, Vec<Problem>> {
        let map = json!({"schema": schema});
        let mut attributes = Attributes::new(map.as_object().unwrap(), "/fields/doc");
        let kind = Json::define(&mut attributes);
        attributes.finish("json", kind)
    }

    #[test]
    fn values_keep_their_member_order() {
        let value: Value =
            serde_json::from_str(r#"{"b":1.0, "a":[null, 1e300, "\\u0000"]}"#).unwrap();
        let encoded = Json::default().encode(&value).unwrap();
        assert_eq!(encoded.as_str(), r#"{"b":1.0,"a":[null,1e+300,"\\u0000"]}"#);
    }

    #[test]
    fn all_problems_of_a_value_at_once() {
        let json = with_schema(&json!({
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/short"},
                "b": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "c": {"format": "date"},
                "d": true
            },
            "required": ["d"],
            "additionalProperties": false,
            "$defs": {"short": {"type": "string", "maxLength": 2}}
        }))
        .unwrap();
        let value = json!({"a": "abc", "b": [1, "x", -1], "c": "2026-02-30", "e~/": 1});
        let mut problems = json.encode(&value).unwrap_err();
        problems.sort_by_key(|problem| format!("{:?}", problem.place));
        assert_eq!(
            problems,
            [
                Problem::at(
                    "",
                    "unknown_member",
                    "has members that are not allowed: e~/"
                ),
                Problem::at("", "required", "lacks the member \"d\""),
                Problem::at("/a", "too_long", "must have at most 2 characters"),
                Problem::at("/b/1", "type", "has the wrong type"),
                Problem::at("/b/2", "out_of_range", "must be at least 0"),
                Problem::at("/c", "format", "must have the format date"),
            ]
        );
        let good = json!({"a": "ab", "b": [], "d": null});
        assert_eq!(json.encode(&good), Ok(Encoded(good.to_string())));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let code = |value: Value| Json::default().encode(&value).unwrap_err()[0].code;
        assert_eq!(code(Value::Null), "type");
        assert_eq!(code(json!({"a": ["\0"]})), "nul_character");
        assert_eq!(code(json!({"\0": 1})), "nul_character");
        assert_eq!(code(json!("a".repeat(1024 * 1024))), "too_long");
        let nested = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
        assert_eq!(code(nested(63)), "too_deep");
        assert!(Json::default().encode(&nested(62)).is_ok());
    }

    #[test]
    fn many_problems_end_with_a_word() {
        let json = with_schema(&json!({"items": {"type": "integer"}})).unwrap();
        let problems = json.encode(&json!(vec!["x"; 1000])).unwrap_err();
        assert_eq!(problems.len(), 101);
        assert_eq!(
            problems.last(),
            Some(&Problem::at("", "more", "there are more problems"))
        );
    }

    #[test]
    fn a_schema_survives_being_stored() {
        let json = with_schema(&json!({"type": "integer"})).unwrap();
        let stored: Json = serde_json::from_value(serde_json::to_value(&json).unwrap()).unwrap();
        assert_eq!(stored, json);
        assert_eq!(stored.encode(&json!("x")), json.encode(&json!("x")));
    }
}
