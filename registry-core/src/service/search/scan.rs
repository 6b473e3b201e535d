//! Where a page is taken from, and which entities belong to it.

use std::sync::Arc;

use crate::{
    Catalog, Entity, EntityId, EntityType, Error, Scope, TypeId,
    query::{
        After, Filter, FilterError, LinkEnd, LinkStep, NamedLink, SortTerm,
        cursor::{self, Binding},
        parse_fields, parse_filter, parse_links, parse_uuids, resolve, resolve_links,
        tree::Expr,
    },
};

use super::SearchRequest;

/// Where a page is taken from.
pub(super) struct Scan {
    /// The types looked in.
    pub(super) types: Vec<Arc<EntityType>>,
    /// The types that were named: what a cursor is bound to, so that a list over all types goes on when one is defined.
    pub(super) bound: Vec<TypeId>,
    /// What holds beside the request's own conditions.
    pub(super) within: Option<Filter>,
    /// The link and entity that this is a list of, for the cursor.
    pub(super) place: Option<String>,
}

impl Scan {
    /// The other end of a link of an entity that the caller may read.
    pub(super) fn linked(catalog: &Catalog, named: NamedLink<'_>, entity: &Entity) -> Self {
        let (types, filter) = match named.to {
            // The holder's row has the ids: nothing is to be looked up in the links.
            LinkEnd::Target => (
                catalog
                    .targets(named.link)
                    .into_iter()
                    .map(Arc::clone)
                    .collect(),
                Filter::Ids(
                    entity
                        .links
                        .get(&named.link.number)
                        .cloned()
                        .unwrap_or_default(),
                ),
            ),
            LinkEnd::Holder => (
                vec![Arc::clone(named.holder)],
                Filter::Linked {
                    step: LinkStep {
                        holder_type: named.holder.id,
                        link: named.link.number,
                        to: LinkEnd::Target,
                    },
                    ids: Some(vec![entity.id]),
                },
            ),
        };
        Self {
            types,
            bound: Vec::new(),
            within: Some(filter),
            place: Some(place(named, entity.id)),
        }
    }

    /// What a cursor of these pages is bound to.
    pub(super) fn binding(
        &self,
        scope: &Scope,
        sort: &[SortTerm],
        request: &SearchRequest,
    ) -> Binding {
        let parameters = [
            ("fields", request.fields.as_deref()),
            ("links", request.links.as_deref()),
            ("uuids", request.uuids.as_deref()),
            ("filter", request.filter.as_deref()),
            ("place", self.place.as_deref()),
        ];
        let given: Vec<(&str, &str)> = parameters
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .collect();
        Binding::new(&self.bound, scope, sort, &given)
    }
}

/// The cursor with which the plain list of a link goes on after an entity: what [`Search::linked`] itself would have given.
pub(in crate::service) fn linked_cursor(
    secret: &[u8; 32],
    scope: &Scope,
    named: NamedLink<'_>,
    id: EntityId,
    last: EntityId,
) -> String {
    let place = place(named, id);
    let binding = Binding::new(&[], scope, &[], &[("place", &place)]);
    let after = After {
        values: Vec::new(),
        id: last,
    };
    cursor::seal(secret, &binding, &after)
}

fn place(named: NamedLink<'_>, id: EntityId) -> String {
    let end = match named.to {
        LinkEnd::Target => "targets",
        LinkEnd::Holder => "holders",
    };
    format!("{end} {} {} {id}", named.holder.id, named.link.number)
}

type Parse = fn(&str) -> Result<Expr, FilterError>;

/// All that the request's conditions ask, as one filter.
pub(super) fn filter(
    catalog: &Catalog,
    scan: &Scan,
    request: &SearchRequest,
) -> Result<Filter, Error> {
    let mut all: Vec<Filter> = scan.within.iter().cloned().collect();
    let readers: [(&str, &Option<String>, Parse); 2] = [
        ("fields", &request.fields, parse_fields),
        ("filter", &request.filter, parse_filter),
    ];
    for (parameter, text, parse) in readers {
        if let Some(text) = text {
            let tree = parse(text).map_err(|error| error.refuse(parameter))?;
            let resolved = resolve(catalog, &scan.types, &tree);
            all.push(resolved.map_err(|error| error.refuse(parameter))?);
        }
    }
    if let Some(text) = &request.links {
        all.push(resolve_links(catalog, &scan.types, &parse_links(text)?)?);
    }
    if let Some(text) = &request.uuids {
        all.push(Filter::Ids(parse_uuids(text)?));
    }
    Ok(match all.len() {
        1 => all.remove(0),
        _ => Filter::And(all),
    })
}
