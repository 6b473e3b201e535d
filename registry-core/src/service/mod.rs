//! The use cases: read, decide in pure code, commit.
//!
//! [`Registry`] is the library's front door. It hands out thin services that borrow it: [`Types`],
//! [`Entities`], [`LinkService`] and [`Search`]; each method is one operation of the HTTP contract.

mod commit;
mod delete;
mod download;
mod entities;
mod expand;
mod fields;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) mod fixture;
mod graph;
mod indexing;
mod interrupted;
mod jobs;
mod key_value;
mod links;
mod locks;
mod registry;
pub(crate) mod rights;
mod search;
mod types;
mod upload;
mod view;
mod write;

pub use self::{
    download::{Download, DownloadRequest, Downloads},
    entities::{Entities, IfMatch, Outcome, Read, Written},
    expand::Expanded,
    graph::{Edge, Graph, Node},
    indexing::Indexing,
    interrupted::InterruptedJobs,
    jobs::{JobPage, JobService, RejectedFile},
    links::{LinkDirection, LinkService, LinkSummary},
    registry::Registry,
    search::{Search, SearchPage, SearchRequest},
    types::{TypeDelete, TypePage, Types, WrittenType},
    upload::{UploadOutcome, UploadRequest, Uploads},
    view::{Select, entity_json, label, write_entity},
};
