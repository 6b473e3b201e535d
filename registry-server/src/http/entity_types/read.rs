//! `GET /entityType/{name}`.

use registry_core::entity_type::{document, tag};
use serde_json::Value;

use super::super::{call::Call, present::tagged, problem::Answer};

pub(super) async fn answer(call: Call) -> Answer {
    let (catalog, entity_type) = call.registry().types().read(&call.segment(1)?).await?;
    let tag = format!("\"{}\"", tag(&entity_type, &catalog));
    tagged(&call, &tag, || {
        Value::Object(document(&entity_type, &catalog)).to_string()
    })
}
