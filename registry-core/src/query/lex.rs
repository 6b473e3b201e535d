//! The words and signs of a filter.

use crate::field::Literal;

use super::{
    error::FilterError,
    tree::{Operator, Value},
};

/// A token and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) offset: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    Keyword(Keyword),
    Text(String),
    /// As written: the grammar of RFC 8259 section 6.
    Number(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
    Dot,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    Is,
    Null,
    Between,
    Starts,
    With,
    True,
    False,
}

impl Keyword {
    const ALL: [(&'static str, Self); 11] = [
        ("and", Self::And),
        ("or", Self::Or),
        ("not", Self::Not),
        ("in", Self::In),
        ("is", Self::Is),
        ("null", Self::Null),
        ("between", Self::Between),
        ("starts", Self::Starts),
        ("with", Self::With),
        ("true", Self::True),
        ("false", Self::False),
    ];

    fn of(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(text, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, keyword)| *keyword)
    }
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// The next token; `End` again and again at the end.
    pub(super) fn token(&mut self) -> Result<Token, FilterError> {
        self.skip_space();
        let offset = self.position;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some('(') => self.sign(TokenKind::Open),
            Some(')') => self.sign(TokenKind::Close),
            Some(',') => self.sign(TokenKind::Comma),
            Some('.') => self.sign(TokenKind::Dot),
            Some('"') => TokenKind::Text(self.quoted()?),
            Some('=' | '!' | '<' | '>' | '~') => TokenKind::Operator(self.operator()?),
            Some(c) if c == '-' || c.is_ascii_digit() => TokenKind::Number(self.number()?),
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                let word = self.run(is_name);
                match Keyword::of(word) {
                    Some(keyword) => TokenKind::Keyword(keyword),
                    None => TokenKind::Name(word.to_owned()),
                }
            }
            Some(c) => {
                let message = format!("unexpected character {c:?}");
                return Err(FilterError::new(offset, message));
            }
        };
        Ok(Token { kind, offset })
    }

    /// The next value where an unquoted one ends at a comma, a quote or white space, as in the `fields` parameter.
    pub(super) fn bare_value(&mut self) -> Result<Value, FilterError> {
        self.skip_space();
        let offset = self.position;
        let literal = if self.peek() == Some('"') {
            Literal::Text(self.quoted()?)
        } else {
            let run = self.run(|c| !matches!(c, ',' | '"' | '\0') && !c.is_whitespace());
            if run.is_empty() {
                return Err(FilterError::new(offset, "expected a value"));
            }
            Literal::Bare(run.to_owned())
        };
        Ok(Value { literal, offset })
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn sign(&mut self, kind: TokenKind) -> TokenKind {
        self.position += 1;
        kind
    }

    fn skip_space(&mut self) {
        self.run(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
    }

    /// Takes the longest run of characters of a sort.
    fn run(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !of(c)).unwrap_or(rest.len());
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    /// The longest run of operator signs must be one operator, so that `==` or `=>` is an error and not a value that begins with a sign.
    fn operator(&mut self) -> Result<Operator, FilterError> {
        let offset = self.position;
        let signs = self.run(|c| matches!(c, '=' | '!' | '<' | '>' | '~'));
        Operator::of(signs)
            .ok_or_else(|| FilterError::new(offset, format!("unknown operator {signs}")))
    }

    fn number(&mut self) -> Result<String, FilterError> {
        let offset = self.position;
        // Everything that could belong to it is taken first, so that `1.2.3` or `12ft` is one wrong number and not two tokens.
        let run = self.run(|c| is_name(c) || matches!(c, '.' | '+' | '-'));
        if is_number(run) {
            Ok(run.to_owned())
        } else {
            let message = "not a number; written as in JSON";
            Err(FilterError::new(offset, message))
        }
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.run(|c| !matches!(c, '"' | '\\' | '\0')));
            let offset = self.position;
            match self.peek() {
                Some('"') => {
                    self.position += 1;
                    return Ok(text);
                }
                Some('\\') => {
                    self.position += 1;
                    match self.peek() {
                        Some(c @ ('"' | '\\')) => {
                            self.position += 1;
                            text.push(c);
                        }
                        Some(_) => {
                            let message = r#"unknown escape; only \" and \\ are known"#;
                            return Err(FilterError::new(offset, message));
                        }
                        None => return Err(FilterError::new(start, "unclosed quote")),
                    }
                }
                Some(_) => return Err(FilterError::new(offset, "the text holds U+0000")),
                None => return Err(FilterError::new(start, "unclosed quote")),
            }
        }
    }
}

/// Whether a character may stand in a name.
fn is_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// The number grammar of RFC 8259 section 6.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn numbers_are_those_of_json() {
        for good in [
            "0",
            "-0",
            "7",
            "-12.50",
            "1e5",
            "1E+05",
            "1.0e-3",
            "123456789012345678901234567890",
        ] {
            assert!(is_number(good), "{good}");
        }
        for bad in [
            "", "-", "01", "-01", "1.", ".5", "1e", "1e+", "1.2.3", "1e5.0", "+1", "0x10", "12ft",
            "1_000", "--1", "1-2",
        ] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
