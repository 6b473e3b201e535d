//! A server process on a free port, and requests to it.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Url};
use serde_json::Value;
use tempfile::TempDir;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// A server over a store of its own; it ends with the value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    client: Client,
    base: String,
    _data: TempDir,
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
    /// Starts one; over its own SQLite file when `store` is `None`.
    pub async fn start(store: Option<&str>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let log = data.path().join("log");
        let mut command = Command::new(binary());
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--data",
            ])
            .arg(data.path().join("data"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap());
        if let Some(store) = store {
            command.args(["--store", store]);
        }
        let mut process = command.spawn().unwrap();
        let started = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = text.split_once("\"address\":\"") {
                break rest.split('"').next().unwrap().to_owned();
            }
            let ended = process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START,
                "no server: {text}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Self {
            process,
            client: Client::new(),
            base: format!("http://{address}"),
            _data: data,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> (u16, Vec<u8>) {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some((media_type, bytes)) = body {
            request = request.header("content-type", media_type).body(bytes);
        }
        let answer = request.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.bytes().await.unwrap().to_vec(),
        )
    }

    async fn get(&self, path: &str, parameters: &[(&str, String)]) -> Vec<u8> {
        let url = Url::parse_with_params(&format!("{}{path}", self.base), parameters).unwrap();
        let answer = self.client.get(url).send().await.unwrap();
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap().to_vec();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            status.is_success(),
            "{path} {parameters:?}: {status} {text}"
        );
        bytes
    }

    /// Defines types.
    pub async fn define(&self, documents: &[Value]) {
        for document in documents {
            let body = Some(("application/json", document.to_string().into_bytes()));
            let (status, answer) = self.send(Method::POST, "/entityType", body).await;
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        }
    }

    /// Uploads a CSV file whose rows must all be taken.
    pub async fn upload(&self, name: &str, query: &str, file: Vec<u8>) -> Value {
        let (status, report) = self.upload_any(name, query, file).await;
        assert_eq!(status, 200, "{name}{query}: {report}");
        report
    }

    /// Uploads a CSV file.
    pub async fn upload_any(&self, name: &str, query: &str, file: Vec<u8>) -> (u16, Value) {
        let path = format!("/entity/{name}/upload{query}");
        let (status, answer) = self
            .send(Method::POST, &path, Some(("text/csv", file)))
            .await;
        (status, serde_json::from_slice(&answer).unwrap())
    }

    /// Downloads all entities of a type as CSV.
    pub async fn download(&self, name: &str) -> Vec<u8> {
        self.get(&format!("/entity/{name}/download"), &[]).await
    }

    /// Downloads all entities of a type in a format and uploads them as they came; gives the report.
    pub async fn send_back(&self, name: &str, format: &str, media_type: &str) -> Value {
        let format = [("format", format.to_owned())];
        let file = self.get(&format!("/entity/{name}/download"), &format).await;
        let path = format!("/entity/{name}/upload?mode=upsert");
        let body = Some((media_type, file));
        let (_, answer) = self.send(Method::POST, &path, body).await;
        serde_json::from_slice(&answer).unwrap()
    }

    /// How many entities of a type a filter finds.
    pub async fn total(&self, name: &str, filter: &str) -> usize {
        let parameters = [
            ("filter", filter.to_owned()),
            ("count", "exact".to_owned()),
            ("limit", "1".to_owned()),
        ];
        let answer = self.get(&format!("/entity/{name}"), &parameters).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        usize::try_from(answer["total"].as_u64().unwrap()).unwrap()
    }

    /// Every error of an upload.
    pub async fn errors(&self, job: &str) -> Vec<Value> {
        let bytes = self.get(&format!("/job/{job}/errors"), &[]).await;
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The values of a field in everything that a search finds, page by page; totals must agree.
    pub async fn found(
        &self,
        name: &str,
        field: &str,
        parameters: &[(&str, String)],
    ) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut items = 0;
        let mut cursor: Option<String> = None;
        loop {
            let mut all = parameters.to_vec();
            all.push(("select", field.to_owned()));
            all.push(("limit", "1000".to_owned()));
            all.push(("count", "exact".to_owned()));
            all.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: Value =
                serde_json::from_slice(&self.get(&format!("/entity/{name}"), &all).await).unwrap();
            for item in page["items"].as_array().unwrap() {
                items += 1;
                found.insert(match &item["fields"][field] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                assert_eq!(page["total"], items, "{parameters:?}");
                assert_eq!(
                    found.len(),
                    items,
                    "{parameters:?}: something was found twice"
                );
                return found;
            }
        }
    }

    /// The id of the entity with this key.
    pub async fn id(&self, name: &str, key: &str, value: &str) -> String {
        let bytes = self
            .get(&format!("/entity/{name}/by/{key}/{value}"), &[])
            .await;
        let entity: Value = serde_json::from_slice(&bytes).unwrap();
        entity["id"].as_str().unwrap().to_owned()
    }
}
