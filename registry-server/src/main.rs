//! The binary `registry`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    registry_server::cli::run(registry_server::cli::Arguments::parse())
}
