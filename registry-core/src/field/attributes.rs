//! Reading the attributes of a kind from a definition, all problems at once.

use serde_json::{Map, Value};

use super::Pattern;
use crate::problem::{Problem, pointer_token};

/// The attributes of one definition; each is taken once, what is left over is unknown.
pub(super) struct Attributes<'a> {
    map: &'a Map<String, Value>,
    pointer: &'a str,
    taken: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(map: &'a Map<String, Value>, pointer: &'a str) -> Self {
        Self {
            map,
            pointer,
            taken: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The value of an attribute; `null` counts as absent.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.taken.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Notes a problem of an attribute.
    pub(super) fn problem(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let pointer = format!("{}/{}", self.pointer, pointer_token(name));
        self.problems.push(Problem::at(pointer, code, message));
    }

    /// Notes problems whose pointers are relative to an attribute.
    pub(super) fn problems(&mut self, name: &str, problems: Vec<Problem>) {
        let pointer = format!("{}/{}", self.pointer, pointer_token(name));
        let placed = problems.into_iter().map(|problem| problem.under(&pointer));
        self.problems.extend(placed);
    }

    /// An integer from 0.
    pub(super) fn length(&mut self, name: &'static str) -> Option<u64> {
        let value = self.take(name)?;
        let length = value.as_u64();
        if length.is_none() {
            self.problem(name, "type", "must be an integer from 0");
        }
        length
    }

    /// A pattern that the linear engine takes.
    pub(super) fn pattern(&mut self, name: &'static str) -> Option<Pattern> {
        let Value::String(source) = self.take(name)? else {
            self.problem(name, "type", "must be a text");
            return None;
        };
        match Pattern::new(source) {
            Ok(pattern) => Some(pattern),
            Err(message) => {
                self.problem(name, "pattern", message);
                None
            }
        }
    }

    /// Whatever `read` makes of it.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        match read(self.take(name)?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(name, problem.code, problem.message);
                None
            }
        }
    }

    /// Notes a lower bound above its upper one.
    pub(super) fn bounds<T: PartialOrd>(
        &mut self,
        low: (&'static str, Option<&T>),
        high: (&'static str, Option<&T>),
    ) {
        if let (Some(least), Some(most)) = (low.1, high.1)
            && least > most
        {
            self.problem(low.0, "out_of_range", format!("is above {}", high.0));
        }
    }

    /// The kind, unless something was wrong.
    pub(super) fn finish<T>(mut self, kind: &str, value: T) -> Result<T, Vec<Problem>> {
        for name in self.map.keys() {
            if !self.taken.contains(&name.as_str()) {
                let pointer = format!("{}/{}", self.pointer, pointer_token(name));
                let message = format!("kind {kind} has no such attribute");
                self.problems
                    .push(Problem::at(pointer, "unknown_member", message));
            }
        }
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self.problems)
        }
    }
}
