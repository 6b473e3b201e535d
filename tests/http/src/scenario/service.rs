//! What the service tells about itself.

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    client.get("/health/live").await;
    client.get("/health/ready").await;
    client.get("/metrics").await;
    ground(client).await;
    let contract = client.get("/openapi.json").await;
    let etag = contract.headers["etag"].to_str().unwrap().to_owned();
    client
        .send("GET", "/openapi.json", &[("if-none-match", &etag)], "")
        .await;
    let page = client.get("/docs").await;
    assert!(
        !String::from_utf8(page.body).unwrap().contains("http"),
        "the page needs nothing from elsewhere"
    );
    client.app().leave();
    client.get("/health/ready").await;
    client.get("/health/live").await;
}
