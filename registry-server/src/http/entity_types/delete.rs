//! `DELETE /entityType/{name}` and `DELETE /entityType?name=`.

use axum::http::StatusCode;
use registry_core::{entity_type::tag_version, service::TypeDelete};

use super::{
    super::{
        call::Call,
        headers::if_match,
        present::{empty, written},
        problem::Answer,
        query::Flag,
    },
    name,
};

pub(super) async fn answer(call: Call) -> Answer {
    let if_match = if_match(&call.parts.headers, tag_version)?;
    let mode = match call.parameters()?.flag("cascade", Flag::Off)? {
        Flag::On => TypeDelete::Cascade,
        Flag::Off => TypeDelete::Empty,
    };
    let name = name::of(&call)?;
    let position = call
        .registry()
        .types()
        .delete(call.caller(), &name, if_match.as_ref(), mode)
        .await?;
    written(&call, empty(StatusCode::NO_CONTENT), Some(position)).await
}
