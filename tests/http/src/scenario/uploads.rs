//! Uploads of every format.

use super::ground;
use crate::Client;

const CSV: (&str, &str) = ("content-type", "text/csv");

pub async fn run(client: &mut Client) {
    ground(client).await;
    let path = "/entity/airport/upload";
    let good = "icao,elevation,country.code\nLFPG,392,FR\nBIRK,48,IS\n";
    let bad = "icao,elevation,country.code\nLFPO,x,FR\nEDDF,364,DE\nLFML,74,FR\n";
    client.send("POST", path, &[CSV], good).await;
    client
        .send(
            "POST",
            &format!("{path}?mode=upsert&key=icao"),
            &[CSV],
            good,
        )
        .await;
    client
        .send(
            "POST",
            &format!("{path}?dry_run=true&atomic=false"),
            &[CSV],
            bad,
        )
        .await;
    client.send("POST", path, &[CSV], bad).await;
    client
        .send("POST", &format!("{path}?atomic=false"), &[CSV], bad)
        .await;
    client.send("POST", path, &[("content-type", "application/x-ndjson")], "{\"fields\":{\"icao\":\"A\"}}\n{\"fields\":{\"icao\":\"B\"},\"links\":{\"country\":{\"code\":\"FR\"}}}\n").await;
    client
        .send(
            "POST",
            path,
            &[("content-type", "application/json")],
            "[{\"fields\":{\"icao\":\"C\"}}]",
        )
        .await;
    // Forms.
    let form = ("content-type", "multipart/form-data; boundary=b");
    let part = |name: &str, file: &str, body: &str| {
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n{body}\r\n"
        )
    };
    let whole = |parts: &[String]| parts.concat() + "--b--\r\n";
    client
        .send(
            "POST",
            path,
            &[form],
            &whole(&[part("file", "a.csv", "icao\nD\n")]),
        )
        .await;
    client
        .send(
            "POST",
            path,
            &[form],
            &whole(&[part("file", "a.exe", "icao\nE\n")]),
        )
        .await;
    client
        .send(
            "POST",
            path,
            &[form],
            &whole(&[part("other", "a.csv", "icao\nE\n")]),
        )
        .await;
    client
        .send(
            "POST",
            path,
            &[form],
            &whole(&[
                part("file", "a.csv", "icao\nE\n"),
                part("file", "b.csv", "icao\nF\n"),
            ]),
        )
        .await;
    client.send("POST", path, &[form], &whole(&[])).await;
    client
        .send("POST", path, &[form], &part("file", "a.csv", "icao\nE\n"))
        .await;
    client
        .send("POST", path, &[("content-type", "multipart/form-data")], "")
        .await;
    // Compressed: `icao\nG\n`.
    let packed = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 76, 78, 204, 231, 114, 231, 2, 0, 30, 167, 79, 152,
        7, 0, 0, 0,
    ];
    let gzip = ("content-encoding", "gzip");
    client.send_bytes("POST", path, &[CSV, gzip], &packed).await;
    client.send("POST", path, &[CSV, gzip], "icao\nG\n").await;
    client
        .send(
            "POST",
            path,
            &[CSV, gzip],
            "icao
G
",
        )
        .await;
    client
        .send_bytes("POST", path, &[CSV, gzip], &packed[..20])
        .await;
    client
        .send("POST", path, &[CSV, ("content-encoding", "br, gzip")], "")
        .await;
    // Files that cannot be read, and what else is refused before a row is.
    client
        .send("POST", path, &[("content-type", "text/plain")], "")
        .await;
    for body in ["", "icao,icao\n", "icao,zip\n", "icao\n\"A\n"] {
        client.send("POST", path, &[CSV], body).await;
    }
    for query in [
        "mode=x",
        "key=none",
        "atomic=x",
        "dry_run=x",
        "delimiter=xx",
        "what=1",
    ] {
        client
            .send("POST", &format!("{path}?{query}"), &[CSV], good)
            .await;
    }
    client
        .send(
            "POST",
            &format!("{path}?null=x"),
            &[("content-type", "application/json")],
            "[]",
        )
        .await;
    client
        .send("POST", "/entity/none/upload", &[CSV], good)
        .await;
    client
        .send("POST", path, &[CSV], &"x".repeat(64 * 1024 + 1))
        .await;
    client
        .send("POST", path, &[CSV, ("prefer", "respond-async")], good)
        .await;
    client.get("/entity/airport?select=icao&sort=icao").await;
}
