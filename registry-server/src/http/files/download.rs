//! `GET /entity/{type}/download`.

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use registry_core::{service::DownloadRequest, upload::Format};

use super::super::{
    call::Call,
    present::{value, with_type},
    problem::Answer,
    search::request,
};

pub(super) async fn answer(call: Call) -> Answer {
    let type_name = call.segment(1)?;
    let parameters = call.parameters()?;
    let asked = DownloadRequest {
        format: Some(match parameters.get("format") {
            Some(format) => format.to_owned(),
            None => name(Format::from_media_type(call.accepted).unwrap_or(Format::Csv)).to_owned(),
        }),
        spreadsheet: parameters.owned("spreadsheet"),
        null: parameters.owned("null"),
        search: request::from_query(&parameters, Vec::new()),
    };
    let download = call
        .registry()
        .downloads()
        .download(call.caller(), &type_name, &asked)
        .await?;
    let (media_type, ending) = match download.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Json => ("application/json", "json"),
    };
    // An error breaks the transfer off, so that nobody takes a part for the whole.
    let pieces = download
        .pieces
        .inspect_err(|error| tracing::error!(%error, "a download broke off"))
        .map(|piece| piece.map(Bytes::from));
    let mut response = with_type(StatusCode::OK, media_type, Body::from_stream(pieces));
    let disposition = format!("attachment; filename=\"{type_name}.{ending}\"");
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, value(&disposition)?);
    Ok(response)
}

/// A format as the query string names it.
fn name(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
        Format::Json => "json",
    }
}
