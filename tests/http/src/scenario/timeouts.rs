//! Requests that take too long.

use serde_json::json;

use crate::{Client, Fault};

pub async fn run(client: &mut Client) {
    client
        .send_endless("POST", "/entityType", "application/json")
        .await;
    client
        .send_endless("DELETE", "/entityType/thing", "application/json")
        .await;
    client.faults().set(Some(Fault::Hangs));
    client.get("/entityType").await;
    client
        .json("POST", "/entityType", &json!({"name": "thing"}))
        .await;
    client.faults().set(None);
}
