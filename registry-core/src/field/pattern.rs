//! Patterns: ECMA-262 regular expressions as JSON Schema has them, on an engine whose time is linear in the text.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jsonschema::{PatternOptions, ValidationOptions, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Bytes of a pattern as written.
const SOURCE_BYTES: usize = 4 * 1024;
/// Bytes of a compiled pattern; keeps nested repetitions such as `(a{1000}){1000}` out.
const COMPILED_BYTES: usize = 2 * 1024 * 1024;

/// How every JSON Schema here is compiled: offline, 2020-12, formats asserted, unknown ones refused, patterns linear in time and bounded in size.
pub(super) fn schema_options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(COMPILED_BYTES))
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
}

/// A pattern; found anywhere in the text unless anchored. Compiled once and shared by clones.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    source: String,
    compiled: Arc<OnceLock<Option<Validator>>>,
}

impl Pattern {
    /// Compiles a pattern; the error says what is wrong with it.
    pub fn new(source: &str) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES {
            return Err(format!("is longer than {SOURCE_BYTES} bytes"));
        }
        if source.contains('\0') {
            return Err("holds the character U+0000".to_owned());
        }
        let validator = compile(source).ok_or(
            "is not a regular expression of at most 2 MiB, compiled, without look-around and backreference",
        )?;
        let pattern = Self::from(source.to_owned());
        // A fresh cell is always empty.
        let _ = pattern.compiled.set(Some(validator));
        Ok(pattern)
    }

    /// The pattern as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a text matches. One that no longer compiles matches nothing; definitions with such a pattern are refused.
    pub(super) fn matches(&self, text: &Value) -> bool {
        self.compiled
            .get_or_init(|| compile(&self.source))
            .as_ref()
            .is_some_and(|validator| validator.is_valid(text))
    }
}

fn compile(source: &str) -> Option<Validator> {
    schema_options().build(&json!({"pattern": source})).ok()
}

impl From<String> for Pattern {
    fn from(source: String) -> Self {
        Self {
            source,
            compiled: Arc::default(),
        }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_linear_or_too_large_is_refused() {
        for source in [
            "(",
            "(a{1000}){1000}",
            r"(a)\1",
            "(?=a)b",
            "(?!a)b",
            "(?<=a)b",
            "[z-a]",
            "a\0",
            &"a".repeat(1024 * 1024),
        ] {
            let shown: String = source.chars().take(20).collect();
            assert!(Pattern::new(source).is_err(), "{shown}");
        }
    }

    #[test]
    fn linear_ones_match_anywhere() {
        for (source, text, matches) in [
            ("(a+)+$", "baa", true),
            ("^[A-Z]{4}$", "KJFK", true),
            ("^[A-Z]{4}$", "KJFKX", false),
            ("^[A-Z]{4}$", "KJFK\n", false),
            (r"\d", "٣", false),
            (r"^\p{L}{1,30}$", "éß", true),
            ("", "", true),
        ] {
            let pattern = Pattern::new(source);
            let result = pattern.map(|pattern| pattern.matches(&json!(text)));
            assert_eq!(result, Ok(matches), "{source} {text}");
        }
    }

    #[test]
    fn repetition_of_repetition_takes_linear_time() {
        let text = json!(format!("{}b", "a".repeat(64 * 1024)));
        let started = std::time::Instant::now();
        let pattern = Pattern::new("^(a+)+$");
        assert_eq!(pattern.map(|pattern| pattern.matches(&text)), Ok(false));
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }
}
