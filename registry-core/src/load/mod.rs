//! The load: a stream of rows of one type, decided in slices by one algorithm for every store.
//!
//! A store implements [`LoadArea`], and its `Store::load` calls [`run`]. Per slice: look up what the rows name, decide each row in pure
//! code, then write the slice (`Each`) or stage it (`All`, dry run). Memory is bounded by a slice: what has to be known across slices is
//! remembered by the area. A refused row leaves no trace: for the rows after it, it is as if it were not in the file.

mod area;
mod decide;
mod links;
mod overlay;
mod prepare;
mod rights;
mod run;
mod slice;
#[cfg(test)]
mod tests;

pub use area::{
    Applied, LoadArea, Lookup, Origin, Resolution, ResolvedEntity, ResolvedTarget, Written,
};
pub(crate) use links::NO_TARGET;
pub use run::run;
