//! The load: a stream of rows of one type, decided in slices by one algorithm for every store.
//!
//! A store implements [`LoadArea`], and its `Store::load` calls `run(&area, plan, rows, sink)`. Per slice: look up what the rows name, decide each row in pure
//! code, then write the slice (`Each`) or stage it (`All`, dry run). Memory is bounded by a slice.

mod area;

pub use area::{
    Applied, LoadArea, Lookup, Origin, Resolution, ResolvedEntity, ResolvedTarget, Written,
};
