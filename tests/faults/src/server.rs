//! A server process on a free port.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::Client;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running server; it is killed with the value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: String,
    log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // What a failed test is to be understood by.
        for line in self
            .log()
            .lines()
            .filter(|line| line.contains("request failed"))
        {
            eprintln!("{}: {line}", self.address);
        }
    }
}

/// The binary of the workspace, built beside the tests.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("registry");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p registry-server",
        path.display()
    );
    path
}

impl Server {
    pub(crate) async fn start(store: &str, folder: &Path) -> Self {
        let log = folder.join("log");
        let mut process = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(["--log", "warn,registry_server=info", "--store", store])
            .arg("--data")
            .arg(folder.join("data"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = text.split_once("\"address\":\"") {
                break rest.split('"').next().unwrap().to_owned();
            }
            let ended = process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "no server: {text}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Self {
            process,
            address,
            log,
        }
    }

    /// A client of it with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks it to end, as `kill` does.
    pub fn terminate(&self) {
        let done = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
