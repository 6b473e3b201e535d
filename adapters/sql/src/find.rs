//! The read behind every list: one statement per stretch of the order, and one that counts.

use registry_core::{
    EntityId, Scope, TypeId,
    query::{Direction, Filter, Operand, Query, SortTerm, SystemField, Test},
};
use uuid::Uuid;

use crate::{
    Argument, ColumnType, Dialect, Sql, Statement,
    entities::{self, and_readable},
    filter::{self, Context, Indexed},
    lead::{self, Ids, Lead, Run},
    range::{Bound, Range},
};

/// The statement that reads one stretch of a query, at most `limit` rows.
pub(crate) fn page(
    dialect: Dialect,
    query: &Query,
    range: &Range,
    limit: usize,
    lead: &Lead<'_>,
) -> Statement {
    match lead {
        Lead::Runs(runs) => merged(dialect, query, range.past_id, limit, runs),
        Lead::Set(ids) => stretch(dialect, query, range, limit, None, |sql| {
            sql.push(" AND ");
            lead::push_in(sql, "e.id", ids, 0);
        }),
        Lead::Order => {
            let index = index(query, range);
            stretch(dialect, query, range, limit, index, |_| {})
        }
        Lead::Window => stretch(dialect, query, range, limit, None, |sql| {
            window(sql, query, range.past_id);
        }),
    }
}

fn stretch(
    dialect: Dialect,
    query: &Query,
    range: &Range,
    limit: usize,
    index: Option<(TypeId, u32)>,
    narrow: impl FnOnce(&mut Sql),
) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ").push(&entities::columns(dialect, "e"));
    if let Some((type_id, field)) = index {
        sql.push(" FROM field_value AS v")
            .push(&dialect.look_up("e", "v.entity"));
        sql.push(" WHERE v.type = ").bind(Argument::Id(type_id.0));
        sql.push(" AND v.field = ")
            .bind(Argument::Int(i64::from(field)));
        for test in tests_of(query, type_id, field) {
            sql.push(" AND ");
            filter::render_value_test(&mut sql, test);
        }
    } else {
        sql.push(" FROM entity AS e WHERE ");
        types(&mut sql, query);
        narrow(&mut sql);
    }
    let by = |term: usize, operand: &Operand| {
        if term == 0 && index.is_some() {
            "v.value".to_owned()
        } else {
            expression(dialect, operand, query)
        }
    };
    for (number, (term, bound)) in query.sort.iter().zip(&range.bounds).enumerate() {
        push_bound(&mut sql, term, bound, &by(number, &term.by));
    }
    let descending = query
        .sort
        .last()
        .is_some_and(|term| term.direction == Direction::Descending);
    let id = if index.is_some() { "v.entity" } else { "e.id" };
    if let Some(past) = range.past_id {
        sql.push(&format!(
            " AND {id} {} ",
            if descending { "<" } else { ">" }
        ))
        .bind(Argument::Id(past.0));
    }
    and_readable(&mut sql, "e", &query.scope);
    condition(&mut sql, query, Indexed::Rows);
    sql.push(" ORDER BY ");
    for (number, (term, bound)) in query.sort.iter().zip(&range.bounds).enumerate() {
        if matches!(bound, Bound::Equal(_) | Bound::Missing) {
            continue;
        }
        let expression = by(number, &term.by);
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
    push_limit(&mut sql, limit);
    sql.finish(entities::COLUMNS)
}

