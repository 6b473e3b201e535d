//! The oracle: sequences of operations drawn at random, asked of the reference store, of SQLite and of PostgreSQL, with every answer
//! compared whole.
//!
//! A seed makes [`step`]s while the reference store answers them (`generate`), and they are then asked of the other stores (`seed`): answers
//! as the server would write them, refusals with code, places and messages. In the end link, key, index and owner rows must agree with the
//! entities, and the log with their versions (`check`). Somebody walks pages while rows come and go (`walk`). Of a sequence that fails, the
//! steps that do not matter are left out before it is shown.

#![expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]

mod answer;
mod check;
mod fixed;
mod generate;
pub mod seed;
pub mod step;
mod store;
mod walk;

pub use generate::Shape;
pub use seed::Bench;
