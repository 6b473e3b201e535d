//! Operations on entities.

mod by_key;
mod change;
mod create;
mod delete;
mod read;
mod written;

use axum::http::Method;

use super::route::{JSON, Route, Takes};

/// Media types of a merge.
const MERGE: &[&str] = &["application/json", "application/merge-patch+json"];
/// Parameters of a read.
const READ: &[&str] = &["select", "expand"];

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: "/entity/{type}",
        id: "createEntity",
        summary: "Create an entity",
        parameters: &[],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 201,
        handler: |call| Box::pin(create::without_id(call)),
    },
    Route {
        method: Method::POST,
        path: "/entity/{type}/{id}",
        id: "createEntityWithId",
        summary: "Create an entity under an id",
        parameters: &[],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 201,
        handler: |call| Box::pin(create::with_id(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/{id}",
        id: "readEntity",
        summary: "Read an entity",
        parameters: READ,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(read::answer(call)),
    },
    Route {
        method: Method::PUT,
        path: "/entity/{type}/{id}",
        id: "putEntity",
        summary: "Create or replace an entity",
        parameters: &[],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(change::put(call)),
    },
    Route {
        method: Method::PATCH,
        path: "/entity/{type}/{id}",
        id: "patchEntity",
        summary: "Merge into an entity",
        parameters: &[],
        takes: Takes::Json(MERGE),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(change::patch(call)),
    },
    Route {
        method: Method::DELETE,
        path: "/entity/{type}/{id}",
        id: "deleteEntity",
        summary: "Delete an entity",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &[],
        success: 204,
        handler: |call| Box::pin(delete::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entity/{type}/by/{key}/{value}",
        id: "readEntityByKey",
        summary: "Read an entity by a key",
        parameters: READ,
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(by_key::answer(call)),
    },
];
