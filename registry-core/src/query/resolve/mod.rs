//! Names to numbers: a tree as written becomes the tree that stores answer.
//!
//! `path op value` is true when some value at the end of the path satisfies it, so each path becomes nested `Exists`, one per step; where a
//! name leads over several links, or to several types, the ways stand in an `Or`. `NOT IN` is the NOT of `IN`, `IS NULL` that of
//! `IS NOT NULL`; both stand outside the path.

mod budget;
mod compare;
mod linked;
mod path;
mod sort;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{Catalog, EntityType, limits::NAME_LENGTH, query::SystemField};

use super::{ast::Filter, error::FilterError, tree::Expr};

use self::budget::Budget;
pub use self::{
    linked::{NamedLink, linked_query, named_link, resolve_links},
    sort::resolve_sort,
};

/// Looks up every name of a filter over entities of these types.
///
/// A field may be used where those of the types that have it give it the same kind and make it a list or not alike; entities of the others
/// have no value there. An error names the place in the text. A name that does not exist and one that was removed give the same words.
pub fn resolve(
    catalog: &Catalog,
    types: &[Arc<EntityType>],
    expr: &Expr,
) -> Result<Filter, FilterError> {
    let types: Vec<&EntityType> = types.iter().map(AsRef::as_ref).collect();
    let mut resolver = Resolver {
        catalog,
        budget: Budget::default(),
    };
    let at = At {
        seen: &types,
        here: &types,
        links: 0,
    };
    resolver.expr(at, expr)
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    budget: Budget,
}

/// Where in the graph of types an expression is asked.
#[derive(Clone, Copy)]
struct At<'s, 'a> {
    /// All types that the path written so far may lead to, on every way: what names are checked against.
    seen: &'s [&'a EntityType],
    /// Those on the way taken now: what the filter is written for.
    here: &'s [&'a EntityType],
    /// Links crossed so far.
    links: usize,
}

impl<'a> Resolver<'a> {
    fn expr(&mut self, at: At<'_, 'a>, expr: &Expr) -> Result<Filter, FilterError> {
        match expr {
            Expr::And(exprs) => self.exprs(at, exprs).map(Filter::And),
            Expr::Or(exprs) => self.exprs(at, exprs).map(Filter::Or),
            Expr::Not(expr) => self.expr(at, expr).map(not),
            Expr::Group { path, expr } => {
                let walk = self.walk(at, &path.0)?;
                let links = at.links + path.0.len();
                self.cross(&walk.levels, at.here, &mut |this, here| {
                    let seen = &walk.end;
                    this.expr(At { seen, here, links }, expr)
                })
            }
            Expr::Compare { path, condition } => self.compare(at, path, condition),
        }
    }

    fn exprs(&mut self, at: At<'_, 'a>, exprs: &[Expr]) -> Result<Vec<Filter>, FilterError> {
        exprs.iter().map(|expr| self.expr(at, expr)).collect()
    }
}

impl SystemField {
    /// The system field of this name.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "_id" => Self::Id,
            "_version" => Self::Version,
            "_created_at" => Self::CreatedAt,
            "_updated_at" => Self::UpdatedAt,
            "_created_by" => Self::CreatedBy,
            "_updated_by" => Self::UpdatedBy,
            _ => return None,
        })
    }
}

/// What no entity satisfies.
const NOTHING: Filter = Filter::Or(Vec::new());
/// What every entity satisfies.
const EVERYTHING: Filter = Filter::And(Vec::new());

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// One of these holds; without an `Or` around a single one.
fn any(mut filters: Vec<Filter>) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            Filter::Or(filters)
        }
    }
}

/// The words for a name that is not there, or hidden.
fn unknown(name: &str) -> String {
    match name.char_indices().nth(NAME_LENGTH) {
        // No name is that long: the rest would only fill the answer.
        Some((cut, _)) => format!("unknown name {}…", name.get(..cut).unwrap_or_default()),
        None => format!("unknown name {name}"),
    }
}
