//! Lists and searches.

mod across;
mod by_body;
mod by_query;
pub(super) mod page;
pub(super) mod request;

use axum::http::Method;

use super::route::{JSON, Route, Takes};

/// The parameters of every list of entities.
pub(super) const PARAMETERS: &[&str] = &[
    "fields", "links", "uuids", "filter", "sort", "select", "expand", "count", "limit", "cursor",
];

/// The same and `type`.
const ACROSS: &[&str] = &[
    "type", "fields", "links", "uuids", "filter", "sort", "select", "expand", "count", "limit",
    "cursor",
];

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/entity/{type}",
        id: "listEntities",
        summary: "List the entities of a type",
        parameters: PARAMETERS,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(by_query::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/search",
        id: "searchEntities",
        summary: "Search the entities of a type",
        parameters: PARAMETERS,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(by_query::answer(call)),
    },
    Route {
        method: Method::POST,
        path: "/entity/{type}/search",
        id: "searchEntitiesByBody",
        summary: "Search the entities of a type with a long query",
        parameters: &[],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(by_body::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/search",
        id: "searchAllEntities",
        summary: "Search across types",
        parameters: ACROSS,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(across::answer(call)),
    },
];
