//! `PUT` and `PATCH /entity/{type}/{id}`.

use axum::http::Method;

use super::{
    super::{
        call::Call,
        headers::{etag_version, if_match},
        problem::Answer,
    },
    written::present,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, etag_version)?;
    let body = call.object()?;
    let (caller, type_name, id) = (call.caller(), call.segment(1)?, call.id(2)?);
    let entities = call.registry().entities();
    let done = if call.parts.method == Method::PUT {
        entities
            .put(caller, &type_name, id, &body, if_match)
            .await?
    } else {
        entities
            .patch(caller, &type_name, id, &body, if_match)
            .await?
    };
    present(&call, done).await
}
