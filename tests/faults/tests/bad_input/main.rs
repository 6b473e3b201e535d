//! Bad input, row by row of the catalogue of faults: each case is sent to three server processes, one on each store, and must be answered
//! alike, with its status, its code and its place. No answer is a 5xx or says anything of what is underneath, and no process ends.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests: a table of cases is one function"
)]

mod csv;
mod entities;
mod entity_types;
mod filters;
mod json_files;
mod links;
mod nesting;

use std::fmt::Write as _;

use registry_fault_tests::{Client, Server, Site};
use serde_json::Value;

/// Entities that the cases know by id.
const PLACE: &str = "00000000-0000-7000-8000-0000000000a1";
const OTHER_PLACE: &str = "00000000-0000-7000-8000-0000000000a2";
const THING: &str = "00000000-0000-7000-8000-0000000000b1";
const OTHER_THING: &str = "00000000-0000-7000-8000-0000000000b2";
const ABSENT: &str = "00000000-0000-7000-8000-0000000000ff";

/// What must not be in any answer: words of the engines, their tables and our sources.
const SECRETS: [&str; 12] = [
    "sqlstate",
    "sqlite",
    "sqlx",
    "postgres",
    "panicked",
    "unique_key",
    "field_value",
    "staging",
    "jsonb",
    "/tmp/",
    ".rs:",
    "pg_",
];

/// A request and what must come back.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    place: &'static str,
}

impl Case {
    fn new(name: impl Into<String>, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            status: 0,
            code: "",
            place: "",
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/json", body)
    }

    /// What comes back. The place is a pointer, `?parameter`, `line 3`, `column name`, `@offset`, or nothing to look for.
    fn is(mut self, status: u16, code: &'static str, place: &'static str) -> Self {
        (self.status, self.code, self.place) = (status, code, place);
        self
    }

    /// It is no bad input after all.
    fn succeeds(self, status: u16) -> Self {
        self.is(status, "", "")
    }
}

/// Sends every case to a server on each store and tells all that is not as it should be.
async fn check(types: &[Value], setup: Vec<Case>, cases: Vec<Case>) {
    let sites = [
        Site::over("memory:".to_owned()),
        Site::sqlite(),
        Site::postgres().await,
    ];
    let mut servers: Vec<Server> = Vec::new();
    for site in &sites {
        servers.push(site.start(0).await);
    }
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    for client in &clients {
        client.define(types).await;
    }
    let mut wrong = String::new();
    for case in setup.into_iter().chain(cases) {
        let mut answers = Vec::new();
        for (client, store) in clients.iter().zip(["memory", "SQLite", "PostgreSQL"]) {
            let answer = client
                .exchange(case.method, &case.path, &case.headers, case.body.clone())
                .await;
            match answer {
                Ok((status, media_type, text)) => {
                    if let Some(what) = judge(&case, status, &media_type, &text) {
                        let shown: String = text.chars().take(400).collect();
                        writeln!(
                            wrong,
                            "{} on {store}: {what}\n    {status} {shown}",
                            case.name
                        )
                        .unwrap();
                    }
                    answers.push((status, comparable(&text)));
                }
                Err(error) => writeln!(wrong, "{} on {store}: {error:?}", case.name).unwrap(),
            }
        }
        answers.dedup();
        if answers.len() > 1 {
            writeln!(wrong, "{}: the stores differ: {answers:#?}", case.name).unwrap();
        }
    }
    for server in &servers {
        let log = server.log();
        for line in log.lines().filter(|line| line.contains("panicked")) {
            writeln!(wrong, "{line}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What is wrong with an answer.
fn judge(case: &Case, status: u16, media_type: &str, text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if let Some(secret) = SECRETS.iter().find(|secret| lower.contains(**secret)) {
        return Some(format!("says {secret}"));
    }
    if status >= 500 {
        return Some("is a server error".to_owned());
    }
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    if status >= 400 {
        if media_type != "application/problem+json" {
            return Some(format!("is {media_type}"));
        }
        let members = [
            "type",
            "title",
            "status",
            "code",
            "detail",
            "errors",
            "request_id",
        ];
        if let Some(absent) = members.iter().find(|name| body.get(**name).is_none()) {
            return Some(format!("has no {absent}"));
        }
    }
    if status != case.status {
        return Some(format!("should be {} {}", case.status, case.code));
    }
    let errors = body["errors"].as_array();
    let errors = || errors.into_iter().flatten();
    let has_code = body["code"] == case.code || errors().any(|error| error["code"] == case.code);
    if !case.code.is_empty() && !has_code {
        return Some(format!("should be {}", case.code));
    }
    let place = case.place;
    let found = if let Some(offset) = place.strip_prefix('@') {
        body["offset"].as_u64() == offset.parse().ok()
    } else if let Some(parameter) = place.strip_prefix('?') {
        errors().any(|error| error["parameter"] == parameter)
    } else if let Some(line) = place.strip_prefix("line ") {
        errors()
            .any(|error| error["line"].as_u64() == line.parse().ok() && error["code"] == case.code)
    } else if let Some(column) = place.strip_prefix("column ") {
        errors().any(|error| error["column"] == column)
    } else {
        place.is_empty() || errors().any(|error| error["pointer"] == place)
    };
    (!found).then(|| format!("should name {place}"))
}

/// An answer without what every server makes for itself: ids, times, cursors.
fn comparable(text: &str) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    blank(&mut body);
    body.to_string()
}

fn blank(value: &mut Value) {
    const OWN: [&str; 4] = ["request_id", "created_at", "updated_at", "next_cursor"];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if OWN.contains(&name.as_str()) && member.is_string() {
                    *member = Value::Null;
                }
                blank(member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        // An id that no case chose.
        Value::String(text) if text.len() == 36 && text.starts_with("01") => *value = Value::Null,
        _ => {}
    }
}
