//! `GET /entity/{type}/{id}/links`.

use axum::http::StatusCode;
use serde_json::json;

use super::super::{call::Call, present, problem::Answer};

pub(super) async fn answer(call: Call) -> Answer {
    let links = call
        .registry()
        .links()
        .list(call.caller(), &call.segment(1)?, call.id(2)?)
        .await?;
    Ok(present::json(
        StatusCode::OK,
        json!({ "links": links }).to_string(),
    ))
}
