//! Stores of their own, and servers over them as child processes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Engine, Failed,
    cpu::{Processes, postmaster},
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// An empty store; it is gone with the value.
#[derive(Debug)]
pub(crate) struct Store {
    /// As the registry takes it.
    pub(crate) address: String,
    folder: TempDir,
    /// The database, and the URL of the cluster's own one.
    database: Option<(String, String)>,
    /// The process that works for it beside the server.
    pub(crate) postmaster: Option<u32>,
}

impl Store {
    /// Makes one: a file in a new folder, or a new database in the cluster that `REGISTRY_TEST_POSTGRES` names.
    pub(crate) async fn new(engine: Engine) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        match engine {
            Engine::Sqlite => Ok(Self {
                address: format!("sqlite://{}", folder.path().join("store.db").display()),
                folder,
                database: None,
                postmaster: None,
            }),
            Engine::Postgres => {
                let cluster = std::env::var("REGISTRY_TEST_POSTGRES").map_err(
                    |_| "REGISTRY_TEST_POSTGRES names no cluster: tests/with-postgres starts one",
                )?;
                let name = format!("load_{}", Uuid::now_v7().simple());
                let mut connection = PgConnection::connect(&cluster).await?;
                sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .execute(&mut connection)
                    .await?;
                connection.close().await?;
                let (server, _) = cluster.rsplit_once('/').ok_or("no database in the URL")?;
                Ok(Self {
                    address: format!("{server}/{name}"),
                    folder,
                    postmaster: postmaster(&cluster).await?,
                    database: Some((name, cluster)),
                })
            }
        }
    }

    /// The path of the SQLite file, or the URL of the database.
    pub(crate) fn place(&self) -> &str {
        self.address
            .strip_prefix("sqlite://")
            .unwrap_or(&self.address)
    }

    /// A folder for files beside it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Drops the database; a folder goes by itself.
    pub(crate) async fn remove(self) -> Result<(), Failed> {
        if let Some((name, cluster)) = &self.database {
            let mut connection = PgConnection::connect(cluster).await?;
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "DROP DATABASE {name} WITH (FORCE)"
            )))
            .execute(&mut connection)
            .await?;
            connection.close().await?;
        }
        Ok(())
    }
}

/// A server process; it ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// What works for it.
    pub(crate) processes: Processes,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// The registry, over a store.
    pub(crate) async fn registry(store: &Store) -> Result<Self, Failed> {
        let mut command = Command::new(registry()?);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(["--store", &store.address, "--data"])
            .arg(store.folder().join("data"));
        Self::start(store, command, "registry.log", |log| {
            let (_, rest) = log.split_once("\"address\":\"")?;
            Some(rest.split_once('"')?.0.to_owned())
        })
        .await
    }

    /// The bare server, over a store.
    pub(crate) async fn bare(store: &Store) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--store", &store.address]);
        Self::start(store, command, "bare.log", |log| {
            Some(log.split_once('\n')?.0.to_owned())
        })
        .await
    }

    async fn start(
        store: &Store,
        mut command: Command,
        log: &str,
        address: fn(&str) -> Option<String>,
    ) -> Result<Self, Failed> {
        let log = store.folder().join(log);
        let file = std::fs::File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let process = command.spawn()?;
        let mut server = Self {
            processes: Processes {
                server: process.id(),
                postmaster: store.postmaster,
            },
            process,
            address: String::new(),
        };
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log)?;
            if let Some(address) = address(&text) {
                server.address = address;
                return Ok(server);
            }
            if server.process.try_wait()?.is_some() || started.elapsed() > START {
                return Err(format!("no server: {text}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The most memory that the process had resident, in bytes (`VmHWM`, proc(5)).
    pub(crate) fn peak_memory(&self) -> Result<u64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .ok_or("no VmHWM")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }
}

/// Brings the tables of an empty store to what the registry needs.
pub(crate) fn migrate(store: &Store) -> Result<(), Failed> {
    let status = Command::new(registry()?)
        .args(["migrate", "--store", &store.address, "--data"])
        .arg(store.folder().join("data"))
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("registry migrate: {status}").into())
    }
}

/// The registry's binary, built beside this one.
fn registry() -> Result<PathBuf, Failed> {
    let path = std::env::current_exe()?.with_file_name("registry");
    if path.exists() {
        return Ok(path);
    }
    let hint = "cargo build --release -p registry-server -p registry-load";
    Err(format!("{} is missing: {hint}", path.display()).into())
}
