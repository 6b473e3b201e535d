//! One request on its way to one operation.

use std::{
    borrow::Cow,
    str::FromStr,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    http::{StatusCode, request::Parts},
};
use bytes::Bytes;
use registry_core::{Caller, service::Registry};

use super::{
    app::App,
    headers::Return,
    problem::Failure,
    query::{Parameters, decode_escapes},
    route::Route,
};

/// A request whose headers were checked and whose JSON body, if it has one, was read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) route: &'static Route,
    pub(crate) parts: Parts,
    /// Who asks.
    pub(crate) caller: Arc<Caller>,
    /// The media type of the body, one of those that the route takes.
    pub(crate) media_type: &'static str,
    /// The media type of the answer, one of those that the route gives.
    pub(crate) accepted: &'static str,
    /// The whole JSON body; empty for other routes.
    pub(crate) json: Bytes,
    /// The body of an upload, unread; empty for other routes. Behind a lock only because a body is not `Sync`.
    pub(crate) stream: Mutex<Body>,
    /// What `Prefer: return=` asks for.
    pub(crate) prefer: Return,
}

impl Call {
    /// The registry.
    pub(crate) fn registry(&self) -> &Registry {
        &self.app.registry
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The query parameters, checked against those of the route.
    pub(crate) fn parameters(&self) -> Result<Parameters<'_>, Failure> {
        Parameters::parse(self.parts.uri.query(), self.route.parameters)
    }

    /// A segment of the path as it came in, the first being 0.
    pub(crate) fn raw_segment(&self, index: usize) -> &str {
        self.parts
            .uri
            .path()
            .split('/')
            .nth(index + 1)
            .unwrap_or_default()
    }

    /// A segment of the path, decoded.
    pub(crate) fn segment(&self, index: usize) -> Result<Cow<'_, str>, Failure> {
        decode_escapes(self.raw_segment(index)).ok_or_else(|| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "invalid_encoding",
                "the path is not percent-encoded UTF-8",
            )
        })
    }

    /// A segment of the path that is an id.
    pub(crate) fn id<T: FromStr>(&self, index: usize) -> Result<T, Failure> {
        self.segment(index)?.parse().map_err(|_| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "invalid_id",
                "the path holds something else where an id (UUID) belongs",
            )
        })
    }
}
