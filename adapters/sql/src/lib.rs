//! Every SQL statement of the registry, once, for two dialects; and the store over them, generic over a driver.
//!
//! - [`Statement`] and [`Sql`]: how statements are rendered; [`Dialect`]: where the two engines differ.
//! - `write`, `find`, `lead`, `filter`, `types`, `index`, `jobs`: the statements by topic.
//! - [`Driver`]: what an engine supplies. [`SqlStore`]: the `Store` and `Jobs` ports over any driver.

mod apart;
mod apply;
mod created;
mod dialect;
mod driver;
mod entities;
mod filter;
mod find;
mod group;
mod index;
mod jobs;
mod keys;
mod lead;
mod load;
mod lock;
mod log;
mod long;
mod one_statement;
mod range;
mod reads;
mod restored;
mod retry;
mod script;
#[cfg(test)]
mod snapshots;
mod statement;
mod store;
mod targets;
mod types;
mod work;
mod write;

pub use dialect::Dialect;
pub use driver::{Committing, Driver, EngineError, Failure, Migrations, Outcome};
pub use statement::{Argument, Cell, Column, ColumnType, ColumnValues, Plan, Row, Sql, Statement};
pub use store::SqlStore;
