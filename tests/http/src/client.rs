//! Sends requests and writes down what comes back.

use std::{fmt::Write, io, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, Request, StatusCode},
};
use bytes::Bytes;
use futures::stream;
use registry_core::service::Registry;
use registry_server::{
    http::{App, HttpSettings, Surface},
    serve,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Backend, CountingIds, Faults, Faulty, NamedCallers, StandingClock};

/// Headers that stand in every answer, or differ from run to run.
const UNSHOWN: [&str; 4] = [
    "x-content-type-options",
    "vary",
    "cache-control",
    "x-request-id",
];

/// A client with its transcript.
#[derive(Debug)]
pub struct Client {
    surface: Surface,
    faults: Faults,
    transcript: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The same, once it has what every answer has.
    fn check(self) -> Self {
        assert_eq!(self.headers["x-content-type-options"], "nosniff");
        assert_eq!(self.headers["cache-control"], "private, no-cache");
        assert_eq!(self.headers["vary"], "authorization");
        self
    }

    /// A text in the body, by pointer.
    pub fn text(&self, pointer: &str) -> String {
        let json = self.json();
        json.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    }
}

impl Client {
    /// A client of a surface over an empty store.
    pub async fn over(backend: &impl Backend, settings: HttpSettings) -> Self {
        let (store, jobs) = backend.open().await;
        let faults = Faults::default();
        let store = Arc::new(Faulty {
            store,
            faults: faults.clone(),
        });
        let registry = Registry::new(store, jobs)
            .with_clock(Arc::new(StandingClock))
            .with_ids(Arc::new(CountingIds::default()));
        let app = App::new(registry, settings).with_callers(Arc::new(NamedCallers));
        Self {
            surface: Surface::new(Arc::new(app)),
            faults,
            transcript: String::new(),
        }
    }

    /// What goes wrong in the store.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The application behind it.
    pub fn app(&self) -> &Arc<App> {
        self.surface.app()
    }

    /// A request with a JSON body.
    pub async fn json(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send(
            method,
            target,
            &[("content-type", "application/json")],
            &body,
        )
        .await
    }

    /// A request without a body.
    pub async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    /// Any request.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.send_bytes(method, target, headers, body.as_bytes())
            .await
    }

    /// Any request, of any bytes.
    pub async fn send_bytes(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("x-request-id", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let answer = self.answer(request).await;
        self.write_down(method, target, headers, body, &answer);
        answer
    }

    /// A request with a JSON body, made when the first slice of the next upload is done; its answer must be 200.
    pub fn meanwhile(&self, method: &str, target: &str, body: &Value) {
        let surface = self.surface.clone();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.faults.after_a_slice(async move {
            assert_eq!(surface.answer(request).await.status(), 200);
        });
    }

    /// A request whose body never ends.
    pub async fn send_endless(&mut self, method: &str, target: &str, media_type: &str) -> Answer {
        let headers = [("content-type", media_type)];
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("x-request-id", "test")
            .header("content-type", media_type)
            .body(Body::from_stream(stream::pending::<io::Result<Bytes>>()))
            .unwrap();
        let answer = self.answer(request).await;
        self.write_down(method, target, &headers, b"", &answer);
        answer
    }

    /// Bytes over a connection, until the server closes it.
    pub async fn raw(&mut self, request: &str) -> Answer {
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve::serve(listener, self.surface.clone()));
        let mut connection = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = connection.split();
        let mut bytes = Vec::new();
        // The server may close before it has read everything.
        let (_, read) = tokio::join!(
            writer.write_all(request.as_bytes()),
            reader.read_to_end(&mut bytes)
        );
        read.unwrap();
        server.abort();
        let answer = parse(&bytes);
        let line = request.lines().next().unwrap();
        self.write_down("RAW", line, &[], b"", &answer);
        answer
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, answer) = self.surface.answer(request).await.into_parts();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(answer, usize::MAX).await.unwrap().to_vec(),
        };
        assert_eq!(answer.headers["x-request-id"], "test");
        answer.check()
    }

    fn write_down(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        answer: &Answer,
    ) {
        let out = &mut self.transcript;
        writeln!(out, ">>> {method} {}", cut(&unnamed_cursor(target))).unwrap();
        for (name, value) in headers {
            if *value != "application/json" {
                writeln!(out, "{name}: {}", cut(value)).unwrap();
            }
        }
        match std::str::from_utf8(body) {
            Ok("") => {}
            Ok(text) => writeln!(out, "{}", cut(text)).unwrap(),
            Err(_) => writeln!(out, "[{} bytes]", body.len()).unwrap(),
        }
        writeln!(out, "<<< {}", answer.status.as_u16()).unwrap();
        let mut shown: Vec<(&str, String)> = answer
            .headers
            .iter()
            .filter(|(name, _)| !UNSHOWN.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap().to_owned()))
            .filter(|(name, value)| *name != "content-type" || value != "application/json")
            .collect();
        shown.sort();
        for (name, value) in shown {
            match name {
                // Made of the store's own epoch.
                "registry-position" => writeln!(out, "{name}: …").unwrap(),
                _ => writeln!(out, "{name}: {}", unnamed_cursor(&value)).unwrap(),
            }
        }
        let text = String::from_utf8(answer.body.clone()).unwrap();
        match serde_json::from_str::<Value>(&text) {
            Ok(mut json) => {
                if let Some(cursor) = json.get_mut("next_cursor").filter(|one| !one.is_null()) {
                    *cursor = "…".into();
                }
                writeln!(out, "{}\n", in_lines(&json)).unwrap();
            }
            Err(_) => writeln!(out, "{text}\n").unwrap(),
        }
    }

    /// Compares the transcript with the one that is kept.
    pub fn compare(self, name: &str) {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/src/snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, self.transcript);
        });
    }
}

/// An answer as it came over a connection; its request id, which must be in the body too, is taken for `test`.
fn parse(bytes: &[u8]) -> Answer {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        if !["date", "content-length"].contains(&name) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, value.parse().unwrap());
        }
    }
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(body.contains(id), "{text}");
    Answer {
        status: status.parse().unwrap(),
        body: body.replace(id, "test").into_bytes(),
        headers,
    }
    .check()
}

/// One line per member of the document, so that differences are short.
fn in_lines(json: &Value) -> String {
    let Value::Object(members) = json else {
        return json.to_string();
    };
    let mut text = String::from("{\n");
    for (name, value) in members {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                writeln!(text, "  {name:?}: [").unwrap();
                for item in items {
                    writeln!(text, "    {item}").unwrap();
                }
                text.push_str("  ]\n");
            }
            value => writeln!(text, "  {name:?}: {value}").unwrap(),
        }
    }
    text.push('}');
    text
}

/// Cursors are signed with the store's own secret.
fn unnamed_cursor(text: &str) -> String {
    match text.split_once("cursor=") {
        Some((before, after)) => {
            let end = after.find(['>', '&']).unwrap_or(after.len());
            format!("{before}cursor=…{}", &after[end..])
        }
        None => text.to_owned(),
    }
}

/// Long things are shown by their beginning and length.
fn cut(text: &str) -> String {
    if text.len() <= 1_000 {
        return text.to_owned();
    }
    let start: String = text.chars().take(60).collect();
    format!("{start}… ({} bytes)", text.len())
}
