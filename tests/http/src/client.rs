//! Sends requests and writes down what comes back.

use std::{fmt::Write, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use registry_server::http::{App, HttpSettings, Surface};
use serde_json::Value;

use crate::{Backend, CountingIds, StandingClock};

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

    /// A text in the body, by pointer.
    pub fn text(&self, pointer: &str) -> String {
        let json = self.json();
        json.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    }
}

impl Client {
    /// A client of a surface over an empty store, with small limits.
    pub async fn over(backend: &impl Backend) -> Self {
        let registry = backend
            .registry()
            .await
            .with_clock(Arc::new(StandingClock))
            .with_ids(Arc::new(CountingIds::default()));
        let settings = HttpSettings {
            max_body: 4 * 1024,
            max_upload: 64 * 1024,
            ..HttpSettings::default()
        };
        Self {
            surface: Surface::new(Arc::new(App::new(registry, settings))),
            transcript: String::new(),
        }
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
        let (parts, answer) = self.surface.answer(request).await.into_parts();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(answer, usize::MAX).await.unwrap().to_vec(),
        };
        assert_eq!(answer.headers["x-request-id"], "test");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cache-control"], "private, no-cache");
        self.write_down(method, target, headers, body, &answer);
        answer
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
