//! The server of the registry: its HTTP surface, its command line and the wiring between the core and its adapters. It translates and
//! decides nothing.

pub mod cli;
pub mod http;
mod indexing;
mod jobs;
pub mod serve;
pub mod telemetry;
pub mod wire;
