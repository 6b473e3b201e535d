//! `GET /metrics`.

use axum::http::StatusCode;

use super::super::{
    call::Call,
    present::with_type,
    problem::{Answer, Failure},
};

pub(super) async fn answer(call: &Call) -> Answer {
    let Some(handle) = &call.app.metrics else {
        return Err(Failure::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "this process records no metrics",
        ));
    };
    // Positions are sequence numbers far below 2^53.
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metrics::gauge!("change_log_head").set(call.app.head().await?.sequence as f64);
    let building = call.registry().catalog().await?.building().len();
    metrics::gauge!("registry_indexes_building")
        .set(f64::from(u32::try_from(building).unwrap_or(u32::MAX)));
    Ok(with_type(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        handle.render(),
    ))
}
