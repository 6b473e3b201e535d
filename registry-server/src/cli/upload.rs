//! `registry upload`.

use std::path::{Path, PathBuf};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use serde_json::Value;
use tokio_util::io::ReaderStream;

use super::{
    CommandError, End,
    client::{Output, Target, escape, problem, query, read},
    progress,
};

/// Uploads a file of entities. Exit code 3: done, but rows were rejected.
#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The type of the entities
    type_name: String,
    /// A CSV file, NDJSON or a JSON array; a name that ends in `.gz` is sent as it is, compressed
    file: PathBuf,
    /// What rows do
    #[arg(long)]
    mode: Option<Mode>,
    /// The key by which rows find their entity
    #[arg(long)]
    key: Option<String>,
    /// Whether one rejected row leaves every row out [default: true]
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    atomic: Option<bool>,
    /// Only check the rows
    #[arg(long)]
    dry_run: bool,
    /// The format, when the file's name does not tell
    #[arg(long)]
    format: Option<Format>,
    /// Another spelling for absent, beside the empty cell
    #[arg(long)]
    null: Option<String>,
    /// What stands between the cells of a CSV file
    #[arg(long)]
    delimiter: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// What rows do when their entity is there, or is not.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Create,
    Upsert,
    Update,
}

/// Formats of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Csv,
    Ndjson,
    Json,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    /// As the query string names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Upload {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        let name = self.file.to_string_lossy().into_owned();
        let plain = name.strip_suffix(".gz");
        let format = self
            .format
            .or_else(|| Format::of_name(plain.unwrap_or(&name)))
            .ok_or("the file's name does not tell its format; --format does")?;
        let client = self.target.client().await?;
        let mut request = Request::builder()
            .method("POST")
            .uri(self.path())
            .header(header::CONTENT_TYPE, format.media_type());
        if plain.is_some() {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        let body = self.body(&self.file).await?;
        let answer = client.send(request.body(body)?).await?;
        let status = answer.status();
        let bytes = read(answer).await?;
        let report: Result<Value, _> = serde_json::from_slice(&bytes);
        let counted = report.as_ref().is_ok_and(|one| one.get("counts").is_some());
        let refused = status == StatusCode::UNPROCESSABLE_ENTITY && counted;
        if !status.is_success() && !refused {
            return Err(problem(status, &bytes));
        }
        let report = report?;
        match self.target.output {
            Output::Json => println!("{report}"),
            Output::Text => print(&report),
        }
        let failed = report.pointer("/counts/failed").and_then(Value::as_u64);
        Ok(match failed {
            _ if refused => End::Failed,
            Some(0) | None => End::Done,
            Some(_) => End::Rejected,
        })
    }

    fn path(&self) -> String {
        let mode = self.mode.map(|mode| match mode {
            Mode::Create => "create",
            Mode::Upsert => "upsert",
            Mode::Update => "update",
        });
        let flag = |on: bool| if on { "true" } else { "false" };
        let pairs = query(&[
            ("mode", mode),
            ("key", self.key.as_deref()),
            ("atomic", self.atomic.map(flag)),
            ("dry_run", self.dry_run.then_some("true")),
            ("null", self.null.as_deref()),
            ("delimiter", self.delimiter.as_deref()),
        ]);
        format!("/entity/{}/upload{pairs}", escape(&self.type_name))
    }

    async fn body(&self, file: &Path) -> Result<Body, CommandError> {
        let opened = tokio::fs::File::open(file)
            .await
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let bar = progress::of_bytes(opened.metadata().await?.len());
        let stream = ReaderStream::with_capacity(opened, 256 * 1024).inspect_ok(move |chunk| {
            bar.inc(chunk.len() as u64);
            if bar.length() == Some(bar.position()) {
                bar.finish_with_message("sent");
            }
        });
        Ok(Body::from_stream(stream))
    }
}

fn print(report: &Value) {
    let text = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    if let Some(Value::Object(counts)) = report.get("counts") {
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        println!("{}", counts.join("  "));
    }
    let errors = report.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let column = text(error, "column");
        let place = if column.is_empty() {
            text(error, "pointer")
        } else {
            column
        };
        println!(
            "line {}  {}  {}  {}",
            text(error, "line"),
            place,
            text(error, "code"),
            text(error, "message")
        );
    }
    if report.get("errors_truncated") == Some(&Value::Bool(true)) {
        println!(
            "and more: GET /job/{}/errors has all of them",
            text(report, "job")
        );
    }
}
