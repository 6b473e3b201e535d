//! `GET /entityType`.

use axum::http::{StatusCode, header};
use registry_core::{
    entity_type::document,
    limits::{DEFAULT_PAGE, PAGE},
};
use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        present::{self, value},
        problem::{Answer, Failure},
        query::code_of,
        search::page::next,
    },
    cursor,
};

pub(super) async fn answer(call: Call) -> Answer {
    let parameters = call.parameters()?;
    let limit = parameters.number("limit", DEFAULT_PAGE as u64, 1, PAGE as u64)?;
    let counted = match parameters.get("count") {
        None => false,
        Some("exact") => true,
        Some(_) => {
            return Err(Failure::parameter(
                "count",
                code_of("count"),
                "count is exact or left out",
            ));
        }
    };
    let tag = parameters.get("tag");
    let after = match parameters.get("cursor") {
        None => None,
        Some(cursor) => cursor::type_name(&call, tag, cursor).await?,
    };
    let page = call
        .registry()
        .types()
        .list(
            tag,
            usize::try_from(limit).unwrap_or(PAGE),
            after.as_deref(),
        )
        .await?;
    let cursor = match &page.next {
        None => None,
        Some(name) => Some(cursor::after_type(&call, tag, name).await?),
    };
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|one| Value::Object(document(one, &page.catalog)))
        .collect();
    let mut body = json!({"items": items, "next_cursor": cursor});
    if counted {
        body["total"] = json!(page.total);
    }
    let mut response = present::json(StatusCode::OK, body.to_string());
    if let Some(cursor) = &cursor {
        let link = format!("<{}>; rel=\"next\"", next(&call, cursor));
        response.headers_mut().insert(header::LINK, value(&link)?);
    }
    Ok(response)
}
