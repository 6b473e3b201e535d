//! Request counts and latencies of one operation. The handles are made once, so that a request only adds to them.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Histogram};

/// The metrics of one operation.
pub(crate) struct Meter {
    seconds: Histogram,
    /// By first digit of the status: 2xx, 3xx, 4xx, 5xx.
    requests: [Counter; 4],
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl Meter {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let method = method.to_owned();
        let path = path.to_owned();
        let requests = ["2xx", "3xx", "4xx", "5xx"].map(|class| {
            metrics::counter!(
                "http_requests_total",
                "method" => method.clone(), "route" => path.clone(), "status" => class
            )
        });
        Self {
            seconds: metrics::histogram!(
                "http_request_duration_seconds",
                "method" => method, "route" => path
            ),
            requests,
        }
    }

    pub(crate) fn record(&self, status: StatusCode, took: Duration) {
        self.seconds.record(took.as_secs_f64());
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        if let Some(counter) = self.requests.get(class) {
            counter.increment(1);
        }
    }
}
