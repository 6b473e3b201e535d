//! What leads a read: the ids that it begins with. Neither engine can tell from its statistics, since all types share their tables, and a
//! wrong guess costs a pass over a type. So every candidate is a set of ids that an index yields and that holds all matches; how large it
//! is, up to a bound, is asked before it is used; and all of the filter is decided again on each row, from the row itself.

mod render;

use std::collections::BTreeSet;

use registry_core::{
    EntityId, Principal, Scope, TypeId,
    query::{Filter, LinkEnd, LinkStep, Operand, Query, Test},
};

use crate::{Argument, Sql, filter};

pub(crate) use render::{any_of, push_in, sizes};

/// A set of up to so many ids leads a read whatever its order: reading and sorting it costs a few milliseconds at most.
pub(crate) const SMALL: usize = 2_000;
/// Rows that a page in order of ids looks at before it turns to a large set: a condition that one row in a hundred meets fills a page there.
pub(crate) const WINDOW: usize = 5_000;
/// Runs that one statement merges at most; beyond it the rows are looked at one by one.
const RUNS: usize = 32;
/// Candidates that are measured at most.
const CANDIDATES: usize = 8;

/// A set of ids that holds every match of a query.
#[derive(Clone, Debug)]
pub(crate) enum Ids<'a> {
    /// Those with such a value in an indexed field.
    Values {
        type_id: TypeId,
        field: u32,
        test: &'a Test,
    },
    /// These.
    Named(&'a [EntityId]),
    /// Those across a link from these.
    Linked {
        step: &'a LinkStep,
        ids: &'a [EntityId],
    },
    /// Those across a link from the ones among these that satisfy the filter.
    Across {
        step: &'a LinkStep,
        from: Box<Ids<'a>>,
        filter: &'a Filter,
        scope: &'a Scope,
    },
    /// A whole type.
    Typed(TypeId),
    /// Those of these types that the caller may read.
    Owned {
        types: &'a [TypeId],
        principals: &'a BTreeSet<Principal>,
    },
    /// All of several sets.
    Union(Vec<Ids<'a>>),
}

/// What a read begins with.
#[derive(Clone, Debug)]
pub(crate) enum Lead<'a> {
    /// The index of its order.
    Order,
    /// So many rows of a type in order of their ids, and no more.
    Window,
    /// A set.
    Set(Ids<'a>),
    /// Runs in order of ids, merged.
    Runs(Vec<Run<'a>>),
}

/// A run of an index in order of ids.
#[derive(Clone, Debug)]
pub(crate) enum Run<'a> {
    /// The holders of one value of an indexed field.
    Value {
        type_id: TypeId,
        field: u32,
        value: &'a str,
    },
    /// What one entity is linked with.
    Linked { step: &'a LinkStep, id: EntityId },
    /// A type.
    Typed(TypeId),
    /// What one principal may read of a type.
    Owned {
        type_id: TypeId,
        principal: &'a Principal,
    },
}

impl Run<'_> {
    /// Its table, and what its ids are called there.
    pub(crate) fn source(&self) -> (&'static str, &'static str) {
        match self {
            Self::Value { .. } => ("field_value", "v.entity"),
            Self::Linked { step, .. } => match step.to {
                LinkEnd::Target => ("link", "v.holder"),
                LinkEnd::Holder => ("link", "v.target"),
            },
            Self::Typed(_) => ("entity", "v.id"),
            Self::Owned { .. } => ("owner", "v.entity"),
        }
    }

    /// Appends the condition on its table, which is named `v`.
    pub(crate) fn condition(&self, sql: &mut Sql) {
        match self {
            Self::Value {
                type_id,
                field,
                value,
            } => {
                sql.push("v.type = ").bind(Argument::Id(type_id.0));
                sql.push(" AND v.field = ")
                    .bind(Argument::Int(i64::from(*field)));
                sql.push(" AND v.value = ")
                    .bind(Argument::Text((*value).to_owned()));
            }
            Self::Linked { step, id } => {
                let here = match step.to {
                    LinkEnd::Target => "v.target",
                    LinkEnd::Holder => "v.holder",
                };
                sql.push(here).push(" = ").bind(Argument::Id(id.0));
                link(sql, "v", step);
            }
            Self::Typed(type_id) => {
                sql.push("v.type = ").bind(Argument::Id(type_id.0));
            }
            Self::Owned { type_id, principal } => {
                sql.push("v.principal = ")
                    .bind(Argument::Text(principal.to_string()));
                sql.push(" AND v.type = ").bind(Argument::Id(type_id.0));
            }
        }
    }

    /// Whether what it yields is inside the caller's scope as it is.
    pub(crate) fn is_scope(&self) -> bool {
        matches!(self, Self::Owned { .. })
    }
}

fn link(sql: &mut Sql, alias: &str, step: &LinkStep) {
    sql.push(&format!(" AND {alias}.holder_type = "))
        .bind(Argument::Id(step.holder_type.0));
    sql.push(&format!(" AND {alias}.link = "))
        .bind(Argument::Int(i64::from(step.link.0)));
}

/// The sets that a query may begin with, likely small ones first.
pub(crate) fn candidates(query: &Query) -> Vec<Ids<'_>> {
    let mut found = of_filter(&query.filter, &query.scope);
    found.sort_by_key(|ids| runs(ids).is_empty());
    found.truncate(CANDIDATES);
    if let Scope::Readable(principals) = &query.scope {
        found.push(Ids::Owned {
            types: &query.types,
            principals,
        });
    }
    found
}

