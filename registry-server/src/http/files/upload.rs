//! `POST /entity/{type}/upload`.

use std::sync::Arc;

use axum::http::StatusCode;
use registry_core::{
    port::JobState,
    service::{UploadOutcome, UploadRequest},
};
use serde_json::Value;

use super::{
    super::{
        call::Call,
        jobs::document::report,
        present::{json, written},
        problem::{Answer, Failure},
    },
    file::{Arrived, arrive},
};

pub(super) async fn answer(mut call: Call) -> Answer {
    let type_name = call.segment(1)?.into_owned();
    // Before the body is read: what is refused anyway must not be spooled first.
    call.parameters()?;
    call.registry().entity_type(&type_name).await?;
    let Arrived { format, file } = arrive(&mut call).await?;
    let parameters = call.parameters()?;
    let request = UploadRequest {
        type_name,
        source: Arc::new(file),
        format,
        mode: parameters.owned("mode"),
        key: parameters.owned("key"),
        atomic: parameters.owned("atomic"),
        dry_run: parameters.owned("dry_run"),
        null: parameters.owned("null"),
        delimiter: parameters.owned("delimiter"),
    };
    let (app, caller) = (Arc::clone(&call.app), Arc::clone(&call.caller));
    // On a task of its own: once the file is here, it is applied to the end even when the client goes away.
    let upload = async move { app.registry.uploads().upload(&caller, request).await };
    let upload = call.app.giving_up.clone().run_until_cancelled_owned(upload);
    let outcome = call
        .app
        .work
        .spawn(upload)
        .await
        .map_err(|error| Failure::internal(format!("an upload ended early: {error}")))?
        .ok_or_else(shutting_down)??;
    present(&call, outcome).await
}

/// The server ended before the upload did; its job says what became of it.
fn shutting_down() -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "unknown_outcome",
        "the server ended before the upload: its job tells what became of it",
    )
}

async fn present(call: &Call, outcome: UploadOutcome) -> Answer {
    let members = report(&outcome.job, &outcome.errors, outcome.errors_truncated);
    if outcome.job.state == JobState::Failed {
        let mut failure = Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "rows_rejected",
            format!(
                "{} rows were rejected, so nothing was applied",
                outcome.job.counts.failed
            ),
        );
        for (name, value) in members {
            failure = failure.with(name, value);
        }
        return Err(failure);
    }
    let body: serde_json::Map<String, Value> = members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let response = json(StatusCode::OK, Value::Object(body).to_string());
    written(call, response, outcome.position).await
}