fn push_limit(sql: &mut Sql, limit: usize) {
    sql.push(" LIMIT ")
        .bind(Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
}

/// Appends the condition that a row is among the next of its type.
fn window(sql: &mut Sql, query: &Query, past: Option<EntityId>) {
    sql.push(" AND e.id <= COALESCE((SELECT w.id FROM entity AS w WHERE ");
    sql.id_in("w.type", query.types.iter().map(|id| id.0).collect());
    if let Some(past) = past {
        sql.push(" AND w.id > ").bind(Argument::Id(past.0));
    }
    sql.push(" ORDER BY w.id LIMIT 1 OFFSET ")
        .bind(Argument::Int(
            i64::try_from(lead::WINDOW).unwrap_or(i64::MAX),
        ));
    sql.push("), ").bind(Argument::Id(Uuid::max())).push(")");
}

/// A page in order of ids, of runs in that order: of each as many as the page holds, and then the first of all. What two runs hold
/// comes once.
fn merged(
    dialect: Dialect,
    query: &Query,
    past: Option<EntityId>,
    limit: usize,
    runs: &[Run<'_>],
) -> Statement {
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ").push(&entities::columns(dialect, "e"));
    if let [one] = runs {
        push_run(&mut sql, query, past, limit, one);
        return sql.finish(entities::COLUMNS);
    }
    let (open, close) = lead::any_of(dialect);
    sql.push(" FROM entity AS e WHERE e.id").push(open);
    for (number, run) in runs.iter().enumerate() {
        sql.push(if number == 0 { "" } else { " UNION " })
            .push("SELECT m.id FROM (SELECT ")
            .push(run.source().1)
            .push(" AS id");
        push_run(&mut sql, query, past, limit, run);
        sql.push(") AS m");
    }
    sql.push(close).push(" ORDER BY e.id");
    push_limit(&mut sql, limit);
    sql.finish(entities::COLUMNS)
}

fn push_run(sql: &mut Sql, query: &Query, past: Option<EntityId>, limit: usize, run: &Run<'_>) {
    let (table, id) = run.source();
    let entity = sql.dialect.look_up("e", id);
    sql.push(&format!(" FROM {table} AS v{entity} WHERE "));
    run.condition(sql);
    if let Some(past) = past {
        sql.push(&format!(" AND {id} > "))
            .bind(Argument::Id(past.0));
    }
    sql.push(" AND ");
    types(sql, query);
    if !run.is_scope() {
        and_readable(sql, "e", &query.scope);
    }
    condition(sql, query, Indexed::Rows);
    sql.push(" ORDER BY ").push(id);
    push_limit(sql, limit);
}

/// The statement that counts all matches of a query, beginning with a set that holds them where there is one.
pub(crate) fn count(dialect: Dialect, query: &Query, set: Option<&Ids<'_>>) -> Statement {
    let mut sql = Sql::new(dialect);
    if let (Scope::Everything, Filter::Compare(compare)) = (&query.scope, &query.filter)
        && let Operand::Field {
            type_id,
            field,
            list,
            indexed: true,
        } = compare.operand
        && filter::ranged(&compare.test)
        && query.types == [type_id]
    {
        // An entity is in the index once for each of its values.
        sql.push(if list {
            "SELECT count(DISTINCT v.entity)"
        } else {
            "SELECT count(*)"
        });
        sql.push(" FROM field_value AS v WHERE v.type = ")
            .bind(Argument::Id(type_id.0));
        sql.push(" AND v.field = ")
            .bind(Argument::Int(i64::from(field.0)))
            .push(" AND ");
        filter::render_value_test(&mut sql, &compare.test);
        return sql.finish(&[ColumnType::Int]);
    }
    sql.push("SELECT count(*) FROM entity AS e WHERE ");
    types(&mut sql, query);
    if let Some(set) = set {
        sql.push(" AND ");
        lead::push_in(&mut sql, "e.id", set, 0);
    }
    and_readable(&mut sql, "e", &query.scope);
    let indexed = if set.is_some() {
        Indexed::Rows
    } else {
        Indexed::Sets
    };
    condition(&mut sql, query, indexed);
    sql.finish(&[ColumnType::Int])
}

/// The tests that every match passes with its value of a field.
fn tests_of(query: &Query, of: TypeId, number: u32) -> impl Iterator<Item = &Test> {
    let parts = match &query.filter {
        Filter::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    parts.iter().filter_map(move |part| match part {
        Filter::Compare(compare) => match compare.operand {
            Operand::Field {
                type_id,
                field,
                list: false,
                ..
            } if type_id == of && field.0 == number && filter::ranged(&compare.test) => {
                Some(&compare.test)
            }
            _ => None,
        },
        _ => None,
    })
}

/// Whether a stretch can hold a match: not one of rows without a value that the filter asks for.
pub(crate) fn possible(query: &Query, range: &Range) -> bool {
    let mut terms = query.sort.iter().zip(&range.bounds);
    !terms.any(|(term, bound)| match (&term.by, bound) {
        (Operand::Field { type_id, field, .. }, Bound::Missing) => {
            tests_of(query, *type_id, field.0).next().is_some()
        }
        _ => false,
    })
}

/// The indexed field whose rows in `field_value` lead the read: that of the first term, where the stretch has values there.
fn index(query: &Query, range: &Range) -> Option<(TypeId, u32)> {
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

fn condition(sql: &mut Sql, query: &Query, indexed: Indexed) {
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
            indexed,
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
    match operand {
        Operand::System(SystemField::Id) => {
            Argument::Id(value.parse().expect("a query's ids are encoded as ids"))
        }
        Operand::System(SystemField::Version) => filter::version_argument(value),
        Operand::System(SystemField::CreatedAt | SystemField::UpdatedAt) => {
            filter::instant_argument(value)
        }
        Operand::Field { .. }
        | Operand::System(SystemField::CreatedBy | SystemField::UpdatedBy) => {
            Argument::Text(value.to_owned())
        }
    }
}
