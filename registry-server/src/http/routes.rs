//! The route table: every operation of the contract that this version has, and the paths of those that come later.

use axum::http::{Method, StatusCode};

use super::{
    entities, entity_types, files, jobs, links,
    problem::Failure,
    route::{Route, Takes},
    search, service,
};

/// Every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    [
        entity_types::ROUTES,
        entities::ROUTES,
        links::ROUTES,
        search::ROUTES,
        files::ROUTES,
        jobs::ROUTES,
        service::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// Operations that the contract names and later versions bring: they answer 404 and say so.
pub(crate) static LATER: &[Route] = &[
    later(Method::GET, "/entity/{type}/{id}/history"),
    later(Method::POST, "/entity/{type}/{id}/restore"),
    later(Method::POST, "/batch"),
    later(Method::GET, "/change"),
    later(Method::GET, "/index"),
    later(Method::POST, "/index/check"),
    later(Method::POST, "/index/rebuild"),
];

const fn later(method: Method, path: &'static str) -> Route {
    Route {
        method,
        path,
        id: "later",
        summary: "",
        parameters: &[
            "version", "since", "type", "limit", "wait_for", "cursor", "repair",
        ],
        takes: Takes::Whatever,
        gives: &[],
        success: 404,
        handler: |call| {
            Box::pin(async move {
                Err(Failure::new(
                    StatusCode::NOT_FOUND,
                    "not_supported_yet",
                    format!("this version does not have {} yet", call.route.path),
                ))
            })
        },
    }
}
