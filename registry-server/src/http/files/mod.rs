//! Files of entities: upload and download.

mod file;
mod spool;
