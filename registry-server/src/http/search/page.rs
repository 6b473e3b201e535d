//! A page of entities.

use std::fmt::Write;

use axum::{
    http::{StatusCode, header},
    response::Response,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use registry_core::service::{SearchPage, entity_json};

use super::super::{
    call::Call,
    present::{json, value},
    problem::Answer,
};

/// What stays as it is in a value of a query string (RFC 3986 section 2.3).
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The page, with a link to the next one.
pub(crate) fn present(call: &Call, page: &SearchPage) -> Answer {
    let mut response = body(page);
    if let Some(cursor) = &page.next_cursor {
        let link = format!("<{}>; rel=\"next\"", next(call, cursor));
        response.headers_mut().insert(header::LINK, value(&link)?);
    }
    Ok(response)
}

/// The target of the next page: this request's own with another cursor.
pub(crate) fn next(call: &Call, cursor: &str) -> String {
    let uri = &call.parts.uri;
    let mut target = uri.path().to_owned();
    target.push('?');
    let kept = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    for pair in kept {
        target.push_str(pair);
        target.push('&');
    }
    target.push_str("cursor=");
    target.extend(utf8_percent_encode(cursor, QUERY_VALUE));
    target
}

/// The page alone.
pub(crate) fn body(page: &SearchPage) -> Response {
    let mut text = String::from("{\"items\":[");
    let mut first = true;
    for (index, entity) in page.items.iter().enumerate() {
        // The catalog is the one that the page was read under: it holds the type of every item.
        let Some(entity_type) = page.catalog.by_id(entity.type_id) else {
            continue;
        };
        if !first {
            text.push(',');
        }
        first = false;
        let expanded = page.expanded.get(index).map_or(&[][..], Vec::as_slice);
        text.push_str(&entity_json(
            &page.catalog,
            entity_type,
            entity,
            &page.select,
            expanded,
        ));
    }
    text.push_str("],\"next_cursor\":");
    match &page.next_cursor {
        // Cursors are base64url: nothing in them needs escaping.
        Some(cursor) => {
            let _ = write!(text, "\"{cursor}\"");
        }
        None => text.push_str("null"),
    }
    if let Some(total) = page.total {
        let _ = write!(text, ",\"total\":{total}");
    }
    text.push('}');
    json(StatusCode::OK, text)
}
