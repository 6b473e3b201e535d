//! The grammar of filters: text to tree.
//!
//! ```text
//! expr    = and ("OR" and)*      and = unary ("AND" unary)*      unary = "NOT" unary | "(" expr ")" | compare
//! compare = path operator value | path ["NOT"] "IN" "(" value ("," value)* ")" | path "BETWEEN" value "AND" value
//!         | path "STARTS" "WITH" text | path "IS" ["NOT"] "NULL" | path "(" expr ")"
//! ```

use crate::{
    field::Literal,
    limits::{FILTER_BYTES, FILTER_COMPARISONS, FILTER_DEPTH, FILTER_IN_VALUES},
};

use super::{
    error::FilterError,
    lex::{Keyword, Lexer, Token, TokenKind},
    tree::{Condition, Expr, Name, Operator, Path, Value},
};

/// Reads a whole filter: the `filter` parameter.
///
/// The text is at most [`FILTER_BYTES`] long, nested at most [`FILTER_DEPTH`] deep (parentheses, groups and NOTs), and holds at most
/// [`FILTER_COMPARISONS`] comparisons with at most [`FILTER_IN_VALUES`] values in an `IN`.
///
/// ```
/// let filter = registry_core::query::parse_filter(r#"country.code = "FR" and not elevation < 100"#)?;
/// assert_eq!(filter.to_string(), r#"country.code = "FR" AND NOT elevation < 100"#);
/// # Ok::<(), registry_core::query::FilterError>(())
/// ```
pub fn parse_filter(text: &str) -> Result<Expr, FilterError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.expr()?;
    match parser.next.kind {
        TokenKind::End => Ok(expr),
        TokenKind::Close => Err(parser.error("unexpected )")),
        _ => Err(parser.error("expected AND, OR or the end")),
    }
}

/// Reads comparisons of which all must hold: the `fields` parameter, `path operator value` separated by commas.
///
/// A value is quoted as in a filter, or an unquoted run without comma, quote or white space, which the kind of the field reads. A value
/// that begins with an operator sign must be quoted. The limits are those of [`parse_filter`].
pub fn parse_fields(text: &str) -> Result<Expr, FilterError> {
    let mut parser = Parser::new(text)?;
    let mut all = Vec::new();
    loop {
        let path = parser.path()?;
        parser.count(&path)?;
        let TokenKind::Operator(operator) = parser.next.kind else {
            return Err(parser.error("expected one of = != > >= < <= ~"));
        };
        let offset = parser.next.offset;
        let value = parser.lexer.bare_value()?;
        all.push(Expr::Compare {
            path,
            condition: Condition::Operator {
                operator,
                offset,
                value,
            },
        });
        // The operator is still the next token: its value was read behind it.
        parser.advance()?;
        match parser.next.kind {
            TokenKind::End => break,
            TokenKind::Comma => parser.advance()?,
            _ => return Err(parser.error("expected a comma or the end")),
        };
    }
    Ok(one_or(all, Expr::And))
}

