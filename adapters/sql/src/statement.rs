//! Rendering: SQL text and its arguments, built side by side so that a value never becomes text of the statement.

use std::fmt::Write as _;

use registry_core::port::{StoreError, StoreErrorKind};
use uuid::Uuid;

use crate::Dialect;

/// A bound argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// 64-bit integer.
    Int(i64),
    /// Text.
    Text(String),
    /// Identifier.
    Id(Uuid),
    /// Array of integers (PostgreSQL alone).
    Ints(Vec<i64>),
    /// Array of texts (PostgreSQL alone).
    Texts(Vec<String>),
    /// Array of identifiers (PostgreSQL alone).
    Ids(Vec<Uuid>),
}

/// What a result column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit integer.
    Int,
    /// Text.
    Text,
    /// Identifier.
    Id,
}

/// One value of a result row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// 64-bit integer.
    Int(i64),
    /// Text.
    Text(String),
    /// Identifier.
    Id(Uuid),
}

/// A result row, read from left to right.
#[derive(Debug)]
pub struct Row(pub std::vec::IntoIter<Cell>);

impl Row {
    fn unexpected(found: Option<&Cell>) -> StoreError {
        StoreError::internal("decoding a row", format!("unexpected cell: {found:?}"))
    }

    /// The next cell, an integer.
    pub fn int(&mut self) -> Result<i64, StoreError> {
        match self.0.next() {
            Some(Cell::Int(value)) => Ok(value),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, an integer or NULL.
    pub fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Cell::Int(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, a count or sequence number.
    pub fn unsigned(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.int()?).map_err(|error| StoreError::internal("decoding a row", error))
    }

    /// The next cell, a text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        match self.0.next() {
            Some(Cell::Text(value)) => Ok(value),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, a text or NULL.
    pub fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Cell::Text(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, an identifier.
    pub fn id(&mut self) -> Result<Uuid, StoreError> {
        match self.0.next() {
            Some(Cell::Id(value)) => Ok(value),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, an identifier or NULL.
    pub fn optional_id(&mut self) -> Result<Option<Uuid>, StoreError> {
        match self.0.next() {
            Some(Cell::Id(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            other => Err(Self::unexpected(other.as_ref())),
        }
    }

    /// The next cell, JSON text.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(|error| {
            StoreError::new(StoreErrorKind::Internal, "decoding stored JSON", error)
        })
    }
}

/// A rendered statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// Its arguments, in order of their numbers.
    pub arguments: Vec<Argument>,
    /// What its rows hold.
    pub columns: &'static [ColumnType],
    /// Whether the engine may keep its plan for the next run.
    pub plan: Plan,
}

/// Whether an engine may keep the plan of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It may: the statement touches a few rows by index, whatever the tables hold.
    Kept,
    /// It must look at the tables and arguments anew: a plan for thousands of rows made while a table was empty is ruinous once it is full.
    Fresh,
}

/// The values of one column of a set of rows that is bound as an argument.
#[derive(Clone, Debug)]
pub enum ColumnValues {
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// Identifiers.
    Ids(Vec<Uuid>),
}

/// A named column of a set of rows that is bound as an argument.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its values; all columns of a set have equally many.
    pub values: ColumnValues,
}

impl Column {
    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        match &self.values {
            ColumnValues::Ints(values) => values.len(),
            ColumnValues::Texts(values) => values.len(),
            ColumnValues::Ids(values) => values.len(),
        }
    }

    fn into_arguments(self) -> std::vec::IntoIter<Argument> {
        let arguments: Vec<Argument> = match self.values {
            ColumnValues::Ints(values) => values.into_iter().map(Argument::Int).collect(),
            ColumnValues::Texts(values) => values.into_iter().map(Argument::Text).collect(),
            ColumnValues::Ids(values) => values.into_iter().map(Argument::Id).collect(),
        };
        arguments.into_iter()
    }

    /// A column of integers.
    pub fn ints(name: &'static str, values: impl IntoIterator<Item = i64>) -> Self {
        Self {
            name,
            values: ColumnValues::Ints(values.into_iter().collect()),
        }
    }

    /// A column of texts.
    pub fn texts(name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        Self {
            name,
            values: ColumnValues::Texts(values.into_iter().collect()),
        }
    }

    /// A column of identifiers.
    pub fn ids(name: &'static str, values: impl IntoIterator<Item = Uuid>) -> Self {
        Self {
            name,
            values: ColumnValues::Ids(values.into_iter().collect()),
        }
    }
}

/// A statement being rendered.
#[derive(Debug)]
pub struct Sql {
    /// The dialect.
    pub dialect: Dialect,
    text: String,
    arguments: Vec<Argument>,
    /// Whether each argument stands where it was bound, once.
    in_order: bool,
}

