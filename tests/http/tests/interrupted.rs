//! Uploads whose server is killed or stopped under them, with real processes over SQLite: their jobs end, and tell what became of the rows.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server process on a free port; it is killed with the value.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The binary of the workspace, built beside the tests.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("registry");
    assert!(
        path.exists(),
        "{} is missing: cargo build --workspace --all-targets",
        path.display()
    );
    path
}

impl Server {
    async fn start(data: &Path) -> Self {
        let log = data.join("log");
        let mut process = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--data")
            .arg(data.join("data"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = text.split_once("\"address\":\"") {
                let address = rest.split('"').next().unwrap().to_owned();
                return Self { process, address };
            }
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a request without waiting for its answer.
    async fn begin(&self, method: &str, target: &str, media_type: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream
    }

    /// The body of an answer.
    async fn send(&self, method: &str, target: &str, media_type: &str, body: &str) -> Value {
        let mut stream = self.begin(method, target, media_type, body).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    async fn get(&self, target: &str) -> Value {
        self.send("GET", target, "", "").await
    }

    /// The only job, once it is as it should be.
    async fn job(&self, is: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let jobs = self.get("/job").await;
            let job = &jobs["items"][0];
            if !job.is_null() && is(job) {
                return self
                    .get(&format!("/job/{}", job["job"].as_str().unwrap()))
                    .await;
            }
            assert!(started.elapsed() < PATIENCE, "{jobs}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stored(&self) -> u64 {
        let page = self.get("/entity/thing?limit=1&count=exact").await;
        page["total"].as_u64().unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.unwrap().success());
    }

    async fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A type, and a file of so many rows.
async fn ground(server: &Server, rows: usize) -> String {
    let thing = json!({"name": "thing", "fields": {"n": {"type": "integer", "unique": true}, "t": {"type": "text", "indexed": true}}});
    server
        .send(
            "POST",
            "/entityType",
            "application/json",
            &thing.to_string(),
        )
        .await;
    let mut file = String::from("n,t\n");
    for number in 0..rows {
        writeln!(file, "{number},text {number}").unwrap();
    }
    file
}

fn sum(counts: &Value) -> u64 {
    ["created", "updated", "unchanged", "failed", "not_applied"]
        .iter()
        .map(|name| counts[name].as_u64().unwrap())
        .sum()
}

/// Kills a server in an upload when its job is as it should be; gives the job and the entities as the next server tells them.
async fn killed(query: &str, when: impl Fn(&Value) -> bool) -> (Value, u64) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let file = ground(&server, 20_000).await;
    let target = format!("/entity/thing/upload{query}");
    let upload = server.begin("POST", &target, "text/csv", &file).await;
    let job = server.job(when).await;
    assert_eq!(job["state"], "running");
    server.signal("-KILL");
    drop((upload, server));
    let server = Server::start(data.path()).await;
    let job = server.job(|_| true).await;
    let stored = server.stored().await;
    // The same file again finds nothing half done.
    let again = format!("/entity/thing/upload{query}");
    let join = if query.contains('?') { '&' } else { '?' };
    let report = server
        .send(
            "POST",
            &format!("{again}{join}mode=upsert&key=n"),
            "text/csv",
            &file,
        )
        .await;
    assert_eq!(report["counts"]["unchanged"], stored);
    assert_eq!(report["counts"]["created"], 20_000 - stored);
    (job, stored)
}

fn has_read(least: u64) -> impl Fn(&Value) -> bool {
    move |job| job["counts"]["read"].as_u64().unwrap() >= least
}

#[tokio::test]
async fn of_an_atomic_upload_that_was_killed_nothing_is_applied() {
    let (job, stored) = killed("", has_read(5_000)).await;
    assert_eq!(
        (&job["state"], &job["reason"]),
        (&json!("failed"), &json!("interrupted"))
    );
    assert_eq!(stored, 0);
    let counts = &job["counts"];
    assert_eq!(counts["read"], sum(counts));
    assert_eq!(counts["not_applied"], counts["read"]);
    assert!(!job["finished_at"].is_null());
}

#[tokio::test]
async fn of_another_upload_that_was_killed_as_much_is_reported_as_is_stored() {
    for least in [0, 10_000] {
        let (job, stored) = killed("?atomic=false", has_read(least)).await;
        assert_eq!(
            (&job["state"], &job["reason"]),
            (&json!("failed"), &json!("interrupted"))
        );
        let counts = &job["counts"];
        assert_eq!(counts["created"], stored, "{job}");
        assert_eq!(counts["read"], sum(counts));
        assert!(stored >= least);
    }
}

#[tokio::test]
async fn an_upload_whose_client_left_is_finished_before_the_server_ends() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let file = ground(&server, 20_000).await;
    let upload = server
        .begin("POST", "/entity/thing/upload", "text/csv", &file)
        .await;
    server.job(has_read(0)).await;
    drop(upload);
    server.signal("-TERM");
    assert_eq!(server.ended().await, Some(0));
    let server = Server::start(data.path()).await;
    let job = server.job(|_| true).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["counts"]["created"], 20_000);
    assert_eq!(server.stored().await, 20_000);
}

#[tokio::test]
async fn an_upload_that_a_second_signal_cuts_off_is_told_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let file = ground(&server, 20_000).await;
    let upload = server
        .begin("POST", "/entity/thing/upload", "text/csv", &file)
        .await;
    server.job(has_read(5_000)).await;
    server.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.signal("-TERM");
    assert_eq!(server.ended().await, Some(0));
    drop(upload);
    let server = Server::start(data.path()).await;
    let job = server.job(|_| true).await;
    assert_eq!(
        (&job["state"], &job["reason"]),
        (&json!("failed"), &json!("interrupted"))
    );
    assert_eq!(server.stored().await, 0);
}
