//! The sets that a read begins with, as SQL.

use registry_core::query::{LinkEnd, LinkStep};

use crate::{
    Argument, Column, ColumnType, Dialect, Sql, Statement,
    entities::and_readable,
    filter::{self, Context, Indexed},
};

use super::{CANDIDATES, Ids, SMALL, link};

/// Appends the condition that an expression is one of the ids. PostgreSQL looks through an array once, before all else; a subquery
/// it would join as its estimates have it.
pub(crate) fn push_in(sql: &mut Sql, expression: &str, ids: &Ids<'_>, depth: usize) {
    push_bounded_in(sql, expression, ids, depth, None);
}

fn push_bounded_in(
    sql: &mut Sql,
    expression: &str,
    ids: &Ids<'_>,
    depth: usize,
    most: Option<usize>,
) {
    let (open, close) = any_of(sql.dialect);
    sql.push(expression).push(open);
    push_select(sql, ids, depth, most);
    sql.push(close);
}

/// What stands around a subquery that yields ids.
pub(crate) fn any_of(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Sqlite => (" IN (", ")"),
        Dialect::Postgres => (" = ANY(ARRAY(", "))"),
    }
}

/// Appends a query of the ids; with a bound, neither it nor what it looks through yields more.
fn push_select(sql: &mut Sql, ids: &Ids<'_>, depth: usize, most: Option<usize>) {
    match ids {
        Ids::Values {
            type_id,
            field,
            test,
        } => {
            sql.push("SELECT v.entity AS id FROM field_value AS v WHERE v.type = ")
                .bind(Argument::Id(type_id.0));
            sql.push(" AND v.field = ")
                .bind(Argument::Int(i64::from(*field)))
                .push(" AND ");
            filter::render_value_test(sql, test);
        }
        Ids::Named(ids) => {
            sql.push("SELECT r.id FROM ")
                .rows("r", vec![Column::ids("id", ids.iter().map(|id| id.0))]);
        }
        Ids::Linked { step, ids } => {
            open_link(sql, step);
            let here = here(step);
            sql.id_in(here, ids.iter().map(|id| id.0).collect());
            link(sql, "l", step);
        }
        Ids::Across {
            step,
            from,
            filter,
            scope,
        } => {
            open_link(sql, step);
            let alias = filter::entity_alias(depth);
            let (open, close) = any_of(sql.dialect);
            sql.push(here(step))
                .push(open)
                .push(&format!("SELECT {alias}.id FROM entity AS {alias} WHERE "));
            push_bounded_in(sql, &format!("{alias}.id"), from, depth + 1, most);
            and_readable(sql, &alias, scope);
            sql.push(" AND ");
            filter::render(
                sql,
                filter,
                Context {
                    alias: &alias,
                    type_id: (step.to == LinkEnd::Holder).then_some(step.holder_type),
                    scope,
                    depth: depth + 1,
                    indexed: Indexed::Rows,
                },
            );
            sql.push(close);
            link(sql, "l", step);
        }
        Ids::Typed(type_id) => {
            sql.push("SELECT t.id FROM entity AS t WHERE t.type = ")
                .bind(Argument::Id(type_id.0));
        }
        Ids::Owned { types, principals } => {
            sql.push("SELECT o.entity AS id FROM owner AS o WHERE ");
            let names = principals.iter().map(ToString::to_string).collect();
            sql.text_in("o.principal", names).push(" AND ");
            sql.id_in("o.type", types.iter().map(|id| id.0).collect());
        }
        Ids::Union(parts) => {
            for (index, part) in parts.iter().enumerate() {
                sql.push(if index == 0 { "" } else { " UNION ALL " })
                    .push("SELECT u.id FROM (");
                push_select(sql, part, depth, most);
                sql.push(") AS u");
            }
        }
    }
    if let Some(most) = most {
        sql.push(" LIMIT ").bind(count_argument(most));
    }
}

fn count_argument(count: usize) -> Argument {
    Argument::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn here(step: &LinkStep) -> &'static str {
    match step.to {
        LinkEnd::Target => "l.target",
        LinkEnd::Holder => "l.holder",
    }
}

fn open_link(sql: &mut Sql, step: &LinkStep) {
    sql.push(match step.to {
        LinkEnd::Target => "SELECT l.holder AS id FROM link AS l WHERE ",
        LinkEnd::Holder => "SELECT l.target AS id FROM link AS l WHERE ",
    });
}

/// The statement that tells how large the sets are, in their order: none is looked at beyond [`SMALL`] and one.
pub(crate) fn sizes(dialect: Dialect, candidates: &[Ids<'_>]) -> Statement {
    const INTS: [ColumnType; CANDIDATES + 1] = [ColumnType::Int; CANDIDATES + 1];
    const COLUMNS: &[ColumnType] = &INTS;
    let mut sql = Sql::new(dialect);
    sql.push("SELECT ");
    for (index, ids) in candidates.iter().enumerate() {
        sql.push(if index == 0 { "" } else { ", " });
        push_size(&mut sql, ids);
    }
    sql.finish(COLUMNS.get(..candidates.len()).unwrap_or(COLUMNS))
}

/// A set across a link is looked at only where what it starts from is small.
fn push_size(sql: &mut Sql, ids: &Ids<'_>) {
    let parts: &[Ids<'_>] = match ids {
        Ids::Across { from, .. } => std::slice::from_ref(from),
        Ids::Union(parts) => parts,
        _ => &[],
    };
    let guarded: Vec<&Ids<'_>> = parts
        .iter()
        .filter(|part| matches!(ids, Ids::Across { .. }) || matches!(part, Ids::Across { .. }))
        .collect();
    for part in &guarded {
        sql.push("CASE WHEN ");
        push_size(sql, part);
        sql.push(" > ")
            .bind(count_argument(SMALL))
            .push(" THEN ")
            .bind(count_argument(SMALL + 1))
            .push(" ELSE ");
    }
    sql.push("(SELECT count(*) FROM (SELECT 1 FROM (");
    push_select(sql, ids, 0, Some(SMALL + 1));
    sql.push(") AS s) AS c)");
    for _ in guarded {
        sql.push(" END");
    }
}
