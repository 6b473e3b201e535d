#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn error(text: &str) -> (usize, String) {
    let error = parse_filter(text).unwrap_err();
    (error.offset, error.message)
}

fn name(text: &str, offset: usize) -> Name {
    Name {
        text: text.to_owned(),
        offset,
    }
}

fn text(text: &str, offset: usize) -> Value {
    Value {
        literal: Literal::Text(text.to_owned()),
        offset,
    }
}

fn number(text: &str, offset: usize) -> Value {
    Value {
        literal: Literal::Number(text.to_owned()),
        offset,
    }
}

#[test]
fn a_whole_tree_is_read_with_its_places() {
    let read = parse_filter(
        r#"runways(length_ft > 9000 AND surface = "A\"S\\P") or not country.code in ("é", true)"#,
    );
    let expected = Expr::Or(vec![
        Expr::Group {
            path: Path(vec![name("runways", 0)]),
            expr: Box::new(Expr::And(vec![
                Expr::Compare {
                    path: Path(vec![name("length_ft", 8)]),
                    condition: Condition::Operator {
                        operator: Operator::Greater,
                        offset: 18,
                        value: number("9000", 20),
                    },
                },
                Expr::Compare {
                    path: Path(vec![name("surface", 29)]),
                    condition: Condition::Operator {
                        operator: Operator::Equal,
                        offset: 37,
                        value: text(r#"A"S\P"#, 39),
                    },
                },
            ])),
        },
        Expr::Not(Box::new(Expr::Compare {
            path: Path(vec![name("country", 57), name("code", 65)]),
            condition: Condition::In(vec![
                text("é", 74),
                Value {
                    literal: Literal::Boolean(true),
                    offset: 80,
                },
            ]),
        })),
    ]);
    assert_eq!(read, Ok(expected));
}

#[test]
fn every_form_is_read_and_written() {
    for (written, canonical) in [
        ("a=1", "a = 1"),
        ("a != -1.50e+3", "a != -1.50e+3"),
        (
            "a<1 or a<=2 OR a>3 Or a>=4",
            "a < 1 OR a <= 2 OR a > 3 OR a >= 4",
        ),
        (r#"a~"x%_\\""#, r#"a ~ "x%_\\""#),
        ("a in(1,2)", "a IN (1, 2)"),
        ("a not in (true)", "a NOT IN (true)"),
        ("a between 1 and 2 and b = 3", "a BETWEEN 1 AND 2 AND b = 3"),
        (r#"a starts with """#, r#"a STARTS WITH """#),
        ("a is null", "a IS NULL"),
        ("a Is Not Null", "a IS NOT NULL"),
        ("not not a = false", "NOT NOT a = false"),
        ("NOT (a = 1 AND b = 2)", "NOT (a = 1 AND b = 2)"),
        ("NOT a = 1 AND b = 2", "NOT a = 1 AND b = 2"),
        ("((a = 1))", "a = 1"),
        ("a = 1 OR b = 2 AND c = 3", "a = 1 OR b = 2 AND c = 3"),
        ("(a = 1 OR b = 2) AND c = 3", "(a = 1 OR b = 2) AND c = 3"),
        ("a . b .c ( _id = \"x\" )", "a.b.c(_id = \"x\")"),
        ("nothing = 1 AND android = 2", "nothing = 1 AND android = 2"),
        ("\t\r\n a\n=\n1 ", "a = 1"),
    ] {
        let read = parse_filter(written).unwrap();
        assert_eq!(read.to_string(), canonical);
    }
}

#[test]
fn bad_filters_are_refused_with_their_offset() {
    let long = "a".repeat(FILTER_BYTES + 1);
    for (filter, offset, message) in [
        ("", 0, "expected a name"),
        ("   ", 3, "expected a name"),
        ("a", 1, "expected an operator"),
        ("a =", 3, "expected a quoted text, a number, true or false"),
        (
            "a = b",
            4,
            "expected a quoted text, a number, true or false",
        ),
        (
            "a = null",
            4,
            "expected a quoted text, a number, true or false",
        ),
        ("a == 1", 2, "unknown operator =="),
        ("a <> 1", 2, "unknown operator <>"),
        ("a ! 1", 2, "unknown operator !"),
        ("a =~ \"x\"", 2, "unknown operator =~"),
        ("a like \"x\"", 2, "expected an operator"),
        ("a % 1", 2, "unexpected character '%'"),
        ("a = 'x'", 4, "unexpected character '\\''"),
        ("é = 1", 0, "unexpected character 'é'"),
        ("a = \"x", 4, "unclosed quote"),
        ("a = \"x\\\"", 4, "unclosed quote"),
        ("a = \"x\\", 4, "unclosed quote"),
        (
            "a = \"x\\n\"",
            6,
            r#"unknown escape; only \" and \\ are known"#,
        ),
        ("a = \"x\0\"", 6, "the text holds U+0000"),
        ("a = \0", 4, "unexpected character '\\0'"),
        ("a = 01", 4, "not a number; written as in JSON"),
        ("a = 1.2.3", 4, "not a number; written as in JSON"),
        ("a = 12ft", 4, "not a number; written as in JSON"),
        ("a = +1", 4, "unexpected character '+'"),
        ("(a = 1", 0, "unclosed parenthesis"),
        ("a = 1)", 5, "unexpected )"),
        ("()", 1, "expected a name"),
        ("r()", 2, "expected a name"),
        ("r(a = 1", 1, "unclosed parenthesis"),
        ("(a = 1 b = 2)", 7, "expected AND, OR or )"),
        ("a = 1 b = 2", 6, "expected AND, OR or the end"),
        ("a = 1 AND", 9, "expected a name"),
        ("OR a = 1", 0, "expected a name"),
        ("a.in = 1", 2, "expected a name"),
        ("a. = 1", 3, "expected a name"),
        ("a..b = 1", 2, "expected a name"),
        ("a[\"x\"] = 1", 1, "unexpected character '['"),
        ("a.\"b\" = 1", 2, "expected a name"),
        (
            "a in ()",
            6,
            "expected a quoted text, a number, true or false",
        ),
        (
            "a in (1,)",
            8,
            "expected a quoted text, a number, true or false",
        ),
        ("a in (1", 5, "unclosed parenthesis"),
        ("a in (1 2)", 8, "expected a comma or )"),
        ("a in 1", 5, "expected ("),
        ("a not 1", 6, "expected IN"),
        ("a between 1", 11, "expected AND"),
        (
            "a between 1 and",
            15,
            "expected a quoted text, a number, true or false",
        ),
        ("a starts \"x\"", 9, "expected WITH"),
        ("a starts with 1", 14, "expected a quoted text"),
        ("a is 1", 5, "expected NULL"),
        ("a is not 1", 9, "expected NULL"),
        (&long, FILTER_BYTES, "longer than 8192 bytes"),
    ] {
        assert_eq!(error(filter), (offset, message.to_owned()), "{filter:?}");
    }
}

#[test]
fn limits_are_exact() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse_filter(&nested(32)).is_ok());
    assert_eq!(error(&nested(33)), (32, "nested deeper than 32".to_owned()));
    let negated = |depth: usize| format!("{}a = 1", "NOT ".repeat(depth));
    assert!(parse_filter(&negated(32)).is_ok());
    assert_eq!(
        error(&negated(33)),
        (128, "nested deeper than 32".to_owned())
    );
    let grouped = |depth: usize| format!("{}a = 1{}", "r(".repeat(depth), ")".repeat(depth));
    assert!(parse_filter(&grouped(32)).is_ok());
    assert_eq!(
        error(&grouped(33)),
        (65, "nested deeper than 32".to_owned())
    );
    let flat = |count: usize| vec!["a = 1"; count].join(" OR ");
    let Expr::Or(all) = parse_filter(&flat(200)).unwrap() else {
        unreachable!("a flat OR")
    };
    assert_eq!(all.len(), 200);
    assert_eq!(
        error(&flat(201)),
        (1800, "more than 200 comparisons".to_owned())
    );
    // Depth is given back: neighbours do not add up.
    assert!(parse_filter(&[nested(32), negated(32), grouped(32)].join(" AND ")).is_ok());
    let list = |count: usize| format!("a IN ({})", vec!["1"; count].join(","));
    assert!(parse_filter(&list(1_000)).is_ok());
    assert_eq!(
        error(&list(1_001)),
        (2006, "more than 1000 values".to_owned())
    );
}

/// The size limit is what refuses these first; the parser behind it must hold without.
#[test]
fn deep_nesting_does_not_overflow_a_small_stack() {
    let run = || {
        for opening in ["(", "NOT ", "r("] {
            let deep = opening.repeat(100_000);
            assert_eq!(error(&deep).0, FILTER_BYTES);
            let mut lexer = Lexer::new(&deep);
            let next = lexer.token().unwrap();
            let mut unlimited = Parser {
                lexer,
                next,
                depth: 0,
                comparisons: 0,
            };
            let error = unlimited.expr().unwrap_err();
            assert_eq!(error.message, "nested deeper than 32");
        }
    };
    std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn fields_are_read() {
    let read = parse_fields(r#"address="test, \"x\"", age>3,a.b ~ x=y"#).unwrap();
    let bare = |text: &str, offset| Value {
        literal: Literal::Bare(text.to_owned()),
        offset,
    };
    let compare = |path, operator, offset, value| Expr::Compare {
        path: Path(path),
        condition: Condition::Operator {
            operator,
            offset,
            value,
        },
    };
    let expected = Expr::And(vec![
        compare(
            vec![name("address", 0)],
            Operator::Equal,
            7,
            text(r#"test, "x""#, 8),
        ),
        compare(vec![name("age", 23)], Operator::Greater, 26, bare("3", 27)),
        compare(
            vec![name("a", 29), name("b", 31)],
            Operator::Contains,
            33,
            bare("x=y", 35),
        ),
    ]);
    assert_eq!(read, expected);
    let one = parse_fields("a!=-5").unwrap();
    let expected = compare(vec![name("a", 0)], Operator::NotEqual, 1, bare("-5", 3));
    assert_eq!(one, expected);
}

#[test]
fn bad_fields_are_refused_with_their_offset() {
    let many = vec!["a=1"; 201].join(",");
    for (fields, offset, message) in [
        ("", 0, "expected a name"),
        (",", 0, "expected a name"),
        ("a=1,", 4, "expected a name"),
        ("a", 1, "expected one of = != > >= < <= ~"),
        ("a=", 2, "expected a value"),
        ("a=,b=1", 2, "expected a value"),
        ("a==1", 1, "unknown operator =="),
        ("a=>1", 1, "unknown operator =>"),
        ("a=x y", 4, "expected a comma or the end"),
        ("a=x\"y\"", 3, "expected a comma or the end"),
        ("a=\"x\"y", 5, "expected a comma or the end"),
        ("a=\"x", 2, "unclosed quote"),
        ("a=x\0", 3, "unexpected character '\\0'"),
        ("a in (1)", 2, "expected one of = != > >= < <= ~"),
        ("NOT a=1", 0, "expected a name"),
        ("(a=1)", 0, "expected a name"),
        ("a=1 AND b=2", 4, "expected a comma or the end"),
        (&many, 800, "more than 200 comparisons"),
    ] {
        let error = parse_fields(fields).unwrap_err();
        let expected = FilterError::new(offset, message);
        assert_eq!(error, expected, "{fields:?}");
    }
}

/// A small generator (xorshift64*, Vigna 2016): the same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap() % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn path(&mut self) -> Path {
        let count = 1 + self.below(3);
        let names = ["a", "_id", "country", "nothing", "B9"];
        Path((0..count).map(|_| name(self.pick(&names), 0)).collect())
    }

    fn value(&mut self) -> Value {
        match self.below(4) {
            0 => number(self.pick(&["0", "-1.5e-3", "99999999999999999999"]), 0),
            1 => Value {
                literal: Literal::Boolean(self.below(2) == 0),
                offset: 0,
            },
            _ => self.text(),
        }
    }

    fn text(&mut self) -> Value {
        let count = self.below(4);
        let parts = ["\"", "\\", "é", "\n", " AND ", "(", "%", "\u{1F600}", "x"];
        text(
            &(0..count).map(|_| self.pick(&parts)).collect::<String>(),
            0,
        )
    }

    fn values(&mut self) -> Vec<Value> {
        (0..=self.below(3)).map(|_| self.value()).collect()
    }

    fn operator(&mut self) -> Operator {
        let all = ["=", "!=", "<", "<=", ">", ">=", "~"];
        Operator::of(self.pick(&all)).unwrap()
    }

    fn condition(&mut self) -> Condition {
        match self.below(7) {
            0 => Condition::In(self.values()),
            1 => Condition::NotIn(self.values()),
            2 => Condition::Between(self.value(), self.value()),
            3 => Condition::StartsWith(self.text()),
            4 => Condition::IsNull,
            5 => Condition::IsNotNull,
            _ => Condition::Operator {
                operator: self.operator(),
                offset: 0,
                value: self.value(),
            },
        }
    }

    fn exprs(&mut self, depth: usize) -> Vec<Expr> {
        (0..2 + self.below(2)).map(|_| self.expr(depth)).collect()
    }

    fn expr(&mut self, depth: usize) -> Expr {
        match if depth == 0 { 9 } else { self.below(8) } {
            0 => Expr::And(self.exprs(depth - 1)),
            1 => Expr::Or(self.exprs(depth - 1)),
            2 => Expr::Not(Box::new(self.expr(depth - 1))),
            3 => Expr::Group {
                path: self.path(),
                expr: Box::new(self.expr(depth - 1)),
            },
            _ => Expr::Compare {
                path: self.path(),
                condition: self.condition(),
            },
        }
    }
}

fn unplace_value(value: &mut Value) {
    value.offset = 0;
}

fn unplace_path(path: &mut Path) {
    path.0.iter_mut().for_each(|name| name.offset = 0);
}

/// Sets every place to 0, so that trees of different texts compare.
fn unplace(expr: &mut Expr) {
    match expr {
        Expr::And(exprs) | Expr::Or(exprs) => exprs.iter_mut().for_each(unplace),
        Expr::Not(expr) => unplace(expr),
        Expr::Group { path, expr } => {
            unplace_path(path);
            unplace(expr);
        }
        Expr::Compare { path, condition } => {
            unplace_path(path);
            match condition {
                Condition::Operator { offset, value, .. } => {
                    *offset = 0;
                    unplace_value(value);
                }
                Condition::In(values) | Condition::NotIn(values) => {
                    values.iter_mut().for_each(unplace_value);
                }
                Condition::Between(low, high) => {
                    unplace_value(low);
                    unplace_value(high);
                }
                Condition::StartsWith(value) => unplace_value(value),
                Condition::IsNull | Condition::IsNotNull => {}
            }
        }
    }
}

#[test]
fn a_printed_tree_parses_to_itself() {
    let mut random = Random(0x5EED);
    let mut longest = 0;
    for _ in 0..5_000 {
        let tree = random.expr(5);
        let printed = tree.to_string();
        if printed.len() > FILTER_BYTES {
            continue;
        }
        let mut read = parse_filter(&printed).unwrap();
        unplace(&mut read);
        assert_eq!(read, tree, "{printed}");
        longest = longest.max(printed.len());
    }
    assert!(longest > 500, "the generator makes trees worth printing");
}

#[test]
fn random_text_never_panics_and_errors_lie_inside() {
    let parts = [
        "a",
        ".",
        "(",
        ")",
        ",",
        "=",
        "!=",
        "~",
        "<",
        "\"",
        "\\",
        " ",
        "1",
        "-",
        "e",
        "AND",
        "or",
        "not ",
        "in",
        "between",
        " is ",
        "null",
        "starts",
        "with",
        "true",
        "é",
        "\0",
        "\u{1F600}",
        "\"x\"",
        "a = 1",
        "'",
    ];
    let mut random = Random(42);
    let mut good = 0;
    for _ in 0..50_000 {
        let count = random.below(12);
        let text: String = (0..count).map(|_| random.pick(&parts)).collect();
        for read in [parse_filter(&text), parse_fields(&text)] {
            match read {
                Ok(_) => good += 1,
                Err(error) => assert!(text.is_char_boundary(error.offset), "{text:?} {error}"),
            }
        }
    }
    assert!(good > 100, "some of it parses");
}
