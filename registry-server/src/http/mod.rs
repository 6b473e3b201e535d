//! The HTTP surface: extract, call one service, present. It decides nothing.

mod app;
mod body;
mod call;
mod callers;
mod endpoint;
mod entities;
mod entity_types;
mod files;
mod headers;
mod jobs;
mod links;
mod meter;
mod present;
mod problem;
mod query;
mod route;
mod router;
mod routes;
mod search;
mod service;

pub(crate) use self::endpoint::TwoLengths;
pub use self::{
    app::{App, HttpSettings},
    callers::{Callers, Everyone},
    router::Surface,
};
