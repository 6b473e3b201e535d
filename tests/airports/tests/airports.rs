//! The airports on every store: the whole files where they are (`tests/run --long` demands them), else the sample; on memory the sample.

use registry_airports_tests::{Files, Server, run};
use registry_postgres::testing::Database;

fn files() -> Files {
    let Some(files) = Files::whole() else {
        return Files::sample();
    };
    // The figures of a complete run.
    let airports = files.column("airport", "icao");
    let runways = files.rows("runway");
    let resolved = runways
        .iter()
        .filter(|row| airports.contains(&row["airport.icao"]))
        .count();
    let rows = |name| files.rows(name).len();
    assert_eq!(
        (
            rows("country"),
            rows("region"),
            airports.len(),
            resolved,
            runways.len() - resolved
        ),
        (249, 3_987, 28_291, 26_197, 21_987)
    );
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    run(&Server::start(Some("memory:")).await, &Files::sample()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    run(&Server::start(None).await, &files()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let database = Database::default();
    let url = database.url().await;
    run(&Server::start(Some(&url)).await, &files()).await;
}
