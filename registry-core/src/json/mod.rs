//! Strict JSON: RFC 8259 with everything refused that would be changed or lost without a word.
//!
//! | code | class | what |
//! |---|---|---|
//! | `malformed_json` | 400 | not JSON: syntax, invalid UTF-8, a byte order mark, trailing bytes, a number beyond binary64 |
//! | `duplicate_member` | 400 | an object names a member twice |
//! | `too_deep` | 400 | nesting beyond [`limits::JSON_DEPTH`] |
//! | `nul_character` | 400 | U+0000 in a text or a member name |
//! | `out_of_range` | 422 | an integer beyond 64 bits whose digits binary64 cannot keep |
//!
//! One pass builds the value. Nesting is capped while reading, so neither reading nor dropping can exhaust the stack.

mod number;
#[cfg(test)]
mod tests;
mod value;

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use crate::{
    limits,
    problem::{Error, Problem, Refusal},
};

pub(crate) use number::survives;
use value::{Place, Reader, Seed};

/// Why a text was not read. Converts into [`Error`] with `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// [`Refusal::Malformed`], or [`Refusal::Invalid`] for `out_of_range`.
    pub class: Refusal,
    /// What is wrong, and where.
    pub problem: Problem,
}

impl Fault {
    fn malformed(problem: Problem) -> Self {
        Self {
            class: Refusal::Malformed,
            problem,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::problems(fault.class, fault.problem.code, vec![fault.problem])
    }
}

/// Reads one JSON text with at most [`limits::JSON_DEPTH`] levels of nesting. Members keep their order.
///
/// ```
/// let value = registry_core::json::read(br#"{"b": 1, "a": [true]}"#).map_err(|fault| fault.problem);
/// assert_eq!(value, Ok(serde_json::json!({"b": 1, "a": [true]})));
/// let fault = registry_core::json::read(br#"{"a": 1, "a": 2}"#).map_err(|fault| fault.problem.code);
/// assert_eq!(fault, Err("duplicate_member"));
/// ```
pub fn read(bytes: &[u8]) -> Result<Value, Fault> {
    read_with_depth(bytes, limits::JSON_DEPTH)
}

/// The same with another depth, at most 100: the number of arrays and objects around the innermost value.
pub fn read_with_depth(bytes: &[u8], depth: usize) -> Result<Value, Fault> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(malformed("the text begins with a byte order mark (BOM)"));
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| malformed(format!("invalid UTF-8 at byte {}", error.valid_up_to())))?;
    let reader = Reader::of(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // Below serde_json's own limit of 128, so that it is always ours that answers.
    let value = Seed::new(&reader, &Place::ROOT, depth.min(100))
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| match reader.take_fault() {
            Some(problem) => Fault::malformed(problem),
            None => malformed(lower_first(&error.to_string())),
        })?;
    reader.check_wide_numbers(text)?;
    Ok(value)
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::malformed(Problem::whole("malformed_json", message))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
