//! `GET /job`.

use axum::http::{StatusCode, header};
use registry_core::limits::{DEFAULT_PAGE, PAGE};
use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        present::{self, value},
        problem::Answer,
        search::page::next,
    },
    document::summary,
};

pub(super) async fn answer(call: Call) -> Answer {
    let parameters = call.parameters()?;
    let limit = parameters.number("limit", DEFAULT_PAGE as u64, 1, PAGE as u64)?;
    let page = call
        .registry()
        .upload_jobs()
        .list(
            call.caller(),
            usize::try_from(limit).unwrap_or(PAGE),
            parameters.get("cursor"),
        )
        .await?;
    let catalog = call.registry().catalog().await?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|job| Value::Object(summary(job, &catalog)))
        .collect();
    let body = json!({"items": items, "next_cursor": page.next_cursor});
    let mut response = present::json(StatusCode::OK, body.to_string());
    if let Some(cursor) = &page.next_cursor {
        let link = format!("<{}>; rel=\"next\"", next(&call, cursor));
        response.headers_mut().insert(header::LINK, value(&link)?);
    }
    Ok(response)
}
