//! Building a value in one pass, with the place of whatever is wrong.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use crate::problem::{Problem, Refusal, pointer_token};

use super::{
    Fault,
    number::{has_long_numbers, number_tokens, survives},
};

/// What is noted while reading.
#[derive(Default)]
pub(super) struct Reader {
    fault: RefCell<Option<Problem>>,
    /// Numbers read so far.
    numbers: Cell<usize>,
    /// Whether the text may hold a number of more digits than binary64 keeps for certain.
    long_numbers: bool,
    /// Those among the numbers that binary64 may have changed: ordinal and pointer.
    wide: RefCell<Vec<(usize, String)>>,
}

impl Reader {
    /// For a text.
    pub(super) fn of(text: &str) -> Self {
        Self {
            long_numbers: has_long_numbers(text),
            ..Self::default()
        }
    }

    /// What was wrong, told once.
    pub(super) fn take_fault(&self) -> Option<Problem> {
        self.fault.take()
    }

    fn fail<E: de::Error>(&self, place: &Place<'_>, code: &'static str, message: &str) -> E {
        *self.fault.borrow_mut() = Some(Problem::at(place.pointer(), code, message));
        E::custom(message)
    }

    fn count_number(&self) {
        self.numbers.set(self.numbers.get() + 1);
    }

    /// Such numbers are rare: only then are the tokens looked at again, as they were written.
    pub(super) fn check_wide_numbers(&self, text: &str) -> Result<(), Fault> {
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

/// A place in the document, as a chain on the stack: pointers are built only when something is wrong.
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    token: Token<'a>,
}

enum Token<'a> {
    Root,
    Member(&'a str),
    Index(usize),
}

impl Place<'_> {
    /// The whole document.
    pub(super) const ROOT: Self = Place {
        parent: None,
        token: Token::Root,
    };

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
pub(super) struct Seed<'a> {
    reader: &'a Reader,
    place: &'a Place<'a>,
    /// Levels that may still be opened.
    depth: usize,
}

impl<'a> Seed<'a> {
    /// For the value at a place, in which so many levels may still be opened.
    pub(super) fn new(reader: &'a Reader, place: &'a Place<'a>, depth: usize) -> Self {
        Self {
            reader,
            place,
            depth,
        }
    }
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
