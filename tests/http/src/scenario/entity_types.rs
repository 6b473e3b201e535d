//! Types: define, read, list, describe, delete.

use serde_json::json;

use super::{airport, country};
use crate::Client;

pub async fn run(client: &mut Client) {
    client.json("POST", "/entityType", &airport()).await;
    let etag = client.json("POST", "/entityType", &country()).await.headers["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    client.json("POST", "/entityType", &country()).await;
    client.json("POST", "/entityType", &airport()).await;
    client.get("/entityType/Country").await;
    client
        .send(
            "GET",
            "/entityType/country",
            &[("if-none-match", &etag)],
            "",
        )
        .await;
    client.get("/entityType").await;
    client.get("/entityType?tag=geo&count=exact").await;
    let page = client.get("/entityType?limit=1").await;
    let cursor = page.text("/next_cursor");
    client
        .get(&format!("/entityType?limit=1&cursor={cursor}"))
        .await;
    client
        .get(&format!("/entityType?limit=1&tag=geo&cursor={cursor}"))
        .await;
    client.get("/entityType?count=about").await;
    client.get("/entityType/airport/schema").await;
    client.get("/entityType/none").await;
    client.get("/entityType/none/schema").await;
    client.json("POST", "/entityType", &json!({"name": "1x", "fields": {"a": {"type": "nothing"}, "and": {"type": "text"}}, "what": 1})).await;
    client
        .json("POST", "/entityType", &json!({"fields": 3}))
        .await;
    client
        .json("POST", "/entityType", &json!({"name": "search"}))
        .await;
    client
        .json(
            "POST",
            "/entityType",
            &json!({"name": "town", "links": {"in": {"to": ["nowhere"]}}}),
        )
        .await;
    client.json("POST", "/entityType", &json!({"name": "town", "links": {"country": {"to": ["country"], "inverse": "airports"}}})).await;
    client.send("DELETE", "/entityType/country", &[], "").await;
    client
        .send("DELETE", "/entityType?name=airport", &[], "")
        .await;
    client.send("DELETE", "/entityType/country", &[], "").await;
    client.send("DELETE", "/entityType/country", &[], "").await;
    client.send("DELETE", "/entityType", &[], "").await;
}
