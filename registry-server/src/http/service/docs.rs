//! `GET /docs`: a page over the OpenAPI document that needs nothing from the network.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::super::present::with_type;

const PAGE: &str = include_str!("docs.html");
/// The page's own script and style, and requests to this server; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn answer() -> Response {
    let mut response = with_type(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}