fn of_filter<'a>(filter: &'a Filter, scope: &'a Scope) -> Vec<Ids<'a>> {
    match filter {
        Filter::And(parts) => parts
            .iter()
            .flat_map(|part| of_filter(part, scope))
            .collect(),
        Filter::Or(parts) if (1..=RUNS).contains(&parts.len()) => {
            let each = parts
                .iter()
                .map(|part| of_filter(part, scope).into_iter().next());
            each.collect::<Option<Vec<_>>>()
                .map(|all| vec![Ids::Union(all)])
                .unwrap_or_default()
        }
        Filter::Ids(ids) => vec![Ids::Named(ids)],
        Filter::Compare(compare) => match &compare.operand {
            Operand::Field {
                type_id,
                field,
                indexed: true,
                ..
            } if filter::ranged(&compare.test) => vec![Ids::Values {
                type_id: *type_id,
                field: field.0,
                test: &compare.test,
            }],
            _ => Vec::new(),
        },
        Filter::Linked {
            step,
            ids: Some(ids),
        } => vec![Ids::Linked { step, ids }],
        Filter::Exists { step, filter } => across(step, filter, scope),
        Filter::Or(_)
        | Filter::Not(_)
        | Filter::TypeIs(_)
        | Filter::Present(_)
        | Filter::Linked { ids: None, .. }
        | Filter::LinkedElsewhere { .. } => Vec::new(),
    }
}

fn across<'a>(step: &'a LinkStep, filter: &'a Filter, scope: &'a Scope) -> Vec<Ids<'a>> {
    let mut from = of_filter(filter, scope);
    let other = match step.to {
        LinkEnd::Holder => Some(step.holder_type),
        LinkEnd::Target => type_of(filter),
    };
    from.extend(other.map(Ids::Typed));
    let reach = |from| match from {
        Ids::Named(ids) => Ids::Linked { step, ids },
        from => Ids::Across {
            step,
            from: Box::new(from),
            filter,
            scope,
        },
    };
    from.into_iter().map(reach).collect()
}

/// The type of whatever satisfies the filter, where one of its conditions tells.
fn type_of(filter: &Filter) -> Option<TypeId> {
    let of_operand = |operand: &Operand| match operand {
        Operand::Field { type_id, .. } => Some(*type_id),
        Operand::System(_) => None,
    };
    match filter {
        Filter::And(parts) => parts.iter().find_map(type_of),
        Filter::Or(parts) => {
            let mut types = parts.iter().map(type_of);
            let first = types.next()??;
            types.all(|one| one == Some(first)).then_some(first)
        }
        Filter::TypeIs(type_id) => Some(*type_id),
        Filter::Compare(compare) => of_operand(&compare.operand),
        Filter::Present(operand) => of_operand(operand),
        Filter::Linked { step, .. }
        | Filter::LinkedElsewhere { step, .. }
        | Filter::Exists { step, .. } => (step.to == LinkEnd::Target).then_some(step.holder_type),
        Filter::Not(_) | Filter::Ids(_) => None,
    }
}

/// The set as runs in order of ids; empty when it is not made of a few.
pub(crate) fn runs<'a>(ids: &Ids<'a>) -> Vec<Run<'a>> {
    let all: Vec<Run<'a>> = match ids {
        Ids::Values {
            type_id,
            field,
            test,
        } => {
            let (type_id, field) = (*type_id, *field);
            let run = |value: &'a registry_core::Encoded| Run::Value {
                type_id,
                field,
                value: &value.0,
            };
            match test {
                Test::Equal(value) => vec![run(value)],
                Test::In(values) => values.iter().map(run).collect(),
                _ => Vec::new(),
            }
        }
        Ids::Linked { step, ids } => ids.iter().map(|id| Run::Linked { step, id: *id }).collect(),
        Ids::Owned { types, principals } => types
            .iter()
            .flat_map(|type_id| {
                principals.iter().map(|principal| Run::Owned {
                    type_id: *type_id,
                    principal,
                })
            })
            .collect(),
        Ids::Typed(type_id) => vec![Run::Typed(*type_id)],
        Ids::Named(_) | Ids::Across { .. } | Ids::Union(_) => Vec::new(),
    };
    if all.len() > RUNS { Vec::new() } else { all }
}

/// Whether the set is small as it stands.
pub(crate) fn is_named(ids: &Ids<'_>) -> bool {
    matches!(ids, Ids::Named(ids) if ids.len() <= SMALL)
}

/// The set that a count begins with when none is small: what an index holds in one run, unless that is the caller's scope.
pub(crate) fn worth_counting<'a, 'b>(candidates: &'b [Ids<'a>]) -> Option<&'b Ids<'a>> {
    candidates
        .iter()
        .find(|ids| !matches!(ids, Ids::Owned { .. }) && !runs(ids).is_empty())
}

/// What a page in order of ids begins with when no small set is known.
pub(crate) fn in_id_order<'a>(query: &'a Query, candidates: &[Ids<'a>]) -> Lead<'a> {
    if let Some(runs) = candidates.iter().map(runs).find(|found| !found.is_empty()) {
        return Lead::Runs(runs);
    }
    if (2..=RUNS).contains(&query.types.len()) {
        return Lead::Runs(query.types.iter().map(|one| Run::Typed(*one)).collect());
    }
    Lead::Order
}
