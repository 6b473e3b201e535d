//! Jobs of uploads.

mod cancel;
pub(super) mod document;
mod errors;
mod list;
mod read;
mod rejected;

use axum::http::Method;

use super::{
    files::FORMATS,
    route::{JSON, Route, Takes},
};

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/job",
        id: "listJobs",
        summary: "Jobs of the last 24 hours, newest first",
        parameters: &["limit", "cursor"],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(list::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/job/{id}",
        id: "readJob",
        summary: "A job with its first errors",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(read::answer(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/job/{id}",
        id: "cancelJob",
        summary: "Ask a job to stop",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 202,
        handler: |call| Box::pin(cancel::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/job/{id}/errors",
        id: "readJobErrors",
        summary: "All errors of a job, in line order",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &["application/x-ndjson", "text/csv"],
        success: 200,
        handler: |call| Box::pin(errors::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/job/{id}/rejected",
        id: "readRejected",
        summary: "The rejected rows of a job with their reasons, in the format they came in",
        parameters: &[],
        takes: Takes::Nothing,
        gives: FORMATS,
        success: 200,
        handler: |call| Box::pin(rejected::answer(call)),
    },
];
