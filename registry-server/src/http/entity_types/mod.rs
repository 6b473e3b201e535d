//! Operations on entity types.

mod change;
mod cursor;
mod define;
mod delete;
mod list;
mod name;
mod put;
mod read;
mod schema;
mod written;

use axum::http::Method;

use super::route::{JSON, Route, Takes};

/// Media types of a merge.
const MERGE: &[&str] = &["application/merge-patch+json", "application/json"];
/// All types.
const ALL: &str = "/entityType";
/// One type.
const ONE: &str = "/entityType/{name}";

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::POST,
        path: ALL,
        id: "defineType",
        summary: "Define an entity type",
        parameters: &[],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 201,
        handler: |call| Box::pin(define::answer(call)),
    },
    Route {
        method: Method::GET,
        path: ALL,
        id: "listTypes",
        summary: "List entity types",
        parameters: &["tag", "count", "limit", "cursor"],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(list::answer(call)),
    },
    Route {
        method: Method::PATCH,
        path: ALL,
        id: "changeTypeByParameter",
        summary: "Change the entity type that `name` names",
        parameters: &["name"],
        takes: Takes::Json(MERGE),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(change::answer(call)),
    },
    Route {
        method: Method::DELETE,
        path: ALL,
        id: "deleteTypeByParameter",
        summary: "Delete the entity type that `name` names",
        parameters: &["name", "cascade"],
        takes: Takes::Nothing,
        gives: &[],
        success: 204,
        handler: |call| Box::pin(delete::answer(call)),
    },
    Route {
        method: Method::GET,
        path: ONE,
        id: "readType",
        summary: "Read an entity type",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(read::answer(call)),
    },
    Route {
        method: Method::PUT,
        path: ONE,
        id: "putType",
        summary: "Define an entity type, or bring it to exactly this document",
        parameters: &["drop"],
        takes: Takes::Json(JSON),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(put::answer(call)),
    },
    Route {
        method: Method::PATCH,
        path: ONE,
        id: "changeType",
        summary: "Change an entity type",
        parameters: &[],
        takes: Takes::Json(MERGE),
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(change::answer(call)),
    },
    Route {
        method: Method::DELETE,
        path: ONE,
        id: "deleteType",
        summary: "Delete an entity type",
        parameters: &["cascade"],
        takes: Takes::Nothing,
        gives: &[],
        success: 204,
        handler: |call| Box::pin(delete::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/entityType/{name}/schema",
        id: "readTypeSchema",
        summary: "The JSON Schema of the fields of a type's entities",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &["application/json", "application/schema+json"],
        success: 200,
        handler: |call| Box::pin(schema::answer(call)),
    },
];
