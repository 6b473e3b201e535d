//! `PUT` and `DELETE /entity/{type}/{id}/links/{link}/{target}`.

use axum::http::{Method, StatusCode};

use super::super::{
    call::Call,
    headers::{etag_version, if_match},
    present::{empty, written},
    problem::Answer,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, etag_version)?;
    let links = call.registry().links().expecting(if_match);
    let (caller, type_name, id) = (call.caller(), call.segment(1)?, call.id(2)?);
    let (link, target) = (call.segment(4)?, call.id(5)?);
    let position = if call.parts.method == Method::PUT {
        links.put(caller, &type_name, id, &link, target).await?
    } else {
        links.delete(caller, &type_name, id, &link, target).await?
    };
    written(&call, empty(StatusCode::NO_CONTENT), position).await
}
