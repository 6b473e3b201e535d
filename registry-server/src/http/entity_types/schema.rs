//! `GET /entityType/{name}/schema`.

use registry_core::entity_type::schema::json_schema;

use super::super::{call::Call, present::tagged, problem::Answer};

pub(super) async fn answer(call: Call) -> Answer {
    let (_, entity_type) = call.registry().types().read(&call.segment(1)?).await?;
    let tag = format!("\"{}\"", entity_type.version);
    tagged(&call, &tag, || json_schema(&entity_type).to_string())
}
