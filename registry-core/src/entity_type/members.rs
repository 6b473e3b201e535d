//! Reads the members of one object of a type document. `null` is absence.

use serde_json::{Map, Value};

use super::problems::Problems;
use crate::problem::pointer_token;

/// The members of an object that stands at a pointer.
#[derive(Debug)]
pub(super) struct Members<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) pointer: &'a str,
}

impl<'a> Members<'a> {
    /// Pointer of a member.
    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, pointer_token(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str, problems: &mut Problems) -> Option<String> {
        let text = self.get(name)?.as_str();
        if text.is_none() {
            problems.add(self.pointer(name), "type", "must be a text");
        }
        text.map(str::to_owned)
    }

    pub(super) fn flag(&self, name: &str, problems: &mut Problems) -> Option<bool> {
        let flag = self.get(name)?.as_bool();
        if flag.is_none() {
            problems.add(self.pointer(name), "type", "must be true or false");
        }
        flag
    }

    pub(super) fn count(&self, name: &str, problems: &mut Problems) -> Option<u64> {
        let value = self.get(name)?;
        let count = value.as_u64();
        if count.is_none() {
            problems.add(self.pointer(name), "type", "must be a whole number from 0");
        }
        count
    }

    pub(super) fn object(
        &self,
        name: &str,
        problems: &mut Problems,
    ) -> Option<&'a Map<String, Value>> {
        let object = self.get(name)?.as_object();
        if object.is_none() {
            problems.add(self.pointer(name), "type", "must be an object");
        }
        object
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str, problems: &mut Problems) -> Option<Vec<String>> {
        texts(self.get(name)?, &self.pointer(name), problems)
    }
}

/// A list of texts at a pointer.
pub(super) fn texts(value: &Value, pointer: &str, problems: &mut Problems) -> Option<Vec<String>> {
    let Value::Array(items) = value else {
        problems.add(pointer, "type", "must be a list of texts");
        return None;
    };
    let mut found = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item {
            Value::String(text) => found.push(text.clone()),
            _ => problems.add(format!("{pointer}/{index}"), "type", "must be a text"),
        }
    }
    (found.len() == items.len()).then_some(found)
}

/// Reports every text and member name with a NUL in it: no store could hold it alike.
pub(super) fn refuse_nul(map: &Map<String, Value>, pointer: &str, problems: &mut Problems) {
    for (name, value) in map {
        let pointer = format!("{pointer}/{}", pointer_token(name));
        if name.contains('\0') {
            problems.add(&pointer, "nul_character", "a name must not hold U+0000");
        }
        refuse_nul_in(value, &pointer, problems);
    }
}

fn refuse_nul_in(value: &Value, pointer: &str, problems: &mut Problems) {
    match value {
        Value::String(text) if text.contains('\0') => {
            problems.add(pointer, "nul_character", "a text must not hold U+0000");
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                refuse_nul_in(item, &format!("{pointer}/{index}"), problems);
            }
        }
        Value::Object(map) => refuse_nul(map, pointer, problems),
        _ => {}
    }
}
