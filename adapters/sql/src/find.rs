//! The read behind every list: one statement per stretch of the order, and one that counts.

use registry_core::{
    Timestamp, TypeId,
    query::{Direction, Operand, Query, SortTerm, SystemField},
};

use crate::{
    Argument, ColumnType, Dialect, Sql, Statement,
    entities::{self, and_readable},
    filter::{self, Context},
    range::{Bound, Range},
};

/// The statement that reads one stretch of a query, at most `limit` rows.
pub(crate) fn page(dialect: Dialect, query: &Query, range: &Range, limit: usize) -> Statement {
    let mut sql = Sql::new(dialect);
    let lead = lead(query, range);
    sql.push("SELECT ").push(&entities::columns(dialect, "e"));
    if let Some((type_id, field)) = lead {
        sql.push(" FROM field_value AS v JOIN entity AS e ON e.id = v.entity WHERE v.type = ")
            .bind(Argument::Id(type_id.0));
        sql.push(" AND v.field = ")
            .bind(Argument::Int(i64::from(field)));
    } else {
        sql.push(" FROM entity AS e WHERE ");
        types(&mut sql, query);
    }
    for (index, (term, bound)) in query.sort.iter().zip(&range.bounds).enumerate() {
        let expression = if index == 0 && lead.is_some() {
            "v.value".to_owned()
        } else {
            expression(dialect, &term.by, query)
        };
        push_bound(&mut sql, term, bound, &expression);
    }
    let descending = query
        .sort
        .last()
        .is_some_and(|term| term.direction == Direction::Descending);
    let id = if lead.is_some() { "v.entity" } else { "e.id" };
    if let Some(past) = range.past_id {
        sql.push(&format!(
            " AND {id} {} ",
            if descending { "<" } else { ">" }
        ))
        .bind(Argument::Id(past.0));
    }
    conditions(&mut sql, query);
    sql.push(" ORDER BY ");
    for (index, (term, bound)) in query.sort.iter().zip(&range.bounds).enumerate() {
        if matches!(bound, Bound::Equal(_) | Bound::Missing) {
            continue;
        }
        let expression = if index == 0 && lead.is_some() {
            "v.value".to_owned()
        } else {
            expression(dialect, &term.by, query)
        };
        if *bound == Bound::Any && matches!(term.by, Operand::Field { .. }) {
            sql.push(&format!("({expression} IS NULL), "));
        }
        sql.push(&expression)
            .push(if term.direction == Direction::Descending {
                " DESC, "
            } else {
                ", "
            });
    }
    sql.push(id).push(if descending { " DESC" } else { "" });
    sql.push(" LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    sql.finish(entities::COLUMNS)
}

/// The statement that counts all matches of a query.
pub(crate) fn count(dialect: Dialect, query: &Query) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT count(*) FROM entity AS e WHERE ");
    types(&mut sql, query);
    conditions(&mut sql, query);
    sql.finish(&[ColumnType::Int])
}

/// The indexed field whose rows in `field_value` lead the read: that of the first term, where the stretch has values there.
fn lead(query: &Query, range: &Range) -> Option<(TypeId, u32)> {
    let first = query.sort.first()?;
    let bound = range.bounds.first()?;
    match first.by {
        Operand::Field {
            type_id,
            field,
            indexed: true,
            list: false,
        } if query.types == [type_id]
            && matches!(bound, Bound::Present | Bound::Equal(_) | Bound::Past(_)) =>
        {
            Some((type_id, field.0))
        }
        _ => None,
    }
}

fn types(sql: &mut Sql, query: &Query) {
    sql.id_in("e.type", query.types.iter().map(|id| id.0).collect());
}

fn conditions(sql: &mut Sql, query: &Query) {
    and_readable(sql, "e", &query.scope);
    let type_id = match query.types.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    sql.push(" AND ");
    filter::render(
        sql,
        &query.filter,
        Context {
            alias: "e",
            type_id,
            scope: &query.scope,
            depth: 0,
        },
    );
}

fn push_bound(sql: &mut Sql, term: &SortTerm, bound: &Bound, expression: &str) {
    match bound {
        Bound::Any => {}
        Bound::Present => {
            sql.push(&format!(" AND {expression} IS NOT NULL"));
        }
        Bound::Missing => {
            sql.push(&format!(" AND {expression} IS NULL"));
        }
        Bound::Equal(value) => {
            sql.push(&format!(" AND {expression} = "))
                .bind(argument(&term.by, &value.0));
        }
        Bound::Past(value) => {
            let operator = if term.direction == Direction::Descending {
                "<"
            } else {
                ">"
            };
            sql.push(&format!(" AND {expression} {operator} "))
                .bind(argument(&term.by, &value.0));
        }
    }
}

/// What is sorted by, as an expression whose order is that of the encoded values.
fn expression(dialect: Dialect, operand: &Operand, query: &Query) -> String {
    let alias = "e";
    match operand {
        Operand::Field { type_id, field, .. } => {
            let text = dialect.field_text(alias, field.0);
            if query.types == [*type_id] {
                return text;
            }
            // An entity of another type has no value there, though it may have a field of that number.
            format!(
                "(CASE WHEN {alias}.type = {} THEN {text} END)",
                dialect.id_literal(type_id.0)
            )
        }
        Operand::System(SystemField::Id) => format!("{alias}.id"),
        Operand::System(SystemField::Version) => format!("{alias}.version"),
        Operand::System(SystemField::CreatedAt) => format!("{alias}.created_at"),
        Operand::System(SystemField::UpdatedAt) => format!("{alias}.updated_at"),
        Operand::System(SystemField::CreatedBy) => format!("{alias}.created_by"),
        Operand::System(SystemField::UpdatedBy) => format!("{alias}.updated_by"),
    }
}

/// An encoded value as [`expression`] has it.
fn argument(operand: &Operand, value: &str) -> Argument {
    let encoded = registry_core::Encoded(value.to_owned());
    match operand {
        Operand::System(SystemField::Id) => Argument::Id(value.parse().unwrap_or_default()),
        Operand::System(SystemField::Version) => {
            Argument::Int(registry_core::field::decode_integer(value).unwrap_or_default())
        }
        Operand::System(SystemField::CreatedAt | SystemField::UpdatedAt) => {
            Argument::Int(Timestamp::parse(value).map_or(0, |at| at.0))
        }
        Operand::Field { .. }
        | Operand::System(SystemField::CreatedBy | SystemField::UpdatedBy) => {
            Argument::Text(encoded.0)
        }
    }
}
