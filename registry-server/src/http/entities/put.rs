//! `PUT /entity/{type}/{id}`.

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
    let type_name = call.segment(1)?;
    let done = call
        .registry()
        .entities()
        .put(call.caller(), &type_name, call.id(2)?, &body, if_match)
        .await?;
    present(&call, done).await
}
