//! What follows from entities that are staged to be made: their rows in the other tables, but for keys, which are staged because later rows ask
//! for them. The same rows as [`registry_core::change::Batch`] makes of a creation, taken from the entity's own row; so each of a load is
//! staged once.

use registry_core::{FieldNumber, LinkNumber, Timestamp, entity_type::Cardinality};
use uuid::Uuid;

use crate::{Argument, Dialect, Sql};

/// Rows of one table.
#[derive(Clone, Debug)]
pub(crate) enum Derived {
    /// Of the change log.
    Changes {
        /// Who.
        actor: String,
        /// When.
        at: Timestamp,
        /// Those of updates, which are staged, come between them in order of the entities.
        updates: bool,
    },
    /// A link.
    Links {
        /// Which.
        link: LinkNumber,
        /// How many targets an entity may have.
        cardinality: Cardinality,
    },
    /// Scope rows of owners.
    Owners,
    /// Scope rows of readers.
    Readers,
    /// Index rows of a field.
    Values {
        /// The field.
        field: FieldNumber,
        /// Whether it is a list.
        list: bool,
    },
}

/// Appends a query of the rows.
pub(crate) fn push(sql: &mut Sql, load: Uuid, derived: &Derived) {
    let dialect = sql.dialect;
    let mut unlike = None;
    match derived {
        Derived::Changes { actor, at, updates } => {
            sql.push("SELECT e.id AS entity, e.type, e.version, 'create' AS operation, '{}' AS earlier, ");
            typed(sql, Argument::Text(actor.clone()), "text");
            sql.push(" AS actor, ");
            typed(sql, Argument::Int(at.0), "bigint");
            sql.push(" AS at FROM staging_entity AS e");
            end(sql, load, "");
            if *updates {
                sql.push(" UNION ALL SELECT s.entity, s.type, s.version, s.operation, s.earlier, s.actor, s.at FROM staging_change AS s WHERE s.load = ")
                    .bind(Argument::Id(load))
                    .push(" ORDER BY 1");
            }
            return;
        }
        Derived::Links { link, cardinality } => {
            let number = link.0;
            let (text, elements) = match (dialect, cardinality) {
                (Dialect::Sqlite, Cardinality::One) => {
                    (format!("e.links ->> '$.\"{number}\"[0]'"), String::new())
                }
                (Dialect::Postgres, Cardinality::One) => {
                    (format!("e.links -> '{number}' ->> 0"), String::new())
                }
                (Dialect::Sqlite, Cardinality::Many) => (
                    "t.value".to_owned(),
                    format!(", json_each(e.links, '$.\"{number}\"') AS t"),
                ),
                (Dialect::Postgres, Cardinality::Many) => (
                    "t.value".to_owned(),
                    format!(", jsonb_array_elements_text(e.links -> '{number}') AS t(value)"),
                ),
            };
            let target = match dialect {
                Dialect::Sqlite => format!("unhex({text}, '-')"),
                Dialect::Postgres => format!("({text})::uuid"),
            };
            sql.push(&format!(
                "SELECT e.id AS holder, {number} AS link, {target} AS target, e.type AS holder_type FROM staging_entity AS e{elements}"
            ));
            return end(sql, load, &format!(" AND ({text}) IS NOT NULL"));
        }
        Derived::Owners | Derived::Readers => {
            let column = match derived {
                Derived::Owners => "owners",
                _ => "readers",
            };
            let elements = elements(dialect, &format!("e.{column}"));
            sql.push(&format!(
                "SELECT p.value AS principal, e.type, e.id AS entity FROM staging_entity AS e, {elements}"
            ));
            unlike = Some((column, "[]"));
        }
        Derived::Values { field, list } => {
            let number = field.0;
            let (value, elements) = if *list {
                (
                    dialect.element().to_owned(),
                    format!(", {}", dialect.elements("e", number)),
                )
            } else {
                (dialect.field_text("e", number), String::new())
            };
            sql.push(&format!(
                "SELECT e.type, {number} AS field, {value} AS value, e.id AS entity FROM staging_entity AS e{elements}"
            ));
            if !list {
                return end(sql, load, &format!(" AND {value} IS NOT NULL"));
            }
        }
    }
    let narrow = unlike.map(|(column, empty)| format!(" AND e.{column} <> '{empty}'"));
    end(sql, load, &narrow.unwrap_or_default());
}

/// The texts of a list in JSON, as `p.value`.
pub(crate) fn elements(dialect: Dialect, list: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("json_each({list}) AS p"),
        Dialect::Postgres => format!("jsonb_array_elements_text({list}) AS p(value)"),
    }
}

fn end(sql: &mut Sql, load: Uuid, narrow: &str) {
    sql.push(" WHERE e.load = ").bind(Argument::Id(load));
    sql.push(" AND e.verb = 'create'").push(narrow);
}

/// Appends an argument as a selected value, of a certain type.
fn typed(sql: &mut Sql, argument: Argument, name: &str) {
    sql.bind(argument);
    if sql.dialect == Dialect::Postgres {
        sql.push("::").push(name);
    }
}
