//! Faults: server processes that are killed, a database that is restarted, many writers of one thing. What was acknowledged must be there,
//! whole, and the tables must agree.
//!
//! The tests stand in `tests/faults`. Each repeats its fault so many times as [`rounds`] says. They drive the binary `registry` that is built
//! beside them, and make databases on the server that `REGISTRY_TEST_POSTGRES` names: see `tests/with-postgres`.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test code: it fails by panicking"
)]

mod client;
mod cluster;
mod load;
mod server;
mod site;
mod tables;

pub use client::{Answer, Client, code, thing, thing_types};
pub use cluster::Cluster;
pub use load::{Outcome, Writer};
pub use server::Server;
pub use site::Site;
pub use tables::{EntityRow, Tables};

/// How often a test repeats its fault: as often as given with `--long`, a tenth of it otherwise.
pub fn rounds(full: u32) -> u32 {
    if std::env::var_os("REGISTRY_LONG").is_some() {
        full
    } else {
        full.div_ceil(10)
    }
}

/// Pseudo-random numbers (xorshift64*): what a test does is repeatable, when it happens is not.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}
