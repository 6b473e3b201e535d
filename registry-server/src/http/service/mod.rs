//! What the service tells about itself.

mod docs;
mod health;
mod metrics;
mod openapi;

use axum::http::Method;

use super::route::{JSON, Route, Takes};

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/health/live",
        id: "live",
        summary: "Whether the process runs",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |_| Box::pin(async { Ok(health::live()) }),
    },
    Route {
        method: Method::GET,
        path: "/health/ready",
        id: "ready",
        summary: "Whether the service can work",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(health::ready(call)),
    },
    Route {
        method: Method::GET,
        path: "/metrics",
        id: "metrics",
        summary: "Metrics in Prometheus text format",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &["text/plain"],
        success: 200,
        handler: |call| Box::pin(async move { metrics::answer(&call).await }),
    },
    Route {
        method: Method::GET,
        path: "/openapi.json",
        id: "openapi",
        summary: "This contract as OpenAPI 3.1, with a schema per type",
        parameters: &[],
        takes: Takes::Nothing,
        gives: JSON,
        success: 200,
        handler: |call| Box::pin(openapi::answer(call)),
    },
    Route {
        method: Method::GET,
        path: "/docs",
        id: "docs",
        summary: "A page over the OpenAPI document",
        parameters: &[],
        takes: Takes::Nothing,
        gives: &["text/html"],
        success: 200,
        handler: |_| Box::pin(async { Ok(docs::answer()) }),
    },
];
