//! `GET /entity/{type}/{id}/links/{link}`.

use super::super::{
    call::Call,
    problem::Answer,
    search::{page, request},
};

pub(super) async fn answer(call: Call) -> Answer {
    let asked = request::from_query(&call.parameters()?, Vec::new());
    let found = call
        .registry()
        .search()
        .linked(
            call.caller(),
            &call.segment(1)?,
            call.id(2)?,
            &call.segment(4)?,
            &asked,
        )
        .await?;
    page::present(&call, &found)
}
