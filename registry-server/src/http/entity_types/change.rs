//! `PATCH /entityType/{name}` and `PATCH /entityType?name=`.

use registry_core::entity_type::tag_version;

use super::{
    super::{call::Call, headers::if_match, problem::Answer},
    name,
    written::present,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, tag_version)?;
    let patch = call.object()?;
    let name = name::of(&call)?;
    let done = call
        .registry()
        .types()
        .change(call.caller(), &name, &patch, if_match.as_ref())
        .await?;
    present(&call, done).await
}
