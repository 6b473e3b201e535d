//! `GET /health/live` and `GET /health/ready`.

use std::time::Duration;

use axum::{http::StatusCode, response::Response};

use super::super::{
    call::Call,
    present::json,
    problem::{Answer, Failure},
};

/// How long the store may take to answer before the service counts as not ready.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn live() -> Response {
    json(StatusCode::OK, r#"{"status":"up"}"#)
}

pub(super) async fn ready(call: Call) -> Answer {
    if call.app.is_leaving() {
        return Err(Failure::unavailable(
            "shutting_down",
            "the server is shutting down",
            "5",
        ));
    }
    match tokio::time::timeout(PATIENCE, call.registry().store().ping()).await {
        Ok(Ok(())) => Ok(json(StatusCode::OK, r#"{"status":"up"}"#)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store does not answer");
            Err(not_ready())
        }
        Err(_) => Err(not_ready()),
    }
}

fn not_ready() -> Failure {
    Failure::unavailable("unavailable", "the store cannot be read now", "2")
}
