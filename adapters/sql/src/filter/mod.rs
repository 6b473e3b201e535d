//! The resolved filter as a condition. Every condition rendered here is true or false, never NULL, so that NOT means what the core says.

mod compare;

use registry_core::{
    Scope, TypeId,
    query::{Filter, LinkEnd, LinkStep},
};

use crate::{Argument, Dialect, Sql, entities::and_readable};

pub(crate) use compare::{instant_argument, ranged, render_value_test, version_argument};
use compare::{render_compare, render_present};

/// Where a filter is rendered: the alias of the entity it is about, and its type where that is certain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Alias of the entity row.
    pub(crate) alias: &'a str,
    /// Its type, when all rows there are of one type.
    pub(crate) type_id: Option<TypeId>,
    /// What the caller may read.
    pub(crate) scope: &'a Scope,
    /// How many links were crossed; makes aliases unique.
    pub(crate) depth: usize,
    /// How indexed fields are looked at.
    pub(crate) indexed: Indexed,
}

/// How a condition on an indexed field is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    /// From the row at hand, row by row: a page ends long before all that meets the condition was looked up.
    Rows,
    /// From all that meets the condition: a count has to look at all of it anyway.
    Sets,
}

/// Appends the filter as a condition.
pub(crate) fn render(sql: &mut Sql, filter: &Filter, context: Context<'_>) {
    match filter {
        Filter::And(parts) => join(sql, parts, " AND ", "TRUE", context),
        Filter::Or(parts) => join(sql, parts, " OR ", "FALSE", context),
        Filter::Not(part) => {
            sql.push("NOT (");
            render(sql, part, context);
            sql.push(")");
        }
        Filter::TypeIs(type_id) => {
            sql.push(context.alias)
                .push(".type = ")
                .bind(Argument::Id(type_id.0));
        }
        Filter::Ids(ids) => {
            if ids.is_empty() {
                sql.push("FALSE");
            } else {
                sql.id_in(
                    &format!("{}.id", context.alias),
                    ids.iter().map(|id| id.0).collect(),
                );
            }
        }
        Filter::Compare(compare) => render_compare(sql, compare, context),
        Filter::Present(operand) => render_present(sql, operand, context),
        Filter::Linked { step, ids } => {
            let ids = ids
                .as_ref()
                .map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
            if ids.as_ref().is_some_and(Vec::is_empty) {
                sql.push("FALSE");
                return;
            }
            let other = open_step(sql, step, context, OtherEnd::of(step));
            if let Some(ids) = ids {
                sql.push(" AND ").id_in(&other, ids);
            }
            sql.push(close_step(sql.dialect, context));
        }
        Filter::LinkedElsewhere { step, id } => {
            let other = open_step(sql, step, context, OtherEnd::of(step));
            sql.push(&format!(" AND {other} <> "))
                .bind(Argument::Id(id.0));
            sql.push(close_step(sql.dialect, context));
        }
        // A count looks at every row: as a set, the far end is looked up once for all of them.
        Filter::Exists { step, filter }
            if context.depth > 0 || context.indexed == Indexed::Sets || crosses(filter) =>
        {
            render_far(sql, step, filter, context);
        }
        Filter::Exists { step, filter } => {
            open_step(sql, step, context, OtherEnd::Entity);
            sql.push(" AND ");
            let alias = entity_alias(context.depth);
            let type_id = (step.to == LinkEnd::Holder).then_some(step.holder_type);
            render(
                sql,
                filter,
                Context {
                    alias: &alias,
                    type_id,
                    scope: context.scope,
                    depth: context.depth + 1,
                    indexed: context.indexed,
                },
            );
            sql.push(close_step(sql.dialect, context));
        }
    }
}

/// Whether a filter goes on across a link.
fn crosses(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(crosses),
        Filter::Not(part) => crosses(part),
        Filter::Exists { .. } => true,
        Filter::TypeIs(_)
        | Filter::Ids(_)
        | Filter::Compare(_)
        | Filter::Present(_)
        | Filter::Linked { .. }
        | Filter::LinkedElsewhere { .. } => false,
    }
}

