//! `DELETE /entity/{type}/{id}`.

use axum::http::StatusCode;

use super::super::{
    call::Call,
    headers::{etag_version, if_match},
    present::{empty, written},
    problem::Answer,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, etag_version)?;
    let type_name = call.segment(1)?;
    let position = call
        .registry()
        .entities()
        .delete(call.caller(), &type_name, call.id(2)?, if_match)
        .await?;
    written(&call, empty(StatusCode::NO_CONTENT), Some(position)).await
}
