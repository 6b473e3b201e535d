//! Where the two engines differ.

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.51.3 or later.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

impl Dialect {
    /// Joins so that the left side is looked through and the right one looked up. SQLite else begins with whatever has a constant in
    /// front of its index, and reads a list of parameters anew for each row of it: quadratic in a load. `CROSS JOIN` forbids it to
    /// reorder (<https://www.sqlite.org/optoverview.html#crossjoin>).
    pub(crate) fn ordered_join(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
        }
    }

    /// Joins the entity of an id, named `alias`, to rows that come in the order of the read: looked up one by one, so that the read ends
    /// when its page is full. An OFFSET keeps PostgreSQL from choosing another join.
    pub(crate) fn look_up(self, alias: &str, id: &str) -> String {
        match self {
            Self::Sqlite => format!(" CROSS JOIN entity AS {alias} ON {alias}.id = {id}"),
            Self::Postgres => format!(
                " CROSS JOIN LATERAL (SELECT * FROM entity AS x WHERE x.id = {id} OFFSET 0) AS {alias}"
            ),
        }
    }

    /// A JSON column as text.
    pub(crate) fn json_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => format!("{column}::text"),
        }
    }

    /// Text to be stored in a JSON column.
    pub(crate) fn to_json(self, expression: &str) -> String {
        match self {
            Self::Sqlite => expression.to_owned(),
            Self::Postgres => format!("{expression}::jsonb"),
        }
    }

    /// The single value of a field, as encoded text; NULL when it is missing.
    pub(crate) fn field_text(self, entity: &str, number: u32) -> String {
        match self {
            Self::Sqlite => format!("({entity}.data ->> '$.\"{number}\"')"),
            Self::Postgres => format!("(({entity}.data ->> '{number}') COLLATE \"C\")"),
        }
    }

    /// A set of the elements of a list field, as encoded text in column `value`; empty when it is missing.
    pub(crate) fn elements(self, entity: &str, number: u32) -> String {
        match self {
            Self::Sqlite => format!("json_each({entity}.data, '$.\"{number}\"') AS x"),
            Self::Postgres => {
                format!("jsonb_array_elements_text({entity}.data -> '{number}') AS x(value)")
            }
        }
    }

    /// The element of [`Self::elements`], comparable by bytes.
    pub(crate) fn element(self) -> &'static str {
        match self {
            Self::Sqlite => "x.value",
            Self::Postgres => "(x.value COLLATE \"C\")",
        }
    }

    /// An id written out. Of an id alone: it is hex digits, whatever it came from.
    pub(crate) fn id_literal(self, id: uuid::Uuid) -> String {
        match self {
            Self::Sqlite => format!("x'{}'", id.simple()),
            Self::Postgres => format!("'{id}'::uuid"),
        }
    }

    /// Whether `haystack` holds `needle`, both expressions; never NULL for two texts, and no wildcards.
    pub(crate) fn contains(self, haystack: &str, needle: &str) -> String {
        match self {
            Self::Sqlite => format!("(instr({haystack}, {needle}) > 0)"),
            Self::Postgres => format!("(strpos({haystack}, {needle}) > 0)"),
        }
    }

    /// Whether `text` begins with `prefix`.
    pub(crate) fn starts_with(self, text: &str, prefix: &str) -> String {
        match self {
            Self::Sqlite => format!("(substr({text}, 1, length({prefix})) = {prefix})"),
            Self::Postgres => format!("starts_with({text}, {prefix})"),
        }
    }

    /// An id as lower-case hyphenated text, comparable by bytes.
    pub(crate) fn id_text(self, id: &str) -> String {
        match self {
            Self::Sqlite => format!(
                "lower(substr(hex({id}), 1, 8) || '-' || substr(hex({id}), 9, 4) || '-' || substr(hex({id}), 13, 4) || '-' || \
                 substr(hex({id}), 17, 4) || '-' || substr(hex({id}), 21))"
            ),
            Self::Postgres => format!("({id}::text COLLATE \"C\")"),
        }
    }

    /// Rows of many that one statement puts in.
    pub(crate) fn rows_at_once(self) -> usize {
        match self {
            // Of at most 13 columns: far below the 32,766 arguments that a statement may have.
            Self::Sqlite => 100,
            Self::Postgres => usize::MAX,
        }
    }

    /// A row lock at the end of a SELECT; SQLite has one writer and needs none.
    pub(crate) fn lock(self, clause: &'static str) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => clause,
        }
    }
}