/// A step of a path over several links: as a set of ids made once, from the far end. Asked of each row anew, every link would multiply the
/// work: the airports of an airport's country are looked at for each airport.
fn render_far(sql: &mut Sql, step: &LinkStep, filter: &Filter, context: Context<'_>) {
    let link = format!("l{}", context.depth + 1);
    let other = entity_alias(context.depth);
    let (here, there) = match step.to {
        LinkEnd::Target => ("holder", "target"),
        LinkEnd::Holder => ("target", "holder"),
    };
    sql.push(&format!(
        "{}.id IN (SELECT {link}.{here} FROM entity AS {other} JOIN link AS {link} ON {link}.{there} = {other}.id WHERE {link}.link = ",
        context.alias
    ));
    sql.bind(Argument::Int(i64::from(step.link.0)));
    sql.push(&format!(" AND {link}.holder_type = "));
    sql.bind(Argument::Id(step.holder_type.0));
    let type_id = (step.to == LinkEnd::Holder).then_some(step.holder_type);
    if let Some(type_id) = type_id {
        sql.push(&format!(" AND {other}.type = "));
        sql.bind(Argument::Id(type_id.0));
    }
    and_readable(sql, &other, context.scope);
    sql.push(" AND ");
    render(
        sql,
        filter,
        Context {
            alias: &other,
            type_id,
            scope: context.scope,
            depth: context.depth + 1,
            indexed: Indexed::Sets,
        },
    );
    sql.push(")");
}

/// The operators are joined in groups of fifty, because SQLite bounds the depth of an expression and counts a flat chain as deep.
fn join(sql: &mut Sql, parts: &[Filter], operator: &str, empty: &str, context: Context<'_>) {
    const GROUP: usize = 50;
    if parts.is_empty() {
        sql.push(empty);
        return;
    }
    sql.push("(");
    for (index, group) in parts.chunks(GROUP).enumerate() {
        sql.push(if index == 0 { "(" } else { operator })
            .push(if index == 0 { "" } else { "(" });
        for (index, part) in group.iter().enumerate() {
            if index > 0 {
                sql.push(operator);
            }
            render(sql, part, context);
        }
        sql.push(")");
    }
    sql.push(")");
}

/// The name of the entity across a link.
pub(crate) fn entity_alias(depth: usize) -> String {
    format!("e{}", depth + 1)
}

/// What a condition across a link needs of the entity at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherEnd {
    /// Its id, which the row of the link has.
    Id,
    /// The entity itself, which the caller must be able to read.
    Entity,
}

impl OtherEnd {
    /// What a condition on ids alone needs: a target need not be readable, a holder must be (see [`Filter::Linked`]).
    fn of(step: &LinkStep) -> Self {
        match step.to {
            LinkEnd::Target => Self::Id,
            LinkEnd::Holder => Self::Entity,
        }
    }
}

/// Opens `EXISTS (…` over the rows of a link, joined with the readable entity at the other end where that is needed. Returns the
/// expression of the other end's id. The caller closes it with [`close_step`].
fn open_step(sql: &mut Sql, step: &LinkStep, context: Context<'_>, needed: OtherEnd) -> String {
    let link = format!("l{}", context.depth + 1);
    let other_entity = entity_alias(context.depth);
    let (here, there) = match step.to {
        LinkEnd::Target => ("holder", "target"),
        LinkEnd::Holder => ("target", "holder"),
    };
    sql.push(&format!("EXISTS (SELECT 1 FROM link AS {link}"));
    if needed == OtherEnd::Entity {
        let id = format!("{link}.{there}");
        sql.push(&match context.indexed {
            Indexed::Rows => sql.dialect.look_up(&other_entity, &id),
            Indexed::Sets => format!(
                " {} entity AS {other_entity} ON {other_entity}.id = {id}",
                sql.dialect.ordered_join()
            ),
        });
    }
    sql.push(&format!(
        " WHERE {link}.{here} = {}.id AND {link}.link = ",
        context.alias
    ));
    sql.bind(Argument::Int(i64::from(step.link.0)));
    sql.push(&format!(" AND {link}.holder_type = "))
        .bind(Argument::Id(step.holder_type.0));
    if needed == OtherEnd::Entity {
        and_readable(sql, &other_entity, context.scope);
    }
    format!("{link}.{there}")
}

/// Closes [`open_step`]. An OFFSET keeps PostgreSQL from joining all rows of the link before the first row is out.
fn close_step(dialect: Dialect, context: Context<'_>) -> &'static str {
    match (dialect, context.indexed) {
        (Dialect::Postgres, Indexed::Rows) => " OFFSET 0)",
        _ => ")",
    }
}
