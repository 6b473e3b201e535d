//! `PUT` and `DELETE /entity/{type}/{id}/links/{link}/{target}`.

use std::borrow::Cow;

use axum::http::StatusCode;
use registry_core::{EntityId, service::LinkService};

use super::super::{
    call::Call,
    headers::{etag_version, if_match},
    present::{empty, written},
    problem::{Answer, Failure},
};

/// What both are asked.
struct Asked<'a> {
    links: LinkService<'a>,
    type_name: Cow<'a, str>,
    id: EntityId,
    link: Cow<'a, str>,
    target: EntityId,
}

fn asked(call: &Call) -> Result<Asked<'_>, Failure> {
    let if_match = if_match(&call.parts.headers, etag_version)?;
    Ok(Asked {
        links: call.registry().links().expecting(if_match),
        type_name: call.segment(1)?,
        id: call.id(2)?,
        link: call.segment(4)?,
        target: call.id(5)?,
    })
}

pub(super) async fn put(call: Call) -> Answer {
    let asked = asked(&call)?;
    let position = asked
        .links
        .put(
            call.caller(),
            &asked.type_name,
            asked.id,
            &asked.link,
            asked.target,
        )
        .await?;
    written(&call, empty(StatusCode::NO_CONTENT), position).await
}

pub(super) async fn delete(call: Call) -> Answer {
    let asked = asked(&call)?;
    let position = asked
        .links
        .delete(
            call.caller(),
            &asked.type_name,
            asked.id,
            &asked.link,
            asked.target,
        )
        .await?;
    written(&call, empty(StatusCode::NO_CONTENT), position).await
}
