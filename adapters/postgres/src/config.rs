//! Settings.

use std::time::Duration;

use registry_sql::Migrations;

/// Settings of a PostgreSQL store.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database`.
    pub url: String,
    /// Most connections, from 4; up to eight of them, and at most half, write, and one tells that uploads are at work.
    pub connections: u32,
    /// How long one statement may run; those of a load are exempt.
    pub statement_timeout: Duration,
    /// How long to wait for a lock: a type that is being changed keeps its writers out.
    pub lock_timeout: Duration,
    /// How long to wait for a connection.
    pub wait: Duration,
    /// Whether to bring older tables up to date.
    pub migrations: Migrations,
}

impl PostgresConfig {
    /// The defaults, for a URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections: 20,
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            wait: Duration::from_secs(10),
            migrations: Migrations::Apply,
        }
    }
}
