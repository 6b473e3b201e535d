//! The answer to a write of one entity.

use axum::http::{StatusCode, header};
use registry_core::service::{Outcome, Written};

use super::super::{
    call::Call,
    present::{
        apply_preference, empty, entity_tag, entity_text, json, value, wants_document, written,
    },
    problem::Answer,
};

/// 201 with a `Location` for a new entity, 200 for one that was there; the document unless it was not wanted.
pub(super) async fn present(call: &Call, done: Written) -> Answer {
    let status = match done.outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Updated | Outcome::Unchanged => StatusCode::OK,
    };
    let mut response = if wants_document(call) {
        let catalog = call.registry().catalog_for_telling().await?;
        json(
            status,
            entity_text(&catalog, &done.entity_type, &done.entity),
        )
    } else {
        empty(status)
    };
    let tag = entity_tag(&done.entity, &done.entity_type);
    response.headers_mut().insert(header::ETAG, value(&tag)?);
    if done.outcome == Outcome::Created {
        let place = format!("/entity/{}/{}", done.entity_type.name, done.entity.id);
        response
            .headers_mut()
            .insert(header::LOCATION, value(&place)?);
    }
    apply_preference(call, &mut response);
    written(call, response, done.position).await
}
