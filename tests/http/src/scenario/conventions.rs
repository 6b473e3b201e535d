//! What holds for every request: slashes, ids, tags, preferences, methods, media types, sizes.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    let (france, _) = ground(client).await;
    let path = format!("/entity/country/{france}");
    // A trailing slash means the same; type names match ignoring case.
    client.get(&format!("{path}/")).await;
    client.get(&format!("/entity/COUNTRY/{france}")).await;
    // Tags.
    let etag = client.get(&path).await.headers["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    client
        .send("GET", &path, &[("if-none-match", &etag)], "")
        .await;
    client
        .send("GET", &path, &[("if-none-match", "\"0-0\", W/\"1-1\"")], "")
        .await;
    let json_type = ("content-type", "application/json");
    let change = r#"{"fields":{"population":69}}"#;
    client
        .send("PATCH", &path, &[json_type, ("if-match", &etag)], change)
        .await;
    client
        .send("PATCH", &path, &[json_type, ("if-match", &etag)], change)
        .await;
    for bad in ["*", "W/\"1-1\"", "\"1-1\", \"2-1\"", "junk"] {
        client.send("DELETE", &path, &[("if-match", bad)], "").await;
    }
    // Preferences.
    let merge = ("content-type", "application/merge-patch+json");
    let change = r#"{"fields":{"population":70}}"#;
    client
        .send(
            "PATCH",
            &path,
            &[merge, ("prefer", "return=minimal")],
            change,
        )
        .await;
    client
        .send(
            "PATCH",
            &path,
            &[merge, ("prefer", "return=representation, x=y")],
            change,
        )
        .await;
    client
        .send(
            "PATCH",
            &path,
            &[merge, ("prefer", "respond-async")],
            change,
        )
        .await;
    client
        .send(
            "POST",
            "/entity/country",
            &[json_type, ("idempotency-key", "a")],
            "{}",
        )
        .await;
    // Methods, paths, media types.
    client.send("POST", "/health/live", &[], "").await;
    client.send("OPTIONS", &path, &[], "").await;
    client.send("DELETE", "/entity/search", &[], "").await;
    client.get("/").await;
    client.get("/entity").await;
    client.get("/entity//x").await;
    client
        .send("GET", &path, &[("accept", "text/csv")], "")
        .await;
    client
        .send(
            "GET",
            &path,
            &[("accept", "text/html, application/*;q=0.1")],
            "",
        )
        .await;
    for media_type in [
        "text/plain",
        "application/json; charset=utf-16",
        "application/merge-patch+json",
    ] {
        client
            .send(
                "POST",
                "/entity/country",
                &[("content-type", media_type)],
                "{}",
            )
            .await;
    }
    client.send("POST", "/entity/country", &[], "{}").await;
    let gzip = ("content-encoding", "gzip");
    client
        .send("POST", "/entity/country", &[json_type, gzip], "{}")
        .await;
    // Sizes.
    let large = json!({"fields": {"name": "x".repeat(70_000)}});
    client.json("POST", "/entity/country", &large).await;
    client
        .get(&format!("/entity/country?filter={}", "x".repeat(65_000)))
        .await;
    client
        .get(&format!("/entity/country?filter={}", "x".repeat(65_505)))
        .await;
    client
        .send("GET", &path, &[("x-large", &"x".repeat(17_000))], "")
        .await;
    // Bodies.
    for body in [
        "",
        "null",
        "[]",
        "1",
        "{}x",
        "\u{feff}{}",
        "{\"fields\":{},\"fields\":{}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{",
    ] {
        client
            .send("POST", "/entity/country", &[json_type], body)
            .await;
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(65), "]".repeat(65));
    client
        .send("POST", "/entity/country", &[json_type], &deep)
        .await;
    client
        .send_bytes("POST", "/entity/country", &[json_type], b"{\"a\":\"\xff\"}")
        .await;
    // A body where none belongs is not passed over.
    client.send("DELETE", &path, &[], "{}").await;
    client
        .send("PUT", &format!("{path}/links/airports/{france}"), &[], "{}")
        .await;
    client.send("GET", &path, &[], "x").await;
    // Parameters.
    for query in [
        "x=1",
        "limit=1&limit=2",
        "filter=%zz",
        "filter=%ff",
        "limit=0",
        "limit=1001",
        "limit=abc",
        "limit=1e3",
        "cursor=abc",
        "count=some",
        "q=x",
        "facets=x",
        "highlight=true",
        "wait_for=x",
        "version=1",
        "at=x",
    ] {
        client.get(&format!("/entity/country?{query}")).await;
    }
    client.get(&format!("{path}?limit=1")).await;
    client.get("/entity/country/%zz").await;
    client.get("/entity/country/not-an-id").await;
    client
        .send("POST", "/entity/country?x=1", &[json_type], "{}")
        .await;
    // What comes later says so.
    client.get(&format!("{path}/history")).await;
    client
        .send("POST", &format!("{path}/restore?version=1"), &[], "")
        .await;
    client.send("POST", "/batch", &[json_type], "{}").await;
    client.get("/change").await;
    client.get("/index").await;
    client.send("POST", "/index/check", &[], "").await;
    client.send("POST", "/index/rebuild", &[], "").await;
}
