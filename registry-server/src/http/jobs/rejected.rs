//! `GET /job/{id}/rejected`.

use std::sync::Arc;

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures::stream;
use registry_core::{Error, JobId, upload::Format};

use super::super::{
    call::Call,
    headers::negotiate,
    present::with_type,
    problem::{Answer, Failure},
};

/// Records read at once.
const PAGE: usize = 500;

pub(super) async fn answer(call: Call) -> Answer {
    let id: JobId = call.id(1)?;
    let jobs = call.registry().upload_jobs();
    let mut file = jobs.rejected_file(call.caller(), id).await?;
    let format = Format::from_media_type(&file.media_type)
        .ok_or_else(|| Failure::internal("a job has an unknown media type"))?;
    negotiate(&call.parts.headers, &[format.media_type()])?;
    let head = std::mem::take(&mut file.head);
    let app = Arc::clone(&call.app);
    let start = Some((file, Some(head), app));
    let pieces = stream::try_unfold(start, |state| async {
        let Some((mut file, head, app)) = state else {
            return Ok::<_, Error>(None);
        };
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), Some((file, None, app)))));
        }
        let jobs = app.registry.upload_jobs();
        match jobs.rejected(&mut file, PAGE).await? {
            Some(text) => Ok(Some((Bytes::from(text), Some((file, None, app))))),
            None => Ok(Some((Bytes::from(file.tail()), None))),
        }
    });
    Ok(with_type(
        StatusCode::OK,
        format.media_type(),
        Body::from_stream(pieces),
    ))
}
