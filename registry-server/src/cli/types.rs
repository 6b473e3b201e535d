//! `registry type apply | list | show`.

use std::path::PathBuf;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    CommandError, End,
    client::{Client, Output, Target, escape, query},
};

/// Works on entity types.
#[derive(Debug, Args)]
pub(crate) struct Types {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring types to exactly these documents: JSON files with one type or a list of types each, in any order
    Apply {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        target: Target,
    },
    /// List all types
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Print the document of a type
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Types {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        match self.action {
            Action::Apply { files, target } => apply(&files, &target).await,
            Action::List { target } => list(&target).await,
            Action::Show { name, target } => show(&name, &target).await,
        }
    }
}

async fn apply(files: &[PathBuf], target: &Target) -> Result<End, CommandError> {
    let mut waiting = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let document: Value = registry_core::json::read(&bytes)
            .map_err(|fault| format!("{}: {}", file.display(), fault.problem.message))?;
        match document {
            Value::Array(documents) => waiting.extend(documents),
            document => waiting.push(document),
        }
    }
    let client = target.client().await?;
    let mut applied = Vec::new();
    // A type that links to one further on is refused at first and tried again once others are there.
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut refused = Vec::new();
        let mut last = None;
        for document in waiting {
            match put(&client, &document).await {
                Ok(written) => applied.push(written),
                Err(error) => {
                    last = Some(error);
                    refused.push(document);
                }
            }
        }
        if let Some(error) = last.filter(|_| refused.len() == before) {
            return Err(error);
        }
        waiting = refused;
    }
    match target.output {
        Output::Json => println!("{}", Value::Array(applied)),
        Output::Text => applied.iter().for_each(line),
    }
    Ok(End::Done)
}

async fn put(client: &Client, document: &Value) -> Result<Value, CommandError> {
    let name = document
        .get("name")
        .and_then(Value::as_str)
        .ok_or("a type document has no name")?;
    let target = format!("/entityType/{}", escape(name));
    client
        .json(Method::PUT, &target, Some(document))
        .await
        .map_err(|error| format!("{name}: {error}").into())
}

async fn list(target: &Target) -> Result<End, CommandError> {
    let client = target.client().await?;
    let mut types = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let path = format!(
            "/entityType{}",
            query(&[("limit", Some("1000")), ("cursor", cursor.as_deref())])
        );
        let mut page = client.json(Method::GET, &path, None).await?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            types.extend(items);
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    match target.output {
        Output::Json => println!("{}", json!(types)),
        Output::Text => types.iter().for_each(line),
    }
    Ok(End::Done)
}

async fn show(name: &str, target: &Target) -> Result<End, CommandError> {
    let client = target.client().await?;
    let path = format!("/entityType/{}", escape(name));
    let document = client.json(Method::GET, &path, None).await?;
    match target.output {
        Output::Json => println!("{document}"),
        Output::Text => println!("{document:#}"),
    }
    Ok(End::Done)
}

fn line(document: &Value) {
    let members = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len)
    };
    println!(
        "{}  version {}  {} fields  {} links",
        document.get("name").and_then(Value::as_str).unwrap_or("?"),
        document.get("version").unwrap_or(&Value::Null),
        members("fields"),
        members("links"),
    );
}
