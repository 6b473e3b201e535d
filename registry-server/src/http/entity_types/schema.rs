//! `GET /entityType/{name}/schema`.

use super::super::{call::Call, present::tagged, problem::Answer};

pub(super) async fn answer(call: Call) -> Answer {
    let (_, entity_type) = call.registry().types().read(&call.segment(1)?).await?;
    let tag = format!("\"{}\"", entity_type.version);
    tagged(&call, &tag, || String::new())
}
