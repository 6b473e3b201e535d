//! Bounds that hold on every store, so that all of them answer alike.

/// Characters of the name of a type, field, link or key.
pub const NAME_LENGTH: usize = 48;
/// Types of one registry.
pub const TYPES: usize = 1_000;
/// Fields of one type.
pub const FIELDS: usize = 200;
/// Links of one type.
pub const LINKS: usize = 50;
/// Bytes of one text value.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// Bytes of a value in `field_value` or `unique_key`.
pub const INDEXED_BYTES: usize = 1_024;
/// Entities of one step of the building of an index.
pub const INDEX_SLICE: usize = 1_000;
/// Targets of one outgoing link of one entity.
pub const LINK_TARGETS: usize = 1_000;
/// Operations of one change set; entities that one delete may touch.
pub const OPERATIONS: usize = 10_000;
/// Rows of one slice of a load.
pub const SLICE_ROWS: usize = 5_000;
/// Bytes of the records of one slice; a single larger record makes a slice of its own.
pub const SLICE_BYTES: usize = 8 * 1024 * 1024;
/// Link targets named by the rows of one slice; a single row with more makes a slice of its own.
pub const SLICE_TARGETS: usize = 10_000;
/// Targets that rows of one load may name before the rows that make them; what is named beyond must be there.
pub const LATER_LINKS: usize = 100_000;
/// How often a load reads those of its rows again that wait for later ones.
pub const LATER_READINGS: usize = 64;
/// Nesting of a JSON document.
pub const JSON_DEPTH: usize = 64;
/// Nesting of one json value: what a document of [`JSON_DEPTH`] has left below `fields`, so that whatever came in by a file can go in and out
/// by any other way.
pub const JSON_VALUE_DEPTH: usize = JSON_DEPTH - 2;
/// Bytes of a filter.
pub const FILTER_BYTES: usize = 8 * 1024;
/// Nesting of a filter.
pub const FILTER_DEPTH: usize = 32;
/// Comparisons in a filter.
pub const FILTER_COMPARISONS: usize = 200;
/// Values of one `IN`.
pub const FILTER_IN_VALUES: usize = 1_000;
/// Links of one path.
pub const PATH_LINKS: usize = 4;
/// Largest page.
pub const PAGE: usize = 1_000;
/// Page when none is asked for.
pub const DEFAULT_PAGE: usize = 50;
/// Bytes of one record of an upload.
pub const UPLOAD_ROW_BYTES: usize = 1024 * 1024;
/// Terms of a sort.
pub const SORT_TERMS: usize = 3;
/// Conditions and values of a resolved filter: paths through links of several types are written out per type.
pub const RESOLVED_NODES: usize = 10_000;

/// Entities of a type that a refusal to remove it counts at most.
pub const IN_USE_COUNTED: usize = 10_000;
