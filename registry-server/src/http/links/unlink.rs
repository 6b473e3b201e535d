//! `DELETE /entity/{type}/{id}/links/{link}/{target}`.

use axum::http::StatusCode;

use super::super::{
    call::Call,
    headers::{etag_version, if_match},
    present::{empty, written},
    problem::Answer,
};

pub(super) async fn answer(call: Call) -> Answer {
    let position = call
        .registry()
        .links()
        .expecting(if_match(&call.parts.headers, etag_version)?)
        .delete(
            call.caller(),
            &call.segment(1)?,
            call.id(2)?,
            &call.segment(4)?,
            call.id(5)?,
        )
        .await?;
    written(&call, empty(StatusCode::NO_CONTENT), position).await
}
