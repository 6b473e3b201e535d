//! `GET /entityType/{name}/schema`.

use registry_core::entity_type::{schema::json_schema, tag};

use super::super::{call::Call, present::tagged, problem::Answer};

pub(super) async fn answer(call: Call) -> Answer {
    let (catalog, entity_type) = call.registry().types().read(&call.segment(1)?).await?;
    // The type's own tag: a type made anew under an old name may have an old version.
    let tag = format!("\"{}\"", tag(&entity_type, &catalog));
    tagged(&call, &tag, || json_schema(&entity_type).to_string())
}
