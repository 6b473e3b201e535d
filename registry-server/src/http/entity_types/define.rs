//! `POST /entityType`.

use super::{
    super::{call::Call, problem::Answer},
    written::present,
};

pub(super) async fn answer(call: Call) -> Answer {
    let document = call.object()?;
    let done = call
        .registry()
        .types()
        .define(call.caller(), &document)
        .await?;
    present(&call, done).await
}