/// Reads with one token of foresight.
struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Token,
    depth: usize,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, FilterError> {
        if text.len() > FILTER_BYTES {
            let message = format!("longer than {FILTER_BYTES} bytes");
            return Err(FilterError::new(FILTER_BYTES, message));
        }
        let mut lexer = Lexer::new(text);
        let next = lexer.token()?;
        Ok(Self {
            lexer,
            next,
            depth: 0,
            comparisons: 0,
        })
    }

    /// Steps on and gives the token that was next.
    fn advance(&mut self) -> Result<Token, FilterError> {
        let token = self.lexer.token()?;
        Ok(std::mem::replace(&mut self.next, token))
    }

    fn error(&self, message: impl Into<String>) -> FilterError {
        FilterError::new(self.next.offset, message)
    }

    /// Steps over the keyword when it is next.
    fn took(&mut self, keyword: Keyword) -> Result<bool, FilterError> {
        let found = self.next.kind == TokenKind::Keyword(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: &TokenKind, message: &str) -> Result<(), FilterError> {
        if self.next.kind == *kind {
            self.advance().map(drop)
        } else {
            Err(self.error(message))
        }
    }

    /// Goes one level down before the next token is taken; the level ends where the caller takes one off `depth`.
    fn descend(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH {
            return Err(self.error(format!("nested deeper than {FILTER_DEPTH}")));
        }
        self.advance().map(drop)
    }

    fn expr(&mut self) -> Result<Expr, FilterError> {
        let mut any = vec![self.and()?];
        while self.took(Keyword::Or)? {
            any.push(self.and()?);
        }
        Ok(one_or(any, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut all = vec![self.unary()?];
        while self.took(Keyword::And)? {
            all.push(self.unary()?);
        }
        Ok(one_or(all, Expr::And))
    }

    fn unary(&mut self) -> Result<Expr, FilterError> {
        match self.next.kind {
            TokenKind::Keyword(Keyword::Not) => {
                self.descend()?;
                let expr = self.unary()?;
                self.depth -= 1;
                Ok(Expr::Not(Box::new(expr)))
            }
            TokenKind::Open => self.parenthesised(),
            _ => self.compare(),
        }
    }

    fn parenthesised(&mut self) -> Result<Expr, FilterError> {
        let opened = self.next.offset;
        self.descend()?;
        let expr = self.expr()?;
        match self.next.kind {
            TokenKind::Close => self.advance()?,
            TokenKind::End => return Err(FilterError::new(opened, "unclosed parenthesis")),
            _ => return Err(self.error("expected AND, OR or )")),
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn compare(&mut self) -> Result<Expr, FilterError> {
        let path = self.path()?;
        if self.next.kind == TokenKind::Open {
            let expr = Box::new(self.parenthesised()?);
            return Ok(Expr::Group { path, expr });
        }
        self.count(&path)?;
        let condition = self.condition()?;
        Ok(Expr::Compare { path, condition })
    }

    fn count(&mut self, path: &Path) -> Result<(), FilterError> {
        self.comparisons += 1;
        if self.comparisons > FILTER_COMPARISONS {
            let offset = path.0.first().map_or(0, |name| name.offset);
            let message = format!("more than {FILTER_COMPARISONS} comparisons");
            return Err(FilterError::new(offset, message));
        }
        Ok(())
    }

    fn path(&mut self) -> Result<Path, FilterError> {
        let mut names = vec![self.name()?];
        while self.next.kind == TokenKind::Dot {
            self.advance()?;
            names.push(self.name()?);
        }
        Ok(Path(names))
    }

    fn name(&mut self) -> Result<Name, FilterError> {
        if !matches!(self.next.kind, TokenKind::Name(_)) {
            return Err(self.error("expected a name"));
        }
        let Token { kind, offset } = self.advance()?;
        match kind {
            TokenKind::Name(text) => Ok(Name { text, offset }),
            _ => Err(FilterError::new(offset, "expected a name")),
        }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        match self.next.kind {
            TokenKind::Operator(operator) => self.operator(operator),
            TokenKind::Keyword(Keyword::In) => Ok(Condition::In(self.list()?)),
            TokenKind::Keyword(Keyword::Not) => {
                self.advance()?;
                if self.next.kind == TokenKind::Keyword(Keyword::In) {
                    Ok(Condition::NotIn(self.list()?))
                } else {
                    Err(self.error("expected IN"))
                }
            }
            TokenKind::Keyword(Keyword::Between) => {
                self.advance()?;
                let low = self.value()?;
                self.expect(&TokenKind::Keyword(Keyword::And), "expected AND")?;
                Ok(Condition::Between(low, self.value()?))
            }
            TokenKind::Keyword(Keyword::Starts) => {
                self.advance()?;
                self.expect(&TokenKind::Keyword(Keyword::With), "expected WITH")?;
                if matches!(self.next.kind, TokenKind::Text(_)) {
                    self.value().map(Condition::StartsWith)
                } else {
                    Err(self.error("expected a quoted text"))
                }
            }
            TokenKind::Keyword(Keyword::Is) => {
                self.advance()?;
                let not = self.took(Keyword::Not)?;
                self.expect(&TokenKind::Keyword(Keyword::Null), "expected NULL")?;
                Ok(if not {
                    Condition::IsNotNull
                } else {
                    Condition::IsNull
                })
            }
            _ => Err(self.error("expected an operator")),
        }
    }

    fn operator(&mut self, operator: Operator) -> Result<Condition, FilterError> {
        let offset = self.advance()?.offset;
        let value = self.value()?;
        Ok(Condition::Operator {
            operator,
            offset,
            value,
        })
    }

    /// `IN (value, …)`, from the keyword on.
    fn list(&mut self) -> Result<Vec<Value>, FilterError> {
        self.advance()?;
        let opened = self.next.offset;
        self.expect(&TokenKind::Open, "expected (")?;
        let mut values = vec![self.value()?];
        while self.next.kind == TokenKind::Comma {
            self.advance()?;
            if values.len() == FILTER_IN_VALUES {
                return Err(self.error(format!("more than {FILTER_IN_VALUES} values")));
            }
            values.push(self.value()?);
        }
        match self.next.kind {
            TokenKind::Close => self.advance()?,
            TokenKind::End => return Err(FilterError::new(opened, "unclosed parenthesis")),
            _ => return Err(self.error("expected a comma or )")),
        };
        Ok(values)
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let is_value = matches!(
            self.next.kind,
            TokenKind::Text(_)
                | TokenKind::Number(_)
                | TokenKind::Keyword(Keyword::True | Keyword::False)
        );
        if !is_value {
            return Err(self.error("expected a quoted text, a number, true or false"));
        }
        let Token { kind, offset } = self.advance()?;
        let literal = match kind {
            TokenKind::Text(text) => Literal::Text(text),
            TokenKind::Number(text) => Literal::Number(text),
            other => Literal::Boolean(other == TokenKind::Keyword(Keyword::True)),
        };
        Ok(Value { literal, offset })
    }
}

/// The only element, or all of them joined.
fn one_or(mut exprs: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match exprs.pop() {
        Some(only) if exprs.is_empty() => only,
        last => {
            exprs.extend(last);
            join(exprs)
        }
    }
}

#[cfg(test)]
mod tests;
