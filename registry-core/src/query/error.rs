//! What is wrong with a filter, and where.

use thiserror::Error as ThisError;

use crate::problem::{Error, Problem, Refusal};

/// A filter that cannot be read, or that its types do not allow.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{message} at byte {offset}")]
pub struct FilterError {
    /// Where, in bytes from the beginning of the text.
    pub offset: usize,
    /// For people: lower case, without a full stop.
    pub message: String,
}

impl FilterError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
        }
    }

    /// The refusal that names the query parameter (or body member) the text came in: 400 `invalid_filter` with `offset`.
    pub fn refuse(self, parameter: &str) -> Error {
        let problem = Problem::parameter(parameter, "invalid_filter", self.message);
        Error::problems(Refusal::Malformed, "invalid_filter", vec![problem])
            .with("offset", self.offset)
    }
}

/// A refusal of a query parameter: 400 with this code.
pub(super) fn refuse(parameter: &str, code: &'static str, message: impl Into<String>) -> Error {
    let problem = Problem::parameter(parameter, code, message);
    Error::problems(Refusal::Malformed, code, vec![problem])
}

/// A refusal of a name in a query parameter: 422 with this code, as for a name in a body.
pub(super) fn refuse_name(
    parameter: &str,
    code: &'static str,
    message: impl Into<String>,
) -> Error {
    let problem = Problem::parameter(parameter, code, message);
    Error::problems(Refusal::Invalid, code, vec![problem])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Refused;

    #[test]
    fn a_refusal_names_the_parameter_and_the_offset() {
        let Error::Refused(refused) = FilterError::new(7, "unknown name x").refuse("fields") else {
            unreachable!("a refusal")
        };
        let message = "unknown name x";
        let expected = Refused {
            class: Refusal::Malformed,
            code: "invalid_filter",
            detail: message.to_owned(),
            problems: vec![Problem::parameter("fields", "invalid_filter", message)],
            current: None,
            extra: vec![("offset", 7.into())],
        };
        assert_eq!(*refused, expected);
    }
}
