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

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use crate::{
    limits,
    problem::{Error, Problem, Refusal, pointer_token},
};

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
    let reader = Reader {
        long_numbers: has_long_numbers(text),
        ..Reader::default()
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let place = Place {
        parent: None,
        token: Token::Root,
    };
    let seed = Seed {
        reader: &reader,
        place: &place,
        // Below serde_json's own limit of 128, so that it is always ours that answers.
        depth: depth.min(100),
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| match reader.fault.take() {
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

/// What is noted while reading.
#[derive(Default)]
struct Reader {
    fault: RefCell<Option<Problem>>,
    /// Numbers read so far.
    numbers: Cell<usize>,
    /// Whether the text may hold a number of more digits than binary64 keeps for certain.
    long_numbers: bool,
    /// Those among the numbers that binary64 may have changed: ordinal and pointer.
    wide: RefCell<Vec<(usize, String)>>,
}

impl Reader {
    fn fail<E: de::Error>(&self, place: &Place<'_>, code: &'static str, message: &str) -> E {
        *self.fault.borrow_mut() = Some(Problem::at(place.pointer(), code, message));
        E::custom(message)
    }

    fn count_number(&self) {
        self.numbers.set(self.numbers.get() + 1);
    }

    /// Such numbers are rare: only then are the tokens looked at again, as they were written.
    fn check_wide_numbers(&self, text: &str) -> Result<(), Fault> {
        let mut tokens = number_tokens(text).enumerate();
        for (ordinal, pointer) in self.wide.borrow().iter() {
            let token = tokens.find(|(index, _)| index == ordinal);
            let Some((_, token)) = token else { break };
            if !survives(token) {
                return Err(Fault {
                    class: Refusal::Invalid,
                    problem: Problem::at(pointer, "out_of_range", "the number would lose digits")
                        .with_value(token.chars().take(64).collect::<String>()),
                });
            }
        }
        Ok(())
    }
}

/// Decimal digits that any binary64 gives back (`DBL_DIG` of C).
const CERTAIN_DIGITS: usize = 15;

/// Whether a text has a run of digits and points too long to be kept for certain. Digits within a string count too: they only cost a look.
fn has_long_numbers(text: &str) -> bool {
    let mut run = 0;
    text.bytes().any(|byte| {
        run = match byte {
            b'0'..=b'9' => run + 1,
            b'.' => run,
            _ => 0,
        };
        run > CERTAIN_DIGITS
    })
}

/// Whether a number token keeps its value as binary64: it is the shortest decimal of its float, as ECMAScript prints it, however it is
/// written; or an integer that the float is exactly.
fn survives(token: &str) -> bool {
    let Ok(float) = token.parse::<f64>() else {
        return false;
    };
    // `{:e}` prints the shortest digits that read back as the same float.
    decimal(token) == decimal(&format!("{float:e}")) || format!("{float:.0}") == token
}

/// The digits of a number without zeros at either end, and the power of ten of the last; (empty, 0) is zero.
fn decimal(token: &str) -> Option<(String, i64)> {
    let token = token.trim_start_matches('-');
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let trimmed = digits.trim_end_matches('0');
    let power =
        i64::try_from(digits.len() - trimmed.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    let significant = trimmed.trim_start_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    Some((significant.to_owned(), exponent.checked_add(power)?))
}

/// The number tokens of a well-formed JSON text, in order.
fn number_tokens(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut quoted = false;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b'-' | b'0'..=b'9' if !quoted => {
                    let start = at;
                    while bytes.get(at).is_some_and(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    }) {
                        at += 1;
                    }
                    return text.get(start..at);
                }
                _ => {}
            }
            at += 1;
        }
        None
    })
}

/// A place in the document, as a chain on the stack: pointers are built only when something is wrong.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    token: Token<'a>,
}

