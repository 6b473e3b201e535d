//! `GET /entity/{type}/{id}`.

use axum::http::StatusCode;
use registry_core::service::{Read, Select, entity_json};

use super::super::{
    call::Call,
    present::{entity_tag, entity_text, json, tagged},
    problem::Answer,
};

pub(super) async fn answer(call: Call) -> Answer {
    let read = call
        .registry()
        .entities()
        .get(call.caller(), &call.segment(1)?, call.id(2)?)
        .await?;
    present(&call, &read).await
}

/// The document, with its tag unless linked entities are shown in it.
pub(super) async fn present(call: &Call, read: &Read) -> Answer {
    let Read {
        entity,
        entity_type,
        catalog,
    } = read;
    if call.parts.uri.query().is_none() {
        let tag = entity_tag(entity, entity_type);
        return tagged(call, &tag, || entity_text(catalog, entity_type, entity));
    }
    let parameters = call.parameters()?;
    let select = Select::parse(parameters.get("select"), &[entity_type])?;
    let Some(names) = parameters.get("expand") else {
        let tag = entity_tag(entity, entity_type);
        return tagged(call, &tag, || {
            entity_json(catalog, entity_type, entity, &select, &[])
        });
    };
    let expanded = call
        .registry()
        .search()
        .expand(call.caller(), entity, names)
        .await?;
    let text = entity_json(catalog, entity_type, entity, &select, &expanded);
    Ok(json(StatusCode::OK, text))
}
