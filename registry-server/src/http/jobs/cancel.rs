//! `DELETE /job/{id}`.

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    super::{call::Call, present, problem::Answer},
    document::summary,
};

/// 202: the job stops after the slice it is at.
pub(super) async fn answer(call: Call) -> Answer {
    let job = call
        .registry()
        .upload_jobs()
        .cancel(call.caller(), call.id(1)?)
        .await?;
    let catalog = call.registry().catalog().await?;
    let body = Value::Object(summary(&job, &catalog));
    Ok(present::json(StatusCode::ACCEPTED, body.to_string()))
}
