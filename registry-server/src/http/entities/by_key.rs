//! `GET /entity/{type}/by/{key}/{value}`.

use super::{
    super::{call::Call, problem::Answer},
    read::present,
};

pub(super) async fn answer(call: Call) -> Answer {
    // Checked for broken escapes here; handed on undecoded, since an encoded comma is part of a value.
    call.segment(4)?;
    let read = call
        .registry()
        .entities()
        .by_key(
            call.caller(),
            &call.segment(1)?,
            &call.segment(3)?,
            call.raw_segment(4),
        )
        .await?;
    present(&call, &read).await
}
