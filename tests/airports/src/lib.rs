//! The main job on real input: a server process, the airport files, and every answer compared with what a few lines over the CSV say.
//!
//! See `tests/airports.rs`, which runs it on each store.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test code: it fails by panicking"
)]

mod files;
mod server;

pub use files::Files;
pub use server::Server;

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Uploads everything, searches, downloads and uploads again.
pub async fn run(server: &Server, files: &Files) {
    server.define(&files.types()).await;
    for name in ["country", "region", "airport"] {
        let rows = files.rows(name).len();
        let report = server.upload(name, "", files.bytes(name)).await;
        assert_eq!(report["counts"], counts(rows, "created", rows, 0), "{name}");
    }
    runways(server, files).await;
    searches(server, files).await;
    again(server, files).await;
}

/// Counts of a report: so many rows, so many of them with one outcome, so many failed, and the rest not applied.
fn counts(read: usize, outcome: &str, done: usize, failed: usize) -> Value {
    let mut counts = json!({
        "read": read, "created": 0, "updated": 0, "unchanged": 0, "failed": failed, "not_applied": read - done - failed,
    });
    counts[outcome] = json!(done);
    counts
}

/// Runways without their airport are rejected, each with its line.
async fn runways(server: &Server, files: &Files) {
    let airports = files.column("airport", "icao");
    let lines: Vec<u64> = files
        .rows("runway")
        .iter()
        .zip(2..)
        .filter(|(row, _)| !airports.contains(&row["airport.icao"]))
        .map(|(_, line)| line)
        .collect();
    let (read, failed) = (files.rows("runway").len(), lines.len());
    let good = read - failed;
    for (query, status, outcome) in [("?atomic=true", 422, 0), ("?atomic=false", 200, good)] {
        let (answered, report) = server
            .upload_any("runway", query, files.bytes("runway"))
            .await;
        assert_eq!(answered, status, "{report}");
        assert_eq!(report["counts"], counts(read, "created", outcome, failed));
        assert_eq!(
            report["error_counts"],
            json!({"link_target_not_found": failed})
        );
        assert_eq!(report["errors_truncated"], failed > 1_000);
        let shown = report["errors"].as_array().unwrap();
        assert_eq!(shown.len(), failed.min(1_000));
        let errors = server.errors(report["job"].as_str().unwrap()).await;
        assert_eq!(shown[..], errors[..shown.len()]);
        let told: Vec<u64> = errors
            .iter()
            .map(|one| one["line"].as_u64().unwrap())
            .collect();
        assert_eq!(told, lines);
        for error in &errors {
            assert_eq!(error["code"], "link_target_not_found");
            assert_eq!(error["column"], "airport.icao");
        }
        assert_eq!(
            server.found("runway", "source_id", &[]).await.len(),
            outcome
        );
    }
}

/// The searches agree with the files.
async fn searches(server: &Server, files: &Files) {
    let airports = files.rows("airport");
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let icao = |keep: &dyn Fn(&files::Row) -> bool| -> BTreeSet<String> {
        let kept = airports.iter().filter(|row| keep(row));
        kept.map(|row| row["icao"].clone()).collect()
    };
    let european: BTreeSet<String> = files
        .rows("country")
        .iter()
        .filter(|row| row["continent"] == "EU")
        .map(|row| row["code"].clone())
        .collect();
    let long: BTreeSet<String> = files
        .rows("runway")
        .iter()
        .filter(|row| number(&row["length_ft"]) >= 12_000.0)
        .map(|row| row["airport.icao"].clone())
        .collect();
    let high = "country.continent = \"EU\" AND elevation > 5000";
    let cases = [
        (
            vec![("filter", high.to_owned())],
            icao(&|row| {
                european.contains(&row["country.code"]) && number(&row["elevation"]) > 5_000.0
            }),
        ),
        (
            vec![("filter", "runways.length_ft >= 12000".to_owned())],
            icao(&|row| long.contains(&row["icao"])),
        ),
        (
            vec![("fields", "city=\"London\",elevation>100".to_owned())],
            icao(&|row| row["city"] == "London" && number(&row["elevation"]) > 100.0),
        ),
        (
            vec![("links", server.id("country", "code", "FR").await)],
            icao(&|row| row["country.code"] == "FR"),
        ),
        (
            vec![(
                "links",
                format!("country:{}", server.id("country", "code", "IS").await),
            )],
            icao(&|row| row["country.code"] == "IS"),
        ),
        (
            vec![
                (
                    "filter",
                    "NOT iata IS NULL AND tz STARTS WITH \"Europe/\"".to_owned(),
                ),
                ("sort", "-elevation".to_owned()),
            ],
            icao(&|row| !row["iata"].is_empty() && row["tz"].starts_with("Europe/")),
        ),
    ];
    for (parameters, expected) in cases {
        assert!(
            !expected.is_empty(),
            "{parameters:?} finds nothing: no test"
        );
        let found = server.found("airport", "icao", &parameters).await;
        assert_eq!(found, expected, "{parameters:?}");
    }
    // A count looks at every airport, and must not look at every runway for each.
    let paved = |row: &&files::Row| row["surface"] == "ASP";
    let all = files.rows("runway");
    let paved: BTreeSet<&String> = all
        .iter()
        .filter(paved)
        .map(|row| &row["airport.icao"])
        .collect();
    let counted = icao(&|row| paved.contains(&row["icao"])).len();
    let total = server.total("airport", "runways.surface = \"ASP\"").await;
    assert_eq!(total, counted);
    let france = server.id("country", "code", "FR").await;
    let regions = files.rows("region").into_iter();
    let expected = regions.filter(|row| row["country.code"] == "FR");
    assert_eq!(
        server.found("region", "code", &[("links", france)]).await,
        expected
            .map(|mut row| row.remove("code").unwrap())
            .collect()
    );
}

/// What is there already stays as it is.
async fn again(server: &Server, files: &Files) {
    let rows = files.rows("airport").len();
    let unchanged = counts(rows, "unchanged", rows, 0);
    let report = server
        .upload("airport", "?mode=upsert&key=icao", files.bytes("airport"))
        .await;
    assert_eq!(report["counts"], unchanged);
    let before = server.download("airport").await;
    for query in ["?mode=upsert", "?mode=update", "?mode=upsert&key=icao"] {
        let report = server.upload("airport", query, before.clone()).await;
        assert_eq!(report["counts"], unchanged, "{query}");
    }
    assert!(
        before == server.download("airport").await,
        "the download changed"
    );
    // Their coordinates are floats of single precision: many lie halfway between two decimals of 17 digits.
    let runways = server.found("runway", "source_id", &[]).await.len();
    for (format, media_type) in [
        ("ndjson", "application/x-ndjson"),
        ("json", "application/json"),
    ] {
        let report = server.send_back("runway", format, media_type).await;
        let expected = counts(runways, "unchanged", runways, 0);
        assert_eq!(report["counts"], expected, "{format}: {report}");
    }
}
