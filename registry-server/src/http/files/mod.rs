//! Files of entities: upload and download.

mod download;
mod file;
mod spool;
mod upload;

use axum::http::Method;

use super::route::{JSON, Route, Takes};

/// Media types of files, the usual one first.
pub(super) const FORMATS: &[&str] = &["text/csv", "application/x-ndjson", "application/json"];

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: "/entity/{type}/upload",
        id: "upload",
        summary: "Create or change entities by a file",
        parameters: &["mode", "key", "atomic", "dry_run", "null", "delimiter"],
        takes: Takes::File(&[
            "text/csv",
            "application/x-ndjson",
            "application/json",
            file::FORM,
        ]),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(upload::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/download",
        id: "download",
        summary: "All entities that match, as a file",
        parameters: &[
            "format",
            "spreadsheet",
            "null",
            "fields",
            "links",
            "uuids",
            "filter",
            "sort",
            "select",
        ],
        takes: Takes::Nothing,
        gives: FORMATS,
        success: 200,
        handler: |call| Box::pin(download::answer(call)),
    },
];
