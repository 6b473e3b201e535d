//! The cases, by topic.

pub mod catalog;
pub mod commit;
pub mod concurrency;
pub mod conflicts;
pub mod find;
pub mod identity;
pub mod indexing;
pub mod jobs;
pub mod keys;
pub mod later_rows;
pub mod links;
pub mod load;
pub mod log;
pub mod log_rows;
pub mod lost_jobs;
pub mod pages;
pub mod paths;
pub mod reopen;
pub mod round_trips;
pub mod scope;
pub mod staging;
pub mod types;
pub mod upload;
pub mod upload_files;
pub mod upload_jobs;
pub mod values;
