//! More requests than may be at work.

use serde_json::json;

use crate::Client;

pub async fn run(client: &mut Client) {
    client.get("/entityType").await;
    client
        .json("POST", "/entityType", &json!({"name": "thing"}))
        .await;
    client.get("/health/live").await;
}
