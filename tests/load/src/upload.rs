//! Whole files: how fast they go in, and how much memory the server takes for it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Engine, Failed,
    client::{Connection, post_head},
    cpu::Processes,
    data::{COUNTRIES, HEADER, TYPES, countries, row},
    process::{Server, Store, migrate},
    report::{Bar, Report, median, range},
    rows,
};

/// Most memory that a server may take for an upload, in bytes.
const MEMORY: f64 = 256.0 * 1024.0 * 1024.0;

/// Writes a file of airports.
pub(crate) fn file(folder: &Path, count: u64) -> Result<PathBuf, Failed> {
    let path = folder.join(format!("{count}.csv"));
    let mut csv = HEADER.to_owned();
    for number in 0..count {
        row(&mut csv, number);
    }
    std::fs::write(&path, csv)?;
    Ok(path)
}

/// A registry with the types and countries.
pub(crate) async fn prepared(store: &Store) -> Result<Server, Failed> {
    let server = Server::registry(store).await?;
    let mut connection = Connection::open(&server.address).await?;
    for document in TYPES {
        let mut request = Vec::new();
        crate::client::post(&mut request, "/entityType", document);
        connection.json(&request, 201).await?;
    }
    let csv = countries();
    let mut request = Vec::new();
    post_head(
        &mut request,
        "/entity/country/upload",
        "text/csv",
        csv.len() as u64,
    );
    request.extend_from_slice(csv.as_bytes());
    taken(&connection.json(&request, 200).await?, COUNTRIES)?;
    Ok(server)
}

/// Uploads a file of airports.
pub(crate) async fn upload(server: &Server, path: &Path, count: u64) -> Result<Duration, Failed> {
    let mut connection = Connection::open(&server.address).await?;
    let started = Instant::now();
    let mut file = std::fs::File::open(path)?;
    let mut head = Vec::new();
    post_head(
        &mut head,
        "/entity/airport/upload",
        "text/csv",
        file.metadata()?.len(),
    );
    connection.send(&head).await?;
    let mut part = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut part)?;
        if length == 0 {
            break;
        }
        connection
            .send(part.get(..length).unwrap_or_default())
            .await?;
    }
    let answer = connection.answer().await?;
    let elapsed = started.elapsed();
    taken(&serde_json::from_slice(connection.body(answer))?, count)?;
    Ok(elapsed)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn taken(report: &Value, count: u64) -> Result<(), Failed> {
    if report["counts"]["created"] == count {
        Ok(())
    } else {
        Err(format!("not all rows were taken: {report}").into())
    }
}

/// Uploads a file again and again, each time into an empty store, by turns with the loop over ready-made rows; the last store, filled.
pub(crate) async fn measure(
    report: &mut Report,
    engine: Engine,
    path: &Path,
    count: u64,
    rounds: usize,
) -> Result<(Store, Server), Failed> {
    let folder = tempfile::tempdir()?;
    let amount = f64::from(u32::try_from(count)?);
    let rate = |time: &Duration| amount / time.as_secs_f64();
    let (mut ours, mut theirs, mut copied) = (Vec::new(), Vec::new(), Vec::new());
    let mut work = [Vec::new(), Vec::new()];
    let mut memory = 0;
    let mut last: Option<(Store, Server)> = None;
    for round in 0..rounds {
        if let Some((store, server)) = last.take() {
            drop(server);
            store.remove().await?;
        }
        let store = Store::new(engine).await?;
        let server = prepared(&store).await?;
        let used = server.processes.used();
        ours.push(rate(&upload(&server, path, count).await?));
        work[0].push(micros(server.processes.used().saturating_sub(used)) / amount);
        memory = memory.max(server.peak_memory()?);
        if round == 0 {
            rows::dump(engine, &store, folder.path()).await?;
        }
        last = Some((store, server));
        let beside = Store::new(engine).await?;
        migrate(&beside)?;
        let own = Processes {
            server: std::process::id(),
            postmaster: beside.postmaster,
        };
        let used = own.used();
        theirs.push(rate(&rows::write(engine, &beside, folder.path()).await?));
        work[1].push(micros(own.used().saturating_sub(used)) / amount);
        if engine == Engine::Postgres {
            copied.push(rate(&rows::copy(&beside, folder.path()).await?));
        }
        beside.remove().await?;
    }
    let work = work.map(median);
    let mut line = |what: &str, others: &[f64], bar, work| {
        let pairs = ours.iter().zip(others);
        report.line(
            what,
            [&ours[..], others].map(|rates| format!("{:.0} rows/s", median(rates.iter().copied()))),
            median(ours.iter().copied()) / median(others.iter().copied()),
            range(pairs.map(|(one, two)| one / two)),
            bar,
            work,
        );
    };
    line(
        &format!("upload of {count}, to a set-wise loop"),
        &theirs,
        Bar::Least(0.6),
        work,
    );
    if engine == Engine::Postgres {
        line(
            &format!("upload of {count}, to COPY, one table"),
            &copied,
            Bar::None,
            [0.0; 2],
        );
    }
    let used = f64::from(u32::try_from(memory / 1024)?) * 1024.0;
    let share = used / MEMORY;
    report.line(
        "peak memory of the server meanwhile",
        [used, MEMORY].map(|bytes| format!("{:.0} MiB", bytes / 1024.0 / 1024.0)),
        share,
        (share, share),
        Bar::Most(1.0),
        [0.0; 2],
    );
    last.ok_or_else(|| "no rounds".into())
}
