//! Requests, and the types that the tests work on.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A client with connections of its own; clones share them.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `Retry-After`, when there was one.
    pub retry_after: Option<String>,
    /// Its body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The code of a problem, else nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A refusal under load must be a plain one: 503 with the time to come back, or the word that nobody knows. Whether it is either.
    pub fn is_failure(&self) -> bool {
        match (self.status, self.code()) {
            (503, _) => {
                assert!(self.retry_after.is_some(), "{self:?}");
                true
            }
            (500, "unknown_outcome") => true,
            (status, _) => {
                assert!(status < 500, "{self:?}");
                false
            }
        }
    }
}

/// Statuses and codes of answers, in order.
pub fn code(answers: &[Answer]) -> Vec<(u16, String)> {
    let mut codes: Vec<(u16, String)> = answers
        .iter()
        .map(|one| (one.status, one.code().to_owned()))
        .collect();
    codes.sort();
    codes
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(35))
                .build()
                .unwrap(),
            base: format!("http://{address}"),
        }
    }

    /// Sends a request; an error means that no whole answer came.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, reqwest::Error> {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some((media_type, bytes)) = body {
            request = request.header("content-type", media_type).body(bytes);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.map(|text| text.to_str().unwrap().to_owned());
        let bytes = answer.bytes().await?;
        Ok(Answer {
            status,
            retry_after,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }

    /// Sends a request with these headers; status, media type and text of the answer.
    pub async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<(u16, String, String), reqwest::Error> {
        if path.len() > 60_000 {
            return Ok(self.line(method, path).await);
        }
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let media_type = answer.headers().get("content-type");
        let media_type = media_type
            .map_or("", |text| text.to_str().unwrap())
            .to_owned();
        Ok((status, media_type, answer.text().await?))
    }

    /// Sends a request line that is longer than the HTTP library makes one.
    async fn line(&self, method: &str, path: &str) -> (u16, String, String) {
        let address = self.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        // The server may close before it has read everything.
        let (_, read) = tokio::join!(
            writer.write_all(request.as_bytes()),
            reader.read_to_string(&mut answer)
        );
        read.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.get(9..12).unwrap().parse().unwrap();
        let media_type = head
            .lines()
            .find_map(|line| line.strip_prefix("content-type: "));
        (
            status,
            media_type.unwrap_or_default().to_owned(),
            body.to_owned(),
        )
    }

    /// Sends JSON.
    pub async fn json(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, reqwest::Error> {
        let body = body.to_string().into_bytes();
        self.send(method, path, Some(("application/json", body)))
            .await
    }

    /// Sends JSON and must be answered with this status.
    pub async fn must(&self, status: u16, method: &str, path: &str, body: &Value) -> Answer {
        let answer = self.json(method, path, body).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer
    }

    /// Reads something that must be there.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, None).await.unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Defines types.
    pub async fn define(&self, documents: &[Value]) {
        for document in documents {
            self.must(201, "POST", "/entityType", document).await;
        }
    }
}

/// Places, and things that have a home among them and are each other's peers.
pub fn thing_types() -> [Value; 2] {
    [
        json!({"name": "place", "fields": {"name": {"type": "text", "unique": true}}}),
        json!({
            "name": "thing",
            "fields": {
                "code": {"type": "text", "required": true, "unique": true},
                "count": {"type": "integer", "indexed": true},
                "tags": {"type": "text", "list": true, "indexed": true},
            },
            "links": {
                "home": {"to": ["place"], "cardinality": "one", "inverse": "things"},
                "peers": {"to": ["thing"], "inverse": "peers"},
            },
        }),
    ]
}

/// A thing with a code, as it is sent.
pub fn thing(code: &str) -> Value {
    json!({"fields": {"code": code}})
}
