//! Downloads, and that uploading them again changes nothing.

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    ground(client).await;
    let path = "/entity/airport/download";
    let rows = "icao,elevation,country.code,name\nLFPG,392,FR,\"Paris, CDG\"\nBIRK,48,IS,=1+1\n";
    client
        .send(
            "POST",
            "/entity/airport/upload",
            &[("content-type", "text/csv")],
            rows,
        )
        .await;
    for query in [
        "",
        "?format=ndjson",
        "?format=json",
        "?spreadsheet=true",
        "?filter=elevation+%3E+100&select=icao",
        "?format=xml",
        "?limit=1",
        "?format=json&spreadsheet=true",
        "?filter=x",
    ] {
        client.get(&format!("{path}{query}")).await;
    }
    client
        .send("GET", path, &[("accept", "application/x-ndjson")], "")
        .await;
    client.get("/entity/none/download").await;
    for format in ["csv", "ndjson", "json"] {
        let file = client.get(&format!("{path}?format={format}")).await;
        let media_type = file.headers["content-type"].to_str().unwrap().to_owned();
        let again = client
            .send_bytes(
                "POST",
                "/entity/airport/upload?mode=upsert",
                &[("content-type", &media_type)],
                &file.body,
            )
            .await;
        assert_eq!(again.json()["counts"]["unchanged"], 2);
    }
}