enum Token<'a> {
    Root,
    Member(&'a str),
    Index(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Place::pointer).unwrap_or_default();
        match self.token {
            Token::Root => {}
            Token::Member(name) => {
                pointer.push('/');
                pointer.push_str(&pointer_token(name));
            }
            Token::Index(index) => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
        pointer
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    reader: &'a Reader,
    place: &'a Place<'a>,
    /// Levels that may still be opened.
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: de::Error>(self) -> Result<usize, E> {
        self.depth.checked_sub(1).ok_or_else(|| {
            let message = "the nesting is too deep";
            self.reader.fail(self.place, "too_deep", message)
        })
    }

    fn text<E: de::Error>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            let message = "a text holds the character U+0000";
            return Err(self.reader.fail(self.place, "nul_character", message));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        self.reader.count_number();
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        self.reader.count_number();
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // Zero may be what is left of a number too small.
        if self.reader.long_numbers || value == 0.0 {
            let ordinal = self.reader.numbers.get();
            let pointer = self.place.pointer();
            self.reader.wide.borrow_mut().push((ordinal, pointer));
        }
        self.reader.count_number();
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut values = Vec::new();
        loop {
            let place = Place {
                parent: Some(self.place),
                token: Token::Index(values.len()),
            };
            let seed = Seed {
                reader: self.reader,
                place: &place,
                depth,
            };
            match items.next_element_seed(seed)? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.text(&name)?;
            let value = {
                let place = Place {
                    parent: Some(self.place),
                    token: Token::Member(&name),
                };
                members.next_value_seed(Seed {
                    reader: self.reader,
                    place: &place,
                    depth,
                })?
            };
            match map.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(value);
                }
                Entry::Occupied(occupied) => {
                    let place = Place {
                        parent: Some(self.place),
                        token: Token::Member(occupied.key()),
                    };
                    let message = "the member is given twice";
                    return Err(self.reader.fail(&place, "duplicate_member", message));
                }
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fault(bytes: &[u8]) -> (Refusal, Problem) {
        let fault = read(bytes).unwrap_err();
        (fault.class, fault.problem)
    }

    #[test]
    fn reads_what_serde_json_reads_and_keeps_the_order() {
        let text = r#" {"b": [1, -2, 18446744073709551615, 1.5, 1e300, "\u00e9😀"], "a": {"": null, "t": true}} "#;
        let value = read(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        let names: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn malformed_texts_are_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "EOF while parsing a value at line 1 column 0"),
            (
                b"\xEF\xBB\xBF{}",
                "the text begins with a byte order mark (BOM)",
            ),
            (b"\"a\xFF\"", "invalid UTF-8 at byte 2"),
            (b"{} {}", "trailing characters at line 1 column 4"),
            (b"[1,]", "trailing comma at line 1 column 4"),
            (b"1e400", "number out of range at line 1 column 5"),
            (b"NaN", "expected value at line 1 column 1"),
            (
                br#""\ud800""#,
                "unexpected end of hex escape at line 1 column 8",
            ),
            (
                b"\"a\nb\"",
                "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0",
            ),
        ];
        for (bytes, message) in cases {
            let (class, problem) = fault(bytes);
            assert_eq!(class, Refusal::Malformed);
            assert_eq!(problem.code, "malformed_json");
            assert_eq!(problem.message.to_lowercase(), message.to_lowercase());
        }
    }

    #[test]
    fn faults_have_a_place() {
        assert_eq!(
            fault(br#"{"a": [{"b/c": 1, "b/c": 1}]}"#),
            (
                Refusal::Malformed,
                Problem::at("/a/0/b~1c", "duplicate_member", "the member is given twice")
            )
        );
        assert_eq!(
            fault(br#"{"a": ["x", "\u0000"]}"#),
            (
                Refusal::Malformed,
                Problem::at("/a/1", "nul_character", "a text holds the character U+0000")
            )
        );
        assert_eq!(
            fault(br#"{"a": {"\u0000": 1}}"#),
            (
                Refusal::Malformed,
                Problem::at("/a", "nul_character", "a text holds the character U+0000")
            )
        );
    }

    #[test]
    fn depth_is_capped_before_the_stack_is() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(64).as_bytes()).is_ok());
        for depth in [65, 127, 128, 100_000] {
            assert_eq!(fault(nested(depth).as_bytes()).1.code, "too_deep");
        }
        let objects = r#"{"a":"#.repeat(100_000);
        assert_eq!(fault(objects.as_bytes()).1.code, "too_deep");
    }

    #[test]
    fn integers_that_would_lose_digits_are_refused() {
        for kept in [
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709552000",
            "100000000000000000000",
            "-9223372036854775808",
            "1000000000000000000000000000000",
            "1.8446744073709552e19",
            "5.0",
            "5e-324",
            "55.79820251464844",
            "0.30000000000000004",
            "1.10000000000000000000",
            "0e999999999999",
        ] {
            assert!(read(kept.as_bytes()).is_ok(), "{kept}");
        }
        let text = r#"{"s": "1 \" 2", "n": [1, 1e300, -9223372036854775809]}"#;
        assert_eq!(
            fault(text.as_bytes()),
            (
                Refusal::Invalid,
                Problem::at("/n/2", "out_of_range", "the number would lose digits")
                    .with_value("-9223372036854775809")
            )
        );
        for lost in [
            "18446744073709551617",
            "123456789012345678901234567890",
            "123456789012345678901234567890.0",
            "1.8446744073709551617e19",
            "9007199254740993.0",
            "9007199254740992.5",
            "0.99999999999999999999",
            "4.9999999999999999999",
            "1e-400",
        ] {
            assert_eq!(fault(lost.as_bytes()).1.code, "out_of_range", "{lost}");
        }
    }

    #[test]
    fn floats_read_back_exactly() {
        for float in [
            0.1,
            5e-324,
            1.797_693_134_862_315_7e308,
            2.225_073_858_507_201_4e-308,
        ] {
            let text = json!(float).to_string();
            assert_eq!(read(text.as_bytes()).unwrap(), json!(float));
        }
        assert_eq!(read(b"-0").unwrap(), json!(-0.0));
    }

    /// Pieces whose sequences are often JSON, and often only almost.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            r#""a":"#,
            r#""b":"#,
            r#""\u0000""#,
            r#""\"1\\""#,
            "1",
            "-0",
            "1.5",
            "1e400",
            "1e300",
            "18446744073709551617",
            "-9223372036854775809",
            "100000000000000000000",
            "null",
            "true",
            " ",
        ]);
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn differs_from_serde_json_by_its_refusals_alone(text in pieces()) {
            let lenient = serde_json::from_str::<Value>(&text);
            match read(text.as_bytes()) {
                Ok(value) => prop_assert_eq!(Some(value), lenient.ok()),
                Err(fault) if fault.problem.code == "malformed_json" => prop_assert!(lenient.is_err()),
                Err(fault) => prop_assert!(
                    matches!(fault.problem.code, "duplicate_member" | "nul_character" | "out_of_range"),
                    "{fault:?}"
                ),
            }
        }
    }
}
