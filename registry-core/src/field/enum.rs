//! Kind enum: one of the choices, compared exactly. Encoded as itself; sorts by code point.

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{attributes::Attributes, text};
use crate::{entity::Encoded, limits, problem::Problem};

/// Choices of one field.
const CHOICES: usize = 10_000;

/// Rules.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Enum {
    /// In the definition's order.
    pub(super) choices: IndexSet<String>,
}

impl PartialEq for Enum {
    /// With the order, which the set's own comparison leaves out.
    fn eq(&self, other: &Self) -> bool {
        self.choices.as_slice() == other.choices.as_slice()
    }
}

impl Enum {
    pub(super) fn define(attributes: &mut Attributes<'_>) -> Self {
        let mut choices = IndexSet::new();
        match attributes.take("choices") {
            None => attributes.problem("choices", "required", "an enum needs its choices"),
            Some(Value::Array(items)) if items.is_empty() => {
                attributes.problem("choices", "too_few_items", "must have at least one choice");
            }
            Some(Value::Array(items)) if items.len() > CHOICES => {
                let message = format!("must have at most {CHOICES} choices");
                attributes.problem("choices", "too_many_items", message);
            }
            Some(Value::Array(items)) => {
                let mut problems = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let choice = text::plain(item).and_then(|choice| {
                        if choice.is_empty() {
                            return Err(Problem::at("", "too_short", "must not be empty"));
                        }
                        if choice.len() > limits::INDEXED_BYTES {
                            let message =
                                format!("must have at most {} bytes", limits::INDEXED_BYTES);
                            return Err(Problem::at("", "too_long", message));
                        }
                        if !choices.insert(choice.to_owned()) {
                            return Err(Problem::at("", "duplicate", "is given twice"));
                        }
                        Ok(())
                    });
                    if let Err(problem) = choice {
                        problems.push(problem.under(&format!("/{index}")));
                    }
                }
                attributes.problems("choices", problems);
            }
            Some(_) => attributes.problem("choices", "type", "must be a list of texts"),
        }
        Self { choices }
    }

    /// The choices, in the definition's order.
    pub fn choices(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().map(String::as_str)
    }

    pub(super) fn attributes(&self, map: &mut Map<String, Value>) {
        map.insert("choices".to_owned(), json!(self.choices));
    }

    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), json!(self.choices));
        schema
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Encoded, Problem> {
        let text = text::plain(value)?;
        if self.choices.contains(text) {
            Ok(Encoded(text.to_owned()))
        } else {
            let message = "must be one of the choices";
            Err(Problem::at("", "not_a_choice", message))
        }
    }
}
