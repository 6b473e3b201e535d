//! A generic entity registry: types with fields and links, defined at run time; entities of those types, created, read, linked,
//! searched, uploaded and downloaded. This crate is the domain, its ports and its services; it has no driver and no I/O.
//!
//! - [`entity_type`]: what a type is, and every rule about its definition and change.
//! - [`field`]: the kinds of values. [`entity`]: what is stored. [`change`]: what one write does.
//! - [`query`]: filters, sorts and pages. [`port`]: what adapters implement. [`service`]: the use cases.

pub mod catalog;
pub mod change;
pub mod entity;
pub mod entity_type;
pub mod field;
mod id;
pub mod json;
pub mod key;
pub mod limits;
pub mod load;
pub mod port;
pub mod principal;
pub mod problem;
pub mod query;
pub mod service;
mod time;
pub mod upload;
mod write;

pub use self::{
    catalog::Catalog,
    entity::{Data, Datum, Encoded, Entity, Links},
    entity_type::{EntityType, LinkTargets},
    id::{EntityId, FieldNumber, JobId, KeyNumber, LinkNumber, TypeId, Version},
    principal::{Caller, Principal, Scope},
    problem::{Error, Problem},
    time::Timestamp,
};
