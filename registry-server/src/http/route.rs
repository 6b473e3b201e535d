//! What a route is: the one description that the router, the checks before a handler and the OpenAPI document are made from.

use axum::http::Method;
use futures::future::BoxFuture;

use super::{call::Call, problem::Answer};

/// JSON, which most operations give and take.
pub(crate) const JSON: &[&str] = &["application/json"];

/// A handler: extract, call one service, present.
pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Answer>;

/// One operation of the contract.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its method; `GET` answers `HEAD` too.
    pub(crate) method: Method,
    /// Its path, with `{names}` for what varies.
    pub(crate) path: &'static str,
    /// Its name in the OpenAPI document and nowhere else.
    pub(crate) id: &'static str,
    /// What it does, in a line.
    pub(crate) summary: &'static str,
    /// The query parameters it knows.
    pub(crate) parameters: &'static [&'static str],
    /// What body it takes.
    pub(crate) takes: Takes,
    /// The media types it can answer with, the usual one first. Empty: it has no body.
    pub(crate) gives: &'static [&'static str],
    /// The status of success.
    pub(crate) success: u16,
    /// The function behind it.
    pub(crate) handler: Handler,
}

/// What body an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// None: one that is sent is refused.
    Nothing,
    /// It is not looked at.
    Whatever,
    /// A JSON document of one of these media types, read whole before the handler.
    Json(&'static [&'static str]),
    /// A file of one of these media types, read by the handler; may be compressed.
    File(&'static [&'static str]),
}

impl Route {
    /// Whether the request timeout leaves it alone: it lasts as long as its file does.
    pub(crate) fn unbounded(&self) -> bool {
        matches!(self.takes, Takes::File(_)) || self.id == "download"
    }
}
