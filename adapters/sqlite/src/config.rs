//! Settings.

use std::{path::PathBuf, time::Duration};

use registry_sql::Migrations;

/// Settings of a SQLite store.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The database file; made when it is missing. Its `-wal` and `-shm` neighbours belong to it.
    pub file: PathBuf,
    /// Connections for reading, from 1.
    pub readers: usize,
    /// How long one statement of a reader may run.
    pub statement_timeout: Duration,
    /// How long to wait for a connection, or for another process's lock.
    pub wait: Duration,
    /// Whether to bring older tables up to date.
    pub migrations: Migrations,
}

impl SqliteConfig {
    /// The defaults, for a file.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            readers: 4,
            statement_timeout: Duration::from_secs(10),
            wait: Duration::from_secs(30),
            migrations: Migrations::Apply,
        }
    }
}
