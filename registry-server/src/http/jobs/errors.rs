//! `GET /job/{id}/errors`.

use std::sync::Arc;

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures::stream;
use registry_core::{Error, JobId, port::JobFailure};

use super::super::{call::Call, present::with_type, problem::Answer};

/// Errors read at once.
const PAGE: usize = 1_000;
/// First record of the CSV form.
const HEADER: [&str; 6] = ["line", "column", "pointer", "code", "message", "value"];

pub(super) async fn answer(call: Call) -> Answer {
    let id: JobId = call.id(1)?;
    let csv = call.accepted == "text/csv";
    let jobs = call.registry().upload_jobs();
    // Read before the answer begins, so that an absent job is a problem and not a broken file.
    let first = jobs.errors(call.caller(), id, 0, PAGE).await?;
    let asking = (Arc::clone(&call.app), Arc::clone(&call.caller));
    let rest = stream::try_unfold(
        (first, 0_u64, asking),
        move |(page, done, asking)| async move {
            if page.is_empty() {
                return Ok::<_, Error>(None);
            }
            let text = if csv {
                as_csv((done == 0).then_some(HEADER), &page)?
            } else {
                as_ndjson(&page)?
            };
            let done = done + page.len() as u64;
            let next = if page.len() < PAGE {
                Vec::new()
            } else {
                let (app, caller) = &asking;
                let jobs = app.registry.upload_jobs();
                jobs.errors(caller, id, done, PAGE).await?
            };
            Ok(Some((Bytes::from(text), (next, done, asking))))
        },
    );
    let media_type = if csv {
        "text/csv; charset=utf-8"
    } else {
        "application/x-ndjson"
    };
    Ok(with_type(
        StatusCode::OK,
        media_type,
        Body::from_stream(rest),
    ))
}

fn as_ndjson(page: &[JobFailure]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for failure in page {
        serde_json::to_writer(&mut text, failure)
            .map_err(|error| Error::Internal(error.to_string()))?;
        text.push(b'\n');
    }
    Ok(text)
}

fn as_csv(header: Option<[&str; 6]>, page: &[JobFailure]) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let broken = |error: csv::Error| Error::Internal(error.to_string());
    if let Some(header) = header {
        writer.write_record(header).map_err(broken)?;
    }
    for failure in page {
        let record = [
            &failure.line.to_string(),
            failure.column.as_deref().unwrap_or_default(),
            failure.pointer.as_deref().unwrap_or_default(),
            &failure.code,
            &failure.message,
            failure.value.as_deref().unwrap_or_default(),
        ];
        writer.write_record(record).map_err(broken)?;
    }
    writer
        .into_inner()
        .map_err(|error| Error::Internal(error.to_string()))
}
