//! `registry download`.

use std::path::PathBuf;

use axum::{body::Body, http::Request};
use clap::Args;
use futures::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    CommandError, End,
    client::{Target, escape, problem, query, read},
    progress,
    upload::Format,
};

/// Downloads the entities of a type.
#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The type of the entities
    type_name: String,
    /// The format of the file
    #[arg(long, default_value = "csv")]
    format: Format,
    /// Only entities that match this expression
    #[arg(long)]
    filter: Option<String>,
    /// Where to write; standard output when left out
    #[arg(long)]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

impl Download {
    pub(super) async fn run(self) -> Result<End, CommandError> {
        let client = self.target.client().await?;
        let path = format!(
            "/entity/{}/download{}",
            escape(&self.type_name),
            query(&[
                ("format", Some(self.format.name())),
                ("filter", self.filter.as_deref()),
            ])
        );
        let request = Request::builder().uri(path).body(Body::empty())?;
        let answer = client.send(request).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(problem(status, &read(answer).await?));
        }
        match &self.output_file {
            None => copy(answer.into_body(), tokio::io::stdout()).await?,
            Some(file) => {
                let opened = tokio::fs::File::create(file)
                    .await
                    .map_err(|error| format!("{}: {error}", file.display()))?;
                copy(answer.into_body(), opened).await?;
            }
        }
        Ok(End::Done)
    }
}

async fn copy(body: Body, mut sink: impl AsyncWrite + Unpin) -> Result<(), CommandError> {
    let bar = progress::counting_bytes();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        // A download that breaks off ends in an error here: what was written is not whole.
        let chunk = chunk?;
        sink.write_all(&chunk).await?;
        bar.inc(chunk.len() as u64);
    }
    sink.flush().await?;
    bar.finish_and_clear();
    Ok(())
}