impl Sql {
    /// An empty statement.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
            arguments: Vec::new(),
            in_order: false,
        }
    }

    /// An empty statement of which each argument will stand where it is bound, once. On SQLite its placeholders have no numbers: one with a
    /// number is looked up among all of them each time it is bound, which is quadratic. So sets of [`Dialect::rows_at_once`] rows, one text for
    /// all of that size, are bound one by one there, which costs half of what JSON does.
    pub(crate) fn in_order(dialect: Dialect) -> Self {
        Self {
            in_order: true,
            ..Self::new(dialect)
        }
    }

    /// Appends text, which must not come from outside.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds an argument and returns its placeholder.
    pub fn placeholder(&mut self, argument: Argument) -> String {
        self.arguments.push(argument);
        let mark = match self.dialect {
            Dialect::Sqlite if self.in_order => return "?".to_owned(),
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        };
        format!("{mark}{}", self.arguments.len())
    }

    /// Binds an argument and appends its placeholder.
    pub fn bind(&mut self, argument: Argument) -> &mut Self {
        let placeholder = self.placeholder(argument);
        self.push(&placeholder)
    }

    /// Appends a set of rows, named `alias`, for a FROM clause.
    pub fn rows(&mut self, alias: &str, columns: Vec<Column>) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.rows_as_arrays(alias, columns),
            Dialect::Sqlite => match columns.first().map_or(0, Column::len) {
                1 => self.rows_as_values(alias, columns),
                many if self.in_order && many == self.dialect.rows_at_once() => {
                    self.rows_as_values(alias, columns)
                }
                _ => self.rows_as_json(alias, &columns),
            },
        }
    }

    fn rows_as_arrays(&mut self, alias: &str, columns: Vec<Column>) -> &mut Self {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        self.push("unnest(");
        for (index, column) in columns.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            match column.values {
                ColumnValues::Ints(values) => self.bind(Argument::Ints(values)).push("::int8[]"),
                ColumnValues::Texts(values) => self.bind(Argument::Texts(values)).push("::text[]"),
                ColumnValues::Ids(values) => self.bind(Argument::Ids(values)).push("::uuid[]"),
            };
        }
        self.push(&format!(") AS {alias}({})", names.join(", ")))
    }

    fn rows_as_values(&mut self, alias: &str, columns: Vec<Column>) -> &mut Self {
        let count = columns.first().map_or(0, Column::len);
        let picks: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| format!("column{} AS {}", index + 1, column.name))
            .collect();
        self.push(&format!("(SELECT {} FROM (VALUES ", picks.join(", ")));
        let mut cells: Vec<_> = columns.into_iter().map(Column::into_arguments).collect();
        for row in 0..count {
            self.push(if row == 0 { "(" } else { ", (" });
            for (index, cell) in cells.iter_mut().filter_map(Iterator::next).enumerate() {
                if index > 0 {
                    self.push(", ");
                }
                self.bind(cell);
            }
            self.push(")");
        }
        self.push(&format!(")) AS {alias}"))
    }

    /// SQLite has no arrays: the rows are one JSON text, `[[…], …]`.
    fn rows_as_json(&mut self, alias: &str, columns: &[Column]) -> &mut Self {
        let mut picks = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let pick = match column.values {
                ColumnValues::Ids(_) => format!("unhex(value ->> {index}) AS {}", column.name),
                ColumnValues::Ints(_) | ColumnValues::Texts(_) => {
                    format!("value ->> {index} AS {}", column.name)
                }
            };
            picks.push(pick);
        }
        self.push(&format!("(SELECT {} FROM json_each(", picks.join(", ")));
        self.bind(Argument::Text(json_rows(columns)))
            .push(&format!(")) AS {alias}"))
    }

    /// Appends a condition that an id is one of these.
    pub fn id_in(&mut self, expression: &str, ids: Vec<Uuid>) -> &mut Self {
        match (self.dialect, ids.as_slice()) {
            (_, [one]) => self.push(expression).push(" = ").bind(Argument::Id(*one)),
            (Dialect::Postgres, _) => self
                .push(expression)
                .push(" = ANY(")
                .bind(Argument::Ids(ids))
                .push("::uuid[])"),
            (Dialect::Sqlite, _) => {
                let rows = json_rows(&[Column::ids("id", ids)]);
                self.push(expression)
                    .push(" IN (SELECT unhex(value ->> 0) FROM json_each(")
                    .bind(Argument::Text(rows))
                    .push("))")
            }
        }
    }

    /// Appends a condition that a text is one of these.
    pub fn text_in(&mut self, expression: &str, texts: Vec<String>) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self
                .push(expression)
                .push(" = ANY(")
                .bind(Argument::Texts(texts))
                .push("::text[])"),
            Dialect::Sqlite => {
                let rows = json_rows(&[Column::texts("value", texts)]);
                self.push(expression)
                    .push(" IN (SELECT value ->> 0 FROM json_each(")
                    .bind(Argument::Text(rows))
                    .push("))")
            }
        }
    }

    /// The statement, whose rows hold these columns.
    pub fn finish(self, columns: &'static [ColumnType]) -> Statement {
        Statement {
            text: self.text,
            arguments: self.arguments,
            columns,
            plan: Plan::Kept,
        }
    }

    /// The statement, planned anew at each run.
    pub fn finish_fresh(self, columns: &'static [ColumnType]) -> Statement {
        Statement {
            plan: Plan::Fresh,
            ..self.finish(columns)
        }
    }
}

fn json_rows(columns: &[Column]) -> String {
    let count = columns.first().map_or(0, Column::len);
    let mut json = String::with_capacity(2 + count * columns.len() * 40);
    json.push('[');
    for row in 0..count {
        json.push_str(if row == 0 { "[" } else { ",[" });
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            match &column.values {
                ColumnValues::Ints(values) => {
                    let _ = write!(json, "{}", values.get(row).copied().unwrap_or_default());
                }
                ColumnValues::Texts(values) => {
                    json_string(&mut json, values.get(row).map_or("", String::as_str));
                }
                ColumnValues::Ids(values) => {
                    let _ = write!(
                        json,
                        "\"{}\"",
                        values.get(row).copied().unwrap_or_default().simple()
                    );
                }
            }
        }
        json.push(']');
    }
    json.push(']');
    json
}

fn json_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}
