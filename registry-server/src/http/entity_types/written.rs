//! The answer to a write of a type.

use axum::http::{StatusCode, header};
use registry_core::{
    entity_type::{document, tag},
    service::{Outcome, WrittenType},
};
use serde_json::Value;

use super::super::{
    call::Call,
    present::{apply_preference, empty, json, value, wants_document, written},
    problem::Answer,
};

pub(super) async fn present(call: &Call, done: WrittenType) -> Answer {
    let status = match done.outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Updated | Outcome::Unchanged => StatusCode::OK,
    };
    let mut response = if wants_document(call) {
        let text = Value::Object(document(&done.entity_type, &done.catalog)).to_string();
        json(status, text)
    } else {
        empty(status)
    };
    let headers = response.headers_mut();
    let tag = format!("\"{}\"", tag(&done.entity_type, &done.catalog));
    headers.insert(header::ETAG, value(&tag)?);
    if done.outcome == Outcome::Created {
        let place = format!("/entityType/{}", done.entity_type.name);
        headers.insert(header::LOCATION, value(&place)?);
    }
    apply_preference(call, &mut response);
    written(call, response, done.position).await
}
