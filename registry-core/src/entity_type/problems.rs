//! Everything that is wrong with one type document, and the refusal made of it.

use crate::{Error, Problem, problem::Refusal};

/// Problems in the order they were found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(Problem::at(pointer, code, message));
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        self.0.extend(problems);
    }

    /// Nothing, or one refusal with all problems. What cannot be read outweighs what breaks a rule, and that what stands against other
    /// types, since the later checks mean nothing while the earlier fail.
    pub(super) fn into_result(self) -> Result<(), Error> {
        let class = self.0.iter().map(class_of).min_by_key(|class| match class {
            Refusal::Malformed => 0,
            Refusal::Invalid => 1,
            _ => 2,
        });
        let Some(class) = class else {
            return Ok(());
        };
        let mut error = Error::problems(class, "invalid_type", self.0);
        if let (Refusal::Invalid, Error::Refused(refused)) = (class, &mut error) {
            refused.code = "invalid_type";
        }
        Err(error)
    }
}

fn class_of(problem: &Problem) -> Refusal {
    match problem.code {
        "unknown_member" | "read_only_field" | "not_supported_yet" | "nul_character" => {
            Refusal::Malformed
        }
        "name_taken" | "type_exists" => Refusal::Conflict,
        _ => Refusal::Invalid,
    }
}
