//! `PUT` and `PATCH /entity/{type}/{id}`.

use std::borrow::Cow;

use registry_core::{EntityId, service::IfMatch};
use serde_json::{Map, Value};

use super::{
    super::{
        call::Call,
        headers::{etag_version, if_match},
        problem::{Answer, Failure},
    },
    written::present,
};

/// What both are asked.
struct Asked<'a> {
    if_match: Option<IfMatch>,
    body: Map<String, Value>,
    type_name: Cow<'a, str>,
    id: EntityId,
}

fn asked(call: &Call) -> Result<Asked<'_>, Failure> {
    Ok(Asked {
        if_match: if_match(&call.parts.headers, etag_version)?,
        body: call.object()?,
        type_name: call.segment(1)?,
        id: call.id(2)?,
    })
}

pub(super) async fn put(call: Call) -> Answer {
    let Asked {
        if_match,
        body,
        type_name,
        id,
    } = asked(&call)?;
    let entities = call.registry().entities();
    let done = entities
        .put(call.caller(), &type_name, id, &body, if_match)
        .await?;
    present(&call, done).await
}

pub(super) async fn patch(call: Call) -> Answer {
    let Asked {
        if_match,
        body,
        type_name,
        id,
    } = asked(&call)?;
    let entities = call.registry().entities();
    let done = entities
        .patch(call.caller(), &type_name, id, &body, if_match)
        .await?;
    present(&call, done).await
}
