//! The command line: one file per command. Every flag is also an environment variable; flags win.

mod client;
mod download;
mod migrate;
mod progress;
mod search;
mod serve;
mod store;
mod types;
mod upload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry::{self, LogFormat};

/// A generic entity registry: define types, create, link, find and upload entities.
#[derive(Debug, Parser)]
#[command(name = "registry", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command the server runs.
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what happens without a command too)
    Serve(serve::Serve),
    /// Bring the store to this version's tables
    Migrate(migrate::Migrate),
    /// Define and show entity types
    Type(types::Types),
    /// Upload a file of entities
    Upload(upload::Upload),
    /// Download the entities of a type
    Download(download::Download),
    /// Find entities
    Search(search::Search),
}

/// What a command failed with.
pub(crate) type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// How a command ended; its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// 0
    Done,
    /// 1
    Failed,
    /// 3: done, but rows were rejected.
    Rejected,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Done => Self::SUCCESS,
            End::Failed => Self::FAILURE,
            End::Rejected => Self::from(3),
        }
    }
}

/// Runs a command to its end. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with rejected rows.
pub fn run(arguments: Arguments) -> ExitCode {
    let command = arguments.command.unwrap_or(Command::Serve(arguments.serve));
    if !matches!(command, Command::Serve(_)) {
        telemetry::start_logs("warn", LogFormat::Text);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("registry: {error}");
            return End::Failed.into();
        }
    };
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(command) => command.run().await,
            Command::Migrate(command) => command.run().await,
            Command::Type(command) => command.run().await,
            Command::Upload(command) => command.run().await,
            Command::Download(command) => command.run().await,
            Command::Search(command) => command.run().await,
        }
    });
    // Work that was given up must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match ended {
        Ok(end) => end.into(),
        Err(error) => {
            eprintln!("registry: {}", with_causes(&*error));
            End::Failed.into()
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_the_server_stand_with_and_without_its_name() {
        for line in [
            &["registry"][..],
            &["registry", "--listen", "127.0.0.1:1", "--store", "memory:"],
            &["registry", "serve", "--listen", "127.0.0.1:1"],
            &[
                "registry",
                "upload",
                "airport",
                "a.csv",
                "--atomic=false",
                "--dry-run",
            ],
            &[
                "registry", "type", "apply", "a.json", "b.json", "--url", "http://a",
            ],
        ] {
            assert!(Arguments::try_parse_from(line).is_ok(), "{line:?}");
        }
        for line in [
            &["registry", "--store", "mysql://a"][..],
            &["registry", "--listen", "127.0.0.1:1", "type", "list"],
            &[
                "registry", "type", "list", "--url", "http://a", "--store", "memory:",
            ],
            &["registry", "type", "apply"],
            &["registry", "search", "--index", "none"],
        ] {
            assert!(Arguments::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
