//! Operations on links.

mod counts;
mod graph;
mod linked;
mod one;

use axum::http::Method;

use super::{
    route::{JSON, Route, Takes},
    search,
};

const ONE: &str = "/entity/{type}/{id}/links/{link}/{target}";

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/entity/{type}/{id}/links",
        id: "listLinks",
        summary: "The links from and to an entity, with counts",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(counts::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/{id}/links/{link}",
        id: "listLinked",
        summary: "The entities at the other end of a link",
        parameters: search::PARAMETERS,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(linked::answer(call)),
    },
    Route {
        method: Method::PUT,
        path: ONE,
        id: "link",
        summary: "Link two entities",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &[],
        success: 204,
        handler: |call| Box::pin(one::put(call)),
    },
    Route {
        method: Method::DELETE,
        path: ONE,
        id: "unlink",
        summary: "Take a link off",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &[],
        success: 204,
        handler: |call| Box::pin(one::delete(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/{id}/graph",
        id: "graph",
        summary: "The entities around an entity",
        parameters: &["depth", "limit"],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(graph::answer(call)),
    },
];
