//! `GET /job/{id}`.

use axum::http::StatusCode;
use registry_core::JobId;
use serde_json::{Value, json};

use super::{
    super::{call::Call, present, problem::Answer},
    document::summary,
};

/// Errors that are shown with a job.
const ERRORS: usize = 1_000;

pub(super) async fn answer(call: Call) -> Answer {
    let id: JobId = call.id(1)?;
    let jobs = call.registry().upload_jobs();
    let job = jobs.job(call.caller(), id).await?;
    let errors = jobs.errors(call.caller(), id, 0, ERRORS).await?;
    let catalog = call.registry().catalog().await?;
    let all: u64 = job.error_counts.values().sum();
    let mut body = summary(&job, &catalog);
    body.insert(
        "errors_truncated".to_owned(),
        json!(all > errors.len() as u64),
    );
    body.insert("errors".to_owned(), json!(errors));
    Ok(present::json(
        StatusCode::OK,
        Value::Object(body).to_string(),
    ))
}
