//! The background task that ends jobs whose process is gone.

use std::{sync::Arc, time::Duration};

use crate::http::App;

/// How often it is looked for them.
const PERIOD: Duration = Duration::from_secs(30);

/// Ends what processes before this one left; to be called before this one serves. It goes on when it cannot: the jobs are looked for again.
pub(crate) async fn end_left(app: &App) {
    report(app.registry.interrupted_jobs().end_left().await);
}

/// Ends what other processes lose meanwhile, until it is dropped.
pub(crate) async fn keep_ending(app: Arc<App>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        report(app.registry.interrupted_jobs().end_lost().await);
    }
}

fn report(ended: Result<usize, registry_core::Error>) {
    match ended {
        Ok(0) => {}
        Ok(ended) => tracing::warn!(ended, "uploads were interrupted; their jobs say so"),
        Err(error) => tracing::warn!(%error, "interrupted uploads could not be looked for"),
    }
}
