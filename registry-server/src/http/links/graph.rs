//! `GET /entity/{type}/{id}/graph`.

use axum::http::StatusCode;

use super::super::{
    call::Call,
    present::json,
    problem::{Answer, Failure},
};

pub(super) async fn answer(call: Call) -> Answer {
    let parameters = call.parameters()?;
    let depth = parameters.number("depth", 2, 1, 5)?;
    let limit = parameters.number("limit", 200, 1, 1_000)?;
    let graph = call
        .registry()
        .links()
        .graph(call.caller(), &call.segment(1)?, call.id(2)?, depth, limit)
        .await?;
    let text =
        serde_json::to_string(&graph).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(json(StatusCode::OK, text))
}
