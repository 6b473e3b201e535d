//! Sort terms: names to what is sorted by.

use std::sync::Arc;

use crate::{
    Catalog, EntityType,
    field::Kind,
    problem::Error,
    query::{
        ast::{Operand, SortTerm, SystemField},
        error::{refuse, refuse_name},
        params::SortName,
    },
};

use super::unknown;

/// Looks up the terms of a sort over entities of these types. 422 `unknown_field`, 400 `invalid_sort` for what has no order.
///
/// A term is a system field or, over a single type, a field of it that is not a list and not of kind json.
pub fn resolve_sort(
    catalog: &Catalog,
    types: &[Arc<EntityType>],
    terms: &[SortName],
) -> Result<Vec<SortTerm>, Error> {
    let resolved = terms.iter().map(|term| {
        let by = operand(catalog, types, &term.name)?;
        let direction = term.direction;
        Ok(SortTerm { by, direction })
    });
    resolved.collect()
}

fn operand(catalog: &Catalog, types: &[Arc<EntityType>], name: &str) -> Result<Operand, Error> {
    let fail = |message: String| Err(refuse("sort", "invalid_sort", message));
    if let Some(system) = SystemField::named(name) {
        return Ok(Operand::System(system));
    }
    let [only] = types else {
        return fail(format!(
            "{name} is no system field; several types sort by these alone"
        ));
    };
    let Some(field) = only.field_named(name) else {
        return if only.link_named(name).is_some() {
            fail(format!("{name} is a link and has no order"))
        } else {
            Err(refuse_name("sort", "unknown_field", unknown(name)))
        };
    };
    if field.list {
        return fail(format!("{name} is a list and has no order"));
    }
    if matches!(field.kind, Kind::Json(_)) {
        return fail(format!("{name} is json and has no order"));
    }
    Ok(Operand::Field {
        type_id: only.id,
        field: field.number,
        list: false,
        indexed: catalog.index_ready(only.id, field),
    })
}
