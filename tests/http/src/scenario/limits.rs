//! Limits that take many entities, or large bodies, to reach.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;

use crate::{Client, Fault};

const CSV: (&str, &str) = ("content-type", "text/csv");

pub async fn run(client: &mut Client) {
    client
        .json(
            "POST",
            "/entityType",
            &json!({"name": "part", "fields": {"n": {"type": "integer", "unique": true}, "json": {"type": "json"}}, "links": {
                "whole": {"to": ["part"], "cardinality": "one", "inverse": "parts", "on_delete": "cascade"},
                "any": {"to": ["part"]}
            }}),
        )
        .await;
    // 10,000 parts of one whole: with it one too many for a delete.
    let mut file = String::from("n,whole.n\n0,\n");
    for number in 1..=10_000 {
        writeln!(file, "{number},0").unwrap();
    }
    let upload = "/entity/part/upload?key=n";
    let answer = client.send("POST", upload, &[CSV], &file).await;
    assert_eq!(answer.json()["counts"]["created"], 10_001);
    let whole = client.get("/entity/part/by/n/0?select=n").await.text("/id");
    client
        .send("DELETE", &format!("/entity/part/{whole}"), &[], "")
        .await;
    // 1,000 targets of a link, and one more.
    let page = client.get("/entity/part?select=n&limit=1000").await;
    let mut ids: Vec<String> = Vec::new();
    for item in page.json()["items"].as_array().unwrap() {
        ids.push(item["id"].as_str().unwrap().to_owned());
    }
    let last = client
        .get("/entity/part/by/n/5000?select=n")
        .await
        .text("/id");
    assert!(!ids.contains(&last));
    let holder = client
        .json("POST", "/entity/part", &json!({"links": {"any": ids}}))
        .await
        .text("/id");
    client
        .send(
            "PUT",
            &format!("/entity/part/{holder}/links/any/{last}"),
            &[],
            "",
        )
        .await;
    ids.push(last);
    client
        .json("POST", "/entity/part", &json!({"links": {"any": ids}}))
        .await;
    let row = json!({"links": {"any": ids}}).to_string();
    client
        .send(
            "POST",
            "/entity/part/upload?atomic=false",
            &[("content-type", "application/x-ndjson")],
            &row,
        )
        .await;
    // A record, an item and a line larger than one may be.
    let long = "x".repeat(1_100_000);
    let record = format!("n,json\n20001,\"{long}\"\n20002,\n");
    client
        .send("POST", "/entity/part/upload?atomic=false", &[CSV], &record)
        .await;
    let item = format!("{{\"fields\":{{\"json\":\"{long}\"}}}}\n{{}}");
    let ndjson = ("content-type", "application/x-ndjson");
    client
        .send("POST", "/entity/part/upload?atomic=false", &[ndjson], &item)
        .await;
    let array = ("content-type", "application/json");
    let endless = format!("[\"{}\"]", "x".repeat(9_000_000));
    client
        .send(
            "POST",
            "/entity/part/upload?atomic=false",
            &[array],
            &endless,
        )
        .await;
    // A small file that unpacks to a large one.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b'x'; 20 * 1024 * 1024]).unwrap();
    let packed = packed.finish().unwrap();
    client
        .send_bytes(
            "POST",
            upload,
            &[CSV, ("content-encoding", "gzip")],
            &packed,
        )
        .await;
    // The type changes when the first 5,000 rows are applied: what is left cannot be decided any more.
    let mut file = String::from("n\n");
    for number in 30_000..35_003 {
        writeln!(file, "{number}").unwrap();
    }
    let change = json!({"fields": {"new": {"type": "text"}}});
    client.meanwhile("PATCH", "/entityType/part", &change);
    let changed = client
        .send("POST", "/entity/part/upload?atomic=false", &[CSV], &file)
        .await;
    assert_eq!(changed.json()["counts"]["created"], 5_000);
    // As many types as there may be.
    client.faults().set(Some(Fault::FullCatalog));
    tokio::time::sleep(std::time::Duration::from_millis(550)).await;
    client
        .json("POST", "/entityType", &json!({"name": "one_more"}))
        .await;
    client.faults().set(None);
}
