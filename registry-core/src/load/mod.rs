//! The load: a stream of rows of one type, decided in slices by one algorithm for every store.
//!
//! A store implements [`LoadArea`], and its `Store::load` calls [`run`]. Per slice: look up what the rows name, decide each row in pure
//! code, then write the slice (`Each`) or stage it (`All`, dry run). Memory is bounded by the slice at work and the next one: what has to be known across slices is
//! remembered by the area. A refused row leaves no trace: for the rows after it, it is as if it were not in the file.
//!
//! A row that links by id to an entity of its own type that is not there waits, for a later row may make it: the rows are read again when
//! all have been seen, and those that waited are decided, with those that make their targets or fail. Of a row that waits, only its line
//! and ids are kept, and of at most [`LATER_LINKS`](crate::limits::LATER_LINKS) such targets; they are read again
//! at most [`LATER_READINGS`](crate::limits::LATER_READINGS) times.

mod area;
mod backlog;
mod decide;
mod later;
#[cfg(test)]
mod later_tests;
mod overlay;
mod prepare;
mod rounds;
mod run;
mod slice;
#[cfg(test)]
mod tests;

pub use area::{
    Applied, LoadArea, Lookup, Origin, Resolution, ResolvedEntity, ResolvedTarget, Written,
};
pub use run::run;
