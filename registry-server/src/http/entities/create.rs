//! `POST /entity/{type}` and `POST /entity/{type}/{id}`.

use registry_core::EntityId;

use super::{
    super::{call::Call, problem::Answer},
    written::present,
};

pub(super) async fn without_id(call: Call) -> Answer {
    create(&call, None).await
}

pub(super) async fn with_id(call: Call) -> Answer {
    let id = call.id(2)?;
    create(&call, Some(id)).await
}

async fn create(call: &Call, id: Option<EntityId>) -> Answer {
    let body = call.object()?;
    let type_name = call.segment(1)?;
    let done = call
        .registry()
        .entities()
        .create(call.caller(), &type_name, id, &body)
        .await?;
    present(call, done).await
}
