//! Definition, change, replacement and removal of a type, decided from documents and the catalog alone.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{
    EntityType,
    build::{Origin, build},
    draft::{self, Draft},
    evolution, patch,
    problems::Problems,
};
use crate::{Catalog, Error, Problem, Timestamp, TypeId, change::TypeChange, problem::Refusal};

/// A new type from the document of a POST.
///
/// Refuses with every problem at once: 400 for members that may not be there, 422 `invalid_type`, 409 `name_taken` and `type_exists`.
pub fn define(
    document: &Map<String, Value>,
    catalog: &Catalog,
    id: TypeId,
    now: Timestamp,
) -> Result<TypeChange, Error> {
    let mut problems = Problems::default();
    let draft = draft::read(document, None, &mut problems);
    let after = build(&draft, Origin::New(id, now), catalog, &mut problems);
    problems.into_result()?;
    Ok(TypeChange {
        catalog: catalog.version,
        before: None,
        after: Some(Arc::new(after)),
        must_be_unused: BTreeSet::new(),
        must_have_no_values: BTreeSet::new(),
        check_entities: false,
    })
}

/// The change that a merge patch makes; `None` when it makes none.
pub fn change(
    before: &Arc<EntityType>,
    patch: &Map<String, Value>,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Option<TypeChange>, Error> {
    let mut problems = Problems::default();
    let draft = patch::read(before, patch, catalog, &mut problems);
    decide(before, &draft, catalog, now, problems)
}

/// The change that brings a type to exactly this document; `None` when it is there already.
///
/// Fields and links are known by their `number`, else by their name. What the document leaves out is removed, and must hold no data
/// unless `drop` names it.
pub fn replace(
    before: &Arc<EntityType>,
    document: &Map<String, Value>,
    drop: &[String],
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Option<TypeChange>, Error> {
    let mut problems = Problems::default();
    let draft = draft::read(document, Some((before, catalog)), &mut problems);
    for name in drop {
        let fields = before.fields.iter().map(|field| &field.name);
        let links = before.links.iter().map(|link| &link.name);
        if !fields.chain(links).any(|known| known == name) {
            problems.push(Problem::parameter(
                "drop",
                "unknown_field",
                format!("no field or link {name}"),
            ));
        }
    }
    let change = decide(before, &draft, catalog, now, problems)?;
    Ok(change.map(|change| {
        let must_be_unused = change
            .removed()
            .filter(|(_, name)| !drop.iter().any(|one| one == name))
            .map(|(number, _)| number)
            .collect();
        TypeChange {
            must_be_unused,
            ..change
        }
    }))
}

fn decide(
    before: &Arc<EntityType>,
    draft: &Draft,
    catalog: &Catalog,
    now: Timestamp,
    mut problems: Problems,
) -> Result<Option<TypeChange>, Error> {
    let mut after = build(draft, Origin::Present(before), catalog, &mut problems);
    problems.into_result()?;
    if after == **before {
        return Ok(None);
    }
    after.version = before.version.next();
    after.updated_at = now;
    Ok(Some(TypeChange {
        catalog: catalog.version,
        must_be_unused: BTreeSet::new(),
        must_have_no_values: evolution::incompatible(before, &after),
        check_entities: evolution::tightens(before, &after),
        before: Some(Arc::clone(before)),
        after: Some(Arc::new(after)),
    }))
}

/// The removal of a type: refused as 409 `type_in_use` while links of other types name it. Links to any type, and its own, do not count.
pub fn remove(before: &Arc<EntityType>, catalog: &Catalog) -> Result<TypeChange, Error> {
    let naming: Vec<String> = catalog
        .incoming(before.id)
        .filter(|one| one.holder.id != before.id && one.link.to != super::LinkTargets::Any)
        .map(|one| format!("{}.{}", one.holder.name, one.link.name))
        .collect();
    if !naming.is_empty() {
        return Err(Error::refused(
            Refusal::Conflict,
            "type_in_use",
            format!("links of other types lead to {}", before.name),
        )
        .with("links", naming));
    }
    Ok(TypeChange {
        catalog: catalog.version,
        before: Some(Arc::clone(before)),
        after: None,
        must_be_unused: BTreeSet::new(),
        must_have_no_values: BTreeSet::new(),
        check_entities: false,
    })
}
