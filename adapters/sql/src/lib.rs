//! Every SQL statement of the registry, once, for two dialects; and the store over them, generic over a driver.
//!
//! - [`Statement`] and [`Sql`]: how statements are rendered; [`Dialect`]: where the two engines differ.
//! - `write`, `find`, `lead`, `filter`, `types`, `index`, `jobs`: the statements by topic.
//! - [`Driver`]: what an engine supplies. [`SqlStore`]: the `Store` and `Jobs` ports over any driver.

mod apply;
mod dialect;
mod driver;
mod entities;
mod filter;
mod find;
mod group;
mod index;
mod jobs;
mod lead;
mod load;
mod log;
mod one_statement;
mod range;
mod reads;
#[cfg(test)]
mod snapshots;
mod statement;
mod store;
mod types;
mod write;

pub use dialect::Dialect;
pub use driver::{Committing, Driver, EngineError, Failure, Migrations};
pub use statement::{Argument, Cell, Column, ColumnType, ColumnValues, Plan, Row, Sql, Statement};
pub use store::SqlStore;
