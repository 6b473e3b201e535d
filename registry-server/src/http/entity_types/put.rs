//! `PUT /entityType/{name}`.

use registry_core::entity_type::tag_version;

use super::{
    super::{call::Call, headers::if_match, problem::Answer},
    written::present,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, tag_version)?;
    let drop: Vec<String> = match call.parameters()?.get("drop") {
        None | Some("") => Vec::new(),
        Some(names) => names.split(',').map(str::to_owned).collect(),
    };
    let document = call.object()?;
    let name = call.segment(1)?;
    let done = call
        .registry()
        .types()
        .replace(call.caller(), &name, &document, if_match.as_ref(), &drop)
        .await?;
    present(&call, done).await
}
