//! How fast the registry is, as ratios taken in one run: beside a bare axum server over the same driver, beside a loop that writes the same
//! rows from a ready-made file, and among many entities beside few. What exactly is compared stands in README.md.

mod bare;
mod client;
mod compare;
mod cpu;
mod data;
mod pages;
mod process;
mod report;
mod requests;
mod rows;
mod upload;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{compare::Plan, process::Store, report::Report};

/// Why nothing was measured.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Entities in the smaller store.
const FEW: u64 = 10_000;

/// Measures the registry's binary, which must lie beside this one.
#[derive(Debug, Parser)]
#[command(name = "registry-load", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Seconds that each side is driven in a round
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds of each comparison of requests
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Rounds of each comparison of uploads
    #[arg(long, default_value_t = 3)]
    upload_rounds: usize,
    /// Entities in the larger store, from 10000
    #[arg(long, default_value_t = 100_000)]
    entities: u64,
    /// The same as --entities 1000000 --upload-rounds 1
    #[arg(long)]
    long: bool,
    /// Which stores
    #[arg(long, default_value = "both")]
    store: Stores,
    /// What is measured
    #[arg(long, value_delimiter = ',', default_values = ["get", "create", "pages", "upload"])]
    only: Vec<Part>,
    /// Exit with 1 when a bar is missed
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bare server
    #[command(hide = true)]
    Bare {
        /// As the registry takes it
        #[arg(long)]
        store: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stores {
    Sqlite,
    Postgres,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// one entity is read
    Get,
    /// one entity is created
    Create,
    /// lists and searches among few and many
    Pages,
    /// whole files
    Upload,
}

/// A store's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let serving = arguments.command.is_some();
    // The client runs on one thread; the bare server on as many as the registry.
    let runtime = if serving {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let done = runtime.map_err(Failed::from).and_then(|runtime| {
        runtime.block_on(async {
            match &arguments.command {
                Some(Command::Bare { store }) => {
                    bare::serve(store).await.map(|()| ExitCode::SUCCESS)
                }
                None => measure(&arguments).await,
            }
        })
    });
    done.unwrap_or_else(|error| {
        eprintln!("registry-load: {error}");
        ExitCode::FAILURE
    })
}

async fn measure(arguments: &Arguments) -> Result<ExitCode, Failed> {
    if cfg!(debug_assertions) {
        eprintln!("registry-load: built without optimisation, the figures mean nothing");
    }
    let engines: &[Engine] = match arguments.store {
        Stores::Sqlite => &[Engine::Sqlite],
        Stores::Postgres => &[Engine::Postgres],
        Stores::Both => &[Engine::Sqlite, Engine::Postgres],
    };
    let mut missed = Vec::new();
    for engine in engines {
        println!("\n{engine:?}");
        Report::heading();
        let mut report = Report::default();
        measure_one(&mut report, arguments, *engine).await?;
        missed.extend(
            report
                .missed()
                .iter()
                .map(|one| format!("{engine:?}: {one}")),
        );
    }
    if missed.is_empty() {
        println!("\nevery bar is met");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nmissed:\n{}", missed.join("\n"));
    Ok(if arguments.check {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn measure_one(
    report: &mut Report,
    arguments: &Arguments,
    engine: Engine,
) -> Result<(), Failed> {
    let (entities, upload_rounds) = if arguments.long {
        (1_000_000, 1)
    } else {
        (arguments.entities.max(FEW), arguments.upload_rounds.max(1))
    };
    let plan = Plan {
        rounds: arguments.rounds.max(1),
        time: Duration::from_secs_f64(arguments.seconds),
    };
    let wants = |part| arguments.only.contains(&part);
    let folder = tempfile::tempdir()?;
    let few_file = upload::file(folder.path(), FEW)?;
    let few_store = Store::new(engine).await?;
    let few = upload::prepared(&few_store).await?;
    upload::upload(&few, &few_file, FEW).await?;
    if wants(Part::Upload) || wants(Part::Pages) {
        let file = upload::file(folder.path(), entities)?;
        let (many_store, many) = if wants(Part::Upload) {
            upload::measure(report, engine, &file, entities, upload_rounds).await?
        } else {
            let store = Store::new(engine).await?;
            let server = upload::prepared(&store).await?;
            upload::upload(&server, &file, entities).await?;
            (store, server)
        };
        if wants(Part::Pages) {
            pages::measure(report, plan, [&few, &many], (FEW, entities)).await?;
        }
        drop(many);
        many_store.remove().await?;
    }
    if wants(Part::Get) || wants(Part::Create) {
        let mut countries = Vec::new();
        pages::Walk::new("/entity/country", "select=code")
            .each(&few, |items, _| {
                let items = items.iter().filter_map(|item| item["id"].as_str());
                countries.extend(items.map(str::to_owned));
            })
            .await?;
        let parts = [Part::Get, Part::Create].map(wants);
        requests::measure(report, plan, engine, &few, &countries, parts).await?;
    }
    drop(few);
    few_store.remove().await
}
