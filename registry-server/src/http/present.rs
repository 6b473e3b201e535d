//! Answers.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use registry_core::{
    Catalog, Entity, EntityType,
    port::Position,
    service::{Select, entity_json},
};

use super::{
    call::Call,
    headers::{Return, etag, none_match_hits},
    problem::{Answer, Failure},
};

/// The header with the place of a write in the change log.
const POSITION: HeaderName = HeaderName::from_static("registry-position");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// An answer with a JSON text.
pub(crate) fn json(status: StatusCode, text: impl Into<Body>) -> Response {
    with_type(status, "application/json", text)
}

/// An answer of another media type.
pub(crate) fn with_type(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Text as a header's value. What the server puts into headers is ASCII; anything else is a defect.
pub(crate) fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|error| Failure::internal(error.to_string()))
}

/// A document with its tag: 304 when `If-None-Match` names it.
pub(crate) fn tagged(call: &Call, etag: &str, text: impl FnOnce() -> String) -> Answer {
    let mut response = if none_match_hits(&call.parts.headers, etag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        json(StatusCode::OK, text())
    };
    response.headers_mut().insert(header::ETAG, value(etag)?);
    Ok(response)
}

/// The tag of an entity: its version, and that of its type, whose names the document shows.
pub(crate) fn entity_tag(entity: &Entity, entity_type: &EntityType) -> String {
    etag(entity.version, entity_type.version)
}

/// Whether a write answers with its document: as asked, else it does.
pub(crate) fn wants_document(call: &Call) -> bool {
    call.prefer != Return::Minimal
}

/// Tells which preference was followed, where one was.
pub(crate) fn apply_preference(call: &Call, response: &mut Response) {
    if let Some(applied) = call.prefer.applied() {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
}

/// Adds what every write tells: its place in the change log.
pub(crate) async fn written(
    call: &Call,
    mut response: Response,
    position: Option<Position>,
) -> Answer {
    let token = call.app.position_token(position).await?;
    response.headers_mut().insert(POSITION, value(&token)?);
    Ok(response)
}

/// The document of an entity with all its fields.
pub(crate) fn entity_text(catalog: &Catalog, entity_type: &EntityType, entity: &Entity) -> String {
    entity_json(catalog, entity_type, entity, &Select::ALL, &[])
}
