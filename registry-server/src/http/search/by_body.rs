//! `POST /entity/{type}/search`.

use super::{
    super::{call::Call, problem::Answer},
    page, request,
};

pub(super) async fn answer(call: Call) -> Answer {
    let type_names = vec![call.segment(1)?.into_owned()];
    let asked = request::from_body(call.object()?, type_names)?;
    let found = call
        .registry()
        .search()
        .search(call.caller(), &asked)
        .await?;
    Ok(page::body(&found))
}
